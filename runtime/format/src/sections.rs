//! The header and the section table: what every version of the format has in common.

use crate::bytes::Cursor;
use crate::checksum::crc32;
use crate::error::{ParseError, Section};

/// What an artefact's bytes start with: not text, so that no tool converts its line ends.
pub const MAGIC: [u8; 8] = [0xEF, b'O', b'C', b'E', b'L', b'L', b'I', 0x1A];

/// Readers refuse any other.
pub const MAJOR_VERSION: u16 = 1;

/// Readers accept any: what later ones add stands in sections that may be skipped.
pub const MINOR_VERSION: u16 = 0;

/// Sections and constants start on multiples of this many bytes, and so does the artefact in memory.
pub const ALIGNMENT: usize = 16;

/// Bytes before the section table.
pub(crate) const HEADER_BYTES: usize = 64;

/// Bytes of one entry of the section table.
pub(crate) const ENTRY_BYTES: usize = 16;

/// Bytes that the checksum does not cover: magic, version, checksum.
pub(crate) const UNCHECKED_BYTES: usize = 16;

/// Where the answer id stands.
pub(crate) const ANSWER_ID_OFFSET: usize = 32;

/// Flag of a section that a reader must know, or refuse the artefact.
pub(crate) const MUST_UNDERSTAND: u16 = 1;

/// The sections of checked bytes, by kind. A missing one is empty.
#[derive(Clone, Copy)]
pub(crate) struct Sections<'a> {
    artefact: &'a [u8],
    single: [&'a [u8]; Section::COUNT],
    entries: u16,
}

impl<'a> Sections<'a> {
    /// Checks header, checksum and section table.
    pub(crate) fn parse(bytes: &'a [u8]) -> Result<Sections<'a>, ParseError> {
        let remainder_bytes = (bytes.as_ptr().addr() % ALIGNMENT) as u8;
        if remainder_bytes != 0 {
            return Err(ParseError::Misaligned { remainder_bytes });
        }
        let truncated = |needed: usize| ParseError::Truncated {
            needed_bytes: needed as u32,
            available_bytes: u32::try_from(bytes.len()).unwrap_or(u32::MAX),
        };
        let header = bytes.get(..HEADER_BYTES).ok_or(truncated(HEADER_BYTES))?;
        if !header.starts_with(&MAGIC) {
            return Err(ParseError::Magic);
        }
        let word = |offset: usize| word(header, offset);
        let (major, minor) = (word(8) as u16, (word(8) >> 16) as u16);
        if major != MAJOR_VERSION {
            return Err(ParseError::Version { major, minor });
        }
        let (stored, total) = (word(12), word(16) as usize);
        let bytes = bytes.get(..total).ok_or(truncated(total))?;
        let computed = crc32(bytes.get(UNCHECKED_BYTES..).ok_or(truncated(HEADER_BYTES))?);
        if stored != computed {
            return Err(ParseError::Checksum { stored, computed });
        }
        let entries = word(20).min(u32::from(u16::MAX)) as u16;
        let table_end = HEADER_BYTES + usize::from(entries) * ENTRY_BYTES;
        if table_end > total {
            return Err(truncated(table_end));
        }

        let mut sections = Sections { artefact: bytes, single: [&[]; Section::COUNT], entries };
        let mut seen = 0u32;
        let mut end = table_end;
        for entry in 0..entries {
            let (code, flags, start, section) = sections.entry(entry);
            if start < end || !start.is_multiple_of(ALIGNMENT) {
                return Err(ParseError::SectionBounds { entry });
            }
            let section = section.ok_or(ParseError::SectionBounds { entry })?;
            end = start + section.len();
            let Some(kind) = Section::ALL.iter().copied().find(|&kind| kind as u16 == code) else {
                if flags & MUST_UNDERSTAND != 0 {
                    return Err(ParseError::UnknownSection { entry, code });
                }
                continue;
            };
            let bit = 1 << kind as u32;
            if kind != Section::Schedule && seen & bit != 0 {
                return Err(ParseError::RepeatedSection { section: kind });
            }
            seen |= bit;
            if let Some(slot) = sections.single.get_mut(kind as usize - 1) {
                *slot = section;
            }
        }
        let required = [Section::Tensors, Section::Operators, Section::Ports, Section::Schedule];
        match required.into_iter().find(|&kind| seen & 1 << kind as u32 == 0) {
            Some(section) => Err(ParseError::MissingSection { section }),
            None => Ok(sections),
        }
    }

    /// The whole artefact, without what may follow it in memory.
    pub(crate) fn artefact(&self) -> &'a [u8] {
        self.artefact
    }

    /// The bytes of a section; empty where it is missing.
    pub(crate) fn bytes(&self, kind: Section) -> &'a [u8] {
        self.single.get(kind as usize - 1).copied().unwrap_or(&[])
    }

    /// A cursor at the start of a section.
    pub(crate) fn cursor(&self, kind: Section) -> Cursor<'a> {
        Cursor::new(kind, self.bytes(kind))
    }

    /// The sections of one kind that may repeat.
    pub(crate) fn repeated(&self, kind: Section) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        let sections = *self;
        (0..self.entries).filter_map(move |entry| {
            let (code, _, _, section) = sections.entry(entry);
            section.filter(|_| code == kind as u16)
        })
    }

    /// Code, flags, first byte and bytes of an entry of the table.
    fn entry(&self, entry: u16) -> (u16, u16, usize, Option<&'a [u8]>) {
        let at = HEADER_BYTES + usize::from(entry) * ENTRY_BYTES;
        let word = |index: usize| word(self.artefact, at + 4 * index);
        let (start, length) = (word(1) as usize, word(2) as usize);
        let section = start.checked_add(length).and_then(|end| self.artefact.get(start..end));
        (word(0) as u16, (word(0) >> 16) as u16, start, section)
    }
}

/// A number of the header or the section table; 0 outside the bytes.
fn word(bytes: &[u8], offset: usize) -> u32 {
    let word = bytes.get(offset..).and_then(|rest| rest.first_chunk());
    word.map_or(0, |&word| u32::from_le_bytes(word))
}
