//! The camera's PIO programs in a model of a state machine, cycle by cycle, against a camera's waveforms.
//!
//! The model follows the RP2040 datasheet, sections 3.2 and 3.4: one instruction a cycle, stalls that repeat it, two
//! flip-flops before every input, queues of four words, shifting to the right with automatic push at 32 bits.

use std::collections::VecDeque;

use ocelli_boards::parallel_port::{
    EVERY_BYTE, FEWEST_CLOCKS, FIRST_OF_TWO, PIXEL_CLOCK, PUSH_SURPLUS, PioProgram, ROW, SYNC, VERTICAL_SYNC,
    surplus_rows,
};
use pio_core::{Assembler, InSource, JmpCondition, MovDestination, MovOperation, MovSource, WaitSource};

/// A state machine. Nothing here knows cameras.
struct StateMachine {
    program: PioProgram,
    counter: u8,
    x: u32,
    y: u32,
    isr: u32,
    isr_bits: u32,
    osr: u32,
    tx: VecDeque<u32>,
    rx: VecDeque<u32>,
    irqs: u32,
    /// What the two flip-flops before the pins hold, the older first.
    synchronizers: [u32; 2],
}

const QUEUE: usize = 4;

impl StateMachine {
    fn new(program: PioProgram) -> StateMachine {
        StateMachine {
            program,
            counter: 0,
            x: 0,
            y: 0,
            isr: 0,
            isr_bits: 0,
            osr: 0,
            tx: VecDeque::new(),
            rx: VecDeque::new(),
            irqs: 0,
            synchronizers: [0; 2],
        }
    }

    /// One system clock with the pins at these levels.
    fn clock(&mut self, pins: u32) {
        let seen = self.synchronizers[0];
        self.synchronizers = [self.synchronizers[1], pins];
        let instruction = self.program.code[usize::from(self.counter)];
        if let Some(next) = self.execute(instruction, seen) {
            self.counter = next;
        }
    }

    /// Where to go on, or `None` for a stall.
    fn execute(&mut self, instruction: u16, pins: u32) -> Option<u8> {
        let last = self.program.code.len() as u8 - 1;
        let next = if self.counter == last { self.program.wrap_to } else { self.counter + 1 };
        assert_eq!(instruction >> 8 & 0x1F, 0, "no delays, no side-set");
        let (operand, low) = (instruction >> 5 & 7, instruction & 0x1F);
        match instruction >> 13 {
            0b000 => {
                let counter = match operand {
                    0b010 => &mut self.x,
                    0b100 => &mut self.y,
                    _ => panic!("jump condition {operand:03b}"),
                };
                let is_taken = *counter != 0;
                *counter = counter.wrapping_sub(1);
                Some(if is_taken { low as u8 } else { next })
            }
            0b001 => {
                assert_eq!(operand & 3, 0b01, "waits for pins from the base");
                (pins >> low & 1 == u32::from(operand >> 2)).then_some(next)
            }
            0b010 => {
                assert_eq!((operand, low), (0, 8), "in pins, 8");
                // A full queue stalls the instruction that would push, before it shifts.
                if self.isr_bits + 8 >= 32 && self.rx.len() == QUEUE {
                    return None;
                }
                self.isr = self.isr >> 8 | (pins & 0xFF) << 24;
                self.isr_bits += 8;
                if self.isr_bits >= 32 {
                    self.rx.push_back(self.isr);
                    (self.isr, self.isr_bits) = (0, 0);
                }
                Some(next)
            }
            0b100 if operand == 0b101 => {
                self.osr = self.tx.pop_front()?;
                Some(next)
            }
            0b100 if operand == 0b001 => {
                if self.rx.len() == QUEUE {
                    return None;
                }
                self.rx.push_back(self.isr);
                (self.isr, self.isr_bits) = (0, 0);
                Some(next)
            }
            0b101 => {
                let value = match low {
                    0b00010 => self.y,
                    0b00111 => self.osr,
                    _ => panic!("source {low:05b}"),
                };
                match operand {
                    0b001 => self.x = value,
                    0b010 => self.y = value,
                    0b110 => (self.isr, self.isr_bits) = (value, 0),
                    _ => panic!("destination {operand:03b}"),
                }
                Some(next)
            }
            0b110 => {
                assert_eq!((operand, low), (0, 0), "sets flag 0");
                self.irqs += 1;
                Some(next)
            }
            _ => panic!("instruction {instruction:#06x}"),
        }
    }
}

/// A camera: how long its clock lasts and what its rows are like.
#[derive(Clone, Copy)]
struct Waveform {
    clocks: u32,
    row_bytes: u32,
    rows: u32,
    clock_runs_in_blank: bool,
}

impl Waveform {
    /// A byte of a row.
    fn byte(x: u32, y: u32) -> u8 {
        (x * 7 + y * 53 + 11) as u8
    }

    /// Plays a frame. Data and row signal change when the clock falls, as sensors have it by default.
    fn play(&self, mut clock: impl FnMut(u32)) {
        let blank = |clock: &mut dyn FnMut(u32), bytes: u32, level: u32| {
            for _ in 0..bytes {
                for phase in 0..self.clocks {
                    let is_high = self.clock_runs_in_blank && phase >= self.clocks.div_ceil(2);
                    clock(level | u32::from(is_high) << PIXEL_CLOCK | 0xA5);
                }
            }
        };
        blank(&mut clock, 6, 0);
        blank(&mut clock, 3, 1 << VERTICAL_SYNC);
        blank(&mut clock, 6, 0);
        for y in 0..self.rows {
            for x in 0..self.row_bytes {
                for phase in 0..self.clocks {
                    let is_high = phase >= self.clocks.div_ceil(2);
                    clock(1 << ROW | u32::from(is_high) << PIXEL_CLOCK | u32::from(Self::byte(x, y)));
                }
            }
            blank(&mut clock, 5, 0);
        }
    }
}

/// What the processor and the DMA would have after a frame: bytes in memory, and rows on top.
fn grab(program: PioProgram, waveform: Waveform, width: u32, height: u32) -> (Vec<u8>, u32) {
    let mut machine = StateMachine::new(program);
    machine.tx.extend([height - 1, width - 1]);
    let (mut memory, words) = (Vec::new(), (width * height / 4) as usize);
    waveform.play(|pins| {
        machine.clock(pins);
        // The DMA takes a word whenever there is one, until its count is over.
        if memory.len() < 4 * words
            && let Some(word) = machine.rx.pop_front()
        {
            memory.extend(word.to_le_bytes());
        }
    });
    for instruction in PUSH_SURPLUS {
        machine.execute(instruction, 0);
    }
    let surplus = machine.rx.pop_back().map_or(0, |y| surplus_rows(y, height));
    (memory, surplus)
}

fn expected(width: u32, height: u32, step: u32) -> Vec<u8> {
    (0..height).flat_map(|y| (0..width).map(move |x| Waveform::byte(x * step, y))).collect()
}

const WIDTH: u32 = 16;
const HEIGHT: u32 = 6;

#[test]
fn every_pixel_arrives_at_every_clock_that_is_slow_enough() {
    for clock_runs_in_blank in [false, true] {
        for clocks in FEWEST_CLOCKS..30 {
            let waveform = Waveform { clocks, row_bytes: WIDTH, rows: HEIGHT, clock_runs_in_blank };
            let gray = grab(EVERY_BYTE, waveform, WIDTH, HEIGHT);
            assert_eq!(gray, (expected(WIDTH, HEIGHT, 1), 0), "{clocks}");
            let waveform = Waveform { row_bytes: 2 * WIDTH, ..waveform };
            let luma = grab(FIRST_OF_TWO, waveform, WIDTH, HEIGHT);
            assert_eq!(luma, (expected(WIDTH, HEIGHT, 2), 0), "{clocks}");
        }
    }
}

#[test]
fn longer_rows_are_cut_and_rows_on_top_are_counted() {
    let waveform = Waveform { clocks: 10, row_bytes: WIDTH + 4, rows: HEIGHT + 4, clock_runs_in_blank: true };
    assert_eq!(grab(EVERY_BYTE, waveform, WIDTH, HEIGHT), (expected(WIDTH, HEIGHT, 1), 4));
    let waveform = Waveform { row_bytes: 2 * WIDTH + 6, rows: HEIGHT + 1, ..waveform };
    assert_eq!(grab(FIRST_OF_TWO, waveform, WIDTH, HEIGHT), (expected(WIDTH, HEIGHT, 2), 1));
}

#[test]
fn short_rows_and_frames_leave_the_frame_short() {
    let waveform = Waveform { clocks: 8, row_bytes: WIDTH, rows: HEIGHT - 1, clock_runs_in_blank: false };
    let (memory, surplus) = grab(EVERY_BYTE, waveform, WIDTH, HEIGHT);
    assert_eq!((memory, surplus), (expected(WIDTH, HEIGHT - 1, 1), 0));
    let waveform = Waveform { row_bytes: WIDTH - 1, rows: HEIGHT, ..waveform };
    let (memory, _) = grab(EVERY_BYTE, waveform, WIDTH, HEIGHT);
    assert!(memory.len() < (WIDTH * HEIGHT) as usize, "{} bytes", memory.len());
}

#[test]
fn each_vertical_sync_is_one_interrupt() {
    let waveform = Waveform { clocks: 8, row_bytes: WIDTH, rows: 2, clock_runs_in_blank: true };
    let mut machine = StateMachine::new(SYNC);
    for frames in 1..5 {
        waveform.play(|pins| machine.clock(pins));
        assert_eq!(machine.irqs, frames);
    }
    for level in [0, 1 << VERTICAL_SYNC] {
        (0..1000).for_each(|_| machine.clock(level));
        assert_eq!(machine.irqs, 4 + u32::from(level > 0), "a sync that is stuck comes at most once");
    }
}

/// The words are what the assembler of the crate `pio` makes of the same program.
#[test]
fn the_encoding_is_that_of_an_independent_assembler() {
    for (program, skips) in [(EVERY_BYTE, false), (FIRST_OF_TWO, true)] {
        let mut assembler = Assembler::<32>::new();
        let (mut row, mut pixel, mut surplus) = (assembler.label(), assembler.label(), assembler.label());
        assembler.pull(false, true);
        assembler.mov(MovDestination::Y, MovOperation::None, MovSource::OSR);
        assembler.pull(false, true);
        assembler.bind(&mut row);
        assembler.wait(0, WaitSource::PIN, ROW, false);
        assembler.wait(1, WaitSource::PIN, ROW, false);
        assembler.mov(MovDestination::X, MovOperation::None, MovSource::OSR);
        assembler.bind(&mut pixel);
        assembler.wait(1, WaitSource::PIN, PIXEL_CLOCK, false);
        assembler.r#in(InSource::PINS, 8);
        assembler.wait(0, WaitSource::PIN, PIXEL_CLOCK, false);
        if skips {
            assembler.wait(1, WaitSource::PIN, PIXEL_CLOCK, false);
            assembler.wait(0, WaitSource::PIN, PIXEL_CLOCK, false);
        }
        assembler.jmp(JmpCondition::XDecNonZero, &mut pixel);
        assembler.jmp(JmpCondition::YDecNonZero, &mut row);
        assembler.bind(&mut surplus);
        assembler.wait(0, WaitSource::PIN, ROW, false);
        assembler.wait(1, WaitSource::PIN, ROW, false);
        assembler.jmp(JmpCondition::YDecNonZero, &mut surplus);
        assert_eq!(assembler.assemble().as_slice(), program.code);
    }
    let mut assembler = Assembler::<32>::new();
    assembler.wait(0, WaitSource::PIN, VERTICAL_SYNC, false);
    assembler.wait(1, WaitSource::PIN, VERTICAL_SYNC, false);
    assembler.irq(false, false, 0, pio_core::IrqIndexMode::DIRECT);
    assert_eq!(assembler.assemble().as_slice(), SYNC.code);
    let mut assembler = Assembler::<32>::new();
    assembler.mov(MovDestination::ISR, MovOperation::None, MovSource::Y);
    assembler.push(false, true);
    assert_eq!(assembler.assemble().as_slice(), PUSH_SURPLUS);
}
