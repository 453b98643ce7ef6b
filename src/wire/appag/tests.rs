#![allow(clippy::wildcard_enum_match_arm)]

use proptest::collection::vec;
use proptest::prelude::*;

use crate::base::enforcement::Mode;
use crate::base::ident::{Handle, Slot, Tag};
use crate::base::time::Utc;

use super::*;
use crate::wire::units::{Bootstrap, Standing};

#[test]
fn a_frame_is_what_the_picture_says() {
    let mut encoder = Encoder::default();
    encoder.encode(&Message::ConsoleClosed);
    let frame = encoder.encode(&Message::Release { handle: Handle(0x0102) });
    assert_eq!(frame, b"VFAG\x02\x05\x00\x00\x00\x01\x00\x00\x00\x04\x00\x00\x01\x02");
}

#[test]
fn every_kind_has_its_own_number_and_comes_back() {
    let (mut encoder, mut decoder) = (Encoder::default(), Decoder::default());
    let mut kinds = Vec::new();
    for message in one_of_each() {
        decoder.push(&encoder.encode(&message));
        kinds.push(message.kind());
        assert_eq!(decoder.pull(), Ok(Some(message)));
        assert_eq!(decoder.pull(), Ok(None));
    }
    assert_eq!(kinds, Message::KINDS.collect::<Vec<_>>());
}

#[test]
fn each_fault_has_its_name_and_sticks() {
    let good = |edit: fn(&mut Vec<u8>)| {
        let tier = tier();
        let mut frame =
            Encoder::default().encode(&Message::Request { handle: Handle(1), tag: tier, count: 1 });
        edit(&mut frame);
        frame
    };
    let table: [(Vec<u8>, FrameError); 10] = [
        (b"GET / HTTP/1.1".to_vec(), FrameError::Magic),
        (b"V!".to_vec(), FrameError::Magic),
        (b"VFAG\x03".to_vec(), FrameError::Version { got: 3 }),
        (good(|f| f[5] = 99), FrameError::Kind { got: 99 }),
        (good(|f| f[5] = 0), FrameError::Kind { got: 0 }),
        (good(|f| f[9] = 7), FrameError::Sequence { expected: 0, got: 7 }),
        (good(|f| f[10] = 1), FrameError::Oversized { len: 0x0100_0065 }),
        (good(|f| f[13] = 3), FrameError::Body { kind: 4, at: 3 }),
        (good(|f| f[HEADER_LEN + 9] = 0xff), FrameError::Body { kind: 4, at: 8 }),
        // One byte more than the text says is one too many.
        (good(|f| f[HEADER_LEN + 8] -= 1), FrameError::Body { kind: 4, at: 100 }),
    ];
    for (bytes, want) in table {
        let mut decoder = Decoder::default();
        decoder.push(&bytes);
        assert_eq!(decoder.pull(), Err(want));
        decoder.push(&Encoder::default().encode(&Message::ConsoleClosed));
        assert_eq!(decoder.pull(), Err(want), "a good frame does not mend a broken stream");
    }
}

#[test]
fn a_truncated_frame_is_not_yet_a_frame() {
    for message in one_of_each() {
        let frame = Encoder::default().encode(&message);
        for cut in 0..frame.len() {
            let mut decoder = Decoder::default();
            decoder.push(&frame[..cut]);
            assert_eq!(decoder.pull(), Ok(None), "{} cut to {cut}", message.name());
            decoder.push(&frame[cut..]);
            assert_eq!(decoder.pull().map(|m| m.is_some()), Ok(true));
        }
    }
}

#[test]
fn what_the_decoder_keeps_is_bounded() {
    let mut decoder = Decoder::default();
    let chunk = Message::ConsoleIn { serial: 1, bytes: vec![b'x'; CONSOLE_CHUNK_MAX] };
    let mut encoder = Encoder::default();
    let frame = encoder.encode(&chunk);
    assert!(frame.len() <= HEADER_LEN + BODY_MAX);
    for n in 0..100 {
        let frame = if n == 0 { frame.clone() } else { encoder.encode(&chunk) };
        decoder.push(&frame[..frame.len() - 1]);
        assert_eq!(decoder.pull(), Ok(None));
        assert!(decoder.pending() < HEADER_LEN + BODY_MAX);
        decoder.push(&frame[frame.len() - 1..]);
        assert!(decoder.pull().unwrap().is_some());
        assert_eq!(decoder.pending(), 0);
    }
}

#[test]
fn a_text_too_long_is_cut_where_a_character_ends() {
    let hostname = format!("{}é", "x".repeat(message::TEXT_MAX - 1));
    let mut decoder = Decoder::default();
    let welcome = Welcome { hostname, ..welcome() };
    decoder.push(&Encoder::default().encode(&Message::Welcome(welcome)));
    let Ok(Some(Message::Welcome(got))) = decoder.pull() else { panic!("not a welcome") };
    assert_eq!(got.hostname, "x".repeat(message::TEXT_MAX - 1));
}

proptest! {
    #[test]
    fn any_bytes_end_in_messages_an_error_or_a_wait(bytes in vec(any::<u8>(), 0..400)) {
        let mut decoder = Decoder::default();
        decoder.push(&bytes);
        while let Ok(Some(_)) = decoder.pull() {}
    }

    #[test]
    fn any_body_behind_a_good_header_is_taken_or_refused(
        kind in Message::KINDS,
        body in vec(any::<u8>(), 0..200),
    ) {
        let mut frame = b"VFAG\x02".to_vec();
        frame.push(kind);
        frame.extend([0; 4]);
        frame.extend(u32::try_from(body.len()).unwrap().to_be_bytes());
        frame.extend(&body);
        let mut decoder = Decoder::default();
        decoder.push(&frame);
        match decoder.pull() {
            // What is taken has one encoding only, so nothing in the body went unread.
            Ok(Some(message)) => prop_assert_eq!(Encoder::default().encode(&message), frame),
            Ok(None) => prop_assert!(false, "a whole frame left waiting"),
            Err(FrameError::Body { at, .. }) => prop_assert!(at <= body.len()),
            Err(other) => prop_assert!(false, "{other}"),
        }
    }

    #[test]
    fn pieces_do_not_matter(
        picks in vec(0..19_usize, 1..12),
        damage in proptest::option::of((any::<proptest::sample::Index>(), 1..=255_u8)),
        cuts in vec(1..40_usize, 1..40),
    ) {
        let mut encoder = Encoder::default();
        let all = one_of_each();
        let mut stream: Vec<u8> =
            picks.iter().flat_map(|pick| encoder.encode(&all[*pick])).collect();
        if let Some((at, flip)) = damage {
            let at = at.index(stream.len());
            stream[at] ^= flip;
        }
        let at_once = run([stream.as_slice()]);
        let mut pieces = Vec::new();
        let mut rest = stream.as_slice();
        for cut in cuts.iter().cycle() {
            if rest.is_empty() {
                break;
            }
            let (piece, after) = rest.split_at((*cut).min(rest.len()));
            pieces.push(piece);
            rest = after;
        }
        prop_assert_eq!(run(pieces), at_once);
    }

    #[test]
    fn what_goes_in_comes_out(
        serial in any::<u32>(),
        settled in proptest::option::of(any::<u32>()),
        bytes in vec(any::<u8>(), 0..2000),
        text in "[ -~é]{0,80}",
        count in any::<u32>(),
    ) {
        let messages = [
            Message::ConsoleIn { serial, bytes: bytes.clone() },
            Message::ConsoleOut { bytes, settled },
            Message::Hello(Hello { serial: text.clone(), module: text.clone(), ..hello() }),
            Message::Welcome(Welcome { hostname: text, rate_milli: count, ..welcome() }),
            Message::Request { handle: Handle(serial), tag: tier(), count },
        ];
        let (mut encoder, mut decoder) = (Encoder::default(), Decoder::default());
        for message in messages {
            decoder.push(&encoder.encode(&message));
            prop_assert_eq!(decoder.pull(), Ok(Some(message)));
        }
    }
}

/// Feeds the pieces and returns what came out, with the error that ended it.
fn run<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> (Vec<Message>, Option<FrameError>) {
    let mut decoder = Decoder::default();
    let mut messages = Vec::new();
    for piece in pieces {
        decoder.push(piece);
        loop {
            match decoder.pull() {
                Ok(Some(message)) => messages.push(message),
                Ok(None) => break,
                Err(error) => return (messages, Some(error)),
            }
        }
    }
    (messages, None)
}

fn tier() -> Tag {
    Tag::parse(crate::base::entitlement::CATALOGUE[0].tag).unwrap()
}

fn hello() -> Hello {
    Hello {
        role: Role::Console,
        slot: Slot::new(1).unwrap(),
        serial: "FCH12345ABC".to_owned(),
        module: "FPR4K-SM-32S".to_owned(),
        release: "9.14(1)".to_owned(),
    }
}

fn welcome() -> Welcome {
    Welcome {
        wall: Utc::from_civil(2020, 8, 4, 7, 58, 13),
        rate_milli: 1000,
        model: "FPR-4125".to_owned(),
        hostname: "FPR4125-1".to_owned(),
        export_controlled: true,
        registered: false,
        next_handle: Handle(4),
    }
}

fn one_of_each() -> Vec<Message> {
    vec![
        Message::Hello(hello()),
        Message::Welcome(welcome()),
        Message::Refused { reason: Refusal::SlotTaken },
        Message::Request { handle: Handle(1), tag: tier(), count: 1 },
        Message::Release { handle: Handle(1) },
        Message::Ack { handle: Handle(1) },
        Message::Denied { handle: Handle(2), reason: Denial::TierFirst },
        Message::Enforce { handle: Handle(1), mode: Mode::Authorized },
        Message::Policy { export_controlled: true, registered: true },
        Message::Clock { wall: welcome().wall, rate_milli: 3_600_000 },
        Message::Ping { number: 7 },
        Message::Pong { number: 7 },
        Message::ConsoleOpen { width: 80, height: 24 },
        Message::ConsoleIn { serial: 1, bytes: b"show license all\r".to_vec() },
        Message::ConsoleOut { bytes: b"asa# ".to_vec(), settled: Some(1) },
        Message::ConsoleClosed,
        Message::Frame { port: "Ethernet1/4".to_owned(), bytes: b"VFUN".to_vec() },
        Message::Standing(Standing::Data),
        Message::Bootstrap(Bootstrap {
            group: "GROUP1".to_owned(),
            unit: "unit-1-1".to_owned(),
            port: "Port-channel48".to_owned(),
            address: [127, 2, 1, 1].into(),
            mask: [255, 255, 0, 0].into(),
            priority: 1,
            key: String::new(),
        }),
    ]
}
