//! Models in the field: the part of `board.toml` that says where they lie, as the constant `FIELD` of a program.

use serde::Deserialize;

/// The table `slots`: origin and length of each region.
#[derive(Clone, Debug, Deserialize)]
pub struct Slots {
    a: (u64, u64),
    b: (u64, u64),
    state: (u64, u64),
    erase_bytes: u64,
    write_bytes: u64,
}

impl Slots {
    /// Whether the regions are whole blocks behind the firmware, which owns `flash`, and behind each other.
    pub fn check(&self, flash: (u64, u64)) -> Result<(), String> {
        let Slots { a, b, state, erase_bytes, write_bytes } = *self;
        if write_bytes == 0 || !erase_bytes.is_multiple_of(write_bytes) {
            return Err(format!(
                "slots: blocks of {erase_bytes} bytes are not written {write_bytes} at once"
            ));
        }
        let regions = [("flash", flash), ("slots.a", a), ("slots.b", b), ("slots.state", state)];
        for pair in regions.windows(2) {
            let [(before, (start, bytes)), (name, (origin, length))] = [pair[0], pair[1]];
            if origin < start + bytes {
                return Err(format!("{name} begins at {origin:#x}, inside {before}"));
            }
            if !origin.is_multiple_of(erase_bytes) || !length.is_multiple_of(erase_bytes) {
                return Err(format!("{name} is not made of blocks of {erase_bytes} bytes"));
            }
        }
        if a.1 != b.1 {
            return Err(format!("slots.a has {} bytes, slots.b {}", a.1, b.1));
        }
        if state.1 < 2 * erase_bytes {
            return Err(format!("slots.state has no two blocks of {erase_bytes} bytes"));
        }
        Ok(())
    }

    /// The text that a program includes.
    pub fn to_module(&self, board: &str, keys: &[String]) -> String {
        let region =
            |(origin, bytes): (u64, u64)| format!("Region {{ offset: {origin:#x}, bytes: {bytes:#x} }}");
        let keys: Vec<String> =
            keys.iter().map(|key| format!("PublicKey::from_hex({key:?}).unwrap()")).collect();
        format!(
            "use ocelli_boards::field::Field;\nuse ocelli_boards::slots::{{Layout, PublicKey, Region}};\n\n\
             const KEYS: [PublicKey; {}] = [{}];\n\n\
             /// Whose models the device takes, and where they lie.\n\
             pub const FIELD: Field<'static> = Field {{\n    board: {board:?},\n    keys: &KEYS,\n    \
             layout: Layout {{\n        slots: [{}, {}],\n        state: {},\n    }},\n}};\n",
            keys.len(),
            keys.join(", "),
            region(self.a),
            region(self.b),
            region(self.state)
        )
    }
}

/// The digits of a public key, out of the text of its file.
pub fn read_key(text: &str) -> Option<String> {
    let text = text.trim();
    let is_key = text.len() == 64 && text.chars().all(|digit| digit.is_ascii_hexdigit());
    is_key.then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const FLASH: (u64, u64) = (0x1000, 0x1000);

    fn slots() -> Slots {
        let (a, b, state) = ((0x2000, 0x2000), (0x4000, 0x2000), (0x6000, 0x2000));
        Slots { a, b, state, erase_bytes: 0x1000, write_bytes: 256 }
    }

    fn refused(change: impl FnOnce(&mut Slots)) -> String {
        let mut slots = slots();
        change(&mut slots);
        slots.check(FLASH).unwrap_err()
    }

    #[test]
    fn regions_are_whole_blocks_behind_the_firmware() {
        slots().check(FLASH).unwrap();
        assert_eq!(refused(|slots| slots.a.0 = 0x1000), "slots.a begins at 0x1000, inside flash");
        assert_eq!(refused(|slots| slots.b.0 = 0x3000), "slots.b begins at 0x3000, inside slots.a");
        assert_eq!(refused(|slots| slots.a.1 = 0x1800), "slots.a is not made of blocks of 4096 bytes");
        assert_eq!(refused(|slots| slots.a.1 = 0x1000), "slots.a has 4096 bytes, slots.b 8192");
        assert_eq!(refused(|slots| slots.state.1 = 0x1000), "slots.state has no two blocks of 4096 bytes");
        let crooked = refused(|slots| slots.write_bytes = 24);
        assert_eq!(crooked, "slots: blocks of 4096 bytes are not written 24 at once");
    }

    #[test]
    fn a_program_finds_board_keys_and_regions() {
        let text = slots().to_module("pico", &["00ff".to_owned()]);
        assert!(
            text.contains("const KEYS: [PublicKey; 1] = [PublicKey::from_hex(\"00ff\").unwrap()];"),
            "{text}"
        );
        assert!(text.contains("board: \"pico\""), "{text}");
        assert!(text.contains("state: Region { offset: 0x6000, bytes: 0x2000 }"), "{text}");
    }

    #[test]
    fn a_key_is_64_digits() {
        let key = "0123456789abcdef".repeat(4);
        assert_eq!(read_key(&format!("{key}\n")), Some(key.clone()));
        assert_eq!(read_key(&key[1..]), None);
        assert_eq!(read_key(&key.replace('0', "g")), None);
    }
}
