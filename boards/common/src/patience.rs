//! How many errors a program takes from a camera before it gives up.

use ocelli::CaptureError;

use crate::Board;

/// Errors in a row. A frame starts it anew.
pub struct Patience {
    errors: u32,
}

/// So many in a row mean that nothing will come.
const ERRORS: u32 = 16;

impl Patience {
    /// None yet.
    pub fn new() -> Patience {
        Patience { errors: 0 }
    }

    /// Tells of an error; gives it back when it was one too many.
    pub fn endure(&mut self, board: &mut impl Board, cause: CaptureError) -> Result<(), CaptureError> {
        board.line(format_args!("error {cause}"));
        board.feed_watchdog();
        self.errors += 1;
        if self.errors < ERRORS { Ok(()) } else { Err(cause) }
    }
}
