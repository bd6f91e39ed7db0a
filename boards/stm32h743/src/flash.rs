//! The flash of the chip: bank 2 takes the models while the firmware runs from bank 1.
//!
//! Ten bits of error-correcting code stand behind every 32 bytes. A loss of power in the middle of a write leaves a word
//! whose code may not fit, and to read that is a bus fault. The state and the slots look at such words at every start
//! after a cut, so reading is guarded here: the fault is masked, and told as an error. A word that was torn and happens to
//! read is caught by what the readers check, a CRC or a signature.
//!
//! Flags of errors stay until they are cleared, and the HAL takes an old one for a failure of its own, so all are cleared before
//! each operation. The data cache keeps what the flash held before it was erased or written, so what is read is
//! invalidated first. Erasing a block of 128 KB takes up to four seconds, half of what the watchdog allows.
#![allow(unsafe_code)]

use core::arch::asm;
use core::ptr;

use cortex_m::peripheral::SCB;
use embassy_stm32::flash::{Blocking, Flash};
use embassy_stm32::{Peri, pac, peripherals};
use embedded_storage::nor_flash::{ErrorType, NorFlash, NorFlashError, NorFlashErrorKind, ReadNorFlash};
use ocelli_boards::field::Addressed;

/// Where the flash begins.
const ADDRESS: u32 = 0x0800_0000;

/// The flash as the slots want it.
pub type FieldFlash = Addressed<GuardedFlash, ADDRESS, 32>;

/// The HAL's driver, whose reads do not fault.
pub struct GuardedFlash(Flash<'static, Blocking>);

/// Takes the flash.
pub fn field_flash(flash: Peri<'static, peripherals::FLASH>) -> FieldFlash {
    Addressed(GuardedFlash(Flash::new_blocking(flash)))
}

impl ErrorType for GuardedFlash {
    type Error = NorFlashErrorKind;
}

impl ReadNorFlash for GuardedFlash {
    const READ_SIZE: usize = 1;

    fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), NorFlashErrorKind> {
        if offset as usize + bytes.len() > self.capacity() {
            return Err(NorFlashErrorKind::OutOfBounds);
        }
        clear_flags();
        let start = (ADDRESS + offset) as usize;
        let line = start - start % CACHE_LINE_BYTES;
        let lines_bytes = (start + bytes.len() - line).next_multiple_of(CACHE_LINE_BYTES);
        // SAFETY: maintenance by address has no state that another user of these registers could disturb.
        let mut scb = unsafe { cortex_m::Peripherals::steal() }.SCB;
        // SAFETY: whole lines of flash, which are never dirty: the region is written through.
        unsafe { scb.invalidate_dcache_by_address(line, lines_bytes) };
        without_bus_faults(&mut scb, || {
            for (address, byte) in (start..).zip(bytes) {
                // SAFETY: flash of this chip, in bounds, that nothing changes meanwhile.
                *byte = unsafe { ptr::read_volatile(ptr::with_exposed_provenance(address)) };
            }
        });
        let is_torn = BANKS.into_iter().any(|bank| pac::FLASH.bank(bank).sr().read().dbeccerr());
        if is_torn { Err(NorFlashErrorKind::Other) } else { Ok(()) }
    }

    fn capacity(&self) -> usize {
        ReadNorFlash::capacity(&self.0)
    }
}

impl NorFlash for GuardedFlash {
    const WRITE_SIZE: usize = <Flash<'static, Blocking> as NorFlash>::WRITE_SIZE;
    const ERASE_SIZE: usize = <Flash<'static, Blocking> as NorFlash>::ERASE_SIZE;

    fn erase(&mut self, from: u32, to: u32) -> Result<(), NorFlashErrorKind> {
        clear_flags();
        NorFlash::erase(&mut self.0, from, to).map_err(|error| error.kind())
    }

    fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), NorFlashErrorKind> {
        clear_flags();
        NorFlash::write(&mut self.0, offset, bytes).map_err(|error| error.kind())
    }
}

const BANKS: [usize; 2] = [0, 1];

const CACHE_LINE_BYTES: usize = 32;

/// Of FLASH_CCR, RM0433 section 4.9.6: every flag of a bank.
const EVERY_FLAG: u32 = 0x1FEF_0000;

fn clear_flags() {
    BANKS.into_iter().for_each(|bank| pac::FLASH.bank(bank).ccr().write(|flags| flags.0 = EVERY_FLAG));
}

/// Of SCB_CCR, PM0253 section 4.3.8: handlers of priority -1 ignore bus faults of their loads.
const BFHFNMIGN: u32 = 1 << 8;

/// Runs `work`, which only loads, at priority -1, where a load that faults brings anything.
fn without_bus_faults(scb: &mut SCB, work: impl FnOnce()) {
    // SAFETY: what the bit changes holds at priority -1 only, which is left before it is cleared.
    unsafe { scb.ccr.modify(|control| control | BFHFNMIGN) };
    // SAFETY: raises the priority to -1, for a few microseconds; barriers keep every load of `work` within.
    unsafe { asm!("cpsid f", "dsb", "isb") };
    work();
    // SAFETY: the priority is what it was: nothing else here sets FAULTMASK.
    unsafe { asm!("dsb", "cpsie f", "isb") };
    // SAFETY: as it was.
    unsafe { scb.ccr.modify(|control| control & !BFHFNMIGN) };
}
