//! Clothes drawn in letters, 28 x 28, as a camera would show them: what the demo looks at where nothing can be fetched.

use ocelli::{Frame, PixelFormat};

use crate::failure::Failure;

/// A heading and 28 lines each; blank lines between.
const DRAWINGS: &str = include_str!("drawings.txt");

/// Letters from black to white.
const LETTERS: &str = ".,:-=+*#%@";

/// Pixels of a side.
pub(super) const SIDE: usize = 28;

/// A drawing.
pub(super) struct Drawing {
    /// What it shows.
    pub(super) name: &'static str,
    /// In gray, row by row.
    pub(super) pixels: Vec<u8>,
}

impl Drawing {
    pub(super) fn frame(&self) -> Result<Frame<'_>, Failure> {
        Frame::new(&self.pixels, SIDE, SIDE, PixelFormat::Gray8)
            .map_err(|error| Failure::at(self.name, error))
    }
}

/// All of them.
pub(super) fn all() -> Vec<Drawing> {
    DRAWINGS.split("\n\n").filter_map(drawing).collect()
}

fn drawing(text: &'static str) -> Option<Drawing> {
    let (name, rows) = text.split_once('\n')?;
    let brightest = LETTERS.len() - 1;
    let pixel = |letter: char| Some((LETTERS.find(letter)? * 255 / brightest) as u8);
    let pixels = rows.chars().filter(|letter| *letter != '\n').map(pixel).collect::<Option<Vec<u8>>>()?;
    Some(Drawing { name, pixels })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_drawing_is_whole_and_has_both_black_and_bright() {
        let drawings = all();
        assert_eq!(drawings.len(), 8);
        for Drawing { name, pixels } in &drawings {
            assert_eq!(pixels.len(), SIDE * SIDE, "{name}");
            assert!(pixels.contains(&0) && pixels.iter().any(|&pixel| pixel > 180), "{name}");
        }
    }
}
