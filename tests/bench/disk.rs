//! What waits for the disk: one commit of a chassis's flash, and registrations at the authority.

use std::fs::File;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::time::Duration;

use tokio::runtime::Runtime;
use vfxos::base::rng::Rng;
use vfxos::base::time::{Instant, Now, Utc};
use vfxos::proto::authority::{Settings, TokenSpec};
use vfxos::shell::authority::Service;
use vfxos::sys::flash::{Change, Flash, Kind};
use vfxos::wire::callhome::{SigningKey, verify};

use crate::Failure;
use crate::network::registration_of;
use crate::table::{Budget, Figure, Unit};
use crate::timing::{beside, timed};

const NOON: Now = Now { mono: Instant::ZERO, wall: Utc::from_civil(2020, 8, 4, 12, 0, 0) };
/// Bytes of what the supervisor writes when an answer has come.
const RECORD: usize = 2048;
/// Commits of one repetition.
const COMMITS: u32 = 20;
/// Registrations that are on their way at once, and those of one repetition.
const AT_ONCE: u32 = 50;
const TOGETHER: u32 = 500;
/// Instances that the authority is tried with.
const KNOWN: u32 = 10_000;

pub fn figures(folder: &Path) -> Result<Vec<Figure>, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let mut figures = vec![commit(&folder.join("flash"))?];
    figures.extend(authority(&runtime, folder)?);
    Ok(figures)
}

fn commit(folder: &Path) -> Result<Figure, Failure> {
    let flash = Flash::open(folder, Kind::Chassis)?;
    let file = File::create(folder.join("bare"))?;
    let (mut turn, mut record) = (0_u64, vec![b'x'; RECORD]);
    let mut next = move || {
        turn += 1;
        record[..8].copy_from_slice(&turn.to_be_bytes());
        record.clone()
    };
    let mut records = |count| (0..count).map(|_| next()).collect::<Vec<_>>();
    let (written, bare) = (records(COMMITS), records(COMMITS));
    let taken = beside(
        15,
        || {
            let write = |record: &Vec<u8>| flash.write(&[Change::Put("agent", record)]);
            let (took, done) = timed(|| written.iter().try_for_each(write));
            done.map(|()| took).map_err(Failure::from)
        },
        || {
            let write = |record: &Vec<u8>| {
                file.write_all_at(record, 0)?;
                file.sync_data()
            };
            let (took, done) = timed(|| bare.iter().try_for_each(write));
            done.map(|()| took).map_err(Failure::from)
        },
    )?;
    Ok(Figure {
        name: "commit of 2 KiB to flash",
        unit: Unit::Time,
        subject: taken.subject / f64::from(COMMITS),
        beside: "write and fdatasync of them",
        peer: taken.peer / f64::from(COMMITS),
        budget: Budget::Times(6.0),
    })
}

fn authority(runtime: &Runtime, folder: &Path) -> Result<Vec<Figure>, Failure> {
    let mut small = Desk::open(runtime, &folder.join("small"))?;
    let mut large = Desk::open(runtime, &folder.join("large"))?;
    large.register(runtime, KNOWN)?;
    let known =
        beside(9, || large.register(runtime, TOGETHER), || small.register(runtime, TOGETHER))?;
    let signatures = beside(
        9,
        || large.register(runtime, TOGETHER),
        || Ok::<_, Failure>(timed(|| (0..TOGETHER).for_each(|_| sign_twice_and_verify())).0),
    )?;
    let one = f64::from(TOGETHER);
    Ok(vec![
        Figure {
            name: "registration at the authority",
            unit: Unit::Rate,
            subject: signatures.subject / one,
            beside: "its three signatures alone",
            peer: signatures.peer / one,
            budget: Budget::Times(3.0),
        },
        Figure {
            name: "the same with 10,000 instances known",
            unit: Unit::Rate,
            subject: known.subject / one,
            beside: "with few known",
            peer: known.peer / one,
            budget: Budget::Times(1.5),
        },
    ])
}

/// What a registration costs in signatures: the chassis's is checked, those of the certificate and
/// of the answer are made.
fn sign_twice_and_verify() {
    let (key, body) = (SigningKey::from_seed(&[1; 32]), std::hint::black_box([7_u8; 512]));
    let signature = key.sign(&body);
    assert!(verify(&key.public_key(), &body, &signature), "what was signed verifies");
    std::hint::black_box(key.sign(&body));
}

/// An authority on disk, and how many have registered there.
struct Desk {
    service: Service,
    token: String,
    known: u32,
}

impl Desk {
    fn open(runtime: &Runtime, folder: &Path) -> Result<Desk, Failure> {
        let flash = Flash::open(folder, Kind::Authority)?;
        let service = Service::open(flash, Settings::default(), Rng::from_seed(1))?;
        let issued = service.operate(NOON, |a, wall| a.token_new(wall, &TokenSpec::default()));
        let token = runtime.block_on(issued)?.text;
        Ok(Desk { service, token, known: 0 })
    }

    /// Registers so many more, [`AT_ONCE`] at a time; returns how long that took.
    fn register(&mut self, runtime: &Runtime, count: u32) -> Result<Duration, Failure> {
        let numbers: Range<u32> = self.known..self.known + count;
        let requests: Vec<_> = numbers.map(|number| registration_of(number, &self.token)).collect();
        let (took, done) = timed(|| {
            runtime.block_on(async {
                for together in requests.chunks(AT_ONCE as usize) {
                    let asked = together.iter().map(|bytes| {
                        let (service, bytes) = (self.service.clone(), bytes.clone());
                        tokio::spawn(async move { service.answer(&bytes, NOON).await.status })
                    });
                    for answer in asked.collect::<Vec<_>>() {
                        match answer.await? {
                            200 => {}
                            other => return Err(format!("answered with status {other}").into()),
                        }
                    }
                }
                Ok::<_, Failure>(())
            })
        });
        done?;
        self.known += count;
        Ok(took)
    }
}
