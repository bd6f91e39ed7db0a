//! Numbers of a few bits each, one behind the other, the first in the lowest bits.

/// So many numbers of `width` bits, at most 8.
#[derive(Clone, Copy)]
pub(super) struct Numbers<'a> {
    bytes: &'a [u8],
    width: usize,
}

impl<'a> Numbers<'a> {
    /// `count` numbers, which take up all of `bytes`; what they leave of the last byte must be 0.
    pub fn new(bytes: &'a [u8], width: usize, count: usize) -> Option<Numbers<'a>> {
        let bits = count.checked_mul(width)?;
        let rest = bytes.last().map_or(0, |&last| last.checked_shr((bits % 8) as u32).unwrap_or(0));
        let is_filled = bits.is_multiple_of(8) || rest == 0;
        (bytes.len() == bits.div_ceil(8) && is_filled).then_some(Numbers { bytes, width })
    }

    /// Number `index`; 0 beyond the last.
    #[inline(always)]
    pub fn get(&self, index: usize) -> u8 {
        let at = index.wrapping_mul(self.width);
        let byte = |index: usize| u32::from(self.bytes.get(index).copied().unwrap_or(0));
        let pair = byte(at / 8) | byte(at / 8 + 1) << 8;
        (pair >> (at % 8)) as u8 & ((1u32 << self.width) - 1) as u8
    }
}
