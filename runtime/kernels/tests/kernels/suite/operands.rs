//! Operands of one layer: at any alignment, and between zones that nothing may write.

use alloc::vec;
use alloc::vec::Vec;
use core::fmt::Debug;

use ocelli_kernels::Source;

use super::random::Random;

/// Elements at an address with a chosen remainder by 16, and zones around them that must stay as they are.
pub struct Guarded<T> {
    bytes: Vec<T>,
    guard: T,
    start: usize,
    length: usize,
}

impl<T: Copy + PartialEq> Guarded<T> {
    /// So many elements.
    pub fn new(length: usize, remainder: usize, guard: T) -> Guarded<T> {
        let bytes = vec![guard; length + 4 * ZONE];
        let start = ZONE + bytes.as_ptr().align_offset(ZONE) + remainder;
        Guarded { bytes, guard, start, length }
    }

    /// So many elements that are only read. Where blocks of memory start on multiples of 16, the last element is the
    /// last of its block, so that a sanitizer sees what is read behind it.
    pub fn read_only(length: usize, remainder: usize, guard: T) -> Guarded<T> {
        let bytes = vec![guard; remainder + length];
        if bytes.as_ptr().align_offset(ZONE) != 0 {
            return Guarded::new(length, remainder, guard);
        }
        Guarded { bytes, guard, start: remainder, length }
    }

    /// What may be written.
    pub fn all(&mut self) -> &mut [T] {
        &mut self.bytes[self.start..self.start + self.length]
    }

    /// Starts at a word from now on, with the same length.
    pub fn align(&mut self) {
        self.start -= self.bytes[self.start..].as_ptr().addr() % 4;
    }

    /// Panics if anything around was written.
    pub fn check(&self, what: &dyn Debug) {
        let (before, after) = (&self.bytes[..self.start], &self.bytes[self.start + self.length..]);
        assert!(before.iter().chain(after).all(|&byte| byte == self.guard), "wrote outside: {what:?}");
    }
}

/// Elements around the operands, and how many alignments there are.
pub const ZONE: usize = 16;

/// Operands of one layer: input, output and scratch, at any alignment.
pub struct Operands {
    /// What is read.
    pub input: Guarded<i8>,
    /// What is written.
    pub output: Guarded<i8>,
    /// What may be used.
    pub scratch: Guarded<u8>,
}

impl Operands {
    /// A random input. Scratch mostly starts at a word, as every arena's does.
    pub fn random(random: &mut Random, input: usize, output: usize, scratch_bytes: usize) -> Operands {
        let mut operands = Operands {
            input: Guarded::read_only(input, random.below(ZONE), 0x55),
            output: Guarded::new(output, random.below(ZONE), 0x55),
            scratch: Guarded::new(scratch_bytes, random.one_of(&[0, 0, 0, 4, 8, 12, 1, 2, 3]), 0x55),
        };
        random.fill(operands.input.all());
        random.fill(operands.output.all());
        operands
    }

    /// Panics unless the output is as expected and nothing else was written.
    pub fn compare(&mut self, expected: &[i8], what: &dyn Debug) {
        assert_eq!(self.output.all(), expected, "{what:?}");
        self.output.check(what);
        self.scratch.check(what);
    }
}

/// Runs a kernel of one input, and compares what it writes.
pub fn unary(
    random: &mut Random,
    [input, output]: [usize; 2],
    kernel: impl FnOnce(&[i8], &mut [i8]),
    oracle: impl FnOnce(&[i8]) -> Vec<i8>,
    what: &dyn Debug,
) {
    let mut operands = Operands::random(random, input, output, 0);
    let Operands { input, output, .. } = &mut operands;
    kernel(input.all(), output.all());
    let expected = oracle(input.all());
    operands.compare(&expected, what);
}

/// Runs a kernel whose input is apart or in place, and compares with one element at a time.
pub fn in_place(
    random: &mut Random,
    count: usize,
    kernel: impl Fn(Source<'_>, &mut [i8]),
    element: impl Fn(usize, i8) -> i8,
    what: &dyn Debug,
) {
    let mut operands = Operands::random(random, count, count, 0);
    let Operands { input, output, .. } = &mut operands;
    let input = input.all();
    let expected: Vec<i8> = input.iter().enumerate().map(|(place, &value)| element(place, value)).collect();
    kernel(Source::Apart(input), output.all());
    assert_eq!(output.all(), expected, "apart: {what:?}");
    output.all().copy_from_slice(input);
    kernel(Source::InPlace, output.all());
    operands.compare(&expected, &("in place", what));
}

/// Runs a binary kernel with its operands apart and in place, and compares with one element at a time. The
/// elements of an operand are random or all the same.
pub fn binary(
    random: &mut Random,
    same: [Option<i8>; 2],
    kernel: impl Fn(Source<'_>, Source<'_>, &mut [i8]),
    element: impl Fn(i8, i8) -> i8,
    what: &dyn Debug,
) {
    let count = 1 + random.below(40);
    let mut buffers: [Guarded<i8>; 3] =
        [Guarded::read_only, Guarded::read_only, Guarded::new].map(|of| of(count, random.below(ZONE), 0x55));
    let [left, right, output] = &mut buffers;
    random.fill(left.all());
    random.fill(right.all());
    let (left, right) = (left.all(), right.all());
    for (operand, same) in [&mut *left, &mut *right].into_iter().zip(same) {
        if let Some(same) = same {
            operand.fill(same);
        }
    }
    let expected: Vec<i8> = left.iter().zip(&*right).map(|(&left, &right)| element(left, right)).collect();
    kernel(Source::Apart(left), Source::Apart(right), output.all());
    assert_eq!(output.all(), expected, "apart: {what:?}");
    output.all().copy_from_slice(left);
    kernel(Source::InPlace, Source::Apart(right), output.all());
    assert_eq!(output.all(), expected, "first in place: {what:?}");
    output.all().copy_from_slice(right);
    kernel(Source::Apart(left), Source::InPlace, output.all());
    assert_eq!(output.all(), expected, "second in place: {what:?}");
    output.all().copy_from_slice(left);
    kernel(Source::InPlace, Source::InPlace, output.all());
    let expected: Vec<i8> = left.iter().map(|&left| element(left, left)).collect();
    assert_eq!(output.all(), expected, "both in place: {what:?}");
    output.check(what);
}

/// Elements of a tensor.
pub fn elements(shape: [usize; 4]) -> usize {
    shape.iter().product()
}
