use super::*;
use crate::base::rng::Rng;

/// A frame that was read, with bytes of its own.
type Kept = (Stamp, u8, LinkType, u32, Vec<u8>);

/// Reads a file given `step` bytes at a time; the frames up to an error, and the error.
fn read_all(file: &[u8], step: usize) -> (Vec<Kept>, Vec<Vec<u8>>, Option<FileError>) {
    let mut reader = Reader::new();
    let (mut frames, mut secrets) = (Vec::new(), Vec::new());
    for part in file.chunks(step.max(1)) {
        reader.feed(part);
        loop {
            match reader.next() {
                Ok(None) => break,
                Ok(Some(Item::Frame(f))) => {
                    frames.push((f.at, f.digits, f.link, f.wire_len, f.bytes.to_vec()));
                }
                Ok(Some(Item::Secrets(_, bytes))) => secrets.push(bytes.to_vec()),
                Err(why) => return (frames, secrets, Some(why)),
            }
        }
    }
    (frames, secrets, reader.end().err())
}

const AT: Stamp = Stamp::from_ns(1_596_787_845_252_955_552);

fn written(format: FileFormat) -> Vec<u8> {
    let mut out = Vec::new();
    format.head(&mut out, "eth0", 65_535);
    format.frame(&mut out, AT, Way::Out, 75, &[1, 2, 3, 4, 5]);
    assert_eq!(format.secrets(&mut out, b"CLIENT_RANDOM 00 11\n"), format == FileFormat::PcapNg);
    let before = out.len();
    format.frame(&mut out, Stamp::from_ns(7), Way::In, 4, &[9; 4]);
    assert_eq!(out.len() - before, format.frame_len(4));
    out
}

#[test]
fn what_is_written_is_read_however_it_comes() {
    for format in [FileFormat::Pcap, FileFormat::PcapNg] {
        let file = written(format);
        for step in [1, 7, file.len()] {
            let (frames, secrets, error) = read_all(&file, step);
            assert_eq!(error, None);
            let want = [
                (AT, 9, LinkType::ETHERNET, 75, vec![1, 2, 3, 4, 5]),
                (Stamp::from_ns(7), 9, LinkType::ETHERNET, 4, vec![9; 4]),
            ];
            assert_eq!(frames, want);
            assert_eq!(secrets.len(), usize::from(format == FileFormat::PcapNg));
        }
    }
}

/// A pcap file by hand, in either order.
fn by_hand(big: bool, magic: u32, fraction: u32) -> Vec<u8> {
    let word = |value: u32| if big { value.to_be_bytes() } else { value.to_le_bytes() };
    let half = |value: u16| if big { value.to_be_bytes() } else { value.to_le_bytes() };
    let mut file = word(magic).to_vec();
    file.extend([half(2), half(4)].concat());
    for value in [0, 0, 65_535, 1, 1_596_787_845, fraction, 2, 60] {
        file.extend(word(value));
    }
    file.extend([0xaa, 0xbb]);
    file
}

#[test]
fn both_orders_and_both_resolutions_are_read() {
    for big in [false, true] {
        let (frames, _, error) = read_all(&by_hand(big, 0xa1b2_c3d4, 252_955), 5);
        assert_eq!(error, None);
        let at = Stamp::from_ns(1_596_787_845_252_955_000);
        assert_eq!(frames, [(at, 6, LinkType::ETHERNET, 60, vec![0xaa, 0xbb])]);
        let (frames, _, _) = read_all(&by_hand(big, 0xa1b2_3c4d, 252_955_552), 5);
        assert_eq!((frames[0].0, frames[0].1), (AT, 9));
    }
}

/// One block, in either order.
fn block(big: bool, kind: u32, body: &[u8]) -> Vec<u8> {
    let word = |value: u32| if big { value.to_be_bytes() } else { value.to_le_bytes() };
    let len = word(u32::try_from(12 + body.len()).unwrap());
    [&word(kind)[..], &len, body, &len].concat()
}

#[test]
fn pcapng_of_any_order_clock_and_kind_of_packet_is_read() {
    for big in [false, true] {
        let word = |value: u32| if big { value.to_be_bytes() } else { value.to_le_bytes() };
        let half = |value: u16| if big { value.to_be_bytes() } else { value.to_le_bytes() };
        let section = [&word(0x1a2b_3c4d)[..], &half(1), &half(0), &[0xff; 8]].concat();
        let interface =
            |link: u16, options: &[u8]| [&half(link)[..], &half(0), &word(96), options].concat();
        // Ticks of 2^-10 s with an offset of 5 s; microseconds; tenths of a nanosecond.
        let binary = [
            &half(9)[..],
            &half(1),
            &[0x8a, 0, 0, 0],
            &half(14),
            &half(8),
            &if big { 5_u64.to_be_bytes() } else { 5_u64.to_le_bytes() },
            &half(0),
            &half(0),
        ]
        .concat();
        let fine = [&half(9)[..], &half(1), &[10, 0, 0, 0], &half(0), &half(0)].concat();
        let packet = |id: u32, ticks: u32| {
            [&word(id)[..], &word(0), &word(ticks), &word(3), &word(60), &[7, 8, 9, 0]].concat()
        };
        let file = [
            block(big, 0x0a0d_0d0a, &section),
            block(big, 1, &interface(1, &binary)),
            block(big, 1, &interface(113, &[])),
            block(big, 1, &interface(101, &fine)),
            block(big, 0xbad, &[0; 8]),
            block(big, 6, &packet(0, 1536)),
            block(big, 6, &packet(1, 1_500_000)),
            block(big, 6, &packet(2, 25)),
            block(big, 3, &[&word(3)[..], &[1, 2, 3, 0]].concat()),
            block(big, 2, &[&half(1)[..], &half(0), &packet(0, 9)[4..]].concat()),
        ]
        .concat();
        let (frames, _, error) = read_all(&file, 3);
        assert_eq!(error, None, "big: {big}");
        let seen: Vec<_> = frames.iter().map(|f| (f.0.ns(), f.1, f.2.0, f.4.as_slice())).collect();
        let want: [(u64, u8, u32, &[u8]); 5] = [
            (6_500_000_000, 3, 1, &[7, 8, 9]),
            (1_500_000_000, 6, 113, &[7, 8, 9]),
            (2, 9, 101, &[7, 8, 9]),
            (0, 3, 1, &[1, 2, 3]),
            (9000, 6, 113, &[7, 8, 9]),
        ];
        assert_eq!(seen, want);
    }
}

#[test]
fn bad_files_say_where() {
    let good = written(FileFormat::Pcap);
    let cut = read_all(&good[..good.len() - 1], 1000);
    let end = u64::try_from(good.len() - 1).unwrap();
    assert_eq!(cut.0.len(), 1);
    assert_eq!(cut.2, Some(FileError { offset: end, why: FileFault::Truncated }));
    let fault = |file: &[u8]| read_all(file, 1000).2.map(|error| (error.offset, error.why));
    assert_eq!(fault(b""), Some((0, FileFault::NotCapture)));
    assert_eq!(fault(b"GIF89a.."), Some((0, FileFault::NotCapture)));
    let mut long = by_hand(true, 0xa1b2_c3d4, 0);
    long[32..36].copy_from_slice(&[0, 0x40, 0, 0]);
    assert_eq!(fault(&long), Some((24, FileFault::FrameTooLong { len: 0x40_0000 })));
    let mut old = good;
    old[4] = 3;
    assert_eq!(fault(&old), Some((0, FileFault::Version { major: 3, minor: 4 })));
    let ng = written(FileFormat::PcapNg);
    let mut head = ng.clone();
    head[24] = 29;
    assert_eq!(fault(&head), Some((0, FileFault::BlockLength { len: 28 })));
    let packet = block(false, 6, &[0; 20]);
    let orphan = [&ng[..28], &packet].concat();
    assert_eq!(fault(&orphan), Some((28, FileFault::NoInterface { id: 0 })));
    assert!(fault(&ng).is_none());
}

#[test]
fn any_bytes_are_read_or_refused() {
    let mut rng = Rng::from_seed(3);
    let ng = {
        let mut ng = written(FileFormat::PcapNg);
        ng.extend(written(FileFormat::PcapNg));
        ng
    };
    for file in [written(FileFormat::Pcap), by_hand(true, 0xa1b2_c3d4, 5), ng] {
        for _ in 0..20_000 {
            let mut file = file.clone();
            for _ in 0..1 + rng.next_u64() % 4 {
                let at = usize::try_from(rng.next_u64() % file.len() as u64).unwrap();
                file[at] = rng.next_u64().to_le_bytes()[0];
            }
            if rng.one_in(3) {
                file.truncate(usize::try_from(rng.next_u64() % 100).unwrap());
            }
            let step = usize::try_from(rng.next_u64() % 64).unwrap();
            for frame in read_all(&file, step).0 {
                assert!(frame.4.len() <= FRAME_MAX);
                let _ = frame.0.dated(frame.1).to_string();
            }
        }
    }
}

#[test]
fn moments_print_as_both_layouts_show_them() {
    assert_eq!(AT.dated(9).to_string(), "2020-08-07 08:10:45.252955552");
    assert_eq!(AT.dated(6).to_string(), "2020-08-07 08:10:45.252955");
    assert_eq!(AT.dated(0).to_string(), "2020-08-07 08:10:45");
    assert_eq!(Stamp::from_ns(u64::MAX).dated(6).to_string(), "2554-07-21 23:34:33.709551");
    let utc = Utc::from_unix_ms(1_596_787_845_252);
    assert_eq!(Stamp::from_utc(utc, 955_552), AT);
}
