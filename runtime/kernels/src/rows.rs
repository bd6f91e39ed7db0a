//! Weights that are not stored one by one: what a kernel wants to know of them, row by row.
//!
//! A row is what one output channel multiplies with. Whoever reads the stored form tells its weights
//! forwards; a kernel sums up while it is told, or expands a few rows, a tile, into scratch. Two forms stand
//! in the order of the loops in assembly, which read them where they are.

use crate::arch::memory::signed_mut;
use crate::error::{Operand, ensure, expect};
use crate::{Filter, KernelError};

/// The weights of a layer, forwards.
pub trait WeightRows: Clone {
    /// Elements of a row.
    fn row_length(&self) -> usize;

    /// Tells places and values of the next row, places rising and below [`WeightRows::row_length`], and goes on to
    /// the row behind. What is not told is 0.
    fn next_row(&mut self, each: impl FnMut(usize, i8));

    /// The rows that are still to come as runs of four weights, if they are stored so.
    fn blocks(&self) -> Option<Blocks<'_>> {
        None
    }

    /// The rows that are still to come as steps and weights, if they are stored so.
    fn sparse(&self) -> Option<Sparse<'_>> {
        None
    }
}

/// Runs of four weights. Blocks come in groups of four behind a word of their steps: how many runs a block lies
/// behind the one before it, the first of a row behind its start. The first group of a row has what is left over,
/// in the last bytes of its word.
#[derive(Clone, Copy, Debug)]
pub struct Blocks<'a> {
    /// Blocks of each row, little-endian.
    pub counts: &'a [[u8; 2]],
    /// Steps and weights.
    pub words: &'a [[u8; 4]],
}

/// Weights behind their steps: how many elements a weight lies behind the one before it, the first of a row behind
/// its start. Two make a word: step, weight, step, weight.
#[derive(Clone, Copy, Debug)]
pub struct Sparse<'a> {
    /// Words of each row, little-endian.
    pub counts: &'a [[u8; 2]],
    /// Steps and weights.
    pub words: &'a [[u8; 4]],
}

/// Whether rows and constants serve `channels` output channels of `products` weights each.
pub(crate) fn check_rows<R: WeightRows>(
    rows: &R,
    filter: &Filter<'_>,
    products: usize,
    channels: usize,
) -> Result<(), KernelError> {
    expect(Operand::Weights, products, rows.row_length())?;
    ensure(filter.weights.is_empty(), KernelError::Geometry)?;
    filter.check_constants(channels)?;
    filter.check_factors()
}

/// Expands the next rows into `tile`, which holds whole ones.
pub(crate) fn expand<'t, R: WeightRows>(rows: &mut R, tile: &'t mut [u8]) -> &'t [i8] {
    let tile = signed_mut(tile);
    tile.fill(0);
    for row in tile.chunks_exact_mut(rows.row_length().max(1)) {
        rows.next_row(|place, weight| {
            if let Some(slot) = row.get_mut(place) {
                *slot = weight;
            }
        });
    }
    tile
}

/// Rows of a tile that a convolution expands at a time: as many as this many bytes hold, whole fours, and not more than there are.
pub const fn tile_rows(row: usize, rows: usize) -> usize {
    const TILE_BYTES: usize = 4096;
    let row = if row == 0 { 1 } else { row };
    let fours = TILE_BYTES / row / 4;
    let wanted = if fours == 0 { 4 } else { 4 * fours };
    if wanted < rows { wanted } else { rows }
}
