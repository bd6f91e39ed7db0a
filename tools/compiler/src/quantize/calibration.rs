//! Calibration pictures: read once, named and hashed in the report, and brought to the model's input by
//! the device's own preprocessing, so that calibration, float oracle and device see the same pixels.
//!
//! Besides pictures there may be stacks of small gray patches (`.npy`, `[N, H, W]`): faces, for
//! instance. They are pasted onto the pictures in several sizes, tints and contrasts, always the same
//! ones, so that a detector sees what it detects even where no photograph shows it.

use std::path::{Path, PathBuf};

use ocelli_core::{Frame, PixelFormat};
use ocelli_host::Picture;
use ocelli_vision::{ImageInput, Preprocessor, scratch_words};

use super::observe::Random;
use super::{InputScaling, Pixels};

/// Pictures and patches.
#[derive(Debug, Default)]
pub struct Calibration {
    /// What was read, in order of names.
    pub images: Vec<CalibrationImage>,
    pictures: Vec<Canvas>,
    patches: Vec<Patch>,
}

/// A file that was read, for the report.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct CalibrationImage {
    /// File name without folders.
    pub name: String,
    /// SHA-256 of the file, in hexadecimal.
    pub sha256: String,
    /// Pictures in it: 1, or as many as a stack holds.
    pub pictures: usize,
}

/// Why calibration data cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CalibrationError {
    /// A file or folder cannot be read.
    #[error("{path}: {source}; give a folder of PNG or JPEG pictures")]
    Read {
        /// Which.
        path: String,
        /// What the system says.
        source: std::io::Error,
    },
    /// A file that says it is a picture is none.
    #[error("{path} is no picture: {problem}; take it out of the calibration folder")]
    Picture {
        /// Which.
        path: String,
        /// What the decoder says.
        problem: String,
    },
    /// A stack of patches that cannot be read.
    #[error(
        "{path} is no stack of patches: {problem}; give a `.npy` of [N, H, W], float64, float32 (0 to 1) or uint8"
    )]
    Stack {
        /// Which.
        path: String,
        /// What is wrong.
        problem: String,
    },
    /// Nothing usable at all.
    #[error(
        "no pictures in {paths}; give a folder of PNG or JPEG pictures like those the model will see (`--calibration <folder>`)"
    )]
    NoPictures {
        /// Where was looked.
        paths: String,
    },
    /// A picture does not fit the model's input.
    #[error("{name}: {problem}")]
    Preprocess {
        /// Name of the picture.
        name: String,
        /// What preprocessing says.
        problem: String,
    },
}

/// Patches pasted at most, counted in pictures with patches.
const COMPOSED: usize = 208;

/// Longest side that pictures are reduced to before patches are pasted.
const CANVAS_SIDE: usize = 256;

impl Calibration {
    /// Reads files, and folders one level deep. In folders, only files with the extension of a picture or
    /// of a stack count.
    ///
    /// # Errors
    /// [`CalibrationError`].
    pub fn open(paths: &[PathBuf]) -> Result<Calibration, CalibrationError> {
        let mut files = Vec::new();
        for path in paths {
            let unreadable = |source| CalibrationError::Read { path: path.display().to_string(), source };
            if path.is_dir() {
                let mut inside = Vec::new();
                for entry in std::fs::read_dir(path).map_err(unreadable)? {
                    let file = entry.map_err(unreadable)?.path();
                    if file.is_file() && (is_stack(&file) || is_picture(&file)) {
                        inside.push(file);
                    }
                }
                inside.sort();
                files.extend(inside);
            } else {
                files.push(path.clone());
            }
        }
        let mut calibration = Calibration::default();
        for file in files {
            calibration.read(&file)?;
        }
        if calibration.pictures.is_empty() {
            let paths: Vec<String> = paths.iter().map(|path| path.display().to_string()).collect();
            let paths = if paths.is_empty() { "the calibration set".into() } else { paths.join(", ") };
            return Err(CalibrationError::NoPictures { paths });
        }
        Ok(calibration)
    }

    /// The pixels of every sample as the model's input sees them: all pictures, then those with patches.
    ///
    /// # Errors
    /// [`CalibrationError::Preprocess`].
    pub fn pixels(&self, input: &ImageInput) -> Result<Vec<Vec<u8>>, CalibrationError> {
        let mut samples = Vec::new();
        for canvas in &self.pictures {
            samples.push(canvas.preprocess(input)?);
        }
        if self.patches.is_empty() {
            return Ok(samples);
        }
        let mut random = Random(0x9E37_79B9);
        let small: Vec<Canvas> = self.pictures.iter().map(|canvas| canvas.reduced(CANVAS_SIDE)).collect();
        for index in 0..COMPOSED {
            let mut canvas = small[index % small.len()].clone();
            for _ in 0..1 + index % 3 {
                let patch = &self.patches[random.below(self.patches.len())];
                canvas.paste(patch, &mut random);
            }
            samples.push(canvas.preprocess(input)?);
        }
        Ok(samples)
    }

    /// Every sample, for a model with one input.
    ///
    /// # Errors
    /// [`CalibrationError::Preprocess`].
    pub fn samples<'a>(
        &self,
        input: &ImageInput,
        scaling: &'a InputScaling,
    ) -> Result<Vec<Pixels<'a>>, CalibrationError> {
        let channels = input.channels();
        let sample = |pixels: Vec<u8>| Pixels { pixels: pixels.into(), channels, scaling };
        Ok(self.pixels(input)?.into_iter().map(sample).collect())
    }

    /// What the report tells of it; the pictures, which are large, go.
    pub fn into_images(self) -> Vec<CalibrationImage> {
        self.images
    }

    fn read(&mut self, path: &Path) -> Result<(), CalibrationError> {
        let shown = path.display().to_string();
        let bytes =
            std::fs::read(path).map_err(|source| CalibrationError::Read { path: shown.clone(), source })?;
        let name = path.file_name().map_or_else(|| shown.clone(), |name| name.to_string_lossy().into());
        let pictures = if is_stack(path) {
            let patches = read_stack(&bytes)
                .map_err(|problem| CalibrationError::Stack { path: shown.clone(), problem })?;
            let count = patches.len();
            self.patches.extend(patches);
            count
        } else {
            let picture = Picture::decode(&bytes)
                .map_err(|problem| CalibrationError::Picture { path: shown, problem: problem.to_string() })?;
            self.pictures.push(Canvas::new(name.clone(), &picture.frame()));
            1
        };
        self.images.push(CalibrationImage { name, sha256: crate::report::sha256_hex(&bytes), pictures });
        Ok(())
    }
}

fn has_extension(path: &Path, known: &[&str]) -> bool {
    let extension = path.extension().map(|extension| extension.to_string_lossy().to_ascii_lowercase());
    extension.is_some_and(|extension| known.contains(&extension.as_str()))
}

fn is_picture(path: &Path) -> bool {
    has_extension(path, &["png", "jpg", "jpeg", "bmp", "ppm", "pgm"])
}

fn is_stack(path: &Path) -> bool {
    has_extension(path, &["npy"])
}

/// A picture in RGB.
#[derive(Clone, Debug)]
struct Canvas {
    name: String,
    width: usize,
    height: usize,
    rgb: Vec<u8>,
}

/// A small gray picture, 0 to 255.
#[derive(Clone, Debug)]
struct Patch {
    width: usize,
    height: usize,
    gray: Vec<f32>,
}

impl Canvas {
    fn new(name: String, frame: &Frame<'_>) -> Canvas {
        let rgb = match frame.format() {
            PixelFormat::Gray8 => frame.bytes().iter().flat_map(|&gray| [gray; 3]).collect(),
            _ => frame.bytes().to_vec(),
        };
        Canvas { name, width: frame.width(), height: frame.height(), rgb }
    }

    fn preprocess(&self, input: &ImageInput) -> Result<Vec<u8>, CalibrationError> {
        let failed = |problem: String| CalibrationError::Preprocess { name: self.name.clone(), problem };
        let frame = Frame::new(&self.rgb, self.width, self.height, PixelFormat::Rgb888)
            .map_err(|error| failed(error.to_string()))?;
        let mut scratch = vec![0; scratch_words(input.width, input.layout)];
        let mut preprocessor = Preprocessor::new(*input, self.width, self.height, None, &mut scratch)
            .map_err(|error| failed(error.to_string()))?;
        let mut pixels = vec![0; input.elements()];
        preprocessor.frame_to_pixels(&frame, &mut pixels).map_err(|error| failed(error.to_string()))?;
        Ok(pixels)
    }

    /// No side longer than `side`, by averaging blocks.
    fn reduced(&self, side: usize) -> Canvas {
        let longest = self.width.max(self.height);
        if longest <= side {
            return self.clone();
        }
        let width = (self.width * side / longest).max(1);
        let height = (self.height * side / longest).max(1);
        let mut rgb = Vec::with_capacity(width * height * 3);
        for y in 0..height {
            let rows =
                y * self.height / height..((y + 1) * self.height / height).max(y * self.height / height + 1);
            for x in 0..width {
                let columns =
                    x * self.width / width..((x + 1) * self.width / width).max(x * self.width / width + 1);
                let count = (rows.len() * columns.len()) as u32;
                for channel in 0..3 {
                    let mut sum = 0u32;
                    for row in rows.clone() {
                        for column in columns.clone() {
                            sum += u32::from(self.rgb[(row * self.width + column) * 3 + channel]);
                        }
                    }
                    rgb.push(((sum + count / 2) / count) as u8);
                }
            }
        }
        Canvas { name: self.name.clone(), width, height, rgb }
    }

    /// Pastes a patch somewhere, in some size, brightness, contrast and tint.
    fn paste(&mut self, patch: &Patch, random: &mut Random) {
        let shortest = self.width.min(self.height);
        let least = (shortest / 8).max(2);
        let size = (least + random.below((shortest * 9 / 10).saturating_sub(least).max(1))).min(shortest);
        let (left, top) = (random.below(self.width - size + 1), random.below(self.height - size + 1));
        let contrast = 0.8 + 0.8 * random.unit();
        let brightness = 0.6 + 0.7 * random.unit();
        let tint = [1.0, 0.65 + 0.35 * random.unit(), 0.5 + 0.5 * random.unit()];
        for y in 0..size {
            for x in 0..size {
                let gray = patch.at(x as f32 / size as f32, y as f32 / size as f32);
                let gray = ((gray - 128.0) * contrast + 128.0) * brightness;
                let start = ((top + y) * self.width + left + x) * 3;
                for (to, tint) in self.rgb[start..start + 3].iter_mut().zip(tint) {
                    *to = (gray * tint).round().clamp(0.0, 255.0) as u8;
                }
            }
        }
    }
}

impl Patch {
    /// The value at a place from 0 to 1, between the four nearest pixels.
    fn at(&self, x: f32, y: f32) -> f32 {
        let axis = |place: f32, length: usize| {
            let position = (place * length as f32 - 0.5).clamp(0.0, (length - 1) as f32);
            let first = position as usize;
            (first, (first + 1).min(length - 1), position - first as f32)
        };
        let ((left, right, across), (top, bottom, down)) = (axis(x, self.width), axis(y, self.height));
        let pixel = |x: usize, y: usize| self.gray[y * self.width + x];
        let mix = |first: f32, second: f32, part: f32| first + (second - first) * part;
        mix(
            mix(pixel(left, top), pixel(right, top), across),
            mix(pixel(left, bottom), pixel(right, bottom), across),
            down,
        )
    }
}

/// Reads NumPy's format, versions 1 to 3, C order.
fn read_stack(bytes: &[u8]) -> Result<Vec<Patch>, String> {
    let short = || "it ends too early".to_string();
    if bytes.get(..6) != Some(b"\x93NUMPY") {
        return Err("it does not begin as a NumPy file".into());
    }
    let (header_start, header_length) = match bytes.get(6).ok_or_else(short)? {
        1 => (10, bytes.get(8..10).map(|at| usize::from(u16::from_le_bytes([at[0], at[1]])))),
        2 | 3 => (12, bytes.get(8..12).map(|at| u32::from_le_bytes([at[0], at[1], at[2], at[3]]) as usize)),
        version => return Err(format!("version {version} is unknown")),
    };
    let data_start = header_start + header_length.ok_or_else(short)?;
    let header = bytes.get(header_start..data_start).ok_or_else(short)?;
    let header = std::str::from_utf8(header).map_err(|_| "its header is no text".to_string())?;
    let field = |key: &str| header.split_once(key).map(|(_, rest)| rest.trim_start_matches(['\'', ':', ' ']));
    if field("fortran_order").is_none_or(|order| !order.starts_with("False")) {
        return Err("its axes are in Fortran order".into());
    }
    let element = field("descr").map(|rest| rest.split('\'').next().unwrap_or_default()).unwrap_or_default();
    let shape: Vec<usize> = field("shape")
        .and_then(|rest| rest.strip_prefix('(')?.split_once(')'))
        .map(|(inside, _)| inside.split(',').filter_map(|axis| axis.trim().parse().ok()).collect())
        .unwrap_or_default();
    let &[count, height, width] = &shape[..] else { return Err(format!("its shape is {shape:?}")) };
    if [count, height, width].iter().any(|axis| !(1..=4096).contains(axis)) {
        return Err(format!("its shape is {shape:?}"));
    }
    let data = &bytes[data_start..];
    let elements = count * height * width;
    let values: Vec<f32> = match element {
        "<f8" => data
            .chunks_exact(8)
            .map(|at| {
                f64::from_le_bytes([at[0], at[1], at[2], at[3], at[4], at[5], at[6], at[7]]) as f32 * 255.0
            })
            .collect(),
        "<f4" => {
            data.chunks_exact(4).map(|at| f32::from_le_bytes([at[0], at[1], at[2], at[3]]) * 255.0).collect()
        }
        "|u1" => data.iter().map(|&value| f32::from(value)).collect(),
        other => return Err(format!("its type is {other:?}")),
    };
    if values.len() != elements {
        return Err(format!("it holds {} numbers for shape {shape:?}", values.len()));
    }
    if let Some(value) = values.iter().find(|value| !(0.0..=255.5).contains(*value)) {
        return Err(format!("a brightness of {} is not between 0 and 1", value / 255.0));
    }
    let patches = values.chunks_exact(height * width);
    Ok(patches.map(|gray| Patch { width, height, gray: gray.to_vec() }).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stack(header: &str, data: &[u8]) -> Vec<u8> {
        let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
        bytes.extend((header.len() as u16).to_le_bytes());
        bytes.extend(header.as_bytes());
        bytes.extend(data);
        bytes
    }

    #[test]
    fn a_stack_of_bytes_is_read() {
        let header = "{'descr': '|u1', 'fortran_order': False, 'shape': (2, 1, 2), }";
        let patches = read_stack(&stack(header, &[0, 10, 20, 255])).unwrap();
        assert_eq!((patches.len(), patches[1].width, patches[1].gray[1]), (2, 2, 255.0));
    }

    #[test]
    fn stacks_that_are_none_say_why() {
        let problem = |bytes: &[u8]| read_stack(bytes).unwrap_err();
        assert!(problem(b"PNG").contains("NumPy"));
        let header = "{'descr': '|u1', 'fortran_order': False, 'shape': (2, 1, 2), }";
        assert!(problem(&stack(header, &[0, 1])).contains("2 numbers"));
        assert!(problem(&stack(&header.replace("|u1", "<i4"), &[0; 16])).contains("<i4"));
        assert!(problem(&stack(&header.replace("(2, 1, 2)", "(4,)"), &[0; 4])).contains("[4]"));
        assert!(problem(&stack(&header.replace("False", "True"), &[0; 4])).contains("Fortran"));
        for length in 0..stack(header, &[]).len() {
            assert!(read_stack(&stack(header, &[])[..length]).is_err());
        }
    }

    #[test]
    fn pasting_is_the_same_every_time_and_stays_inside() {
        let patch = Patch { width: 2, height: 2, gray: vec![0.0, 255.0, 255.0, 0.0] };
        let blank = Canvas { name: "blank".into(), width: 40, height: 30, rgb: vec![7; 40 * 30 * 3] };
        let paste = |seed| {
            let (mut canvas, mut random) = (blank.clone(), Random(seed));
            (0..20).for_each(|_| canvas.paste(&patch, &mut random));
            canvas.rgb
        };
        assert_eq!(paste(5), paste(5));
        assert_ne!(paste(5), paste(6));
        assert_eq!(blank.reduced(10).rgb, vec![7; 10 * 7 * 3]);
    }

    #[test]
    fn missing_and_broken_pictures_are_named() {
        let folder = std::env::temp_dir().join(format!("ocelli-calibration-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let missing = Calibration::open(&[folder.join("nothing.png")]).unwrap_err();
        assert!(matches!(missing, CalibrationError::Read { .. }));
        assert!(matches!(
            Calibration::open(std::slice::from_ref(&folder)),
            Err(CalibrationError::NoPictures { .. })
        ));
        std::fs::write(folder.join("text.jpg"), "no picture").unwrap();
        let broken = Calibration::open(std::slice::from_ref(&folder)).unwrap_err();
        assert!(broken.to_string().contains("text.jpg is no picture"));
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
