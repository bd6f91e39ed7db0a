//! The header and the section table: what every version of the format has in common.

use crate::bytes::Cursor;
use crate::checksum::crc32;
use crate::error::Section;
use crate::fault::{Fault, Report, ensure};

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

/// Where the checksum stands.
const CHECKSUM_OFFSET: usize = 12;

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
    /// Checks header, checksum and section table; bytes with one checksum only, if it is known.
    pub(crate) fn parse(
        bytes: &'a [u8],
        checksum: Option<u32>,
        report: &mut Report,
    ) -> Result<Sections<'a>, Fault> {
        let remainder_bytes = bytes.as_ptr().addr() % ALIGNMENT;
        report.numbers = [remainder_bytes as u32, 0];
        ensure(remainder_bytes == 0, Fault::Misaligned)?;
        let available = bytes.len().min(u32::MAX as usize);
        report.numbers = [HEADER_BYTES as u32, available as u32];
        ensure(available >= HEADER_BYTES, Fault::Truncated)?;
        ensure(bytes.starts_with(&MAGIC), Fault::Magic)?;
        let word = |offset: usize| word(bytes, offset);
        let (major, minor) = (word(8) as u16, word(8) >> 16);
        report.numbers = [u32::from(major), minor];
        ensure(major == MAJOR_VERSION, Fault::Version)?;
        let (stored, total, entries) =
            (word(CHECKSUM_OFFSET), word(16) as usize, word(20).min(u32::from(u16::MAX)));
        let table_end = HEADER_BYTES + entries as usize * ENTRY_BYTES;
        report.numbers = [total as u32, available as u32];
        ensure((HEADER_BYTES..=available).contains(&total), Fault::Truncated)?;
        let artefact = bytes.get(..total).unwrap_or(&[]);
        let computed = crc32(artefact.get(UNCHECKED_BYTES..).unwrap_or(&[]));
        let expected = checksum.unwrap_or(stored);
        report.numbers = [expected, computed];
        ensure(stored == computed && stored == expected, Fault::Checksum)?;
        report.numbers = [table_end as u32, total as u32];
        ensure(table_end <= total, Fault::Truncated)?;

        let entries = entries as u16;
        let mut sections = Sections { artefact, single: [&[]; Section::COUNT], entries };
        let (mut seen, mut end) = (0u32, table_end);
        for entry in 0..entries {
            report.index = entry;
            let (code, flags, start, section) = sections.entry(entry);
            let section = section.ok_or(Fault::SectionBounds)?;
            ensure(start >= end && start.is_multiple_of(ALIGNMENT), Fault::SectionBounds)?;
            end = start + section.len();
            let place = usize::from(code).wrapping_sub(1);
            match (Section::ALL.get(place), sections.single.get_mut(place)) {
                (Some(&kind), Some(slot)) => {
                    report.section = kind;
                    let repeated = seen >> code & 1 == 1 && kind != Section::Schedule;
                    ensure(!repeated, Fault::RepeatedSection)?;
                    seen |= 1 << code;
                    *slot = section;
                }
                _ => {
                    report.numbers = [u32::from(code), 0];
                    ensure(flags & MUST_UNDERSTAND == 0, Fault::UnknownSection)?;
                }
            }
        }
        for kind in [Section::Tensors, Section::Operators, Section::Ports, Section::Schedule] {
            report.section = kind;
            ensure(seen >> kind as u32 & 1 == 1, Fault::MissingSection)?;
        }
        Ok(sections)
    }

    /// The whole artefact, without what may follow it in memory.
    pub(crate) fn artefact(&self) -> &'a [u8] {
        self.artefact
    }

    /// The checksum of the bytes.
    pub(crate) fn checksum(&self) -> u32 {
        word(self.artefact, CHECKSUM_OFFSET)
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

    /// The section of the last entry of the table, if it has this code.
    pub(crate) fn last(&self, code: u16) -> Option<&'a [u8]> {
        let (last, _, _, section) = self.entry(self.entries.checked_sub(1)?);
        section.filter(|_| last == code)
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
