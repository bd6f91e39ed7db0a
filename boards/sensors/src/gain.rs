//! How OmniVision's older sensors spell a gain.

/// The bits for a gain in sixteenths, with `doublings` bits above the lowest four: gain = (1 + low / 16) times 2 for each
/// of them that is set. The nearest below what is asked for, within what there is.
pub fn doubling_bits(sixteenths: u16, doublings: u32) -> u16 {
    let most = 31 << doublings;
    let wanted = u32::from(sixteenths).clamp(16, most);
    let steps = (wanted >> 4).ilog2().min(doublings);
    let low = ((wanted >> steps) - 16).min(15);
    (low | (((1 << steps) - 1) << 4)) as u16
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gains_are_spelled_as_doublings_and_sixteenths() {
        for (sixteenths, expected) in
            [(0, 0), (16, 0), (24, 8), (31, 15), (32, 0x10), (63, 0x1F), (64, 0x30), (65_535, 0x3FF)]
        {
            assert_eq!(doubling_bits(sixteenths, 6), expected, "{sixteenths}");
        }
        assert_eq!(doubling_bits(65_535, 4), 0xFF);
    }
}
