//! The builder that a firmware's build script calls for its board: memory map, linker arguments, and what the program
//! has to know of models in the field.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::Error;
use crate::field::{Slots, read_key};

/// A board's memory, out of its `board.toml`.
#[derive(Clone, Debug)]
pub struct Board {
    table: Table,
    /// Whose models the device takes, in hexadecimal digits.
    keys: Vec<String>,
    /// Linker text that only this board needs.
    sections: String,
}

/// The keys that matter here. `boards/pico/board.toml` explains all.
#[derive(Clone, Debug, Deserialize)]
struct Table {
    name: String,
    flash: (u64, u64),
    ram: (u64, u64),
    budget: Budget,
    /// Bytes at the start of flash for RP2040's second-stage bootloader.
    #[serde(default)]
    boot2_bytes: u64,
    /// A file beside, with more linker text.
    sections: Option<PathBuf>,
    slots: Slots,
}

#[derive(Clone, Debug, Deserialize)]
struct Budget {
    stack_bytes: u64,
}

impl Board {
    /// The table at `path`, which counts from the package's folder, as cargo runs build scripts.
    ///
    /// # Errors
    /// [`Error::File`] and [`Error::Board`].
    pub fn from_path(path: impl AsRef<Path>) -> Result<Board, Error> {
        let path = path.as_ref();
        let broken = |message: String| Error::Board { path: path.to_owned(), message };
        let table: Table = toml::from_str(&read(path)?).map_err(|error| broken(error.to_string()))?;
        table.slots.check(table.flash).map_err(broken)?;
        let beside = table.sections.as_ref().map(|file| path.with_file_name(file));
        let sections = beside.map_or(Ok(String::new()), |file| read(&file))?;
        Ok(Board { table, keys: Vec::new(), sections })
    }

    /// The device takes models that the owner of this public key has signed: a file that `ocelli key` wrote. Without any
    /// key it takes nobody's.
    ///
    /// # Errors
    /// [`Error::File`] and [`Error::Key`].
    pub fn key(mut self, path: impl AsRef<Path>) -> Result<Board, Error> {
        let path = path.as_ref();
        let key = read_key(&read(path)?).ok_or_else(|| Error::Key { path: path.to_owned() })?;
        self.keys.push(key);
        Ok(self)
    }

    /// Writes `memory.x` and `field.rs` to `OUT_DIR` and tells cargo to link the programs with the map.
    ///
    /// # Errors
    /// [`Error::NoOutDirectory`] and [`Error::File`].
    pub fn generate(&self) -> Result<(), Error> {
        let directory = PathBuf::from(env::var_os("OUT_DIR").ok_or(Error::NoOutDirectory)?);
        let field = self.table.slots.to_module(&self.table.name, &self.keys);
        for (name, text) in [("memory.x", self.memory_map()), ("field.rs", field)] {
            let path = directory.join(name);
            fs::write(&path, text).map_err(|source| Error::File { path, source })?;
        }
        println!("cargo:rustc-link-search={}", directory.display());
        let boot2 = (self.table.boot2_bytes > 0).then_some("-Tlink-rp.x");
        for argument in ["--nmagic", "-Tlink.x", "-Tdefmt.x"].into_iter().chain(boot2) {
            println!("cargo:rustc-link-arg-bins={argument}");
        }
        Ok(())
    }

    /// The linker's view: the stack at the bottom of RAM, so that an overflow faults, everything else above it.
    pub fn memory_map(&self) -> String {
        let Table { flash: (flash, flash_bytes), ram: (ram, ram_bytes), boot2_bytes, .. } = self.table;
        let stack_bytes = self.table.budget.stack_bytes;
        let boot2 = match boot2_bytes {
            0 => String::new(),
            bytes => format!("  BOOT2 : ORIGIN = {flash:#x}, LENGTH = {bytes:#x}\n"),
        };
        format!(
            "MEMORY {{\n{boot2}  FLASH : ORIGIN = {:#x}, LENGTH = {:#x}\n  STACK : ORIGIN = {ram:#x}, LENGTH = {stack_bytes:#x}\n  \
             RAM : ORIGIN = {:#x}, LENGTH = {:#x}\n}}\n\
             _stack_end = ORIGIN(STACK);\n_stack_start = ORIGIN(STACK) + LENGTH(STACK);\n{}",
            flash + boot2_bytes,
            flash_bytes - boot2_bytes,
            ram + stack_bytes,
            ram_bytes - stack_bytes,
            self.sections
        )
    }
}

/// A file on which the build depends from now on.
fn read(path: &Path) -> Result<String, Error> {
    println!("cargo:rerun-if-changed={}", path.display());
    fs::read_to_string(path).map_err(|source| Error::File { path: path.to_owned(), source })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn board(text: &str) -> Result<Board, toml::de::Error> {
        let slots = "name = \"b\"\n[slots]\na = [0, 1]\nb = [0, 1]\nstate = [0, 1]\nerase_bytes = 1\nwrite_bytes = 1\n";
        let table = toml::from_str(&format!("{text}{slots}"))?;
        Ok(Board { table, keys: Vec::new(), sections: "/* more */\n".to_owned() })
    }

    #[test]
    fn the_stack_lies_below_the_variables() {
        let text = "flash = [0x1000, 0x800]\nram = [0x2000, 0x400]\nbudget = { stack_bytes = 0x100 }\n";
        let expected = "MEMORY {\n  FLASH : ORIGIN = 0x1000, LENGTH = 0x800\n  STACK : ORIGIN = 0x2000, LENGTH = 0x100\n  \
            RAM : ORIGIN = 0x2100, LENGTH = 0x300\n}\n_stack_end = ORIGIN(STACK);\n\
            _stack_start = ORIGIN(STACK) + LENGTH(STACK);\n/* more */\n";
        assert_eq!(board(text).unwrap().memory_map(), expected);
        let boot2 = board(&format!("boot2_bytes = 256\n{text}")).unwrap().memory_map();
        assert!(boot2.contains("BOOT2 : ORIGIN = 0x1000, LENGTH = 0x100"), "{boot2}");
        assert!(boot2.contains("FLASH : ORIGIN = 0x1100, LENGTH = 0x700"), "{boot2}");
    }

    #[test]
    fn a_table_without_memory_is_refused_with_the_key() {
        let error = board("flash = [0, 1]\nbudget = { stack_bytes = 1 }\n").unwrap_err();
        assert!(error.to_string().contains("ram"), "{error}");
    }
}
