//! A folder for each class, its name the label.

use std::path::Path;

use super::{DataError, DataSet, Sample, Truth, entries, is_picture};

pub(super) fn read(path: &Path) -> Result<DataSet, DataError> {
    let mut set = DataSet::default();
    for folder in entries(path)?.into_iter().filter(|entry| entry.is_dir()) {
        let label = folder.file_name().map_or_else(String::new, |name| name.to_string_lossy().into());
        let pictures: Vec<_> = entries(&folder)?.into_iter().filter(|file| is_picture(file)).collect();
        if pictures.is_empty() {
            return Err(DataError::in_file(
                &folder,
                "the folder of this class holds no pictures (PNG, JPEG, BMP, PPM, PGM); fill it or remove it",
            ));
        }
        let class = set.labels.len();
        set.labels.push(label);
        set.samples.extend(pictures.into_iter().map(|file| Sample::of_file(file, Truth::Class(class))));
    }
    Ok(set)
}
