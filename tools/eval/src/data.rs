//! Data sets: pictures and what is true of them, from the layouts that people keep them in.
//!
//! Only names, labels and boxes are read here; pictures are decoded one at a time when they are looked at.

mod coco;
mod csv;
mod folders;
mod idx;
mod masks;
mod voc;

use std::io::Read;
use std::path::{Path, PathBuf};

use flate2::read::GzDecoder;
use ocelli_host::Picture;

use crate::Mask;

pub(crate) use masks::{VOID, read_mask};

/// Pictures with labels.
#[derive(Clone, Debug, Default)]
pub struct DataSet {
    /// Names of the classes; numbers of a set that has none.
    pub labels: Vec<String>,
    /// In order of names.
    pub samples: Vec<Sample>,
}

/// A picture and what is true of it.
#[derive(Clone, Debug)]
pub struct Sample {
    /// For messages: the file, or the file and a number in it.
    pub name: String,
    /// What is true of it.
    pub truth: Truth,
    source: PictureSource,
}

/// What is true of a picture. Classes index the set's labels.
#[derive(Clone, Debug, PartialEq)]
pub enum Truth {
    /// It shows this class.
    Class(usize),
    /// It shows these objects.
    Boxes(Vec<TrueBox>),
    /// This file tells the class of each pixel.
    Mask(PathBuf),
}

/// An object that a picture shows.
#[derive(Clone, Debug, PartialEq)]
pub struct TrueBox {
    /// Index into the labels of the set.
    pub class: usize,
    /// Left, top, right, bottom in pixels.
    pub bounds: [f32; 4],
    /// Neither finding nor missing it counts: VOC's `difficult`.
    pub is_ignored: bool,
    /// A crowd, which many boxes may lie in: COCO's `iscrowd`. Ignored as well.
    pub is_crowd: bool,
}

/// Where the pixels are.
#[derive(Clone, Debug)]
enum PictureSource {
    File(PathBuf),
    /// A PGM made of a part of a file.
    Pgm(Vec<u8>),
}

/// How a data set is laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A folder for each class.
    Folders,
    /// `Annotations/*.xml` and `JPEGImages`.
    Voc,
    /// A JSON file with `images`, `annotations` and `categories`.
    Coco,
    /// `images` and `masks`, or `name.png` beside `name_mask.png`.
    Masks,
    /// `images-idx3-ubyte` and `labels-idx1-ubyte`, compressed or not.
    Idx,
    /// A line for each picture: its class, and its pixels or its file.
    Csv,
}

/// Which part of a data set to read.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    /// The layout; found out otherwise.
    pub kind: Option<Kind>,
    /// The folder of a COCO file's pictures; that of the file otherwise.
    pub images: Option<PathBuf>,
    /// A list of VOC's `ImageSets/Main`, or how the names of IDX or CSV files begin, such as `t10k`.
    pub split: Option<String>,
}

/// Why a data set cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {problem}")]
pub struct DataError {
    /// The file or folder, with line and column or byte where there is one.
    pub place: String,
    /// What is wrong, and what to do.
    pub problem: String,
}

impl DataError {
    pub(crate) fn at(place: impl std::fmt::Display, problem: impl std::fmt::Display) -> DataError {
        DataError { place: place.to_string(), problem: problem.to_string() }
    }

    pub(crate) fn in_file(path: &Path, problem: impl std::fmt::Display) -> DataError {
        DataError::at(path.display(), problem)
    }
}

impl DataSet {
    /// Reads the labels of a data set.
    ///
    /// # Errors
    /// [`DataError`], with file, line and column, or byte.
    pub fn open(path: &Path, selection: &Selection) -> Result<DataSet, DataError> {
        let kind = match selection.kind {
            Some(kind) => kind,
            None => kind_of(path)?,
        };
        let set = match kind {
            Kind::Folders => folders::read(path)?,
            Kind::Voc => voc::read(path, selection.split.as_deref())?,
            Kind::Coco => coco::read(path, selection.images.as_deref())?,
            Kind::Masks => masks::read(path)?,
            Kind::Idx => idx::read(path, selection.split.as_deref())?,
            Kind::Csv => csv::read(path, selection.split.as_deref())?,
        };
        match set.samples.is_empty() {
            true => Err(DataError::in_file(path, "there are no labelled pictures in it")),
            false => Ok(set),
        }
    }
}

impl Sample {
    pub(crate) fn of_file(path: PathBuf, truth: Truth) -> Sample {
        Sample { name: path.display().to_string(), truth, source: PictureSource::File(path) }
    }

    /// The picture's file; `None` for a part of one.
    pub fn file(&self) -> Option<&Path> {
        match &self.source {
            PictureSource::File(path) => Some(path),
            PictureSource::Pgm(_) => None,
        }
    }

    /// Decodes the picture.
    ///
    /// # Errors
    /// [`DataError`] with its name.
    pub fn picture(&self) -> Result<Picture, DataError> {
        let decode = |bytes: &[u8]| {
            Picture::decode(bytes).map_err(|error| DataError::at(&self.name, format!("no picture: {error}")))
        };
        match &self.source {
            PictureSource::File(path) => {
                decode(&std::fs::read(path).map_err(|error| DataError::in_file(path, error))?)
            }
            PictureSource::Pgm(bytes) => decode(bytes),
        }
    }

    /// The true mask, when the picture has one.
    ///
    /// # Errors
    /// [`DataError`] with its file.
    pub fn mask(&self) -> Option<Result<Mask, DataError>> {
        match &self.truth {
            Truth::Mask(path) => Some(read_mask(path)),
            _ => None,
        }
    }
}

/// How a path looks.
fn kind_of(path: &Path) -> Result<Kind, DataError> {
    let name = path.file_name().map_or_else(String::new, |name| name.to_string_lossy().to_lowercase());
    if path.is_file() {
        return match name {
            name if name.ends_with(".json") => Ok(Kind::Coco),
            name if name.contains("idx3-ubyte") => Ok(Kind::Idx),
            name if csv::is_named(&name) => Ok(Kind::Csv),
            _ => Err(DataError::in_file(
                path,
                "no data set: give a COCO `.json`, an `-images-idx3-ubyte` file, a `.csv` or a folder",
            )),
        };
    }
    let entries = entries(path)?;
    let has = |wanted: &str| entries.iter().any(|entry| entry.ends_with(wanted));
    let is_named = |part: &str| {
        entries
            .iter()
            .any(|entry| entry.file_name().is_some_and(|name| name.to_string_lossy().contains(part)))
    };
    let has_csv = entries.iter().any(|entry| csv::is_named(&name_of(entry)));
    match () {
        () if has("Annotations") => Ok(Kind::Voc),
        () if has("masks") || is_named("_mask.") => Ok(Kind::Masks),
        () if is_named("idx3-ubyte") => Ok(Kind::Idx),
        () if entries.iter().any(|entry| entry.is_dir()) => Ok(Kind::Folders),
        () if has_csv => Ok(Kind::Csv),
        () => Err(DataError::in_file(
            path,
            "no data set: expected a folder for each class, `Annotations`, `masks`, IDX or CSV files (or give a COCO `.json`)",
        )),
    }
}

/// What is in a folder, in order of names.
fn entries(folder: &Path) -> Result<Vec<PathBuf>, DataError> {
    let failed = |error: std::io::Error| DataError::in_file(folder, error);
    let mut entries = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        entries.push(entry.map_err(failed)?.path());
    }
    entries.sort();
    Ok(entries)
}

/// The last part of a path; nothing where there is none.
fn name_of(path: &Path) -> String {
    path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into())
}

/// The one file of a folder whose name is wanted and begins as the split says.
fn only_file(
    folder: &Path,
    is_wanted: impl Fn(&str) -> bool,
    split: Option<&str>,
) -> Result<PathBuf, DataError> {
    let mut found = entries(folder)?;
    found.retain(|file| is_wanted(&name_of(file)));
    let names: Vec<String> = found.iter().map(|file| name_of(file)).collect();
    if let Some(split) = split {
        found.retain(|file| name_of(file).starts_with(split));
    }
    match &found[..] {
        [file] => Ok(file.clone()),
        _ => Err(DataError::in_file(
            folder,
            format!("there are {}; choose one with `--split` and how its name begins", names.join(", ")),
        )),
    }
}

/// The bytes of a file, out of gzip where it is packed.
fn inflated(path: &Path) -> Result<Vec<u8>, DataError> {
    let failed = |error: std::io::Error| DataError::in_file(path, error);
    let bytes = std::fs::read(path).map_err(failed)?;
    if !bytes.starts_with(&[0x1F, 0x8B]) {
        return Ok(bytes);
    }
    let mut inflated = Vec::new();
    GzDecoder::new(&bytes[..]).read_to_end(&mut inflated).map_err(failed)?;
    Ok(inflated)
}

/// Whether a file has the extension of a picture that can be decoded.
fn is_picture(path: &Path) -> bool {
    let extension = path.extension().map(|extension| extension.to_string_lossy().to_lowercase());
    path.is_file()
        && extension.is_some_and(|extension| {
            ["png", "jpg", "jpeg", "bmp", "ppm", "pgm"].contains(&extension.as_str())
        })
}

/// The index of a label, added when it is new.
fn label_index(labels: &mut Vec<String>, name: &str) -> usize {
    labels.iter().position(|label| label == name).unwrap_or_else(|| {
        labels.push(name.to_owned());
        labels.len() - 1
    })
}

#[cfg(test)]
mod tests;
