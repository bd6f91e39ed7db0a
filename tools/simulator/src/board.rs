//! The boards with cameras: their tables, and their programs.

use std::iter;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use serde::Deserialize;

use crate::firmware::{Compilation, whole};
use crate::{Budget, SimulateError};

/// A board with a camera, one `board.toml` below `boards`. `boards/pico/board.toml` explains the keys.
#[derive(Clone, Debug, Deserialize)]
pub struct Board {
    /// What `ocelli flash --board` calls it, and the name of its folder.
    pub name: String,
    /// What people call it.
    pub title: String,
    /// The microcontroller.
    pub chip: String,
    /// Its core.
    pub core: String,
    /// The package with its programs.
    pub package: String,
    /// Rust's target triple.
    pub target: String,
    /// What the compiler is told beyond the target.
    pub rustflags: String,
    /// Cargo's profile.
    pub profile: String,
    /// Origin and length of the flash that firmware and its model may fill.
    pub flash: (u64, u64),
    /// Origin and length of the RAM that variables and stack lie in.
    pub ram: (u64, u64),
    /// What a program may take.
    pub budget: Budget,
    /// Boards with the same chip and other pins: features of the package.
    #[serde(default)]
    pub variants: Vec<String>,
    /// Where models in the field lie.
    pub slots: Slots,
    /// How a firmware gets there.
    pub flashing: Flashing,
}

/// Flash for models in the field: origin and length of each region.
#[derive(Clone, Copy, Debug, Deserialize)]
pub struct Slots {
    /// The first slot.
    pub a: (u64, u64),
    /// The second.
    pub b: (u64, u64),
    /// Which of them counts.
    pub state: (u64, u64),
    /// What is erased at once.
    pub erase_bytes: u64,
    /// What is written at once.
    pub write_bytes: u64,
}

/// The ways to bring a firmware to a board.
#[derive(Clone, Debug, Deserialize)]
pub struct Flashing {
    /// The chip as probe-rs calls it.
    pub probe_rs: String,
    /// By a drive that the boot ROM shows.
    pub uf2: Option<Uf2>,
    /// By the boot ROM's USB class.
    pub dfu: Option<Dfu>,
}

/// A drive that takes UF2 files.
#[derive(Clone, Debug, Deserialize)]
pub struct Uf2 {
    /// Family id of the chip.
    pub family: u32,
    /// The drive's name.
    pub volume: String,
}

/// A boot ROM that speaks DFU.
#[derive(Clone, Copy, Debug, Deserialize)]
pub struct Dfu {
    /// USB vendor.
    pub vendor: u16,
    /// USB product.
    pub product: u16,
}

/// What every board runs.
#[derive(Clone, Copy, Debug)]
pub enum Program<'a> {
    /// Whether the camera delivers, and its wires are right.
    CameraCheck,
    /// All five stages.
    Detect {
        /// The artefact's file.
        artefact: &'a Path,
        /// The file of the public key whose owner may push models to the device; without one, nobody may.
        key: Option<&'a Path>,
    },
}

impl Program<'_> {
    /// Its name.
    pub fn name(&self) -> &'static str {
        match self {
            Program::CameraCheck => "camera-check",
            Program::Detect { .. } => "detect",
        }
    }
}

/// All boards.
pub fn boards() -> &'static [Board] {
    static BOARDS: OnceLock<Vec<Board>> = OnceLock::new();
    BOARDS.get_or_init(|| {
        let tables = [
            include_str!("../../../boards/pico/board.toml"),
            include_str!("../../../boards/pico2/board.toml"),
            include_str!("../../../boards/stm32h743/board.toml"),
            include_str!("../../../boards/nano33ble/board.toml"),
        ];
        let read = |table| toml::from_str(table).expect("every board.toml is well formed: a test reads them");
        tables.into_iter().map(read).collect()
    })
}

impl Board {
    /// The board of that name.
    ///
    /// # Errors
    /// [`SimulateError::UnknownBoard`].
    pub fn named(name: &str) -> Result<&'static Board, SimulateError> {
        boards()
            .iter()
            .find(|board| board.name == name)
            .ok_or_else(|| SimulateError::UnknownBoard { name: name.to_owned() })
    }

    /// Builds a program with cargo, which does nothing when it is fresh; returns the ELF file.
    ///
    /// # Errors
    /// [`SimulateError::SourcesMissing`], [`SimulateError::ToolchainMissing`], [`SimulateError::Build`].
    pub fn build(&self, program: Program<'_>) -> Result<PathBuf, SimulateError> {
        self.build_variant(program, None)
    }

    /// The same for one of the board's [`variants`](Board::variants).
    ///
    /// # Errors
    /// As above.
    pub fn build_variant(
        &self,
        program: Program<'_>,
        variant: Option<&str>,
    ) -> Result<PathBuf, SimulateError> {
        let name = format!("{}-{}", self.name, program.name());
        let (features, elf_name) = match variant {
            None => ("programs".to_owned(), name.clone()),
            Some(variant) => {
                (format!("programs,{variant}"), format!("{}-{variant}-{}", self.name, program.name()))
            }
        };
        let environment = match program {
            Program::CameraCheck => Vec::new(),
            Program::Detect { artefact, key } => {
                let key = key.map(|key| Ok::<_, SimulateError>(("OCELLI_KEY", whole(key)?))).transpose()?;
                iter::once(("OCELLI_MODEL", whole(artefact)?)).chain(key).collect()
            }
        };
        Compilation {
            name: &self.name,
            target: &self.target,
            rustflags: &self.rustflags,
            profile: &self.profile,
            package: &self.package,
            binary: &name,
            features: &features,
            environment,
            folder: "boards",
            elf_name: &elf_name,
        }
        .run()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::TARGETS;

    fn end(region: (u64, u64)) -> u64 {
        region.0 + region.1
    }

    #[test]
    fn budgets_fit_the_memories_and_regions_do_not_overlap() {
        let names: Vec<&str> = boards().iter().map(|board| board.name.as_str()).collect();
        assert_eq!(names, ["pico", "pico2", "stm32h743", "nano33ble"]);
        for board in boards() {
            let (budget, slots, name) = (&board.budget, &board.slots, &board.name);
            assert!(TARGETS.contains(&board.target.as_str()), "{name}");
            assert!(budget.flash_bytes <= board.flash.1 && budget.ram_bytes <= board.ram.1, "{name}");
            assert!(budget.arena_bytes + budget.stack_bytes <= budget.ram_bytes, "{name}");
            let regions = [board.flash, slots.a, slots.b, slots.state];
            assert!(regions.windows(2).all(|pair| end(pair[0]) <= pair[1].0), "{name}");
            for (origin, bytes) in regions {
                assert_eq!((origin % slots.erase_bytes, bytes % slots.erase_bytes), (0, 0), "{name}");
            }
            assert_eq!(slots.a.1, slots.b.1, "{name}");
            assert!(
                slots.state.1 >= 2 * slots.erase_bytes && slots.erase_bytes % slots.write_bytes == 0,
                "{name}"
            );
        }
    }

    #[test]
    fn an_unknown_board_is_answered_with_the_known_ones() {
        let message = Board::named("pico3").unwrap_err().to_string();
        assert!(message.contains("pico3") && message.contains("nano33ble"), "{message}");
    }
}
