//! The camera over a device that is a program.

use std::collections::VecDeque;
use std::io;

use super::*;
use crate::driver::FourCc;

/// A device with what it offers, and what it will say when it is asked for buffers.
struct Fake {
    offers: Vec<[u8; 4]>,
    /// Bytes of padding at the end of each row.
    padding: u32,
    /// What each call of `dequeue` gives; nothing means that there is no frame.
    events: VecDeque<io::Result<(Vec<u8>, u32)>>,
    buffers: Vec<Vec<u8>>,
    queued: Vec<u32>,
    /// Whether another program has it, as it turns out when buffers are asked for.
    is_busy: bool,
}

fn fake(offers: &[[u8; 4]], padding: u32) -> Fake {
    Fake {
        offers: offers.to_vec(),
        padding,
        events: VecDeque::new(),
        buffers: vec![],
        queued: vec![],
        is_busy: false,
    }
}

fn system(number: i32) -> io::Error {
    io::Error::from_raw_os_error(number)
}

impl Driver for Fake {
    fn can_stream(&mut self) -> io::Result<bool> {
        Ok(!self.offers.is_empty())
    }

    fn offered(&mut self, index: u32) -> io::Result<Option<FourCc>> {
        Ok(self.offers.get(index as usize).copied().map(FourCc))
    }

    fn set_format(&mut self, wanted: Format) -> io::Result<Format> {
        // This device has one size.
        let row = match &wanted.pixels.0 {
            b"YUYV" => 12,
            b"MJPG" => 0,
            _ => 6,
        };
        Ok(Format { width: 6, height: 4, row_bytes: if row == 0 { 0 } else { row + self.padding }, ..wanted })
    }

    fn start(&mut self, buffers: u32) -> io::Result<()> {
        if self.is_busy {
            return Err(system(libc::EBUSY));
        }
        self.buffers = vec![vec![]; buffers as usize];
        self.queued = (0..buffers).collect();
        Ok(())
    }

    fn dequeue(&mut self) -> io::Result<Filled> {
        match self.events.pop_front() {
            None => Err(io::ErrorKind::WouldBlock.into()),
            Some(Err(error)) => Err(error),
            Some(Ok((bytes, sequence))) => {
                let index = self.queued.remove(0);
                let filled = Filled { index, bytes: bytes.len(), sequence, is_damaged: bytes == [0xBA] };
                self.buffers[index as usize] = bytes;
                Ok(filled)
            }
        }
    }

    fn buffer(&self, index: u32) -> &[u8] {
        &self.buffers[index as usize]
    }

    fn queue(&mut self, index: u32) -> io::Result<()> {
        assert!(!self.queued.contains(&index), "buffer {index} was given back twice");
        self.queued.push(index);
        Ok(())
    }
}

/// A camera of what `offers` holds, and the frames that come of `events`.
fn camera(offers: &[[u8; 4]], padding: u32, events: Vec<io::Result<(Vec<u8>, u32)>>) -> V4l2Camera<Fake> {
    let mut device = fake(offers, padding);
    device.events = events.into();
    V4l2Camera::new(device, [6, 4]).unwrap()
}

/// `rows` rows of `tight` bytes that count up, and padding of 255.
fn padded(first: u8, rows: usize, tight: usize, padding: usize) -> Vec<u8> {
    let row = |row: usize| {
        let values = (0..tight).map(move |x| first + (row * tight + x) as u8);
        values.chain(std::iter::repeat_n(255, padding))
    };
    (0..rows).flat_map(row).collect()
}

#[test]
fn the_format_with_the_least_work_is_taken() {
    for (offers, taken) in [
        (vec![*b"MJPG", *b"YUYV", *b"GREY"], *b"YUYV"),
        (vec![*b"H264", *b"MJPG", *b"NV12"], *b"NV12"),
        (vec![*b"GREY", *b"MJPG"], *b"MJPG"),
        (vec![*b"BA81", *b"pBAA"], *b"BA81"),
    ] {
        assert_eq!(camera(&offers, 0, vec![]).format().pixels, FourCc(taken));
    }
    let refused = |offers: &[[u8; 4]]| V4l2Camera::new(fake(offers, 0), [6, 4]).err().unwrap().to_string();
    assert!(refused(&[*b"H264", *b"pBAA"]).starts_with("it offers H264, pBAA; "));
    assert!(refused(&[]).contains("captures no video"));
    let busy = V4l2Camera::new(Fake { is_busy: true, ..fake(&[*b"YUYV"], 0) }, [6, 4]).err().unwrap();
    assert!(busy.to_string().starts_with("it is busy: another program reads it"), "{busy}");
}

#[test]
fn rows_lose_their_padding_in_every_format() {
    for padding in [0, 2, 10] {
        let one = |letters: [u8; 4], bytes: Vec<u8>| {
            let mut camera = camera(&[letters], padding as u32, vec![Ok((bytes, 0))]);
            let frame = camera.read_frame().unwrap();
            (frame.format(), frame.bytes().to_vec())
        };
        let counting =
            |first: u8, count: usize| (0..count).map(|step| first + step as u8).collect::<Vec<_>>();
        let yuyv = one(*b"YUYV", padded(0, 4, 12, padding));
        assert_eq!(yuyv, (PixelFormat::Yuyv, counting(0, 48)));
        assert_eq!(one(*b"GREY", padded(0, 4, 6, padding)), (PixelFormat::Gray8, counting(0, 24)));
        let nv12 = [padded(0, 4, 6, padding), padded(100, 2, 6, padding)].concat();
        assert_eq!(one(*b"NV12", nv12), (PixelFormat::Nv12, [counting(0, 24), counting(100, 12)].concat()));
        let half = padding / 2;
        let i420 = [padded(0, 4, 6, padding), padded(100, 2, 3, half), padded(200, 2, 3, half)].concat();
        let planes = [counting(0, 24), counting(100, 6), counting(200, 6)].concat();
        assert_eq!(one(*b"YU12", i420), (PixelFormat::I420, planes));
        assert_eq!(one(*b"RGGB", vec![90; (6 + padding) * 4]), (PixelFormat::Gray8, vec![90; 24]));
    }
}

#[test]
fn the_newest_frame_counts_and_all_buffers_come_back() {
    let gray = |value: u8| vec![value; 24];
    let events = vec![Ok((gray(1), 7)), Ok((gray(2), 8)), Ok((gray(3), 11))];
    let mut camera = camera(&[*b"GREY"], 0, events);
    assert_eq!(camera.read_frame().unwrap().bytes(), gray(3));
    assert_eq!(camera.device.queued.len(), BUFFERS as usize);
    assert!(matches!(camera.read_frame(), Err(nb::Error::WouldBlock)));
    camera.device.events.push_back(Ok((gray(4), 15)));
    assert_eq!(camera.read_frame().unwrap().bytes(), gray(4));
    let counts = camera.counts();
    assert_eq!((counts.dropped, counts.delivered), (7, 2), "7 to 10, then 12 to 14");
}

#[test]
fn a_spoilt_frame_is_an_error_once_and_a_lost_device_is_named() {
    let gray = |value: u8| vec![value; 24];
    let mut camera = camera(&[*b"GREY"], 0, vec![Ok((vec![1; 23], 0))]);
    let Err(nb::Error::Other(error)) = camera.read_frame() else { panic!("23 of 24 bytes") };
    assert!(error.is_passing());
    assert_eq!(error.to_string(), "it gave 23 bytes, and a frame has 24");
    camera.device.events.push_back(Ok((vec![0xBA], 1)));
    assert!(matches!(camera.read_frame(), Err(nb::Error::WouldBlock)), "a damaged frame is passed over");
    camera.device.events.push_back(Ok((gray(5), 2)));
    assert_eq!(camera.read_frame().unwrap().bytes(), gray(5));
    assert_eq!(camera.device.queued.len(), BUFFERS as usize);
    camera.device.events.push_back(Err(system(libc::ENODEV)));
    let Err(nb::Error::Other(error)) = camera.read_frame() else { panic!("it is gone") };
    assert!(matches!(error, DeviceError::Gone) && !error.is_passing());
    assert!(matches!(DeviceError::of(system(libc::EBUSY)), DeviceError::Busy));
}

#[test]
fn jpegs_are_decoded_and_a_corrupt_one_passes() {
    let mut scene = Vec::new();
    let mut encoder = image::codecs::jpeg::JpegEncoder::new(&mut scene);
    encoder.encode(&[77; 16 * 16], 16, 16, image::ExtendedColorType::L8).unwrap();
    let mut camera = camera(&[*b"MJPG"], 0, vec![Ok((scene[..scene.len() / 8].to_vec(), 0))]);
    let Err(nb::Error::Other(error)) = camera.read_frame() else { panic!("an eighth of a JPEG") };
    assert!(error.is_passing(), "{error}");
    camera.device.events.push_back(Ok((scene.to_vec(), 1)));
    let frame = camera.read_frame().unwrap();
    assert_eq!((frame.width(), frame.height()), (16, 16));
}
