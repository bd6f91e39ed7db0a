//! Packages as archives: wheels are zip files, npm packages are compressed tar files, Debian's are unpacked by its own
//! `dpkg-deb` into tar.
//!
//! Only files that the catalogue names are read, up to the size that it names; paths inside a package
//! never become paths on this machine. A path with `!/` goes on inside a zip file that lies in the package.

use std::collections::HashMap;
use std::fs;
use std::io::{BufReader, Cursor, Read, Seek};
use std::path::Path;
use std::process::{Command, Stdio};

use crate::{FetchError, File, Manager, hash};

/// Reads `files` out of the package at `path` and checks each; in the order of `files`.
pub fn extract(manager: Manager, path: &Path, files: &[&File]) -> Result<Vec<Vec<u8>>, FetchError> {
    let failed = |source| FetchError::File { path: path.to_owned(), source };
    let opened = || fs::File::open(path).map(BufReader::new).map_err(failed);
    let mut found = match manager {
        Manager::Pip => from_zip(opened()?, files),
        Manager::Npm => from_tar(flate2::read::GzDecoder::new(opened()?), files).map_err(Into::into),
        Manager::Apt => from_debian(path, files).map_err(Into::into),
    }
    .map_err(|error| FetchError::Archive { path: path.to_owned(), message: error.to_string() })?;
    let take = |file: &&File| {
        let missing = || FetchError::NotInPackage { path: path.to_owned(), file: file.path.clone() };
        let bytes = found.remove(&file.path).ok_or_else(missing)?;
        let actual = hash::of_bytes(&bytes);
        if actual != file.sha256 {
            return Err(FetchError::HashDiffers {
                what: format!("{} in {}", file.path, path.display()),
                expected: file.sha256.clone(),
                actual,
            });
        }
        Ok(bytes)
    };
    files.iter().map(take).collect()
}

type Found = HashMap<String, Vec<u8>>;

fn from_zip(package: BufReader<fs::File>, files: &[&File]) -> Result<Found, zip::result::ZipError> {
    let mut archive = zip::ZipArchive::new(package)?;
    let mut found = Found::new();
    for file in files {
        let member = match file.path.split_once("!/") {
            None => member(&mut archive, &file.path, file.bytes),
            Some((outer, inner)) => member(&mut archive, outer, MOST_INNER_BYTES)
                .and_then(|bytes| member(&mut zip::ZipArchive::new(Cursor::new(bytes))?, inner, file.bytes)),
        };
        match member {
            Ok(bytes) => found.insert(file.path.clone(), bytes),
            Err(zip::result::ZipError::FileNotFound) => None,
            Err(error) => return Err(error),
        };
    }
    Ok(found)
}

/// What an archive in a package is read up to: the package's own hash has been checked by then.
const MOST_INNER_BYTES: u64 = 64 << 20;

/// One file of an archive.
fn member(
    archive: &mut zip::ZipArchive<impl Read + Seek>,
    path: &str,
    bytes: u64,
) -> Result<Vec<u8>, zip::result::ZipError> {
    Ok(read(archive.by_name(path)?, bytes)?)
}

fn from_debian(path: &Path, files: &[&File]) -> std::io::Result<Found> {
    let output = Command::new("dpkg-deb").arg("--fsys-tarfile").arg(path).stdin(Stdio::null()).output()?;
    match output.status.success() {
        true => from_tar(&output.stdout[..], files),
        false => Err(std::io::Error::other(String::from_utf8_lossy(&output.stderr).trim().to_owned())),
    }
}

fn from_tar(package: impl Read, files: &[&File]) -> std::io::Result<Found> {
    let mut archive = tar::Archive::new(package);
    let mut found = Found::new();
    for member in archive.entries()? {
        let member = member?;
        // Debian's paths begin with the root of the system.
        let path = member.path()?.to_string_lossy().trim_start_matches("./").to_owned();
        if let Some(file) = files.iter().find(|file| file.path == path) {
            found.insert(path, read(member, file.bytes)?);
        }
    }
    Ok(found)
}

/// At most one byte more than expected: enough for the hash to differ, too little to fill the memory.
fn read(member: impl Read, expected_bytes: u64) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    member.take(expected_bytes.saturating_add(1)).read_to_end(&mut bytes)?;
    Ok(bytes)
}
