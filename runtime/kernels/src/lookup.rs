//! Any unary operator, as a table that the compiler has filled.

use crate::Source;

/// Entries of a table: one for every int8.
pub const LOOKUP_ENTRIES: usize = 256;

/// The table of a scalar function, for [`lookup_s8`].
pub fn fill_lookup(function: impl Fn(i8) -> i8) -> [i8; LOOKUP_ENTRIES] {
    core::array::from_fn(|index| function(index as u8 as i8))
}

/// Replaces every value by its entry in a table.
///
/// # Shapes
/// Input and output have the same number of elements; should they differ, the shorter counts. The
/// input may be in place.
///
/// # Types and ranges
/// int8. The entry of a value is at the index that its bits spell as `u8`: first 0 to 127, then -128
/// to -1.
///
/// # Rounding
/// The compiler's, when it fills the table.
///
/// # Scratch
/// None.
///
/// # Errors
/// None.
///
/// # Source
/// The scalar functions in [`table`](crate::table).
pub fn lookup_s8(table: &[i8; LOOKUP_ENTRIES], input: Source<'_>, output: &mut [i8]) {
    input.bring(output);
    for value in output {
        *value = table[usize::from(*value as u8)];
    }
}
