//! Model slots in a folder, for computers and Linux boards: the policy of `ocelli-slots` over files.
//!
//! `a.ocelli`, `b.ocelli` and `state`. Each is written under another name, synced, renamed, and the folder synced, so
//! that after a loss of power a name stands for the old content or the new one, never for a part.

use std::fmt;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

use ocelli_format::{AlignedBytes, crc32};
use ocelli_slots::{Slot, State, Storage};

/// What of a file system the slots need.
pub trait Disk {
    /// The content of a file.
    ///
    /// # Errors
    /// The system's.
    fn read(&mut self, name: &str) -> io::Result<Vec<u8>>;

    /// Makes an empty file, to be written; one that is there is emptied.
    ///
    /// # Errors
    /// The system's.
    fn create(&mut self, name: &str) -> io::Result<()>;

    /// Writes to the file that was made last.
    ///
    /// # Errors
    /// The system's.
    fn append(&mut self, bytes: &[u8]) -> io::Result<()>;

    /// Brings the content of the file that was made last out to the medium.
    ///
    /// # Errors
    /// The system's.
    fn sync(&mut self) -> io::Result<()>;

    /// Gives a file another's name, and brings the folder out to the medium.
    ///
    /// # Errors
    /// The system's.
    fn rename(&mut self, from: &str, to: &str) -> io::Result<()>;
}

/// Slots and state on a disk.
#[derive(Debug)]
pub struct ModelFolder<D = Folder> {
    disk: D,
    slot_bytes: u32,
    writing: Slot,
    /// What has been read of the slots since they were written.
    loaded: [Option<AlignedBytes>; 2],
}

/// Why a folder does not do as slots.
#[derive(Debug)]
pub struct FolderError {
    name: &'static str,
    source: io::Error,
}

const STATE: &str = "state";
const NEW_STATE: &str = "state.new";
const CHECKSUM_BYTES: usize = 4;

impl ModelFolder {
    /// Slots in a folder, which is made where it is not there.
    ///
    /// # Errors
    /// The folder cannot be made.
    pub fn open(path: impl Into<PathBuf>, slot_bytes: u32) -> io::Result<ModelFolder> {
        let path = path.into();
        fs::create_dir_all(&path)?;
        Ok(ModelFolder::on(Folder { path, file: None }, slot_bytes))
    }

    /// Where the artefact of a slot lies in a folder.
    pub fn file(folder: &Path, slot: Slot) -> PathBuf {
        folder.join(names(slot).0)
    }
}

impl<D: Disk> ModelFolder<D> {
    /// Slots on a disk.
    pub fn on(disk: D, slot_bytes: u32) -> ModelFolder<D> {
        ModelFolder { disk, slot_bytes, writing: Slot::A, loaded: [None, None] }
    }

    /// Gives the disk back.
    pub fn release(self) -> D {
        self.disk
    }

    fn load_slot(&mut self, slot: Slot) -> Result<&[u8], FolderError> {
        let (name, loaded) = (names(slot).0, &mut self.loaded[slot as usize]);
        let bytes = match loaded.take() {
            Some(bytes) => bytes,
            None => AlignedBytes::copy_of(&self.disk.read(name).map_err(FolderError::of(name))?),
        };
        Ok(loaded.insert(bytes))
    }
}

impl<D: Disk> Storage for ModelFolder<D> {
    type Error = FolderError;

    fn slot_bytes(&self) -> u32 {
        self.slot_bytes
    }

    fn load(&mut self) -> Result<Option<State>, FolderError> {
        let bytes = match self.disk.read(STATE) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            bytes => bytes.map_err(FolderError::of(STATE))?,
        };
        let state = bytes.split_last_chunk::<CHECKSUM_BYTES>().and_then(|(state, checksum)| {
            let is_whole = crc32(state) == u32::from_le_bytes(*checksum);
            State::from_bytes(state.try_into().ok()?).filter(|_| is_whole)
        });
        state.map(Some).ok_or_else(|| FolderError::of(STATE)(ErrorKind::InvalidData.into()))
    }

    fn save(&mut self, state: &State) -> Result<(), FolderError> {
        let state = state.to_bytes();
        let mut write = || {
            self.disk.create(NEW_STATE)?;
            self.disk.append(&[&state[..], &crc32(&state).to_le_bytes()].concat())?;
            self.disk.sync()?;
            self.disk.rename(NEW_STATE, STATE)
        };
        write().map_err(FolderError::of(STATE))
    }

    fn begin(&mut self, slot: Slot) -> Result<(), FolderError> {
        self.writing = slot;
        let new = names(slot).1;
        self.disk.create(new).map_err(FolderError::of(new))
    }

    fn append(&mut self, bytes: &[u8]) -> Result<(), FolderError> {
        self.disk.append(bytes).map_err(FolderError::of(names(self.writing).1))
    }

    fn finish(&mut self) -> Result<(), FolderError> {
        let (name, new) = names(self.writing);
        self.loaded[self.writing as usize] = None;
        self.disk.sync().and_then(|()| self.disk.rename(new, name)).map_err(FolderError::of(name))
    }

    fn read(&mut self, slot: Slot, offset: u32, bytes: &mut [u8]) -> Result<(), FolderError> {
        let source = self.load_slot(slot)?.get(offset as usize..).and_then(|rest| rest.get(..bytes.len()));
        let source = source.ok_or_else(|| FolderError::of(names(slot).0)(ErrorKind::UnexpectedEof.into()))?;
        bytes.copy_from_slice(source);
        Ok(())
    }

    fn bytes(&mut self, slot: Slot, length: u32) -> Result<&[u8], FolderError> {
        let bytes = self.load_slot(slot)?;
        bytes
            .get(..length as usize)
            .ok_or_else(|| FolderError::of(names(slot).0)(ErrorKind::UnexpectedEof.into()))
    }
}

/// A folder of this computer.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    file: Option<File>,
}

impl Folder {
    fn file(&mut self) -> io::Result<&mut File> {
        self.file.as_mut().ok_or_else(|| ErrorKind::NotFound.into())
    }
}

impl Disk for Folder {
    fn read(&mut self, name: &str) -> io::Result<Vec<u8>> {
        fs::read(self.path.join(name))
    }

    fn create(&mut self, name: &str) -> io::Result<()> {
        self.file = Some(File::create(self.path.join(name))?);
        Ok(())
    }

    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file()?.write_all(bytes)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.file()?.sync_all()
    }

    fn rename(&mut self, from: &str, to: &str) -> io::Result<()> {
        fs::rename(self.path.join(from), self.path.join(to))?;
        sync_folder(&self.path)
    }
}

/// A name is on the medium only when its folder is.
#[cfg(unix)]
fn sync_folder(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

/// Elsewhere folders cannot be opened as files.
#[cfg(not(unix))]
fn sync_folder(_: &Path) -> io::Result<()> {
    Ok(())
}

/// Name of a slot's file, and the name under which it is written.
fn names(slot: Slot) -> (&'static str, &'static str) {
    match slot {
        Slot::A => ("a.ocelli", "a.ocelli.new"),
        Slot::B => ("b.ocelli", "b.ocelli.new"),
    }
}

impl FolderError {
    fn of(name: &'static str) -> impl FnOnce(io::Error) -> FolderError {
        move |source| FolderError { name, source }
    }
}

impl fmt::Display for FolderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.source.kind() {
            ErrorKind::InvalidData => write!(f, "{}: this is no state of model slots", self.name),
            _ => write!(f, "{}: {}", self.name, self.source),
        }
    }
}

impl std::error::Error for FolderError {}
