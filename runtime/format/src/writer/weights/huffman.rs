//! Weights in canonical Huffman codes. Huffman and not an arithmetic code (rANS): on weights of few values it
//! is within two hundredths of the entropy, and decodes without multiplications or tables in RAM.

use alloc::collections::BinaryHeap;
use alloc::vec::Vec;
use core::cmp::Reverse;

use crate::weights::{LONGEST_CODE, SKIP};

/// Codes of all weights, of those that are not 0, or of runs of four: what takes the fewest bytes.
pub(super) fn coded(values: &[i8], row: usize) -> Option<Vec<u8>> {
    [all(values), runs(values, row, 1), runs(values, row, 4)].into_iter().flatten().min_by_key(Vec::len)
}

/// Every weight has a code.
fn all(values: &[i8]) -> Option<Vec<u8>> {
    let values: Vec<u8> = values.iter().map(|&value| value as u8).collect();
    let alphabet = Alphabet::of(&values)?;
    let mut codes = Codes::default();
    values.iter().for_each(|&value| codes.push(&alphabet, value));
    Some([&codes.header(0)[..], &alphabet.table, &codes.bytes].concat())
}

/// Every run of `run` weights that are not all 0 has a step, over the runs before it, and its weights.
fn runs(values: &[i8], row: usize, run: usize) -> Option<Vec<u8>> {
    let (mut steps, mut weights, mut zeros) = (Vec::new(), Vec::new(), 0usize);
    // What is pushed in order: steps, and how many weights follow each.
    for four in values.chunks(row).flat_map(|row| row.chunks(run)) {
        if four.iter().all(|&value| value == 0) {
            zeros += 1;
            continue;
        }
        steps.extend(core::iter::repeat_n(SKIP, zeros / usize::from(SKIP)));
        steps.push((zeros % usize::from(SKIP)) as u8);
        weights.extend((0..run).map(|place| four.get(place).copied().unwrap_or(0) as u8));
        zeros = 0;
    }
    let (of_steps, of_weights) = (Alphabet::of(&steps)?, Alphabet::of(&weights)?);
    let mut codes = Codes::default();
    let mut weights = weights.chunks(run);
    for step in steps {
        codes.push(&of_steps, step);
        if step != SKIP {
            weights.next()?.iter().for_each(|&weight| codes.push(&of_weights, weight));
        }
    }
    let kind = if run == 1 { 1 } else { 2 };
    Some([&codes.header(kind)[..], &of_steps.table, &of_weights.table, &codes.bytes].concat())
}

/// Codes in the making.
#[derive(Default)]
struct Codes {
    bytes: Vec<u8>,
    bits: u32,
}

impl Codes {
    fn push(&mut self, alphabet: &Alphabet, symbol: u8) {
        let (code, length) = alphabet.codes[usize::from(symbol)];
        for bit in (0..length).rev() {
            if self.bits.is_multiple_of(8) {
                self.bytes.push(0);
            }
            let place = 7 - self.bits % 8;
            if let Some(last) = self.bytes.last_mut() {
                *last |= ((code >> bit & 1) as u8) << place;
            }
            self.bits += 1;
        }
    }

    /// Kind, zeros, bits.
    fn header(&self, kind: u8) -> [u8; 8] {
        let [a, b, c, d] = self.bits.to_le_bytes();
        [kind, 0, 0, 0, a, b, c, d]
    }
}

/// The codes of symbols.
struct Alphabet {
    /// Code and its length, by symbol.
    codes: [(u32, u32); 256],
    /// How many codes there are of each length, then the symbols in their order.
    table: Vec<u8>,
}

impl Alphabet {
    /// For these symbols; `None` where a length has more codes than a byte can count.
    fn of(symbols: &[u8]) -> Option<Alphabet> {
        let lengths = lengths(symbols);
        let mut codes = [(0, 0); 256];
        let mut counts = [0u8; LONGEST_CODE];
        let mut order = Vec::new();
        let mut code = 0;
        for (length, count) in (1..).zip(&mut counts) {
            for (symbol, _) in lengths.iter().enumerate().filter(|&(_, &own)| own == length) {
                codes[symbol] = (code, length);
                order.push(symbol as u8);
                code += 1;
                *count = count.checked_add(1)?;
            }
            code <<= 1;
        }
        Some(Alphabet { codes, table: [&counts[..], &order].concat() })
    }
}

/// Lengths of the best codes, none above [`LONGEST_CODE`]; 0 for symbols that do not come.
fn lengths(symbols: &[u8]) -> [u32; 256] {
    let mut frequencies = [0u64; 256];
    symbols.iter().for_each(|&symbol| frequencies[usize::from(symbol)] += 1);
    loop {
        let lengths = unlimited_lengths(&frequencies);
        if lengths.iter().all(|&length| length as usize <= LONGEST_CODE) {
            return lengths;
        }
        // Rare symbols become less rare until no code is too long.
        frequencies
            .iter_mut()
            .filter(|frequency| **frequency > 0)
            .for_each(|frequency| *frequency = *frequency / 2 + 1);
    }
}

fn unlimited_lengths(frequencies: &[u64; 256]) -> [u32; 256] {
    let mut lengths = [0; 256];
    let present = frequencies.iter().enumerate().filter(|&(_, &frequency)| frequency > 0);
    let mut trees: BinaryHeap<Reverse<(u64, Vec<u8>)>> =
        present.map(|(symbol, &frequency)| Reverse((frequency, alloc::vec![symbol as u8]))).collect();
    if let (1, Some(Reverse((_, only)))) = (trees.len(), trees.peek()) {
        only.iter().for_each(|&symbol| lengths[usize::from(symbol)] = 1);
    }
    while let (Some(Reverse((first, mut symbols))), Some(Reverse((second, others)))) =
        (trees.pop(), trees.pop())
    {
        symbols.extend(others);
        symbols.iter().for_each(|&symbol| lengths[usize::from(symbol)] += 1);
        trees.push(Reverse((first + second, symbols)));
    }
    lengths
}
