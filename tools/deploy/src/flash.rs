//! Builds a board's firmware around a model, checks its budget, and brings it to the board.
//!
//! There are up to three ways, tried in this order: a debug probe, a mounted boot drive, a boot loader that speaks
//! DFU. What `--dry-run` shows are the very steps that are taken otherwise.

use std::env;
use std::fmt;
use std::fs;
use std::iter;
use std::path::{Path, PathBuf};
use std::process::Command;

use ocelli_simulator::elf::{Footprint, footprint, segments};
use ocelli_simulator::{Board, Program, target_directory};

use crate::uf2::uf2;
use crate::{FlashError, read_public_key};

/// A firmware to be flashed.
#[derive(Clone, Debug)]
pub struct Flash {
    board: &'static Board,
    model: PathBuf,
    key: Option<PathBuf>,
    elf: PathBuf,
}

/// A way on which firmware gets to a board.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Way {
    /// A debug probe, through the program `probe-rs`.
    Probe {
        /// What probe-rs calls the chip.
        chip: String,
    },
    /// A boot drive.
    BootDrive {
        /// The family id that the boot loader takes.
        family: u32,
        /// The drive's name.
        volume: String,
        /// Where it is mounted.
        mounted: Option<PathBuf>,
    },
    /// A boot loader that speaks DFU, through the program `dfu-util`.
    Dfu {
        /// USB vendor and product.
        device: String,
        /// Where the image starts.
        address: u32,
    },
}

/// What is done, one after the other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// A program is run.
    Run(Vec<String>),
    /// The UF2 file is written.
    WriteUf2 {
        /// Where to.
        path: PathBuf,
        /// For which family.
        family: u32,
    },
    /// The image is written, from this address on.
    WriteImage {
        /// Where to.
        path: PathBuf,
        /// Its first byte.
        address: u32,
    },
}

impl Flash {
    /// The program `detect` of a board around the model in a file, which takes later ones from the owner of `key`.
    ///
    /// # Errors
    /// [`FlashError::File`] where model or key is not there, [`FlashError::Key`] where it is none,
    /// [`FlashError::Firmware`] where the repository is gone.
    pub fn new(board: &'static Board, model: &Path, key: Option<&Path>) -> Result<Flash, FlashError> {
        let whole = |path: &Path| {
            fs::canonicalize(path).map_err(|source| FlashError::File { path: path.to_owned(), source })
        };
        let model = whole(model)?;
        if let Some(key) = key {
            read_public_key(key)?;
        }
        let key = key.map(whole).transpose()?;
        let elf = target_directory()?.join(format!("boards/{}.elf", binary(board)));
        Ok(Flash { board, model, key, elf })
    }

    /// The command that builds the firmware, for a person to read and type.
    pub fn build_text(&self) -> String {
        let Board { target, rustflags, profile, package, .. } = self.board;
        let flags = if rustflags.is_empty() {
            String::new()
        } else {
            let target = target.to_uppercase().replace(['-', '.'], "_");
            format!("CARGO_TARGET_{target}_RUSTFLAGS={} ", quoted(rustflags))
        };
        let quoted_path = |path: &Path| quoted(&path.display().to_string());
        let key = self.key.as_ref().map_or(String::new(), |key| format!("OCELLI_KEY={} ", quoted_path(key)));
        format!(
            "OCELLI_MODEL={} {key}{flags}cargo build --target {target} --profile {profile} --package {package} \
             --features programs --bin {}",
            quoted_path(&self.model),
            binary(self.board)
        )
    }

    /// Builds the firmware and checks what it takes against the board's budget.
    ///
    /// # Errors
    /// [`FlashError::Firmware`] with the compiler's words, [`FlashError::TooLarge`].
    pub fn build(&mut self) -> Result<Footprint, FlashError> {
        self.elf = self.board.build(Program::Detect { artefact: &self.model, key: self.key.as_deref() })?;
        let footprint = footprint(&self.elf)?;
        check(self.board, &footprint)?;
        Ok(footprint)
    }

    /// The ways of the board, the first to be tried first.
    pub fn ways(&self) -> Vec<Way> {
        let flashing = &self.board.flashing;
        let probe = Way::Probe { chip: flashing.probe_rs.clone() };
        let drive = flashing.uf2.clone().map(|uf2| Way::BootDrive {
            family: uf2.family,
            mounted: mounted(&uf2.volume),
            volume: uf2.volume,
        });
        let dfu = flashing.dfu.map(|dfu| Way::Dfu {
            device: format!("{:04x}:{:04x}", dfu.vendor, dfu.product),
            address: self.board.flash.0 as u32,
        });
        iter::once(probe).chain(drive).chain(dfu).collect()
    }

    /// What is done on a way.
    pub fn steps(&self, way: &Way) -> Vec<Step> {
        let run = |words: &[&str]| Step::Run(words.iter().map(|&word| word.to_owned()).collect());
        let elf = self.elf.display().to_string();
        match way {
            Way::Probe { chip } => vec![
                run(&["probe-rs", "download", "--chip", chip, "--verify", &elf]),
                run(&["probe-rs", "reset", "--chip", chip]),
            ],
            Way::BootDrive { family, volume, mounted } => {
                let drive = mounted.clone().unwrap_or_else(|| Path::new("/media").join(volume));
                vec![Step::WriteUf2 { path: drive.join("firmware.uf2"), family: *family }]
            }
            Way::Dfu { device, address } => {
                let image = self.elf.with_extension("bin");
                let place = format!("{address:#010x}:leave");
                let path = image.display().to_string();
                vec![
                    Step::WriteImage { path: image, address: *address },
                    run(&[
                        "dfu-util",
                        "--device",
                        device,
                        "--alt",
                        "0",
                        "--dfuse-address",
                        &place,
                        "--download",
                        &path,
                    ]),
                ]
            }
        }
    }

    /// Takes a step.
    ///
    /// # Errors
    /// What stopped it.
    pub fn take(&self, step: &Step) -> Result<(), FlashError> {
        let write = |path: &Path, bytes: &[u8]| {
            fs::write(path, bytes).map_err(|source| FlashError::File { path: path.to_owned(), source })
        };
        match step {
            Step::Run(words) => {
                let (program, arguments) = words.split_first().ok_or(FlashError::NoWay)?;
                let status = Command::new(program).args(arguments).status();
                let status =
                    status.map_err(|source| FlashError::Program { program: program.clone(), source })?;
                if status.success() { Ok(()) } else { Err(FlashError::Failed { command: step.to_string() }) }
            }
            Step::WriteUf2 { path, family } => write(path, &uf2(&segments(&self.elf)?, *family)),
            Step::WriteImage { path, address } => write(path, &image(&segments(&self.elf)?, *address)),
        }
    }
}

impl Way {
    /// Whether this computer can go it now.
    pub fn is_open(&self) -> bool {
        match self {
            Way::Probe { .. } => says(&["probe-rs", "list"]).is_some_and(|list| list.contains("[0]")),
            Way::BootDrive { mounted, .. } => mounted.is_some(),
            Way::Dfu { device, .. } => {
                says(&["dfu-util", "--list"]).is_some_and(|list| list.contains(device.as_str()))
            }
        }
    }
}

impl fmt::Display for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Way::Probe { chip } => write!(f, "a debug probe at the {chip}"),
            Way::BootDrive { volume, .. } => write!(f, "the boot drive {volume}, mounted"),
            Way::Dfu { device, .. } => write!(f, "the boot loader {device} on USB"),
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Step::Run(words) => {
                let words: Vec<String> = words.iter().map(|word| quoted(word)).collect();
                f.write_str(&words.join(" "))
            }
            Step::WriteUf2 { path, family } => {
                write!(f, "write {} as UF2, family {family:#010x}", path.display())
            }
            Step::WriteImage { path, address } => {
                write!(f, "write {}, the bytes from {address:#010x} on", path.display())
            }
        }
    }
}

fn binary(board: &Board) -> String {
    format!("{}-detect", board.name)
}

fn check(board: &Board, footprint: &Footprint) -> Result<(), FlashError> {
    let budget = &board.budget;
    let ram_bytes = footprint.ram_bytes + budget.stack_bytes;
    let parts = [("flash", footprint.flash_bytes, budget.flash_bytes), ("RAM", ram_bytes, budget.ram_bytes)];
    match parts.into_iter().find(|(_, needed, available)| needed > available) {
        Some((what, needed_bytes, available_bytes)) => {
            Err(FlashError::TooLarge { board: board.name.clone(), what, needed_bytes, available_bytes })
        }
        None => Ok(()),
    }
}

/// The segments in one piece; what lies between is as erased flash.
fn image(segments: &[(u32, Vec<u8>)], start: u32) -> Vec<u8> {
    let mut image = Vec::new();
    for (address, bytes) in segments.iter().filter(|(address, _)| *address >= start) {
        let at = (address - start) as usize;
        image.resize(image.len().max(at + bytes.len()), 0xFF);
        image[at..at + bytes.len()].copy_from_slice(bytes);
    }
    image
}

/// Where a drive of that name is mounted: where desktops and macOS put it.
fn mounted(volume: &str) -> Option<PathBuf> {
    let user = env::var("USER").unwrap_or_default();
    let places = [
        "/media".into(),
        format!("/media/{user}"),
        format!("/run/media/{user}"),
        "/mnt".into(),
        "/Volumes".into(),
    ];
    places.iter().map(|place| Path::new(place).join(volume)).find(|path| path.join("INFO_UF2.TXT").exists())
}

/// What a program prints, if it is there.
fn says(words: &[&str]) -> Option<String> {
    let (program, arguments) = words.split_first()?;
    let output = Command::new(program).args(arguments).output().ok()?;
    Some(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// A word as a shell takes it.
fn quoted(word: &str) -> String {
    let is_plain = |character: char| character.is_ascii_alphanumeric() || "-_./:=,+@".contains(character);
    if !word.is_empty() && word.chars().all(is_plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_has_no_holes() {
        let segments = [(0x0800_0008, vec![3]), (0x0800_0000, vec![1, 2]), (0x0700_0000, vec![9])];
        assert_eq!(image(&segments, 0x0800_0000), [1, 2, 255, 255, 255, 255, 255, 255, 3]);
    }

    #[test]
    fn words_are_quoted_where_a_shell_needs_it() {
        assert_eq!(quoted("0483:df11"), "0483:df11");
        assert_eq!(quoted("my model.ocelli"), "'my model.ocelli'");
        assert_eq!(quoted("it's"), "'it'\\''s'");
    }

    #[test]
    fn a_firmware_over_budget_says_by_how_much() {
        let board = Board::named("pico").unwrap();
        let footprint = Footprint { flash_bytes: 1000, code_bytes: 0, ram_bytes: 262_000 };
        let error = check(board, &footprint).unwrap_err();
        assert_eq!(error.to_string(), "the firmware takes 278384 bytes of pico's RAM, 270336 are allowed");
        check(board, &Footprint { ram_bytes: 1000, ..footprint }).unwrap();
    }
}
