//! A camera that sees the pictures of a folder, one after the other.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use ocelli_core::{Camera, Frame};

use crate::{CaptureError, OpenError, Picture, picture::format_of};

/// The pictures of a folder in the order of their names, byte by byte; folders within are not
/// entered. Files that are no pictures are left out. Each frame has the size of its picture.
#[derive(Clone, Debug)]
pub struct FolderCamera {
    paths: Vec<PathBuf>,
    next: usize,
    picture: Option<Picture>,
}

impl FolderCamera {
    /// Looks at the first bytes of every file.
    ///
    /// # Errors
    /// [`OpenError::Read`] and [`OpenError::EmptyFolder`].
    pub fn open(path: impl AsRef<Path>) -> Result<FolderCamera, OpenError> {
        let path = path.as_ref();
        let error = |path: &Path| {
            let path = path.to_owned();
            move |source| OpenError::Read { path, source }
        };
        let mut paths = Vec::new();
        let mut files = 0;
        for entry in fs::read_dir(path).map_err(error(path))? {
            let path = entry.map_err(error(path))?.path();
            if !fs::metadata(&path).map_err(error(&path))?.is_file() {
                continue;
            }
            files += 1;
            if is_picture(&path).map_err(error(&path))? {
                paths.push(path);
            }
        }
        if paths.is_empty() {
            return Err(OpenError::EmptyFolder { path: path.into(), files });
        }
        paths.sort();
        Ok(FolderCamera { paths, next: 0, picture: None })
    }

    /// The pictures in the order in which they are seen.
    pub fn paths(&self) -> &[PathBuf] {
        &self.paths
    }

    /// The picture that the last frame came from.
    pub fn current_path(&self) -> Option<&Path> {
        self.paths.get(self.next.checked_sub(1)?).map(PathBuf::as_path)
    }
}

impl Camera for FolderCamera {
    type Error = CaptureError;
    type Loan<'a> = Frame<'a>;

    /// A broken picture is an error, once; the next frame is the next picture.
    fn read_frame(&mut self) -> nb::Result<Frame<'_>, CaptureError> {
        let path = self.paths.get(self.next).ok_or(nb::Error::Other(CaptureError::End))?;
        let frame = self.next as u64;
        self.next += 1;
        let name = || path.display().to_string();
        let bytes = fs::read(path).map_err(|source| CaptureError::Read { name: name(), frame, source })?;
        let picture = Picture::decode(&bytes).map_err(|source| CaptureError::Picture {
            name: name(),
            frame,
            source,
        })?;
        Ok(self.picture.insert(picture).frame())
    }
}

fn is_picture(path: &Path) -> io::Result<bool> {
    let mut first = Vec::new();
    File::open(path)?.take(16).read_to_end(&mut first)?;
    Ok(format_of(&first).is_some())
}
