//! Builds the firmware of an emulated machine or of a board, or finds that it is fresh.

use std::env;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use crate::{Machine, SimulateError, Toolchain};

/// The programs of `boards/qemu`.
#[derive(Clone, Copy, Debug)]
pub enum Firmware<'a> {
    /// Runs any artefact, out of memory, on the fastest backend that the core has.
    Generic,
    /// Holds that backend against the oracle.
    Kernels,
    /// Runs the programs `camera-check` and `detect` over a simulated camera, with the model out of memory.
    Camera,
    /// Keeps model slots in simulated flash, and takes models over the serial port.
    Slots {
        /// The file of the public key that it trusts.
        key: &'a Path,
    },
    /// Carries one artefact and only its operators: what an application's size is like.
    Fixed {
        /// The artefact's file.
        artefact: &'a Path,
        /// With the fastest backend that the core has, not the reference alone, which is smaller.
        fast: bool,
    },
}

/// Builds `firmware` for `machine` with cargo, which does nothing when it is fresh; returns the ELF file.
///
/// # Errors
/// [`SimulateError::SourcesMissing`], [`SimulateError::ToolchainMissing`], [`SimulateError::Build`].
pub fn build(machine: &Machine, firmware: Firmware<'_>) -> Result<PathBuf, SimulateError> {
    let mut features = machine.name.clone();
    let mut environment = Vec::new();
    let (binary, elf_name) = match firmware {
        Firmware::Generic => {
            features.push_str(",fast");
            ("ocelli-qemu", machine.name.clone())
        }
        Firmware::Kernels => {
            features.push_str(",fast");
            ("kernels", format!("{}-kernels", machine.name))
        }
        Firmware::Camera => {
            features.push_str(",fast");
            ("camera", format!("{}-camera", machine.name))
        }
        Firmware::Slots { key } => {
            features.push_str(",fast,slots");
            environment.push(("OCELLI_KEY", whole(key)?));
            ("slots", format!("{}-slots", machine.name))
        }
        Firmware::Fixed { artefact, fast } => {
            features.push_str(if fast { ",fixed,fast" } else { ",fixed" });
            let path = whole(artefact)?;
            let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            environment.push(("OCELLI_FIXED_ARTEFACT", path));
            ("fixed", format!("{}-{stem}", machine.name))
        }
    };
    Compilation {
        name: &machine.name,
        target: &machine.target,
        rustflags: &machine.rustflags,
        profile: &machine.profile,
        package: "ocelli-qemu",
        binary,
        features: &features,
        environment,
        folder: "qemu",
        elf_name: &elf_name,
    }
    .run()
}

/// The whole path of a file, for a build script that runs elsewhere.
pub(crate) fn whole(path: &Path) -> Result<PathBuf, SimulateError> {
    fs::canonicalize(path).map_err(SimulateError::io(format!("looking for {}", path.display())))
}

/// One program for a microcontroller.
pub(crate) struct Compilation<'a> {
    /// Of the machine or board, for messages.
    pub name: &'a str,
    pub target: &'a str,
    pub rustflags: &'a str,
    pub profile: &'a str,
    pub package: &'a str,
    pub binary: &'a str,
    pub features: &'a str,
    /// Variables that the build script reads.
    pub environment: Vec<(&'a str, PathBuf)>,
    /// Below the target directory: where the ELF file is put, as `elf_name`.
    pub folder: &'a str,
    pub elf_name: &'a str,
}

impl Compilation<'_> {
    /// Runs cargo, and puts the ELF file where the next build does not overwrite it.
    pub fn run(&self) -> Result<PathBuf, SimulateError> {
        let root = repository()?;
        let toolchain = Toolchain::find(self.target)?;
        let target_directory = target_directory()?;
        let elf_directory = target_directory.join(self.folder);
        fs::create_dir_all(&elf_directory)
            .map_err(SimulateError::io(format!("making {}", elf_directory.display())))?;
        // Machines with the same target share cargo's output path, so building and taking it is one step.
        let path = elf_directory.join("lock");
        let lock = File::create(&path).map_err(SimulateError::io(format!("making {}", path.display())))?;
        lock.lock().map_err(SimulateError::io(format!("locking {}", path.display())))?;

        let mut cargo = toolchain.cargo("build", self.target, self.rustflags);
        cargo.current_dir(&root).env("CARGO_TARGET_DIR", &target_directory);
        cargo.envs(self.environment.iter().map(|(variable, value)| (variable, value)));
        cargo.args(["--quiet", "--profile", self.profile, "--package", self.package]);
        cargo.args(["--bin", self.binary, "--features", self.features]);
        let output = cargo.output().map_err(SimulateError::io("starting cargo"))?;
        if !output.status.success() {
            let output = String::from_utf8_lossy(&output.stderr).into_owned();
            return Err(SimulateError::Build { machine: self.name.to_owned(), output });
        }
        let built = target_directory.join(self.target).join(self.profile).join(self.binary);
        let elf = elf_directory.join(format!("{}.elf", self.elf_name));
        let copy = elf_directory.join(format!("{}.{}.tmp", self.elf_name, std::process::id()));
        fs::copy(&built, &copy)
            .and_then(|_| fs::rename(&copy, &elf))
            .map_err(SimulateError::io(format!("copying {}", built.display())))?;
        Ok(elf)
    }
}

/// The repository that this program was built from.
///
/// # Errors
/// [`SimulateError::SourcesMissing`] when it is no longer there.
pub fn repository() -> Result<PathBuf, SimulateError> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    match fs::canonicalize(&root) {
        Ok(root) if root.join("boards/qemu/board.toml").exists() => Ok(root),
        _ => Err(SimulateError::SourcesMissing { path: root }),
    }
}

/// Where cargo builds: `CARGO_TARGET_DIR`, or `target` in the repository.
///
/// # Errors
/// [`SimulateError::SourcesMissing`].
pub fn target_directory() -> Result<PathBuf, SimulateError> {
    match env::var_os("CARGO_TARGET_DIR") {
        Some(directory) => std::path::absolute(directory).map_err(SimulateError::io("CARGO_TARGET_DIR")),
        None => Ok(repository()?.join("target")),
    }
}
