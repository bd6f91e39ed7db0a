//! A session's instruments on the machine: the instruction counter, the stack gauge, semihosting.

use core::fmt;

use ocelli_qemu::clock::Clock;
use ocelli_qemu::console;
use ocelli_qemu::session::{Bench, Stage};
use ocelli_qemu::stack::StackGauge;

/// The instruments.
pub struct MachineBench<'a> {
    /// Counts instructions.
    pub clock: &'a Clock,
    /// Painted before the session, and again by the infer stage.
    stack: StackGauge,
    /// The deepest stack before that.
    deepest_bytes: usize,
    infer_bytes: usize,
    instructions: [Option<u64>; 3],
}

impl<'a> MachineBench<'a> {
    /// Instruments that have measured nothing yet.
    pub fn new(clock: &'a Clock) -> MachineBench<'a> {
        MachineBench {
            clock,
            stack: StackGauge::paint(),
            deepest_bytes: 0,
            infer_bytes: 0,
            instructions: [None; 3],
        }
    }
}

impl Bench for MachineBench<'_> {
    fn measure<T>(&mut self, stage: Stage, run: impl FnOnce() -> T) -> T {
        let deepest_bytes = self.stack.used_bytes();
        let gauge = StackGauge::paint();
        let (result, instructions) = self.clock.measure(run);
        if stage == Stage::Infer {
            self.infer_bytes = gauge.used_bytes();
        }
        self.deepest_bytes = self.deepest_bytes.max(deepest_bytes);
        self.instructions[stage as usize] = Some(instructions);
        result
    }

    fn count(&mut self, run: impl FnOnce()) -> u64 {
        self.clock.measure(run).1
    }

    /// Reads the gauge, and only then prints, because printing takes stack too.
    fn stack_bytes(&mut self) -> usize {
        let stack_bytes = self.stack.used_bytes().max(self.deepest_bytes);
        console::line(format_args!("infer_stack_bytes {}", self.infer_bytes));
        for (name, instructions) in ["preprocess", "infer", "postprocess"].into_iter().zip(self.instructions)
        {
            if let Some(instructions) = instructions {
                console::line(format_args!("instructions {name} {instructions}"));
            }
        }
        stack_bytes
    }

    fn line(&mut self, text: fmt::Arguments<'_>) {
        console::line(text);
    }
}
