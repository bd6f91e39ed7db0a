//! What the tests of the slots share: a flash that loses power, signed artefacts, a device, an update.
#![allow(dead_code, reason = "each test uses a part")]

pub mod flash;

pub mod models;

pub mod update;
