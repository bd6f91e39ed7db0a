//! What a layer costs in each form of its weights: instructions on a Cortex-M4F with the fast kernels.
//!
//! Measured in QEMU by `cargo xtask bench-forms` and committed, so that converting needs no emulator. Costs are
//! in hundredths of an instruction. The same forms pay on other cores, though not by the same factors.

use ocelli_format::Storage;
use ocelli_kernels::tile_rows;

/// What a run does with weights.
#[derive(Clone, Copy, Debug)]
pub(super) struct Layer {
    /// Whether it is a convolution, not a fully connected layer.
    pub slides: bool,
    /// Output channels: rows of weights.
    pub channels: usize,
    /// Weights of a row.
    pub row: usize,
    /// Output pixels, or vectors: how often each weight is used.
    pub positions: usize,
}

/// What there is to decode.
#[derive(Clone, Copy, Debug)]
pub(super) struct Weights {
    all: u64,
    /// Those that are not 0.
    told: u64,
    /// Runs of four that are not all 0.
    runs: u64,
    /// Fours, times the most weights of one that are not 0.
    of_fours: u64,
}

impl Weights {
    /// Counts rows of `row` values.
    pub fn of(values: &[i8], row: usize) -> Weights {
        let fours = || values.chunks(row.max(1)).flat_map(|row| row.chunks(4));
        let told = |four: &[i8]| four.iter().filter(|&&value| value != 0).count() as u64;
        Weights {
            all: values.len() as u64,
            told: fours().map(told).sum(),
            runs: fours().filter(|four| told(four) > 0).count() as u64,
            of_fours: fours().count() as u64 * fours().map(told).max().unwrap_or(0).max(1),
        }
    }

    /// Weights that a form tells one by one, and what it takes to tell them all.
    fn told_as(&self, storage: Storage) -> (u64, u64) {
        match storage {
            Storage::Packed => (self.all, self.all * PACKED),
            Storage::Fours => (self.of_fours, self.of_fours * FOUR),
            Storage::Blocks => (4 * self.runs, 4 * self.runs * STEP),
            Storage::Sparse => (self.told, self.told * STEP),
            // The smaller of a code for each weight, and two for each that is not 0.
            _ if 2 * self.told < self.all => (self.told, 2 * self.told * CODE),
            _ => (self.all, self.all * CODE),
        }
    }
}

/// Instructions of one run.
pub(super) fn of(layer: &Layer, weights: &Weights, storage: Storage) -> u64 {
    let (positions, channels, row) = (layer.positions as u64, layer.channels as u64, layer.row as u64);
    let (told, telling) = weights.told_as(storage);
    let hundredths = if layer.slides {
        // Four at a time, and the last as long as four.
        let positions = positions.next_multiple_of(4);
        let laid = positions * row * LAY;
        let dense = positions * (weights.all * CONV_2D_WEIGHT + channels * CONV_2D_OUTPUT);
        match storage {
            Storage::Dense => dense + laid,
            Storage::Blocks => {
                positions * (weights.runs * CONV_2D_RUN + channels * CONV_2D_RUNS_OUTPUT) + laid
            }
            // Every weight is told once, and the windows are laid for every tile.
            _ => {
                let tiles = channels.div_ceil(tile_rows(layer.row, layer.channels) as u64);
                dense + tiles * laid + telling + weights.all * EXPAND
            }
        }
    } else {
        positions
            * match storage {
                Storage::Dense => weights.all * CONNECTED_WEIGHT + channels * CONNECTED_OUTPUT,
                Storage::Blocks => weights.runs * CONNECTED_RUN + channels * CONNECTED_RUNS_OUTPUT,
                Storage::Sparse => weights.told * CONNECTED_SPARSE + channels * CONNECTED_SPARSE_OUTPUT,
                _ => telling + told * MULTIPLY + channels * CONNECTED_TOLD_OUTPUT,
            }
    };
    hundredths / 100
}

/// An element of a window that is widened, once for each tile.
const LAY: u64 = 280;

/// At one position of a convolution: a weight and an output; a run of four and an output of those.
const CONV_2D_WEIGHT: u64 = 88;
const CONV_2D_OUTPUT: u64 = 1_600;
const CONV_2D_RUN: u64 = 390;
const CONV_2D_RUNS_OUTPUT: u64 = 2_000;

/// The same of a fully connected layer, with a weight behind its step, and an output of weights that are told.
const CONNECTED_WEIGHT: u64 = 144;
const CONNECTED_OUTPUT: u64 = 5_200;
const CONNECTED_RUN: u64 = 1_030;
const CONNECTED_RUNS_OUTPUT: u64 = 7_500;
const CONNECTED_SPARSE: u64 = 740;
const CONNECTED_SPARSE_OUTPUT: u64 = 9_500;
const CONNECTED_TOLD_OUTPUT: u64 = 14_000;

/// To tell a weight: from its bits, from its place among four, behind a step, from one code.
const PACKED: u64 = 2_700;
const FOUR: u64 = 10_600;
const STEP: u64 = 1_800;
const CODE: u64 = 12_200;

/// What is done with a weight that was told: a tile has room for all, and a product is added.
const EXPAND: u64 = 106;
const MULTIPLY: u64 = 1_200;
