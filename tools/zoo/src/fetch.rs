//! From a name to verified files: cache, package manager, hash, unpack, hash, store.

use std::path::{Path, PathBuf};

use crate::{
    Cache, Catalogue, Entry, FetchError, File, Package, archive, hash, package_manager, write_whole,
};

/// Where a package comes from.
#[derive(Clone, Copy, Debug)]
pub enum Source<'a> {
    /// Its package manager, unless the cache has what is wanted.
    PackageManager,
    /// A file that was brought here by hand; the cache is filled anew.
    File(&'a Path),
}

/// What a fetch is doing now, for progress.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Event<'a> {
    /// The package manager runs.
    Download(&'a Package),
    /// The package is here and is being checked and unpacked.
    Unpack(&'a Package),
}

/// The files of the entry called `name`, in the catalogue's order, every one verified.
///
/// Everything else that the catalogue wants of the same package is stored along with it.
///
/// # Errors
/// [`FetchError`]; nothing is stored that was not verified.
pub fn fetch(
    catalogue: &Catalogue,
    cache: &Cache,
    name: &str,
    source: Source<'_>,
    mut progress: impl FnMut(Event<'_>),
) -> Result<Vec<PathBuf>, FetchError> {
    let entry = catalogue.entry(name).ok_or_else(|| FetchError::UnknownEntry {
        name: name.to_owned(),
        known: catalogue.entries().iter().map(|entry| entry.name.clone()).collect(),
    })?;
    let paths = || entry.files.iter().map(|file| cache.path(entry, file)).collect();
    let package = catalogue.package(entry);
    match source {
        Source::PackageManager => {
            if cache.holds(entry) {
                return Ok(paths());
            }
            let _lock = cache.lock(&entry.package)?;
            // Another program may have fetched it while this one waited.
            if !cache.holds(entry) {
                progress(Event::Download(package));
                let scratch = cache.scratch(&entry.package)?;
                let arrived = package_manager::download(package, &scratch.path)?;
                progress(Event::Unpack(package));
                store(catalogue, cache, entry, &arrived)?;
            }
        }
        Source::File(path) => {
            let _lock = cache.lock(&entry.package)?;
            progress(Event::Unpack(package));
            store(catalogue, cache, entry, path)?;
        }
    }
    Ok(paths())
}

/// Checks the package at `path` and stores everything that the catalogue wants of it.
fn store(catalogue: &Catalogue, cache: &Cache, entry: &Entry, path: &Path) -> Result<(), FetchError> {
    let package = catalogue.package(entry);
    let failed = |path: &Path, source| FetchError::File { path: path.to_owned(), source };
    let actual = hash::of_file(path).map_err(|source| failed(path, source))?;
    if actual != package.sha256 {
        let what = format!("{} ({})", path.display(), package.specifier());
        return Err(FetchError::HashDiffers { what, expected: package.sha256.clone(), actual });
    }
    let wanted: Vec<(&Entry, &File)> = catalogue
        .siblings(entry)
        .flat_map(|sibling| sibling.files.iter().map(move |file| (sibling, file)))
        .collect();
    let files: Vec<&File> = wanted.iter().map(|&(_, file)| file).collect();
    for ((entry, file), bytes) in wanted.iter().zip(archive::extract(package.manager, path, &files)?) {
        let place = cache.path(entry, file);
        write_whole(&place, &bytes).map_err(|source| failed(&place, source))?;
    }
    Ok(())
}
