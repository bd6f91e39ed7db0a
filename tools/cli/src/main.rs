//! The program ocelli.
fn main() {}
