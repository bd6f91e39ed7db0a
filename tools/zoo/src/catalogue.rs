//! The catalogue: what `models/zoo.toml` says, checked.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use crate::CatalogueError;

/// Everything that can be fetched.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Catalogue {
    packages: BTreeMap<String, Package>,
    entries: Vec<Entry>,
}

/// A package of a package manager.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Package {
    /// Who fetches it.
    pub manager: Manager,
    /// Its name there.
    pub name: String,
    /// Its exact version.
    pub version: String,
    /// For wheels: the Python that the wheel is for, whatever this machine has.
    pub python: Option<String>,
    /// For wheels: the platform tag that the wheel is for, whatever this machine is.
    pub platform: Option<String>,
    /// Size of the download.
    pub bytes: u64,
    /// Of the download, in lower-case hexadecimal.
    pub sha256: String,
}

/// Package managers.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum Manager {
    /// Python wheels.
    Pip,
    /// JavaScript packages.
    Npm,
    /// Debian packages.
    Apt,
}

/// One thing with a name: a model, a photograph, a set of photographs.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// What `ocelli zoo fetch` calls it.
    pub name: String,
    /// What it is for.
    pub task: String,
    /// One line for people.
    pub about: String,
    /// Under which terms it comes.
    pub licence: String,
    /// Key of its package.
    pub package: String,
    /// What is taken out of the package.
    pub files: Vec<File>,
}

/// One file of a package.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct File {
    /// Path inside the package, with `/`; `!/` leads into a zip file.
    pub path: String,
    /// Exact size.
    pub bytes: u64,
    /// In lower-case hexadecimal.
    pub sha256: String,
}

impl Catalogue {
    /// The catalogue of this version of Ocelli.
    ///
    /// # Errors
    /// None for the committed file; a test of this crate parses it.
    pub fn built_in() -> Result<Catalogue, CatalogueError> {
        Catalogue::parse(include_str!("../../../models/zoo.toml"))
    }

    /// Reads and checks the text of a catalogue.
    ///
    /// # Errors
    /// [`CatalogueError`] with the entry or package at fault.
    pub fn parse(text: &str) -> Result<Catalogue, CatalogueError> {
        let catalogue: Catalogue = toml::from_str(text)?;
        catalogue.check()?;
        Ok(catalogue)
    }

    /// Everything with a name, in the file's order.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The entry called `name`.
    pub fn entry(&self, name: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.name == name)
    }

    /// Where an entry of this catalogue comes from.
    pub fn package(&self, entry: &Entry) -> &Package {
        &self.packages[&entry.package]
    }

    /// Every entry that comes out of the same package.
    pub fn siblings<'a>(&'a self, entry: &'a Entry) -> impl Iterator<Item = &'a Entry> {
        self.entries.iter().filter(move |other| other.package == entry.package)
    }

    fn check(&self) -> Result<(), CatalogueError> {
        let fault = |place: &str, reason: &str| {
            Err(CatalogueError::Invalid { place: place.to_owned(), reason: reason.to_owned() })
        };
        for (key, package) in &self.packages {
            if !is_sha256(&package.sha256) {
                return fault(key, "`sha256` is not 64 lower-case hexadecimal digits");
            }
            if package.manager == Manager::Pip && (package.python.is_none() || package.platform.is_none()) {
                return fault(key, "a wheel needs `python` and `platform`");
            }
        }
        let mut names = BTreeSet::new();
        for entry in &self.entries {
            let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
            if entry.name.is_empty() || !entry.name.chars().all(plain) {
                return fault(&entry.name, "a name has small letters, digits and hyphens");
            }
            if !names.insert(&entry.name) {
                return fault(&entry.name, "two entries have this name");
            }
            if !self.packages.contains_key(&entry.package) {
                return fault(&entry.name, "its package is not listed");
            }
            let mut file_names = BTreeSet::new();
            for file in &entry.files {
                if !is_sha256(&file.sha256) {
                    return fault(&file.path, "`sha256` is not 64 lower-case hexadecimal digits");
                }
                if !file_names.insert(file.file_name()) || matches!(file.file_name(), "" | "." | "..") {
                    return fault(&file.path, "two files of an entry have this name, or it has none");
                }
            }
        }
        Ok(())
    }
}

impl Package {
    /// Name and version as its package manager spells them.
    pub fn specifier(&self) -> String {
        match self.manager {
            Manager::Pip => format!("{}=={}", self.name, self.version),
            Manager::Apt => format!("{}={}", self.name, self.version),
            Manager::Npm => format!("{}@{}", self.name, self.version),
        }
    }
}

impl Entry {
    /// Bytes of all files together.
    pub fn bytes(&self) -> u64 {
        self.files.iter().map(|file| file.bytes).sum()
    }
}

impl File {
    /// The last part of its path.
    pub fn file_name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or(&self.path)
    }
}

fn is_sha256(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_committed_catalogue_is_sound() {
        let catalogue = Catalogue::built_in().unwrap();
        for entry in catalogue.entries() {
            assert!(!entry.files.is_empty() && entry.bytes() > 0, "{}", entry.name);
            assert!(catalogue.siblings(entry).any(|other| other.name == entry.name));
        }
    }

    #[test]
    fn calibration_and_test_images_are_disjoint() {
        let catalogue = Catalogue::built_in().unwrap();
        let hashes = |calibration: bool| -> BTreeSet<&str> {
            let wanted = catalogue.entries().iter().filter(|e| (e.task == "calibration") == calibration);
            wanted.flat_map(|entry| &entry.files).map(|file| file.sha256.as_str()).collect()
        };
        assert!(!hashes(true).is_empty());
        assert!(hashes(true).is_disjoint(&hashes(false)));
    }

    #[test]
    fn faults_are_named() {
        let sound = include_str!("../../../models/zoo.toml");
        let cases = [
            (sound.replacen("name = \"astronaut\"", "name = \"blazeface\"", 1), "two entries"),
            (sound.replacen("name = \"astronaut\"", "name = \"../astronaut\"", 1), "small letters"),
            (sound.replacen("package = \"mediapipe\"", "package = \"media\"", 1), "not listed"),
            (sound.replacen("sha256 = \"a8", "sha256 = \"A8", 1), "hexadecimal"),
            (sound.replacen("python = \"3.11\"\n", "", 1), "`python` and `platform`"),
            (sound.replacen("skimage/data/brick.png", "other/camera.png", 1), "two files"),
        ];
        for (text, expected) in cases {
            let message = Catalogue::parse(&text).unwrap_err().to_string();
            assert!(message.contains(expected), "{message:?} does not say {expected:?}");
        }
    }
}
