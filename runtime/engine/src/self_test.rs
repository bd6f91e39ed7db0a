//! The self-test: whether this machine computes what the host computed.

use ocelli_core::Infer;
use ocelli_format::{Crc32, SeedStream};

use crate::{Plan, SelfTestError};

impl Plan<'_> {
    /// Runs the artefact's self-test. Inputs, outputs and states are reset by it.
    ///
    /// # Errors
    /// A [`SelfTestError`]: the model is not to be used on this machine.
    pub fn self_test(&mut self) -> Result<(), SelfTestError> {
        let test = self.artefact().self_test().ok_or(SelfTestError::Missing)?;
        let (expected, computed) = (test.output_crc32, self.output_crc32(test.seed, test.shift));
        if expected == computed { Ok(()) } else { Err(SelfTestError::Outputs { expected, computed }) }
    }

    /// Runs the model from zero states on inputs filled from one [`SeedStream`], in order, and gives
    /// the CRC-32 of its outputs, in order: what the compiler stores and the self-test compares.
    pub fn output_crc32(&mut self, seed: u32, shift: u8) -> u32 {
        self.reset();
        let mut stream = SeedStream::new(seed, shift);
        for index in 0..self.artefact().inputs().len() {
            self.fill_input(index, || stream.next().unwrap_or_default());
        }
        self.infer();
        let mut checksum = Crc32::new();
        for index in 0..self.artefact().outputs().len() {
            checksum.update(bytemuck::cast_slice(self.output(index).unwrap_or_default()));
        }
        self.reset();
        checksum.value()
    }
}
