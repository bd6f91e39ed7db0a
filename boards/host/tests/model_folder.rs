//! The power goes at every step of an update on a disk that forgets what was not synced.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io::{self, ErrorKind};
use std::rc::Rc;

use ed25519_dalek::{Signer, SigningKey};
use ocelli_engine::operators;
use ocelli_format::{AlignedBytes, Artefact, Signature, attach_signature};
use ocelli_host::ModelFolder;
use ocelli_host::model_folder::Disk;
use ocelli_slots::{Device, Failure, Offer, PublicKey, Slots, Storage};

/// A file: what is on the medium, and what the running system sees.
#[derive(Clone, Default)]
struct Content {
    durable: Vec<u8>,
    seen: Vec<u8>,
}

/// A disk that loses what was not synced, or part of it, when the power goes.
#[derive(Clone, Default)]
struct FrailDisk(Rc<RefCell<Inner>>);

#[derive(Clone, Default)]
struct Inner {
    files: BTreeMap<String, Content>,
    open: String,
    steps: usize,
    cut: Option<usize>,
    is_dead: bool,
    random: u32,
}

impl FrailDisk {
    fn power_on(&self, cut: Option<usize>) {
        let mut inner = self.0.borrow_mut();
        (inner.steps, inner.cut, inner.is_dead) = (0, cut, false);
    }

    fn is_dead(&self) -> bool {
        self.0.borrow().is_dead
    }

    /// A change, or a half of it and then nothing.
    fn step(&self, change: impl FnOnce(&mut Inner) -> io::Result<()>) -> io::Result<()> {
        let inner = &mut *self.0.borrow_mut();
        if inner.is_dead {
            return Err(ErrorKind::Other.into());
        }
        inner.steps += 1;
        inner.random = inner.random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let is_cut = inner.cut == Some(inner.steps);
        // The last change has happened or not; what no sync has brought out is lost, wholly or from some byte on.
        if !is_cut || inner.random >> 31 == 0 {
            change(inner)?;
        }
        if is_cut {
            inner.is_dead = true;
            for content in inner.files.values_mut().filter(|content| content.seen != content.durable) {
                inner.random = inner.random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                let kept = (inner.random >> 8) as usize % (content.seen.len() + 1);
                content.seen.truncate(kept);
                content.durable.clone_from(&content.seen);
            }
            return Err(ErrorKind::Other.into());
        }
        Ok(())
    }
}

impl Disk for FrailDisk {
    fn read(&mut self, name: &str) -> io::Result<Vec<u8>> {
        let inner = self.0.borrow();
        inner.files.get(name).map(|content| content.seen.clone()).ok_or(ErrorKind::NotFound.into())
    }

    fn create(&mut self, name: &str) -> io::Result<()> {
        self.step(|inner| {
            inner.open = name.to_owned();
            inner.files.entry(name.to_owned()).or_default().seen.clear();
            Ok(())
        })
    }

    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.step(|inner| {
            let content = inner.files.get_mut(&inner.open).ok_or(ErrorKind::NotFound)?;
            content.seen.extend(bytes);
            Ok(())
        })
    }

    fn sync(&mut self) -> io::Result<()> {
        self.step(|inner| {
            let content = inner.files.get_mut(&inner.open).ok_or(ErrorKind::NotFound)?;
            content.durable.clone_from(&content.seen);
            Ok(())
        })
    }

    /// Atomic, as rename(2) is; the content goes along as far as it is on the medium.
    fn rename(&mut self, from: &str, to: &str) -> io::Result<()> {
        let (from, to) = (from.to_owned(), to.to_owned());
        self.step(|inner| {
            let content = inner.files.remove(&from).ok_or(ErrorKind::NotFound)?;
            inner.files.insert(to, content);
            Ok(())
        })
    }
}

const SLOT_BYTES: u32 = 1 << 16;

struct Bench {
    keys: [PublicKey; 1],
    releases: Vec<AlignedBytes>,
    arena: AlignedBytes,
}

impl Bench {
    fn new() -> Bench {
        let signer = SigningKey::from_bytes(&[7; 32]);
        let sign = |(release, (_, model)): (u32, &(&str, AlignedBytes))| {
            let section = Signature::new(release, "", signer.verifying_key().to_bytes()).unwrap();
            let artefact = Artefact::parse(model).unwrap();
            let sign = |message: &[u8]| signer.sign(message).to_bytes();
            AlignedBytes::copy_of(&attach_signature(&artefact, section, sign))
        };
        let samples = ocelli_samples::artefacts();
        let releases = (1..=3).zip(&samples).map(sign).collect();
        let keys = [PublicKey(signer.verifying_key().to_bytes())];
        Bench { keys, releases, arena: AlignedBytes::zeros(1 << 16) }
    }

    /// One start: boot, confirm, push the next; returns the booted release.
    fn start<S: Storage>(&mut self, storage: S, is_dead: impl Fn() -> bool) -> Option<u32> {
        let device = Device {
            board: "host",
            keys: &self.keys,
            profile: "portable",
            operators: operators::ALL,
            attempts: 1,
        };
        let mut slots = Slots::open(storage, device).unwrap();
        let booted = match slots.boot(&mut self.arena) {
            Ok(booted) => Some(booted),
            Err(_) if is_dead() => return None,
            Err(Failure::Refused(_)) => None,
            Err(error) => panic!("{error:?}"),
        };
        if let Some(booted) = booted {
            let artefact = slots.artefact(&booted).unwrap();
            assert_eq!(artefact.bytes(), &self.releases[booted.release as usize - 1][..]);
        }
        let _ = slots.confirm();
        let release = booted.map_or(0, |booted| booted.release);
        if let Some(next) = self.releases.get(release as usize) {
            let offer = Offer { length: next.len() as u32, release: release + 1, board: "" };
            let pushed = slots.begin(&offer).and_then(|()| {
                next.chunks(4096).try_for_each(|piece| slots.write(piece))?;
                slots.finish(&mut self.arena)
            });
            assert!(pushed.is_ok() || is_dead(), "{pushed:?}");
        }
        Some(release)
    }
}

#[test]
fn every_cut_leaves_a_whole_model() {
    let mut bench = Bench::new();
    let (mut cuts, mut cut) = (0, 0);
    loop {
        cut += 1;
        let disk = FrailDisk::default();
        disk.0.borrow_mut().random = cut as u32 * 77;
        let (mut left, mut highest) = (cut, 0);
        let was_cut = loop {
            disk.power_on(Some(left));
            let booted = bench.start(ModelFolder::on(disk.clone(), SLOT_BYTES), || disk.is_dead());
            highest = highest.max(booted.unwrap_or(0));
            if disk.is_dead() {
                break true;
            }
            if booted == Some(3) {
                break false;
            }
            left -= disk.0.borrow().steps;
        };
        if !was_cut {
            break;
        }
        cuts += 1;
        // A model that was booted on trial may go back once, to the one that was confirmed before.
        disk.power_on(None);
        let booted = bench.start(ModelFolder::on(disk.clone(), SLOT_BYTES), || disk.is_dead()).unwrap();
        assert!(booted + 1 >= highest, "{booted} after {highest}");
        for _ in 0..4 {
            bench.start(ModelFolder::on(disk.clone(), SLOT_BYTES), || disk.is_dead());
        }
        let last = bench.start(ModelFolder::on(disk.clone(), SLOT_BYTES), || disk.is_dead());
        assert_eq!(last, Some(3), "cut at step {cut}");
    }
    println!("files: two updates cut at {cuts} steps, each start ran a whole, signed model");
    assert!(cuts > 20, "{cuts}");
}

#[test]
fn a_folder_of_this_computer_does() {
    let path = std::env::temp_dir().join(format!("ocelli-model-folder-{}", std::process::id()));
    let mut bench = Bench::new();
    for expected in [0, 1, 2, 3, 3] {
        let storage = ModelFolder::open(&path, SLOT_BYTES).unwrap();
        assert_eq!(bench.start(storage, || false), Some(expected));
    }
    let mut storage = ModelFolder::open(&path, SLOT_BYTES).unwrap();
    let state = storage.load().unwrap().unwrap();
    assert_eq!(
        std::fs::read(ModelFolder::file(&path, state.active.unwrap())).unwrap(),
        bench.releases[2][..]
    );
    std::fs::write(path.join("state"), "no state, but as long").unwrap();
    let error = storage.load().unwrap_err();
    assert_eq!(error.to_string(), "state: this is no state of model slots");
    std::fs::remove_dir_all(&path).unwrap();
}
