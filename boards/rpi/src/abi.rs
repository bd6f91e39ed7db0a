//! The kernel's structures and request numbers, on machines of 64 bits.
//!
//! Source: `include/uapi/linux/videodev2.h` of Linux 6.1, "Video for Linux API version 2"; sizes and offsets are held
//! by assertions below, because the request numbers contain them.
#![allow(missing_docs)]

use std::mem::{offset_of, size_of};

/// `V4L2_BUF_TYPE_VIDEO_CAPTURE`.
pub const CAPTURE: u32 = 1;
/// `V4L2_MEMORY_MMAP`.
pub const MAPPED: u32 = 1;
/// `V4L2_CAP_VIDEO_CAPTURE`, `V4L2_CAP_STREAMING`, `V4L2_CAP_DEVICE_CAPS`.
pub const CAN_CAPTURE: u32 = 0x1;
pub const CAN_STREAM: u32 = 0x0400_0000;
pub const HAS_DEVICE_CAPS: u32 = 0x8000_0000;
/// `V4L2_FIELD_NONE`: whole frames.
pub const PROGRESSIVE: u32 = 1;
/// `V4L2_BUF_FLAG_ERROR`.
pub const DAMAGED: u32 = 0x40;

#[repr(C)]
#[derive(Clone, Copy, Default)]
pub struct Capability {
    pub driver: [u8; 16],
    pub card: [u8; 32],
    pub bus_info: [u8; 32],
    pub version: u32,
    pub capabilities: u32,
    pub device_caps: u32,
    pub reserved: [u32; 3],
}

#[repr(C)]
#[derive(Clone, Copy, Default)]
pub struct FormatDescription {
    pub index: u32,
    pub kind: u32,
    pub flags: u32,
    pub description: [u8; 32],
    pub pixels: [u8; 4],
    pub bus_code: u32,
    pub reserved: [u32; 3],
}

/// `struct v4l2_format` with the member `pix` of its union.
#[repr(C, align(8))]
#[derive(Clone, Copy)]
pub struct PixelFormat {
    pub kind: u32,
    /// The union begins on a multiple of 8, because one of its members holds pointers.
    pub padding: u32,
    pub width: u32,
    pub height: u32,
    pub pixels: [u8; 4],
    pub field: u32,
    pub row_bytes: u32,
    pub frame_bytes: u32,
    pub colour_space: u32,
    pub rest_of_union: [u32; 43],
}

#[repr(C)]
#[derive(Clone, Copy, Default)]
pub struct RequestBuffers {
    pub count: u32,
    pub kind: u32,
    pub memory: u32,
    pub capabilities: u32,
    pub flags: u32,
}

#[repr(C, align(8))]
#[derive(Clone, Copy, Default)]
pub struct Buffer {
    pub index: u32,
    pub kind: u32,
    pub bytes_used: u32,
    pub flags: u32,
    pub field: u32,
    pub padding: u32,
    pub timestamp: [u64; 2],
    pub timecode: [u32; 4],
    pub sequence: u32,
    pub memory: u32,
    /// The member `offset` of a union of 8 bytes.
    pub offset: u32,
    pub rest_of_union: u32,
    pub length: u32,
    pub reserved: u32,
    pub request: u32,
    pub padding_at_end: u32,
}

const fn request(direction: u32, number: u32, bytes: usize) -> u32 {
    direction << 30 | (bytes as u32) << 16 | (b'V' as u32) << 8 | number
}
const READ: u32 = 2;
const WRITE: u32 = 1;

pub const QUERY_CAPABILITY: u32 = request(READ, 0, size_of::<Capability>());
pub const ENUMERATE_FORMAT: u32 = request(READ | WRITE, 2, size_of::<FormatDescription>());
pub const SET_FORMAT: u32 = request(READ | WRITE, 5, size_of::<PixelFormat>());
pub const REQUEST_BUFFERS: u32 = request(READ | WRITE, 8, size_of::<RequestBuffers>());
pub const QUERY_BUFFER: u32 = request(READ | WRITE, 9, size_of::<Buffer>());
pub const QUEUE: u32 = request(READ | WRITE, 15, size_of::<Buffer>());
pub const DEQUEUE: u32 = request(READ | WRITE, 17, size_of::<Buffer>());
pub const STREAM_ON: u32 = request(WRITE, 18, size_of::<i32>());

// The numbers that the header's macros give on x86-64 and aarch64.
const _: () = {
    assert!(QUERY_CAPABILITY == 0x8068_5600);
    assert!(ENUMERATE_FORMAT == 0xC040_5602);
    assert!(SET_FORMAT == 0xC0D0_5605);
    assert!(REQUEST_BUFFERS == 0xC014_5608);
    assert!(QUERY_BUFFER == 0xC058_5609);
    assert!(QUEUE == 0xC058_560F);
    assert!(DEQUEUE == 0xC058_5611);
    assert!(STREAM_ON == 0x4004_5612);
    assert!(offset_of!(PixelFormat, width) == 8);
    assert!(offset_of!(Buffer, timestamp) == 24 && offset_of!(Buffer, sequence) == 56);
    assert!(offset_of!(Buffer, offset) == 64 && offset_of!(Buffer, length) == 72);
};
