//! The frame grabber: a PIO state machine takes the pixels, a DMA channel writes them, another state machine watches the
//! vertical sync.
//!
//! The DMA reaches all of SRAM, in words, up to 2^32 - 1 of them (RP2350: 2^28 - 1), so a frame is one transfer. SRAM is not cached, so
//! there is nothing to clean or to invalidate; fences keep the compiler from moving reads of pixels before the end.

use core::sync::atomic::{Ordering, compiler_fence};

use embassy_rp::Peri;
use embassy_rp::interrupt::typelevel::{Handler, PIO0_IRQ_1};
use embassy_rp::pac;
use embassy_rp::peripherals::{DMA_CH0, PIO0};
use embassy_rp::pio::program::{ArrayVec, PioVersion, Program, SideSet, Wrap};
use embassy_rp::pio::{Common, Config, LoadedProgram, Pin, ShiftConfig, ShiftDirection, StateMachine};
use ocelli::{CaptureError, FrameGrabber};

use crate::SharedCapture;
use crate::device::clock;
use crate::parallel_port::{EVERY_BYTE, FIRST_OF_TWO, PUSH_SURPLUS, PioProgram, SYNC, surplus_rows};

/// The capture that the interrupts drive.
pub static CAPTURE: SharedCapture<PioGrabber> = SharedCapture::new();

/// What the handler of the vertical sync's interrupt does.
pub struct VerticalSync;

impl Handler<PIO0_IRQ_1> for VerticalSync {
    unsafe fn on_interrupt() {
        // Flag 0, which the program `SYNC` sets, off.
        pac::PIO0.irq().write(|flags| flags.set_irq(1));
        CAPTURE.frame_boundary(clock::now_us());
    }
}

/// What a camera sends.
#[derive(Clone, Copy)]
pub struct Rows {
    /// Pixels of a row of the frame.
    pub width: u32,
    /// Rows of the frame.
    pub height: u32,
    /// Whether a pixel's brightness is followed by a byte of colour.
    pub skips_colour: bool,
    /// Rows on top that the sensor is known to send.
    pub surplus: u32,
}

/// PIO block 0 with its state machines 0 and 1, and DMA channel 0.
pub struct PioGrabber {
    pixels: StateMachine<'static, PIO0, 0>,
    _sync: StateMachine<'static, PIO0, 1>,
    _channel: Peri<'static, DMA_CH0>,
    /// Where the pixels' program begins.
    origin: u8,
    rows: Rows,
    buffer: Option<&'static mut [u8]>,
}

impl PioGrabber {
    /// Loads both programs and starts to watch the vertical sync. `pins` follow each other, the first is data 0.
    pub fn new(
        common: &mut Common<'static, PIO0>,
        mut pixels: StateMachine<'static, PIO0, 0>,
        mut sync: StateMachine<'static, PIO0, 1>,
        channel: Peri<'static, DMA_CH0>,
        pins: &[&Pin<'static, PIO0>],
        rows: Rows,
    ) -> PioGrabber {
        let program = load(common, if rows.skips_colour { FIRST_OF_TWO } else { EVERY_BYTE });
        pixels.set_config(&configuration(&program, pins));
        let watch = load(common, SYNC);
        sync.set_config(&configuration(&watch, pins));
        // Interrupt flag 0 goes to the block's second interrupt: the first is the HAL's.
        pac::PIO0.irqs(1).inte().write(|sources| sources.0 = 1 << 8);
        sync.set_enable(true);
        PioGrabber { pixels, _sync: sync, _channel: channel, origin: program.origin, rows, buffer: None }
    }

    /// Runs one instruction on the state machine of the pixels, out of its program.
    fn inject(&mut self, instruction: u16) {
        // SAFETY: a jump to the program's start, or the counter of rows into the queue: no pin changes.
        unsafe { self.pixels.exec_instr(instruction) }
    }

    /// Words that the DMA has still to write.
    fn words_left() -> usize {
        let count = pac::DMA.ch(CHANNEL).trans_count().read();
        #[cfg(feature = "rp235x")]
        let count = count.count();
        count as usize
    }
}

const CHANNEL: usize = 0;

impl FrameGrabber for PioGrabber {
    fn begin(&mut self, buffer: &'static mut [u8]) {
        self.pixels.set_enable(false);
        self.pixels.clear_fifos();
        self.pixels.restart();
        self.inject(u16::from(self.origin));
        self.pixels.tx().push(self.rows.height - 1);
        self.pixels.tx().push(self.rows.width - 1);
        compiler_fence(Ordering::SeqCst);
        let words = (buffer.len() / 4) as u32;
        let channel = pac::DMA.ch(CHANNEL);
        channel.read_addr().write_value(self.pixels.rx_fifo_ptr() as u32);
        // The buffer is this grabber's until `end`, and on a multiple of four bytes.
        channel.write_addr().write_value(buffer.as_mut_ptr() as u32);
        #[cfg(not(feature = "rp235x"))]
        channel.trans_count().write_value(words);
        #[cfg(feature = "rp235x")]
        channel.trans_count().write(|count| count.set_count(words));
        let request = self.pixels.rx_treq();
        channel.ctrl_trig().write(|control| {
            control.set_treq_sel(request);
            control.set_data_size(pac::dma::vals::DataSize::SIZE_WORD);
            control.set_incr_write(true);
            // To itself: no chain.
            control.set_chain_to(CHANNEL as u8);
            control.set_en(true);
        });
        self.buffer = Some(buffer);
        self.pixels.set_enable(true);
    }

    fn received_bytes(&mut self) -> Result<usize, CaptureError> {
        let needed_bytes = self.buffer.as_ref().map_or(0, |buffer| buffer.len());
        let received_bytes = needed_bytes - 4 * PioGrabber::words_left();
        if received_bytes == needed_bytes {
            PUSH_SURPLUS.into_iter().for_each(|instruction| self.inject(instruction));
            let counter = self.pixels.rx().try_pull().unwrap_or(0);
            if surplus_rows(counter, self.rows.height) > self.rows.surplus {
                return Err(CaptureError::Overrun { needed_bytes: needed_bytes as u32 });
            }
        }
        Ok(received_bytes)
    }

    fn end(&mut self) -> Option<&'static mut [u8]> {
        self.pixels.set_enable(false);
        pac::DMA.chan_abort().write(|channels| channels.set_chan_abort(1 << CHANNEL));
        while pac::DMA.ch(CHANNEL).ctrl_trig().read().busy() {}
        compiler_fence(Ordering::SeqCst);
        self.buffer.take()
    }
}

fn load(common: &mut Common<'static, PIO0>, program: PioProgram) -> LoadedProgram<'static, PIO0> {
    let code: ArrayVec<u16, 32> = program.code.iter().copied().collect();
    let wrap = Wrap { source: code.len() as u8 - 1, target: program.wrap_to };
    let (side_set, version) = (SideSet::default(), PioVersion::V0);
    common.load_program(&Program { code, origin: None, wrap, side_set, version })
}

fn configuration(
    program: &LoadedProgram<'static, PIO0>,
    pins: &[&Pin<'static, PIO0>],
) -> Config<'static, PIO0> {
    let mut configuration = Config::default();
    configuration.use_program(program, &[]);
    configuration.set_in_pins(pins);
    configuration.shift_in = ShiftConfig { threshold: 32, direction: ShiftDirection::Right, auto_fill: true };
    configuration
}
