//! Reads from an ELF file how many bytes of flash and RAM a firmware takes, what is loaded where, and where its functions are.

use std::fs;
use std::path::Path;

use crate::SimulateError;

/// What a firmware takes of its machine.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Footprint {
    /// Vectors, code, constants, and the initial values of variables.
    pub flash_bytes: u64,
    /// Of these, code and constants alone: no vectors.
    pub code_bytes: u64,
    /// Variables, without the stack.
    pub ram_bytes: u64,
}

/// Adds up the sections of a 32-bit little-endian ELF file that exist on the machine.
///
/// # Errors
/// [`SimulateError::Io`] and [`SimulateError::Elf`].
pub fn footprint(file: &Path) -> Result<Footprint, SimulateError> {
    sections(&read(file)?).ok_or_else(|| lacks(file, "sections"))
}

/// What stands in flash: the address of each loaded segment, and its bytes.
///
/// # Errors
/// [`SimulateError::Io`] and [`SimulateError::Elf`].
pub fn segments(file: &Path) -> Result<Vec<(u32, Vec<u8>)>, SimulateError> {
    loaded(&read(file)?).ok_or_else(|| lacks(file, "segments"))
}

/// The address of the first function whose name has `part` in it.
///
/// # Errors
/// [`SimulateError::Io`] and [`SimulateError::Elf`].
pub fn address_of(file: &Path, part: &str) -> Result<u64, SimulateError> {
    let functions = functions(file)?;
    let found = functions.iter().find(|(name, _)| name.contains(part));
    found.map(|(_, address)| *address).ok_or_else(|| lacks(file, &format!("function {part}")))
}

/// Every function that the file holds, with its address.
///
/// # Errors
/// [`SimulateError::Io`] and [`SimulateError::Elf`].
pub fn functions(file: &Path) -> Result<Vec<(String, u64)>, SimulateError> {
    symbols(&read(file)?).ok_or_else(|| lacks(file, "symbols"))
}

fn read(file: &Path) -> Result<Vec<u8>, SimulateError> {
    fs::read(file).map_err(SimulateError::io(format!("reading {}", file.display())))
}

fn lacks(file: &Path, what: &str) -> SimulateError {
    SimulateError::Elf { path: file.to_owned(), what: what.to_owned() }
}

fn loaded(bytes: &[u8]) -> Option<Vec<(u32, Vec<u8>)>> {
    if !bytes.starts_with(b"\x7fELF\x01\x01") {
        return None;
    }
    let word = |offset: usize| Some(u32::from_le_bytes(bytes.get(offset..offset + 4)?.try_into().ok()?));
    let half = |offset: usize| Some(u16::from_le_bytes(bytes.get(offset..offset + 2)?.try_into().ok()?));
    // e_phoff, e_phentsize, e_phnum; then of each segment p_type, p_offset, p_paddr, p_filesz.
    let (first, entry, count) = (word(28)? as usize, half(42)? as usize, half(44)?);
    let mut segments = Vec::new();
    for header in (0..usize::from(count)).map(|index| first + index * entry) {
        let (start, size) = (word(header + 4)? as usize, word(header + 16)? as usize);
        if word(header)? == LOADED && size > 0 {
            segments.push((word(header + 12)?, bytes.get(start..start.checked_add(size)?)?.to_vec()));
        }
    }
    Some(segments)
}

fn symbols(bytes: &[u8]) -> Option<Vec<(String, u64)>> {
    let word = |offset: usize| Some(u32::from_le_bytes(bytes.get(offset..offset + 4)?.try_into().ok()?));
    let half = |offset: usize| Some(u16::from_le_bytes(bytes.get(offset..offset + 2)?.try_into().ok()?));
    let (first, entry, count) = (word(32)? as usize, half(46)? as usize, half(48)?);
    let mut headers = (0..usize::from(count)).map(|index| first + index * entry);
    let table = headers.find(|&header| word(header + 4) == Some(SYMBOLS))?;
    let (start, size, names) =
        (word(table + 16)? as usize, word(table + 20)? as usize, word(table + 24)? as usize);
    let names = word(first + names * entry + 16)? as usize;
    let mut functions = Vec::new();
    // Of each symbol st_name, st_value, st_size, st_info.
    for symbol in (start..start + size).step_by(16) {
        let name = bytes.get(names + word(symbol)? as usize..)?.split(|&byte| byte == 0).next()?;
        if bytes.get(symbol + 12)? & 0xF == FUNCTION {
            // The lowest bit says that the code is Thumb.
            functions.push((String::from_utf8_lossy(name).into_owned(), u64::from(word(symbol + 4)? & !1)));
        }
    }
    Some(functions)
}

fn sections(bytes: &[u8]) -> Option<Footprint> {
    if !bytes.starts_with(b"\x7fELF\x01\x01") {
        return None;
    }
    let word = |offset: usize| Some(u32::from_le_bytes(bytes.get(offset..offset + 4)?.try_into().ok()?));
    let half = |offset: usize| Some(u16::from_le_bytes(bytes.get(offset..offset + 2)?.try_into().ok()?));
    // e_shoff, e_shentsize, e_shnum, e_shstrndx; then of each section sh_name, sh_type, sh_flags, sh_offset, sh_size.
    let (first, entry, count) = (word(32)? as usize, half(46)? as usize, half(48)? as usize);
    let names = word(first + half(50)? as usize * entry + 16)? as usize;
    let mut footprint = Footprint::default();
    for header in (0..count).map(|index| first + index * entry) {
        let (kind, flags, size) = (word(header + 4)?, word(header + 8)?, u64::from(word(header + 20)?));
        if flags & ALLOCATED == 0 {
            continue;
        }
        if kind != NO_BITS {
            footprint.flash_bytes += size;
        }
        let name = bytes.get(names + word(header)? as usize..)?;
        if name.starts_with(b".text\0") || name.starts_with(b".rodata\0") {
            footprint.code_bytes += size;
        }
        if flags & WRITABLE != 0 {
            footprint.ram_bytes += size;
        }
    }
    Some(footprint)
}

/// A segment's type.
const LOADED: u32 = 1;
const WRITABLE: u32 = 1;
const ALLOCATED: u32 = 2;
const NO_BITS: u32 = 8;
const SYMBOLS: u32 = 2;
/// A symbol's type.
const FUNCTION: u8 = 2;

#[cfg(test)]
mod tests {
    use super::*;

    /// A file of a header, these sections (name, type, flags, size), and a last one with all names.
    fn file(sections: &[(&str, [u32; 3])]) -> Vec<u8> {
        let count = sections.len() + 1;
        let mut bytes = vec![0; 52];
        bytes[..6].copy_from_slice(b"\x7fELF\x01\x01");
        bytes[32..36].copy_from_slice(&52u32.to_le_bytes());
        bytes[46..48].copy_from_slice(&40u16.to_le_bytes());
        bytes[48..50].copy_from_slice(&(count as u16).to_le_bytes());
        bytes[50..52].copy_from_slice(&(count as u16 - 1).to_le_bytes());
        let mut names = Vec::new();
        for (name, [kind, flags, size]) in sections.iter().chain([&("", [3, 0, 0])]) {
            let mut header = [0; 40];
            header[..4].copy_from_slice(&(names.len() as u32).to_le_bytes());
            header[4..8].copy_from_slice(&kind.to_le_bytes());
            header[8..12].copy_from_slice(&flags.to_le_bytes());
            header[16..20].copy_from_slice(&(52 + 40 * count as u32).to_le_bytes());
            header[20..24].copy_from_slice(&size.to_le_bytes());
            bytes.extend(header);
            names.extend([name.as_bytes(), b"\0"].concat());
        }
        bytes.extend(names);
        bytes
    }

    #[test]
    fn code_data_and_zeros_count_where_they_lie() {
        let vectors = (".vector_table", [1, ALLOCATED, 10_000]);
        let code = (".text", [1, ALLOCATED, 1000]);
        let data = (".data", [1, ALLOCATED | WRITABLE, 100]);
        let zeros = (".bss", [NO_BITS, ALLOCATED | WRITABLE, 10]);
        let debug = (".debug_info", [1, 0, 1]);
        let bytes = file(&[vectors, code, data, zeros, debug]);
        let expected = Footprint { flash_bytes: 11_100, code_bytes: 1000, ram_bytes: 110 };
        assert_eq!(sections(&bytes), Some(expected));
    }

    #[test]
    fn loaded_segments_come_with_their_addresses() {
        let mut bytes = file(&[]);
        let header = bytes.len() as u32;
        bytes[28..32].copy_from_slice(&header.to_le_bytes());
        bytes[42..44].copy_from_slice(&32u16.to_le_bytes());
        bytes[44..46].copy_from_slice(&3u16.to_le_bytes());
        let content = header + 3 * 32;
        // Of a note, of code, of variables that start as zeros.
        for [kind, size] in [[4, 4], [LOADED, 3], [LOADED, 0]] {
            for word in [kind, content, 0x2000_0000, 0x1000_0000, size, 64, 0, 0] {
                bytes.extend(word.to_le_bytes());
            }
        }
        bytes.extend([1, 2, 3]);
        assert_eq!(loaded(&bytes[..bytes.len() - 1]), None, "the code reaches beyond the end");
        assert_eq!(loaded(&bytes), Some(vec![(0x1000_0000, vec![1, 2, 3])]));
        assert_eq!(loaded(b"#!/bin/sh"), None);
    }

    #[test]
    fn a_cut_file_is_no_firmware() {
        let bytes = file(&[(".text", [1, ALLOCATED, 1000])]);
        assert!((0..bytes.len() - 8).all(|length| sections(&bytes[..length]).is_none()));
        assert_eq!(sections(b"#!/bin/sh"), None);
    }
}
