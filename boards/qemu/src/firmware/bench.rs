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
    /// Painted before the session.
    pub stack: StackGauge,
    instructions: [Option<u64>; 3],
}

impl<'a> MachineBench<'a> {
    /// Instruments that have measured nothing yet.
    pub fn new(clock: &'a Clock) -> MachineBench<'a> {
        MachineBench { clock, stack: StackGauge::paint(), instructions: [None; 3] }
    }
}

impl Bench for MachineBench<'_> {
    fn measure<T>(&mut self, stage: Stage, run: impl FnOnce() -> T) -> T {
        let (result, instructions) = self.clock.measure(run);
        self.instructions[stage as usize] = Some(instructions);
        result
    }

    fn count(&mut self, run: impl FnOnce()) -> u64 {
        self.clock.measure(run).1
    }

    /// Reads the gauge, and only then prints, because printing takes stack too.
    fn stack_bytes(&mut self) -> usize {
        let stack_bytes = self.stack.used_bytes();
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
