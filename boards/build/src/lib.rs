//! Build-script helper of boards: the linker's memory map and the place of models in the field, out of `board.toml`.
//!
//! ```no_run
//! // build.rs
//! fn main() -> Result<(), ocelli_board_build::Error> {
//!     ocelli_board_build::Board::from_path("board.toml")?.generate()
//! }
//! ```
#![forbid(unsafe_code)]

mod board;

mod field;

mod error;

pub use board::Board;
pub use error::Error;
