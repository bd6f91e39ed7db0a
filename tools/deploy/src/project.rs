//! Makes a firmware project outside the repository: a few short files over the board's crate.

use std::fs;
use std::path::{Path, PathBuf};

use ocelli_simulator::{Board, repository};

use crate::FlashError;

/// The program, which is the repository's own.
const DETECT: &str = include_str!("../../../boards/common/programs/detect.rs");

/// The file of the trusted key in a project.
const KEY: &str = "trusted.pub";

/// A project to be made.
#[derive(Clone, Debug)]
pub struct Project<'a> {
    /// Its folder, whose last name is the package's.
    pub folder: &'a Path,
    /// What it runs on.
    pub board: &'a Board,
    /// The artefact's bytes.
    pub model: &'a [u8],
    /// Name of its file in the project.
    pub model_name: &'a str,
    /// Text of the public key whose owner may push models to the device; without one, nobody may.
    pub key: Option<&'a str>,
}

impl Project<'_> {
    /// Writes the project; returns its files, relative to the folder.
    ///
    /// # Errors
    /// [`FlashError::Name`], [`FlashError::Exists`], [`FlashError::Firmware`] and [`FlashError::File`]; nothing is left
    /// behind then.
    pub fn create(&self) -> Result<Vec<PathBuf>, FlashError> {
        let name = self.folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if !is_package_name(&name) {
            return Err(FlashError::Name { name });
        }
        if self.folder.exists() {
            return Err(FlashError::Exists { path: self.folder.to_owned() });
        }
        let files = self.files(&name)?;
        let unfinished = self.folder.with_file_name(format!(".{name}.{}", std::process::id()));
        let made = write(&unfinished, &files).and_then(|()| {
            let file = |source| FlashError::File { path: self.folder.to_owned(), source };
            fs::rename(&unfinished, self.folder).map_err(file)
        });
        // Where the files could not be written, or not be moved, nobody wants them.
        made.inspect_err(|_| drop(fs::remove_dir_all(&unfinished)))?;
        Ok(files.into_iter().map(|(path, _)| path).collect())
    }

    fn files(&self, name: &str) -> Result<Vec<(PathBuf, Vec<u8>)>, FlashError> {
        let (board, repository) = (self.board, repository()?);
        let table = repository.join("boards").join(&board.name).join("board.toml");
        let lock = repository.join("Cargo.lock");
        let lock_text = fs::read(&lock).map_err(|source| FlashError::File { path: lock, source })?;
        let flags: Vec<String> = board.rustflags.split_whitespace().map(|flag| format!("{flag:?}")).collect();
        let key = self.key.map_or(String::new(), |_| format!(".key({KEY:?})?"));
        let detect: Vec<&str> = DETECT.lines().skip_while(|line| line.starts_with("//!")).collect();
        let fill = |template: &str| {
            let words = [
                ("{name}", name),
                ("{title}", &board.title),
                ("{target}", &board.target),
                ("{board}", &board.name),
                ("{package}", &board.package),
                ("{repository}", &repository.display().to_string()),
                ("{board_table}", &format!("{:?}", table.display().to_string())),
                ("{model}", &format!("{:?}", self.model_name)),
                ("{rustflags}", &flags.join(", ")),
                ("{chip}", &board.flashing.probe_rs),
                ("{key}", &key),
                ("{detect}", &detect.join("\n")),
            ];
            let filled =
                words.iter().fold(template.to_owned(), |text, (word, value)| text.replace(word, value));
            format!("{}\n", filled.trim_end()).into_bytes()
        };
        let key = self.key.map(|key| (KEY.into(), key.as_bytes().to_vec()));
        let files = [
            ("Cargo.toml".into(), fill(include_str!("../templates/Cargo.toml"))),
            // The versions that the repository is tested with.
            ("Cargo.lock".into(), lock_text),
            (".cargo/config.toml".into(), fill(include_str!("../templates/config.toml"))),
            (".gitignore".into(), b"/target\n".to_vec()),
            ("build.rs".into(), fill(include_str!("../templates/build.rs"))),
            ("src/main.rs".into(), fill(include_str!("../templates/main.rs"))),
            (self.model_name.into(), self.model.to_vec()),
        ];
        Ok(files.into_iter().chain(key).collect())
    }
}

fn write(folder: &Path, files: &[(PathBuf, Vec<u8>)]) -> Result<(), FlashError> {
    for (name, content) in files {
        let path = folder.join(name);
        let parent = path.parent().unwrap_or(folder);
        let written = fs::create_dir_all(parent).and_then(|()| fs::write(&path, content));
        written.map_err(|source| FlashError::File { path, source })?;
    }
    Ok(())
}

fn is_package_name(name: &str) -> bool {
    let allowed = |character: char| character.is_ascii_alphanumeric() || "-_".contains(character);
    name.starts_with(|first: char| first.is_ascii_alphabetic()) && name.chars().all(allowed)
}
