//! The part of a `board.toml` that says where models in the field lie.

use ocelli_boards::slots::{Layout, Region};

/// Offsets are addresses, as the program sees them.
#[allow(dead_code, reason = "each test uses a part")]
pub struct Table {
    pub layout: Layout,
    pub erase_bytes: usize,
    pub write_bytes: usize,
}

impl Table {
    pub fn read(board: &str) -> Table {
        let path = format!("{}/../{board}/board.toml", env!("CARGO_MANIFEST_DIR"));
        let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
        let table: toml::Table = text.parse().unwrap();
        let slots = &table["slots"];
        let bytes = |key: &str| slots[key].as_integer().unwrap() as usize;
        let region = |key: &str| {
            let [offset, bytes] = [0, 1].map(|part| slots[key][part].as_integer().unwrap() as u32);
            Region { offset, bytes }
        };
        let layout = Layout { slots: [region("a"), region("b")], state: region("state") };
        Table { layout, erase_bytes: bytes("erase_bytes"), write_bytes: bytes("write_bytes") }
    }
}
