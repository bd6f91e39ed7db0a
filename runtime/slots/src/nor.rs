//! Slots and state in NOR flash, of any kind that `embedded-storage` describes.

mod flash;

mod layout;

mod journal;

mod storage;

pub use flash::{MappedFlash, NorError, Operation};
pub use layout::{Layout, LayoutError, Region};
pub use storage::NorStorage;
