//! Everything that a person or CI runs on the repository.
fn main() {}
