//! The flash storage by itself: layouts that do not go with a flash, records, factory images, age.

mod bench;

use bench::flash::{Flash, Kind, Nrf, Qspi, Stm32, layout};
use bench::models;
use embedded_storage::nor_flash::{NorFlash, ReadNorFlash};
use ocelli_slots::{Layout, LayoutError, NorStorage, Offer, Refusal, Region, Slot, Slots, State, Storage};

fn refused(change: impl FnOnce(&mut Layout)) -> LayoutError {
    let mut layout = layout::<Qspi>();
    change(&mut layout);
    NorStorage::new(Flash::new(Qspi), layout).err().unwrap()
}

#[test]
fn layouts_that_do_not_go_with_the_flash() {
    let erase_bytes = Qspi::ERASE_BYTES as u32;
    let slot = layout::<Qspi>().slots[1];
    let crooked = refused(|layout| layout.slots[0].offset += 16);
    assert_eq!(crooked, LayoutError::NotWholeBlocks { offset: 2 * erase_bytes + 16, erase_bytes });
    let one_block = refused(|layout| layout.state.bytes = erase_bytes);
    assert_eq!(one_block, LayoutError::NotWholeBlocks { offset: 0, erase_bytes });
    let flash_bytes = slot.offset + slot.bytes;
    let outside = refused(|layout| layout.slots[1].offset += erase_bytes);
    assert_eq!(outside, LayoutError::OutOfBounds { offset: slot.offset + erase_bytes, flash_bytes });
    let overlap = refused(|layout| layout.slots[0].offset = erase_bytes);
    assert_eq!(overlap, LayoutError::Overlap { offset: erase_bytes });
    assert_eq!(refused(|layout| layout.slots[0].bytes -= erase_bytes), LayoutError::UnequalSlots);
    assert_eq!(
        one_block.to_string(),
        "the region at 0x0, or half of it, is not made of blocks of 4096 bytes"
    );
}

#[test]
fn the_last_state_is_kept() {
    let flash = Flash::new(Qspi);
    let open = || NorStorage::new(flash.clone(), layout::<Qspi>()).unwrap();
    assert_eq!(open().load(), Ok(None));
    for floor in 0..100 {
        let state = State { floor, ..State::default() };
        open().save(&state).unwrap();
        assert_eq!(open().load(), Ok(Some(state)));
    }
    // The same state again costs nothing.
    flash.power_on(None, 0);
    open().save(&State { floor: 99, ..State::default() }).unwrap();
    assert_eq!(flash.operations(), 0);
}

/// A model that was flashed with the firmware is found, confirmed, and then never written over.
#[test]
fn a_factory_image_is_adopted() {
    for slot in [Slot::A, Slot::B] {
        let (mut flash, keys, mut arena) = (Flash::new(Qspi), models::keys(), models::arena());
        let mut image = models::release(2).to_vec();
        image.resize(image.len().next_multiple_of(256), 0xFF);
        let Region { offset, .. } = layout::<Qspi>().slots[slot as usize];
        flash.write(offset, &image).unwrap();
        let storage = NorStorage::new(flash.clone(), layout::<Qspi>()).unwrap();
        let mut slots = Slots::open(storage, models::device(&keys)).unwrap();
        let booted = slots.boot(&mut arena).unwrap();
        assert_eq!((booted.slot, booted.release, booted.on_trial), (slot, 2, false));
        let older = models::push(&mut slots, &models::release(1), &mut arena);
        assert_eq!(older, Err(Refusal::NotNewer { release: 1, floor: 2 }.into()));
        models::push(&mut slots, &models::release(3), &mut arena).unwrap();
        let mut kept = vec![0; image.len()];
        flash.read(offset, &mut kept).unwrap();
        assert_eq!(kept, image);
    }
}

/// A bit that flips in the confirmed model is seen at the next start; a model on trial takes over, an older one not.
#[test]
fn a_model_that_rots_is_not_run() {
    let (flash, keys, mut arena) = (Flash::new(Qspi), models::keys(), models::arena());
    let open = || {
        let storage = NorStorage::new(flash.clone(), layout::<Qspi>()).unwrap();
        Slots::open(storage, models::device(&keys)).unwrap()
    };
    for release in [1, 2] {
        let mut slots = open();
        models::push(&mut slots, &models::release(release), &mut arena).unwrap();
        slots.boot(&mut arena).unwrap();
        slots.confirm().unwrap();
    }
    let booted = open().boot(&mut arena).unwrap();
    flash.rot(layout::<Qspi>().slots[booted.slot as usize].offset as usize + 1000);
    assert_eq!(open().boot(&mut arena), Err(Refusal::BadSignature.into()));
    // The device can be mended over its link.
    models::push(&mut open(), &models::release(3), &mut arena).unwrap();
    assert_eq!(open().boot(&mut arena).unwrap().release, 3);
}

/// The power goes while a state is saved: the one before or the new one is there, at every start alike.
fn a_state_is_saved_or_not<K: Kind>(kind: K) {
    let flash = Flash::new(kind);
    let open = || NorStorage::new(flash.clone(), layout::<K>()).unwrap();
    let state = |floor| Some(State { floor, ..State::default() });
    flash.power_on(None, 0);
    open().save(&state(0).unwrap()).unwrap();
    let (operations, mut last) = (flash.operations(), state(0));
    for floor in 1..200 {
        flash.power_on(Some(1 + floor as usize % operations), floor);
        open().save(&state(floor).unwrap()).unwrap_err();
        flash.power_on(None, 0);
        let found = open().load().unwrap();
        assert!(found == last || found == state(floor), "{found:?} after {last:?}");
        assert_eq!(open().load(), Ok(found));
        last = found;
    }
}

#[test]
fn a_state_is_saved_or_not_on_every_flash() {
    a_state_is_saved_or_not(Nrf);
    a_state_is_saved_or_not(Qspi);
    a_state_is_saved_or_not(Stm32);
}

/// What has come whole but was never verified is neither a factory image nor what was staged before it.
#[test]
fn what_was_not_finished_is_nothing() {
    let (flash, keys, mut arena) = (Flash::new(Qspi), models::keys(), models::arena());
    let open = || {
        let storage = NorStorage::new(flash.clone(), layout::<Qspi>()).unwrap();
        Slots::open(storage, models::device(&keys)).unwrap()
    };
    let unfinished = |release| {
        let mut slots = open();
        let mut bytes = models::release(release).to_vec();
        bytes.resize(bytes.len().next_multiple_of(256), 0);
        slots.begin(&Offer { length: bytes.len() as u32, release, board: "" }).unwrap();
        slots.write(&bytes).unwrap();
    };
    unfinished(1);
    assert_eq!(open().boot(&mut arena), Err(Refusal::NotAnArtefact.into()));
    models::push(&mut open(), &models::release(1), &mut arena).unwrap();
    assert!(open().state().trial.is_some());
    unfinished(2);
    assert_eq!(open().state().trial, None);
    assert_eq!(open().boot(&mut arena), Err(Refusal::NotAnArtefact.into()));
}
