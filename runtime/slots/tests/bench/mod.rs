//! What the tests of the slots share: a flash that loses power, signed artefacts, a device.
#![allow(dead_code, reason = "each test uses a part")]

pub mod flash;

pub mod models;
