//! UF2, the format of boot drives: blocks of 512 bytes, each with 256 bytes for one address.
//!
//! Source: the UF2 specification, <https://github.com/microsoft/uf2>.

use std::collections::BTreeMap;

/// Bytes of flash in a block; RP2040's boot loader wants so many, from a multiple of it.
const PAYLOAD_BYTES: usize = 256;

const MAGIC_START: [u32; 2] = [0x0A32_4655, 0x9E5D_5157];
const MAGIC_END: u32 = 0x0AB1_6F30;
const FAMILY_ID_PRESENT: u32 = 0x2000;

/// The file for some segments of flash: address and bytes of each. What lies between in a page is zero.
pub fn uf2(segments: &[(u32, Vec<u8>)], family: u32) -> Vec<u8> {
    let mut pages: BTreeMap<u32, [u8; PAYLOAD_BYTES]> = BTreeMap::new();
    for (address, bytes) in segments {
        for (at, &byte) in (*address..).zip(bytes) {
            let within = at as usize % PAYLOAD_BYTES;
            pages.entry(at - within as u32).or_insert([0; PAYLOAD_BYTES])[within] = byte;
        }
    }
    let count = pages.len() as u32;
    let mut file = Vec::with_capacity(pages.len() * 512);
    for (number, (address, page)) in (0..).zip(&pages) {
        let words = [FAMILY_ID_PRESENT, *address, PAYLOAD_BYTES as u32, number, count, family];
        MAGIC_START.iter().chain(&words).for_each(|word| file.extend(word.to_le_bytes()));
        file.extend(page);
        file.resize(file.len() + 476 - PAYLOAD_BYTES, 0);
        file.extend(MAGIC_END.to_le_bytes());
    }
    file
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The layout by the specification's table: words at fixed places of each block.
    #[test]
    fn blocks_are_laid_out_as_the_specification_says() {
        let family = 0xE48B_FF56;
        let file = uf2(&[(0x1000_0000, vec![1; 300]), (0x1000_0200, vec![2; 4])], family);
        assert_eq!(file.len(), 3 * 512);
        for (number, block) in file.chunks(512).enumerate() {
            let word = |at: usize| u32::from_le_bytes(block[at..at + 4].try_into().unwrap());
            assert_eq!([word(0), word(4), word(508)], [0x0A32_4655, 0x9E5D_5157, 0x0AB1_6F30]);
            assert_eq!([word(8), word(16), word(24), word(28)], [0x2000, 256, 3, family]);
            assert_eq!([word(12), word(20)], [0x1000_0000 + 256 * number as u32, number as u32]);
            let data = &block[32..32 + 256];
            let (value, count) = [(1, 256), (1, 44), (2, 4)][number];
            assert!(data[..count].iter().all(|&byte| byte == value));
            assert!(data[count..].iter().chain(&block[288..508]).all(|&byte| byte == 0));
        }
    }

    #[test]
    fn segments_that_share_a_page_share_a_block() {
        let file = uf2(&[(0x1000_0010, vec![1; 8]), (0x1000_0020, vec![2; 8])], 0);
        assert_eq!(file.len(), 512);
        assert_eq!([file[32 + 0x10], file[32 + 0x18], file[32 + 0x20]], [1, 0, 2]);
    }
}
