//! IDX, as MNIST and Fashion-MNIST come: one file of gray pictures and one of labels, compressed or not.

use std::path::{Path, PathBuf};

use super::{DataError, DataSet, PictureSource, Sample, Truth, inflated, name_of, only_file};

const IMAGES: &str = "images-idx3-ubyte";
const LABELS: &str = "labels-idx1-ubyte";

pub(super) fn read(path: &Path, split: Option<&str>) -> Result<DataSet, DataError> {
    let images_path = match path.is_dir() {
        true => only_file(path, |name| name.contains(IMAGES), split)?,
        false => path.to_owned(),
    };
    let name = name_of(&images_path);
    let labels_path = images_path.with_file_name(name.replace(IMAGES, LABELS));
    let images = Idx::read(&images_path, 3)?;
    let labels = Idx::read(&labels_path, 1)?;
    let &[count, height, width] = &images.sizes[..] else { return Err(images.error("no three axes")) };
    if labels.sizes != [count] {
        let problem = format!("{} labels for {count} pictures in {name}", labels.sizes[0]);
        return Err(DataError::in_file(&labels_path, problem));
    }
    if height == 0 || width == 0 {
        return Err(images.error(format!("pictures of {width} x {height}")));
    }
    let pixels = images.data.chunks_exact(height * width);
    let samples = pixels.zip(&labels.data).enumerate().map(|(index, (pixels, &label))| {
        let mut pgm = format!("P5 {width} {height} 255\n").into_bytes();
        pgm.extend_from_slice(pixels);
        Sample {
            name: format!("{} picture {index}", images_path.display()),
            truth: Truth::Class(label.into()),
            source: PictureSource::Pgm(pgm),
        }
    });
    let samples: Vec<Sample> = samples.collect();
    let classes = labels.data.iter().max().map_or(0, |&label| usize::from(label) + 1);
    Ok(DataSet { labels: (0..classes).map(|class| class.to_string()).collect(), samples })
}

/// An array of bytes.
struct Idx {
    path: PathBuf,
    sizes: Vec<usize>,
    data: Vec<u8>,
}

impl Idx {
    fn read(path: &Path, rank: usize) -> Result<Idx, DataError> {
        let mut bytes = inflated(path)?;
        let wrong = |problem: String| DataError::in_file(path, problem);
        let header = bytes.get(..4 + 4 * rank).ok_or_else(|| {
            wrong(format!("it ends at byte {}, inside the header of an IDX file", bytes.len()))
        })?;
        if header[..4] != [0, 0, 8, rank as u8] {
            let problem = format!(
                "it begins with {:02x?}; an IDX file of bytes with {rank} axes begins with 00 00 08 {rank:02x}",
                &header[..4]
            );
            return Err(wrong(problem));
        }
        let sizes: Vec<usize> = header[4..]
            .chunks_exact(4)
            .map(|size| u32::from_be_bytes([size[0], size[1], size[2], size[3]]) as usize)
            .collect();
        let expected = sizes.iter().try_fold(1usize, |product, &size| product.checked_mul(size));
        let data = bytes.split_off(4 + 4 * rank);
        if expected != Some(data.len()) {
            let problem = format!(
                "it is {} or was cut: {} bytes of data, where its header promises {sizes:?}",
                if expected.is_some_and(|expected| expected < data.len()) { "too long" } else { "too short" },
                data.len()
            );
            return Err(wrong(problem));
        }
        Ok(Idx { path: path.to_owned(), sizes, data })
    }

    fn error(&self, problem: impl std::fmt::Display) -> DataError {
        DataError::in_file(&self.path, problem)
    }
}
