//! Whatever the reader lets through, planning and running neither panic nor take unbounded time.

#[path = "../../format/tests/sample/mod.rs"]
mod sample;

use ocelli_core::Infer;
use ocelli_engine::{Plan, operators};
use ocelli_format::{AlignedBytes, Artefact, SeedStream, crc32, write};

/// Parses, plans and runs; whether it got that far.
fn run(bytes: &[u8], arena: &mut [u8]) -> bool {
    let Ok(artefact) = Artefact::parse(bytes) else { return false };
    let work: u64 = (0..artefact.operator_count() as u16).map(|id| artefact.work(id)).sum();
    let mut ran = false;
    for schedule in artefact.schedules() {
        let Ok(mut plan) = Plan::new(&artefact, schedule.profile(), operators::ALL, arena) else { continue };
        let sound = artefact.check_layers().is_ok();
        assert!(!sound || work < 1 << 32, "the arena bounds the work of what has been planned");
        plan.output_crc32(5, 0);
        plan.infer();
        ran = true;
    }
    ran
}

fn repair(bytes: &mut [u8]) {
    let total = u32::from_le_bytes(bytes[16..20].try_into().unwrap()) as usize;
    if let Some(checked) = bytes.get(16..total) {
        let checksum = crc32(checked).to_le_bytes();
        bytes[12..16].copy_from_slice(&checksum);
    }
}

#[test]
fn every_flipped_byte_gives_an_error_or_a_run() {
    let mut bytes = AlignedBytes::copy_of(&write(&sample::whole()).unwrap());
    let mut arena = AlignedBytes::zeros(64 << 10);
    assert!(run(&bytes, &mut arena));
    let (mut runs, mut errors) = (0, 0);
    for index in 16..bytes.len() {
        let bits = if index < 512 { 8 } else { 2 };
        for bit in 0..bits {
            let mask = 1 << (bit * 7 % 8);
            bytes[index] ^= mask;
            repair(&mut bytes);
            if run(&bytes, &mut arena) {
                runs += 1
            } else {
                errors += 1
            }
            bytes[index] ^= mask;
        }
    }
    assert!(runs > 500 && errors > 500, "{runs} runs, {errors} errors");
}

#[test]
fn wild_numbers_give_an_error_or_a_run() {
    let original = AlignedBytes::copy_of(&write(&sample::whole()).unwrap());
    let mut arena = AlignedBytes::zeros(64 << 10);
    let mut stream = SeedStream::new(99, 0).map(|byte| byte as u8 as usize);
    let mut next = || stream.next().unwrap() << 16 | stream.next().unwrap() << 8 | stream.next().unwrap();
    for _ in 0..4000 {
        let mut bytes = original.clone();
        for _ in 0..1 + next() % 3 {
            let wild = [0, 1, 2, 3, 16, 0x7F, 0xFF, 0x4000, 0xFFFF, u32::MAX][next() % 10];
            let at = 16 + next() % (bytes.len() - 20);
            let width = [1, 2, 4][next() % 3];
            bytes[at / width * width..][..width].copy_from_slice(&wild.to_le_bytes()[..width]);
        }
        repair(&mut bytes);
        run(&bytes, &mut arena);
    }
}

#[test]
fn flipped_bytes_of_stored_weights_give_an_error_or_a_run() {
    let mut bytes = AlignedBytes::copy_of(&write(&sample::stored()).unwrap());
    let mut arena = AlignedBytes::zeros(64 << 10);
    assert!(run(&bytes, &mut arena));
    let (mut runs, mut errors) = (0, 0);
    for index in (16..bytes.len()).step_by(3) {
        for mask in [1 << (index % 8), 0xFF] {
            bytes[index] ^= mask;
            repair(&mut bytes);
            if run(&bytes, &mut arena) {
                runs += 1
            } else {
                errors += 1
            }
            bytes[index] ^= mask;
        }
    }
    assert!(runs > 500 && errors > 500, "{runs} runs, {errors} errors");
}

#[test]
fn random_models_run_alike_every_time() {
    let mut arena = AlignedBytes::zeros(256 << 10);
    for seed in 1..100 {
        let bytes = AlignedBytes::copy_of(&write(&sample::random(seed)).unwrap());
        let artefact = Artefact::parse(&bytes).unwrap();
        arena.fill(seed as u8);
        let mut plan = Plan::new(&artefact, "portable", operators::ALL, &mut arena).unwrap();
        let first = plan.output_crc32(seed, 0);
        let arena = plan.release();
        arena.fill(0x5A);
        let mut plan = Plan::new(&artefact, "portable", operators::ALL, arena).unwrap();
        assert_eq!(plan.output_crc32(seed, 0), first, "seed {seed}");
    }
}
