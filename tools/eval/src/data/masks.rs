//! Mask pairs: a picture, and another one whose gray values are the classes of its pixels.
//!
//! A mask of nothing but black and white tells background and object. Otherwise values are class numbers, and
//! 255 is what nobody labelled.

use std::path::{Path, PathBuf};

use ocelli_core::PixelFormat;
use ocelli_host::Picture;

use super::{DataError, DataSet, Sample, Truth, entries, is_picture};
use crate::Mask;

/// What nobody labelled.
pub(crate) const VOID: u8 = 255;

pub(super) fn read(path: &Path) -> Result<DataSet, DataError> {
    let (images, masks) = (path.join("images"), path.join("masks"));
    let pairs = if masks.is_dir() {
        let masks: Vec<PathBuf> = entries(&masks)?.into_iter().filter(|file| is_picture(file)).collect();
        let stem = |file: &Path| file.file_stem().map(|stem| stem.to_string_lossy().into_owned());
        let partner = |image: PathBuf| {
            let mask = masks.iter().find(|mask| stem(mask) == stem(&image)).cloned();
            mask.ok_or_else(|| DataError::in_file(&image, "there is no file of this name in `masks`"))
                .map(|mask| (image, mask))
        };
        let images = entries(&images)?.into_iter().filter(|file| is_picture(file));
        images.map(partner).collect::<Result<Vec<_>, _>>()?
    } else {
        let files: Vec<PathBuf> = entries(path)?.into_iter().filter(|file| is_picture(file)).collect();
        let stem = |file: &PathBuf| file.file_stem().map_or_else(String::new, |s| s.to_string_lossy().into());
        let mut pairs = Vec::new();
        for mask in &files {
            let Some(name) = stem(mask).strip_suffix("_mask").map(str::to_owned) else { continue };
            let image = files.iter().find(|file| stem(file) == name);
            let image = image
                .ok_or_else(|| DataError::in_file(mask, format!("there is no picture {name:?} beside it")))?;
            pairs.push((image.clone(), mask.clone()));
        }
        pairs
    };
    let samples = pairs.into_iter().map(|(image, mask)| Sample::of_file(image, Truth::Mask(mask))).collect();
    Ok(DataSet { labels: Vec::new(), samples })
}

/// The classes of a mask's pixels.
pub(crate) fn read_mask(path: &Path) -> Result<Mask, DataError> {
    let picture = Picture::open(path).map_err(|error| DataError::in_file(path, error))?;
    let frame = picture.frame();
    let mut classes = match frame.format() {
        PixelFormat::Gray8 => frame.bytes().to_vec(),
        _ => {
            let gray = |pixel: &[u8]| (pixel[0] == pixel[1] && pixel[1] == pixel[2]).then_some(pixel[0]);
            let values: Option<Vec<u8>> = frame.bytes().chunks_exact(3).map(gray).collect();
            values.ok_or_else(|| {
                DataError::in_file(path, "a mask is gray, its values the classes; this one is coloured")
            })?
        }
    };
    if classes.iter().all(|&value| value == 0 || value == 255) {
        classes.iter_mut().for_each(|value| *value = u8::from(*value == 255));
    }
    Ok(Mask { width: frame.width(), height: frame.height(), classes })
}
