//! Cuts a stream of JPEGs into single ones, for the MJPEG camera.
//!
//! It walks the markers, because the bytes that end a picture also end the small preview that many
//! cameras put inside. What stands between pictures, such as the headers of an HTTP stream, is
//! passed over.

use std::io::{self, BufRead, Read};

/// A larger picture is none.
const MAX_BYTES: usize = 64 << 20;

/// Why there is no next picture.
#[derive(Debug)]
pub(crate) enum StreamError {
    Read(io::Error),
    /// The stream ends within a picture.
    Truncated,
    /// No marker where one should be, or no end in sight.
    Broken,
}

impl From<io::Error> for StreamError {
    fn from(error: io::Error) -> StreamError {
        match error.kind() {
            io::ErrorKind::UnexpectedEof => StreamError::Truncated,
            _ => StreamError::Read(error),
        }
    }
}

/// Puts the next picture into `jpeg`; `false` at the end of the stream.
pub(crate) fn next_jpeg(reader: &mut impl BufRead, jpeg: &mut Vec<u8>) -> Result<bool, StreamError> {
    jpeg.clear();
    if !skip_to_start(reader)? {
        return Ok(false);
    }
    jpeg.extend([0xff, START]);
    let mut marker = next_marker(reader, jpeg)?;
    loop {
        match marker {
            END => return Ok(true),
            START | 0x00 => return Err(StreamError::Broken),
            TEMPORARY | FIRST_RESTART..=LAST_RESTART => marker = next_marker(reader, jpeg)?,
            segment => {
                copy_segment(reader, jpeg)?;
                marker = match segment {
                    SCAN => copy_scan(reader, jpeg)?,
                    _ => next_marker(reader, jpeg)?,
                };
            }
        }
    }
}

const TEMPORARY: u8 = 0x01;
const FIRST_RESTART: u8 = 0xd0;
const LAST_RESTART: u8 = 0xd7;
const START: u8 = 0xd8;
const END: u8 = 0xd9;
const SCAN: u8 = 0xda;

/// Reads up to and including `0xff START`.
fn skip_to_start(reader: &mut impl BufRead) -> Result<bool, StreamError> {
    loop {
        if reader.skip_until(0xff)? == 0 {
            return Ok(false);
        }
        while let Some(&next) = reader.fill_buf()?.first() {
            reader.consume(usize::from(next == START || next == 0xff));
            match next {
                START => return Ok(true),
                0xff => {}
                _ => break,
            }
        }
    }
}

/// A marker, which may have any number of `0xff` before it.
fn next_marker(reader: &mut impl BufRead, jpeg: &mut Vec<u8>) -> Result<u8, StreamError> {
    if byte(reader, jpeg)? != 0xff {
        return Err(StreamError::Broken);
    }
    loop {
        let marker = byte(reader, jpeg)?;
        if marker != 0xff {
            return Ok(marker);
        }
    }
}

/// The length and the content of a segment.
fn copy_segment(reader: &mut impl BufRead, jpeg: &mut Vec<u8>) -> Result<(), StreamError> {
    let length = u16::from_be_bytes([byte(reader, jpeg)?, byte(reader, jpeg)?]);
    let content = u64::from(length.checked_sub(2).ok_or(StreamError::Broken)?);
    let copied = reader.take(content).read_to_end(jpeg)?;
    if copied as u64 == content { Ok(()) } else { Err(StreamError::Truncated) }
}

/// Compressed pixels up to the marker behind them, which is given back.
fn copy_scan(reader: &mut impl BufRead, jpeg: &mut Vec<u8>) -> Result<u8, StreamError> {
    loop {
        let room = (MAX_BYTES + 1).saturating_sub(jpeg.len()) as u64;
        if reader.take(room).read_until(0xff, jpeg)? == 0 {
            return Err(if room == 0 { StreamError::Broken } else { StreamError::Truncated });
        }
        if jpeg.last() != Some(&0xff) {
            continue;
        }
        let mut marker = 0xff;
        while marker == 0xff {
            marker = byte(reader, jpeg)?;
        }
        // 0xff as a pixel is followed by 0; restarts belong to the scan.
        if !matches!(marker, 0x00 | FIRST_RESTART..=LAST_RESTART) {
            return Ok(marker);
        }
    }
}

fn byte(reader: &mut impl BufRead, jpeg: &mut Vec<u8>) -> Result<u8, StreamError> {
    if jpeg.len() >= MAX_BYTES {
        return Err(StreamError::Broken);
    }
    let mut one = [0];
    reader.read_exact(&mut one)?;
    jpeg.extend(one);
    Ok(one[0])
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A picture with a preview inside, restarts, stuffed bytes and two scans.
    const PICTURE: &[u8] =
        b"\xff\xd8\xff\xe1\x00\x08\xff\xd8\xff\xff\xd9z\xff\xff\xda\x00\x03s12\xff\x00\xff\xd0\
        34\xff\xc4\x00\x02\xff\xda\x00\x02\xff\x00\xff\xff\xd9";

    fn pictures(mut stream: &[u8]) -> (Vec<Vec<u8>>, Result<bool, StreamError>) {
        let mut found = Vec::new();
        loop {
            let mut jpeg = vec![7];
            match next_jpeg(&mut stream, &mut jpeg) {
                Ok(true) => found.push(jpeg),
                end => return (found, end),
            }
        }
    }

    #[test]
    fn pictures_are_cut_at_their_own_ends() {
        let stream = [PICTURE, PICTURE, b"--next\r\n\xff\xff", PICTURE, b"\xff"].concat();
        // The 0xff before a start marker is fill: it may belong to either.
        let (found, end) = pictures(&stream);
        assert_eq!(found, [PICTURE, PICTURE, PICTURE]);
        assert!(matches!(end, Ok(false)));
    }

    #[test]
    fn every_cut_is_noticed() {
        for length in 2..PICTURE.len() {
            let (found, end) = pictures(&PICTURE[..length]);
            assert!(found.is_empty());
            assert!(matches!(end, Err(StreamError::Truncated)), "{length}: {end:?}");
        }
        assert!(matches!(pictures(&PICTURE[..1]).1, Ok(false)));
        assert!(matches!(pictures(b"").1, Ok(false)));
    }

    #[test]
    fn what_follows_no_rule_is_broken() {
        for stream in
            [&b"\xff\xd8xx"[..], b"\xff\xd8\xff\xe0\x00\x01", b"\xff\xd8\xff\xd8", b"\xff\xd8\xff\x00"]
        {
            assert!(matches!(pictures(stream).1, Err(StreamError::Broken)), "{stream:?}");
        }
    }

    #[test]
    fn a_picture_without_end_is_given_up() {
        let head: &[u8] = b"\xff\xd8\xff\xda\x00\x02";
        let mut stream = io::BufReader::new(head.chain(io::repeat(7)));
        let result = next_jpeg(&mut stream, &mut Vec::new());
        assert!(matches!(result, Err(StreamError::Broken)), "{result:?}");
    }
}
