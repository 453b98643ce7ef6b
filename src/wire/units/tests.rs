use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

fn packet() -> Packet {
    let own = Capabilities { contexts: 10, strong_encryption: true, carrier: false };
    Packet {
        group: "fover".to_owned(),
        key: fingerprint(b"secret"),
        serial: "FCH12345ABC".to_owned(),
        body: Body::Hello(Hello {
            unit: Unit::Primary,
            state: PairState::Active,
            release: "9.14(1)".to_owned(),
            slot: 1,
            module: "FPR4K-SM-32S".to_owned(),
            yields: false,
            claims: false,
            own,
            shared: Some(Capabilities { contexts: 20, ..own }),
            fingerprint: 1,
        }),
    }
}

#[test]
fn a_packet_comes_back_and_a_frame_too() {
    let bytes = packet().encode().unwrap();
    assert_eq!(Packet::decode(&bytes), Ok(packet()));
    let wire = frame([2, 0, 0, 0, 0, 1], "Ethernet1/4", &bytes);
    assert_eq!(unframe(&wire), Some(("Ethernet1/4", &*bytes)));
    assert!(wire.len() <= 1514, "fits the lab's wires");
}

#[test]
fn what_is_no_packet_is_refused_by_name() {
    let bytes = packet().encode().unwrap();
    let edited = |at: usize, byte: u8| {
        let mut bytes = bytes.clone();
        bytes[at] = byte;
        bytes
    };
    assert_eq!(Packet::decode(&edited(0, b'X')), Err(PacketError::Magic));
    assert_eq!(Packet::decode(&edited(4, 9)), Err(PacketError::Version { got: 9 }));
    assert!(matches!(Packet::decode(&bytes[..bytes.len() - 1]), Err(PacketError::Body(_))));
    assert_eq!(Packet::decode(b"VFUN"), Err(PacketError::Magic));
    let long = vec![b'V'; PACKET_MAX + 1];
    assert_eq!(Packet::decode(&long), Err(PacketError::Oversized { len: PACKET_MAX + 1 }));
    assert_eq!(unframe(&[0xff; 14]), None, "somebody else's frame");
    let mut long = packet();
    long.group = "x".repeat(PACKET_MAX);
    assert_eq!(long.encode(), None);
}

proptest! {
    #[test]
    fn any_bytes_are_a_packet_or_an_error(bytes in vec(any::<u8>(), 0..300)) {
        let _ = Packet::decode(&bytes);
        let _ = unframe(&bytes);
        let mut wrapped = b"VFUN\x01".to_vec();
        wrapped.extend(&bytes);
        prop_assert!(Packet::decode(&wrapped).is_err());
    }

    #[test]
    fn a_packet_with_a_changed_byte_never_panics(at in 0_usize..400, byte in any::<u8>()) {
        let mut bytes = packet().encode().unwrap();
        let at = at % bytes.len();
        bytes[at] = byte;
        let _ = Packet::decode(&bytes);
    }
}
