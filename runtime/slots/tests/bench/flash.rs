//! NOR flash in memory that loses power at any write or erasure, and watches how it is treated.
//!
//! An operation is one unit written or one block erased. The one at which the power goes is torn: what it leaves is
//! drawn from a pseudo-random stream, from nothing at all to everything, and stays so. Treatment that the
//! chip's data sheet forbids panics: it is a fault of the program, not of the flash.

use std::cell::RefCell;
use std::rc::Rc;

use embedded_storage::nor_flash::{ErrorType, NorFlash, NorFlashErrorKind, ReadNorFlash};
use ocelli_format::AlignedBytes;
use ocelli_slots::{Layout, MappedFlash, Region};

/// A kind of flash.
pub trait Kind: Clone {
    const NAME: &'static str;
    const WRITE_BYTES: usize;
    const ERASE_BYTES: usize;
    /// A torn unit reads as a fault, unless nothing or everything of it was written.
    const FAULTS: bool;
    /// Of the slots of [`layout`].
    const SLOT_BYTES: u32;
}

/// nRF52840: words of 4 bytes, each written at most twice between erasures; the slots ask for once.
#[derive(Clone)]
pub struct Nrf;

impl Kind for Nrf {
    const NAME: &'static str = "nRF52840";
    const WRITE_BYTES: usize = 4;
    const ERASE_BYTES: usize = 4096;
    const FAULTS: bool = false;
    const SLOT_BYTES: u32 = 16 * 1024;
}

/// STM32H743: flash words of 32 bytes with an error-correcting code.
#[derive(Clone)]
pub struct Stm32;

impl Kind for Stm32 {
    const NAME: &'static str = "STM32H743";
    const WRITE_BYTES: usize = 32;
    const ERASE_BYTES: usize = 128 * 1024;
    const FAULTS: bool = true;
    const SLOT_BYTES: u32 = 128 * 1024;
}

/// RP2040 and RP2350: pages of 256 bytes in a flash on QSPI.
#[derive(Clone)]
pub struct Qspi;

impl Kind for Qspi {
    const NAME: &'static str = "RP2040";
    const WRITE_BYTES: usize = 256;
    const ERASE_BYTES: usize = 4096;
    const FAULTS: bool = false;
    const SLOT_BYTES: u32 = 16 * 1024;
}

/// Where slots and state lie where no board says it: one block for each half of the state, and the slots right behind.
pub fn layout<K: Kind>() -> Layout {
    let state = Region { offset: 0, bytes: 2 * K::ERASE_BYTES as u32 };
    let slot = |index| Region { offset: state.bytes + index * K::SLOT_BYTES, bytes: K::SLOT_BYTES };
    Layout { slots: [slot(0), slot(1)], state }
}

/// What a unit has gone through since it was erased.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Unit {
    Erased,
    Written,
    /// The power went while it was written, or while its block was erased; the flag says whether it reads as a fault.
    Torn(bool),
}

#[derive(Clone)]
struct Chip {
    bytes: AlignedBytes,
    units: Vec<Unit>,
    /// Operations since the power came.
    operations: usize,
    /// The operation at which it goes.
    cut: Option<usize>,
    is_dead: bool,
    random: u32,
}

/// The chip; clones are handles on the same one.
#[derive(Clone)]
pub struct Flash<K> {
    chip: Rc<RefCell<Chip>>,
    /// What the address space shows; refreshed from the chip by each read, so that a borrow of it can be given out.
    mapped: AlignedBytes,
    /// The part of the chip that exists: from the first of these regions to the end of the last.
    layout: Layout,
    kind: K,
}

impl<K: Kind> Flash<K> {
    /// Erased, with the regions of [`layout`].
    pub fn new(kind: K) -> Flash<K> {
        Flash::with_layout(kind, layout::<K>())
    }

    /// Erased, with these regions.
    pub fn with_layout(kind: K, layout: Layout) -> Flash<K> {
        let ends = regions(&layout).map(|region| region.offset + region.bytes);
        let length = (ends.into_iter().max().unwrap_or(0) - start(&layout)) as usize;
        let mut bytes = AlignedBytes::zeros(length);
        bytes.fill(0xFF);
        let units = vec![Unit::Erased; length / K::WRITE_BYTES];
        let mapped = bytes.clone();
        let chip = Chip { bytes, units, operations: 0, cut: None, is_dead: false, random: 0x9E37_79B9 };
        Flash { chip: Rc::new(RefCell::new(chip)), mapped, layout, kind }
    }

    /// Where slots and state lie.
    pub fn layout(&self) -> Layout {
        self.layout
    }

    /// Where a byte of the chip is kept.
    fn place(&self, offset: u32) -> usize {
        offset.checked_sub(start(&self.layout)).expect("inside the slots' part of the chip") as usize
    }

    /// Another chip in the same state.
    pub fn copy(&self) -> Flash<K> {
        let chip = Rc::new(RefCell::new(self.chip.borrow().clone()));
        Flash { chip, mapped: self.mapped.clone(), layout: self.layout, kind: self.kind.clone() }
    }

    /// Switches the power on, to go at operation `cut`, counted from 1.
    pub fn power_on(&self, cut: Option<usize>, seed: u32) {
        let mut chip = self.chip.borrow_mut();
        (chip.operations, chip.cut, chip.is_dead) = (0, cut, false);
        chip.random ^= seed.wrapping_mul(0x85EB_CA6B) | 1;
    }

    /// Whether the power has gone.
    pub fn is_dead(&self) -> bool {
        self.chip.borrow().is_dead
    }

    /// Operations since the power came.
    pub fn operations(&self) -> usize {
        self.chip.borrow().operations
    }

    /// Flips a bit, as age does.
    pub fn rot(&self, offset: usize) {
        self.chip.borrow_mut().bytes[offset] ^= 1;
    }
}

fn regions(layout: &Layout) -> [Region; 3] {
    [layout.slots[0], layout.slots[1], layout.state]
}

/// The first byte of all regions.
fn start(layout: &Layout) -> u32 {
    regions(layout).map(|region| region.offset).into_iter().min().unwrap_or(0)
}

impl Chip {
    fn next(&mut self) -> u32 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 17;
        self.random ^= self.random << 5;
        self.random
    }

    /// How much of a torn change has happened, in 1/256: often nothing at all, often everything.
    fn share(&mut self) -> u32 {
        match self.next() % 4 {
            0 => 0,
            1 => 256,
            _ => self.next() % 257,
        }
    }

    /// Whether the next operation is whole, torn, or does not happen.
    fn operate(&mut self) -> Result<bool, NorFlashErrorKind> {
        if self.is_dead {
            return Err(NorFlashErrorKind::Other);
        }
        self.operations += 1;
        self.is_dead = self.cut == Some(self.operations);
        Ok(!self.is_dead)
    }

    /// What a torn change leaves of a byte: some of the bits that were to change have.
    fn tear(&mut self, old: u8, new: u8, share: u32) -> u8 {
        let random = self.next();
        let mask = (0..8).fold(0, |mask, bit| mask | u8::from(random >> (4 * bit) & 15 < share / 16) << bit);
        old & !mask | new & mask
    }
}

impl<K> ErrorType for Flash<K> {
    type Error = NorFlashErrorKind;
}

impl<K: Kind> ReadNorFlash for Flash<K> {
    const READ_SIZE: usize = 1;

    fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), NorFlashErrorKind> {
        let place = self.place(offset);
        let chip = self.chip.borrow();
        let range = place..place + bytes.len();
        let source = chip.bytes.get(range.clone()).ok_or(NorFlashErrorKind::OutOfBounds)?;
        let units = &chip.units[range.start / K::WRITE_BYTES..range.end.div_ceil(K::WRITE_BYTES)];
        if units.contains(&Unit::Torn(true)) {
            return Err(NorFlashErrorKind::Other);
        }
        bytes.copy_from_slice(source);
        self.mapped[range].copy_from_slice(source);
        Ok(())
    }

    fn capacity(&self) -> usize {
        start(&self.layout) as usize + self.mapped.len()
    }
}

impl<K: Kind> NorFlash for Flash<K> {
    const WRITE_SIZE: usize = K::WRITE_BYTES;
    const ERASE_SIZE: usize = K::ERASE_BYTES;

    fn erase(&mut self, from: u32, to: u32) -> Result<(), NorFlashErrorKind> {
        let (first, end) = (self.place(from), self.place(to));
        let chip = &mut *self.chip.borrow_mut();
        assert!(from.is_multiple_of(K::ERASE_BYTES as u32) && to.is_multiple_of(K::ERASE_BYTES as u32));
        for start in (first..end).step_by(K::ERASE_BYTES) {
            let is_whole = chip.operate()?;
            let share = chip.share();
            for at in start..start + K::ERASE_BYTES {
                let old = chip.bytes[at];
                chip.bytes[at] = if is_whole { 0xFF } else { chip.tear(old, 0xFF, share) };
            }
            for unit in start / K::WRITE_BYTES..(start + K::ERASE_BYTES) / K::WRITE_BYTES {
                let faults = K::FAULTS && chip.next() % 257 < share;
                chip.units[unit] = if is_whole { Unit::Erased } else { Unit::Torn(faults) };
            }
            if !is_whole {
                return Err(NorFlashErrorKind::Other);
            }
        }
        Ok(())
    }

    fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), NorFlashErrorKind> {
        let place = self.place(offset);
        let chip = &mut *self.chip.borrow_mut();
        assert!(offset.is_multiple_of(K::WRITE_BYTES as u32) && bytes.len().is_multiple_of(K::WRITE_BYTES));
        for (index, unit) in bytes.chunks(K::WRITE_BYTES).enumerate() {
            let is_whole = chip.operate()?;
            let start = place + index * K::WRITE_BYTES;
            let state = chip.units[start / K::WRITE_BYTES];
            assert_eq!(state, Unit::Erased, "{:#x} is written without an erasure", start);
            let share = chip.share();
            for (at, &new) in (start..).zip(unit) {
                let old = chip.bytes[at];
                chip.bytes[at] = if is_whole { new } else { chip.tear(old, new, share) };
            }
            let is_partial = share != 0 && share != 256;
            chip.units[start / K::WRITE_BYTES] =
                if is_whole { Unit::Written } else { Unit::Torn(K::FAULTS && is_partial) };
            if !is_whole {
                return Err(NorFlashErrorKind::Other);
            }
        }
        Ok(())
    }
}

impl<K: Kind> MappedFlash for Flash<K> {
    fn mapped(&self, offset: u32, length: u32) -> &[u8] {
        let place = self.place(offset);
        self.mapped.get(place..place + length as usize).unwrap_or_default()
    }
}
