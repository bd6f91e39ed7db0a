//! Raw pixels of a sensor as gray: each becomes the mean of the two by two pixels that begin with it, one red, one
//! blue and two green ones, whatever their order. Enough for models that see gray; colour needs a sensor's own pipeline.

/// Fills `gray` from `raw`, `width` pixels a row in both, rows of `raw` being `row_bytes` apart.
pub(crate) fn to_gray(raw: &[u8], row_bytes: usize, width: usize, gray: &mut [u8]) {
    let rows = gray.len() / width.max(1);
    for (y, line) in gray.chunks_exact_mut(width.max(1)).enumerate() {
        // At the right and lower edge the pair before stands in: it has the same colours.
        let row = |y: usize| raw.get(y * row_bytes..).unwrap_or_default();
        let (upper, lower) = (row(y), row(if y + 1 < rows { y + 1 } else { y.saturating_sub(1) }));
        for (x, pixel) in line.iter_mut().enumerate() {
            let beside = if x + 1 < width { x + 1 } else { x.saturating_sub(1) };
            let at = |row: &[u8], x: usize| u16::from(row.get(x).copied().unwrap_or_default());
            let sum = at(upper, x) + at(upper, beside) + at(lower, x) + at(lower, beside);
            *pixel = ((sum + 2) / 4) as u8;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plain_colour_is_plain_gray_at_every_pixel() {
        // Red 200, green 100, blue 40: (200 + 2 * 100 + 40) / 4; the rows have two bytes of padding.
        let raw: Vec<u8> = (0..5)
            .flat_map(|y| {
                (0..7).map(move |x| match (y % 2, x % 2) {
                    _ if x >= 5 => 255,
                    (0, 0) => 200,
                    (1, 1) => 40,
                    _ => 100,
                })
            })
            .collect();
        let mut gray = [0; 25];
        to_gray(&raw, 7, 5, &mut gray);
        assert_eq!(gray, [110; 25]);
    }

    #[test]
    fn short_and_single_rows_are_no_panic() {
        let mut gray = [9; 4];
        to_gray(&[1, 2], 4, 4, &mut gray);
        to_gray(&[], 0, 1, &mut gray[..1]);
    }
}
