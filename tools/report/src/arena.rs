//! The arena as a picture: steps to the right, bytes upwards, a rectangle for each tensor from the step that
//! computes it to the last that reads it.

use std::fmt::Write;
use std::ops::RangeInclusive;

use crate::page::{Block, Layer};
use crate::plot::{BOTTOM, LEFT, WIDTH, column, grid_line, numbers, open};
use crate::text::{compact, escaped, shortened, thousands};

const HEIGHT: f64 = 360.0;
const TOP: f64 = 10.0;
/// Colours that blocks take in turn.
const COLOURS: usize = 6;
/// Width of a letter of a block's name.
const LETTER: f64 = 6.2;
/// Fewer letters of a name say nothing.
const LEAST_LETTERS: usize = 8;

/// Draws the blocks; empty when there is no arena.
pub(crate) fn draw(layers: &[Layer], blocks: &[Block], arena_bytes: u64) -> String {
    if arena_bytes == 0 || layers.is_empty() {
        return String::new();
    }
    let y = |byte: u64| TOP + (HEIGHT - TOP - BOTTOM) * (1.0 - byte as f64 / arena_bytes as f64);
    let mut svg = open(HEIGHT);
    svg.push_str(
        "<defs><pattern id=\"scratch\" width=\"6\" height=\"6\" patternUnits=\"userSpaceOnUse\" patternTransform=\"rotate(45)\">\
         <line class=\"hatch\" x1=\"0\" y1=\"0\" x2=\"0\" y2=\"6\"/></pattern></defs>",
    );
    for quarter in 0..=4 {
        let byte = arena_bytes * quarter / 4;
        grid_line(&mut svg, y(byte), &compact(byte as f64));
    }
    let mut tensors = 0;
    for block in blocks {
        let columns = columns_of(layers, block.first..=block.last);
        let (x, _) = column(*columns.start(), layers.len());
        let (last, width) = column(*columns.end(), layers.len());
        let (right, top) = (last + width, y(block.offset + block.bytes));
        let (wide, high) = (right - x, y(block.offset) - top);
        let class = match block.is_scratch {
            true => "scratch".to_owned(),
            false => {
                tensors += 1;
                format!("c{}", (tensors - 1) % COLOURS)
            }
        };
        let kept = block.rows.map_or_else(String::new, |rows| format!(", a ring of {rows} rows"));
        let kind = if block.is_scratch { "scratch of " } else { "" };
        let _ = write!(
            svg,
            "<rect class=\"block {class}\" x=\"{x:.1}\" y=\"{top:.1}\" width=\"{wide:.1}\" height=\"{high:.1}\"><title>{kind}{}: {} bytes at {}{kept}</title></rect>",
            escaped(&block.name),
            thousands(block.bytes),
            thousands(block.offset),
        );
        let letters = ((wide - 6.0) / LETTER) as usize;
        let tells = letters >= LEAST_LETTERS.min(block.name.chars().count());
        if !block.is_scratch && high >= 13.0 && tells {
            let name = escaped(&shortened(&block.name, letters));
            let _ = write!(
                svg,
                "<text class=\"name\" x=\"{:.1}\" y=\"{:.1}\">{name}</text>",
                x + 3.0,
                top + 11.0
            );
        }
    }
    let _ = write!(
        svg,
        "<line class=\"edge\" x1=\"{LEFT}\" x2=\"{WIDTH}\" y1=\"{0:.1}\" y2=\"{0:.1}\"/>",
        y(arena_bytes)
    );
    numbers(&mut svg, layers.len(), HEIGHT);
    svg + "</svg>"
}

/// The columns of a span of steps: several layers may share a step.
fn columns_of(layers: &[Layer], steps: RangeInclusive<u32>) -> RangeInclusive<usize> {
    let inside = |layer: &Layer| layer.step.is_some_and(|step| steps.contains(&step));
    let first = layers.iter().position(inside).unwrap_or(0);
    let last = layers.iter().rposition(inside).unwrap_or(first);
    first..=last
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_spans_the_columns_of_its_steps() {
        // Two layers share step 0.
        let layers: Vec<Layer> =
            [0, 0, 1, 2].map(|step| Layer { step: Some(step), ..Layer::default() }).into();
        assert_eq!(columns_of(&layers, 0..=0), 0..=1);
        assert_eq!(columns_of(&layers, 0..=1), 0..=2);
        assert_eq!(columns_of(&layers, 2..=2), 3..=3);
        let block = Block { name: "x".into(), bytes: 64, first: 1, last: 2, ..Block::default() };
        let svg = draw(&layers, &[block], 128);
        let (x, width) = column(2, 4);
        assert!(
            svg.contains(&format!("x=\"{x:.1}\"")) && svg.contains(&format!("width=\"{:.1}\"", 2.0 * width))
        );
        // The lower half of the arena.
        let half = (HEIGHT - TOP - BOTTOM) / 2.0;
        assert!(
            svg.contains(&format!("y=\"{:.1}\"", TOP + half))
                && svg.contains(&format!("height=\"{half:.1}\""))
        );
        assert_eq!(draw(&layers, &[], 0), "");
    }
}
