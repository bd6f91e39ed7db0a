//! The frame grabber: the DCMI takes the pixels, DMA1 stream 0 writes them, and each vertical sync exchanges the two
//! buffers of the ring, so that one is written while the other is read. The sync interrupts whether a frame is being captured
//! or not, so a camera that was unplugged is seen again.
//!
//! **Which memory the DMA reaches.** DMA1 and DMA2 reach AXI SRAM and the SRAMs of domains 2 and 3, not the two tightly
//! coupled memories. `board.toml` puts all variables into AXI SRAM (0x2400_0000, 512 KB).
//!
//! **Longest transfer.** A stream counts to 65,535, here words of the DCMI's data register: 262,140 bytes, which a frame of 320 x
//! 240 in gray needs less than a third of. A larger frame does not compile.
//!
//! **Cache.** AXI SRAM is cached, written back. Before the DMA starts, the buffer's lines are invalidated: a dirty one,
//! written out later, would overwrite pixels. After it has stopped, they are invalidated again: the core may have
//! fetched lines in advance meanwhile. A buffer begins and ends with a line of 32 bytes, so no other variable is lost.
#![allow(unsafe_code)]

use core::sync::atomic::{Ordering, fence};

use embassy_stm32::interrupt::typelevel::{DCMI, Handler};
use embassy_stm32::pac;
use ocelli::{CaptureError, FrameFormat, FrameGrabber};
use ocelli_boards::SharedCapture;
use ocelli_boards::device::clock;

/// What the ring holds: the first of two bytes of each pixel.
pub const FORMAT: FrameFormat = FrameFormat::QVGA_GRAY;

const WORDS: usize = FORMAT.bytes() / 4;

const _: () = assert!(WORDS <= u16::MAX as usize, "the frame is longer than a transfer");

/// The capture that the interrupts drive.
pub static CAPTURE: SharedCapture<DcmiGrabber> = SharedCapture::new();

/// What the handler of the DCMI's interrupt does.
pub struct VerticalSync;

impl Handler<DCMI> for VerticalSync {
    unsafe fn on_interrupt() {
        pac::DCMI.icr().write(|flags| flags.set_vsync_isc(true));
        CAPTURE.frame_boundary(clock::now_us());
    }
}

/// DCMI and DMA1 stream 0.
pub struct DcmiGrabber {
    buffer: Option<&'static mut [u8]>,
}

const STREAM: usize = 0;

/// The DCMI's request at DMAMUX1: reference manual RM0433, table 121.
const DCMI_REQUEST: u8 = 75;

/// Of DCMI_CR, RM0433 section 35.5.1: capture every other byte, beginning with the first.
const EVERY_OTHER_BYTE: u32 = 0b01 << 16;

impl DcmiGrabber {
    /// Sets both up; the pins have their functions already. These sensors change pixels when the clock falls, hold VSYNC high
    /// between frames and HSYNC low between rows.
    pub fn new() -> DcmiGrabber {
        pac::RCC.ahb1enr().modify(|clocks| clocks.set_dma1en(true));
        pac::RCC.ahb2enr().modify(|clocks| clocks.set_dcmien(true));
        pac::DMAMUX1.ccr(STREAM).write(|channel| channel.set_dmareq_id(DCMI_REQUEST));
        pac::DCMI.cr().write(|control| {
            control.set_pckpol(true);
            control.set_vspol(true);
            control.set_hspol(false);
            control.0 |= EVERY_OTHER_BYTE;
        });
        pac::DCMI.cr().modify(|control| control.set_enable(true));
        pac::DCMI.ier().write(|sources| sources.set_vsync_ie(true));
        DcmiGrabber { buffer: None }
    }

    /// Makes the core forget what it knows of a buffer.
    fn invalidate(buffer: &mut [u8]) {
        // SAFETY: maintenance by address has no state that another user of these registers could disturb.
        let mut scb = unsafe { cortex_m::Peripherals::steal() }.SCB;
        // SAFETY: the buffer begins and ends with a cache line (`FrameBuffer`), and what the core wrote into it is of
        // no use any more.
        unsafe { scb.invalidate_dcache_by_address(buffer.as_ptr().addr(), buffer.len()) };
    }
}

impl Default for DcmiGrabber {
    fn default() -> Self {
        DcmiGrabber::new()
    }
}

impl FrameGrabber for DcmiGrabber {
    fn begin(&mut self, buffer: &'static mut [u8]) {
        DcmiGrabber::invalidate(buffer);
        fence(Ordering::SeqCst);
        // Every flag of stream 0 off.
        pac::DMA1.ifcr(0).write(|flags| flags.0 = 0x3D);
        let stream = pac::DMA1.st(STREAM);
        stream.ndtr().write(|count| count.set_ndt(WORDS as u16));
        stream.par().write_value(pac::DCMI.dr().as_ptr() as u32);
        // The buffer is this grabber's until `end`.
        stream.m0ar().write_value(buffer.as_mut_ptr() as u32);
        stream.cr().write(|control| {
            control.set_dir(pac::dma::vals::Dir::PERIPHERAL_TO_MEMORY);
            control.set_minc(true);
            control.set_psize(pac::dma::vals::Size::BITS32);
            control.set_msize(pac::dma::vals::Size::BITS32);
            control.set_pl(pac::dma::vals::Pl::VERY_HIGH);
            control.set_en(true);
        });
        pac::DCMI.icr().write(|flags| flags.set_ovr_isc(true));
        pac::DCMI.cr().modify(|control| control.set_capture(true));
        self.buffer = Some(buffer);
    }

    fn received_bytes(&mut self) -> Result<usize, CaptureError> {
        let needed_bytes = FORMAT.bytes();
        // The transfer is over and pixels still come, or the bus was too slow for them.
        if pac::DCMI.ris().read().ovr_ris() {
            return Err(CaptureError::Overrun { needed_bytes: needed_bytes as u32 });
        }
        if pac::DMA1.isr(0).read().teif(STREAM) {
            return Err(CaptureError::Bus);
        }
        Ok(needed_bytes - 4 * usize::from(pac::DMA1.st(STREAM).ndtr().read().ndt()))
    }

    fn end(&mut self) -> Option<&'static mut [u8]> {
        pac::DCMI.cr().modify(|control| control.set_capture(false));
        let stream = pac::DMA1.st(STREAM);
        stream.cr().modify(|control| control.set_en(false));
        while stream.cr().read().en() {}
        fence(Ordering::SeqCst);
        let buffer = self.buffer.take()?;
        DcmiGrabber::invalidate(buffer);
        Some(buffer)
    }
}
