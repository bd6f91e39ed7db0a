//! What landmark models look at: squares round a face, an eye, a hand or a person, cut out of photographs where float
//! detectors find them, and squares of the same photographs that show none.
//!
//! As in MediaPipe's graphs, but upright: palms and faces that lie on their side stay so. Of the photographs that
//! show the thing every other one is calibrated on, in three sizes and mirrored, and the others are measured on.

use std::path::{Path, PathBuf};

use ocelli_compiler::float_detector::{FloatDetection, FloatDetector};
use ocelli_host::Picture;

/// What is cut out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Thing {
    Faces,
    Eyes,
    Hands,
    People,
}

/// Crops that a model is calibrated on, and such that it is measured on.
pub struct Crops {
    /// Files in a folder that is removed with this.
    pub calibration: Vec<PathBuf>,
    pub with: Vec<Picture>,
    pub without: Vec<Picture>,
    folder: PathBuf,
}

/// A square in pixels; what lies outside of the photograph is black.
#[derive(Clone, Copy, Debug)]
struct Square {
    center: [f32; 2],
    side: f32,
    mirrored: bool,
}

/// Sizes relative to the square that a detector asks for.
const SIZES: [f32; 3] = [0.85, 1.0, 1.2];

impl Crops {
    /// Cuts out of photographs what `detector` finds.
    pub fn cut(thing: Thing, detector: &FloatDetector, photographs: &[Picture], folder: PathBuf) -> Crops {
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).unwrap();
        let mut crops = Crops { calibration: vec![], with: vec![], without: vec![], folder };
        let mut showing = 0;
        for picture in photographs {
            let found = detector.detect(&picture.frame()).unwrap();
            let squares: Vec<Square> = found.iter().flat_map(|found| squares(thing, found)).collect();
            if squares.is_empty() {
                continue;
            }
            let others = elsewhere(&squares, &found, picture);
            if showing % 2 == 0 {
                for square in &squares {
                    for (size, mirror) in SIZES.iter().flat_map(|size| [(size, false), (size, true)]) {
                        let mirrored = square.mirrored != mirror;
                        crops.keep(&Square { side: square.side * size, mirrored, ..*square }, picture);
                    }
                }
                others.iter().for_each(|square| crops.keep(square, picture));
            } else {
                let decode = |square: &Square| Picture::decode(&cut(square, picture)).unwrap();
                crops.with.extend(squares.iter().map(decode));
                crops.without.extend(others.iter().map(decode));
            }
            showing += 1;
        }
        crops
    }

    fn keep(&mut self, square: &Square, picture: &Picture) {
        let path = self.folder.join(format!("{:04}.ppm", self.calibration.len()));
        std::fs::write(&path, cut(square, picture)).unwrap();
        self.calibration.push(path);
    }
}

impl Drop for Crops {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// What MediaPipe's graphs cut out for a face or a palm.
fn squares(thing: Thing, found: &FloatDetection) -> Vec<Square> {
    let [left, top, right, bottom] = found.bounds;
    let (width, height) = (right - left, bottom - top);
    let (side, middle) = (width.max(height), [(left + right) / 2.0, (top + bottom) / 2.0]);
    let square = |center, side| Square { center, side, mirrored: false };
    match thing {
        Thing::Faces => vec![square(middle, 1.5 * side)],
        Thing::Hands => vec![square([middle[0], middle[1] - 0.5 * height], 2.6 * side)],
        Thing::People => vec![square([middle[0], middle[1] + 1.5 * side], 5.0 * side)],
        Thing::Eyes => {
            let [right, left] = [found.keypoints[0], found.keypoints[1]];
            let apart = (right[0] - left[0]).hypot(right[1] - left[1]);
            // The model knows left eyes.
            vec![Square { center: right, side: apart, mirrored: true }, square(left, apart)]
        }
    }
}

/// As many squares beside these, where no detection lies.
fn elsewhere(squares: &[Square], found: &[FloatDetection], picture: &Picture) -> Vec<Square> {
    let frame = picture.frame();
    let (width, height) = (frame.width() as f32, frame.height() as f32);
    let places = (0..16).flat_map(|row| (0..16).map(move |column| [column as f32, row as f32]));
    let free = |square: &Square| {
        let half = square.side / 2.0;
        found.iter().all(|found| {
            let [left, top, right, bottom] = found.bounds;
            let [x, y] = square.center;
            x + half < left || x - half > right || y + half < top || y - half > bottom
        })
    };
    let side = squares[0].side.min(width.min(height) / 3.0);
    let centers = places.map(|[column, row]| {
        let inside = |part: f32, length: f32| side / 2.0 + (length - side) * part / 15.0;
        [inside(column, width), inside(row, height)]
    });
    let candidates: Vec<Square> =
        centers.map(|center| Square { center, side, mirrored: false }).filter(free).collect();
    let step = (candidates.len() / squares.len()).max(1);
    candidates.into_iter().step_by(step).take(squares.len()).collect()
}

/// A square as the bytes of a PPM file, at most 256 pixels wide.
fn cut(square: &Square, picture: &Picture) -> Vec<u8> {
    let frame = picture.frame();
    let pixels = (square.side.round() as usize).clamp(16, 256);
    let step = square.side / pixels as f32;
    let channels = frame.bytes().len() / (frame.width() * frame.height());
    let mut bytes = format!("P6 {pixels} {pixels} 255\n").into_bytes();
    for row in 0..pixels {
        for column in 0..pixels {
            let column = if square.mirrored { pixels - 1 - column } else { column };
            let place = |index: usize, center: f32| center + (index as f32 + 0.5) * step - square.side / 2.0;
            bytes.extend(mean(
                frame.bytes(),
                [frame.width(), frame.height()],
                channels,
                [place(column, square.center[0]), place(row, square.center[1])],
                step,
            ));
        }
    }
    bytes
}

/// The mean colour of the pixels of a photograph within half a step of a place, at least of the one there.
fn mean(bytes: &[u8], extents: [usize; 2], channels: usize, place: [f32; 2], step: f32) -> [u8; 3] {
    let along = |axis: usize| {
        let low = (place[axis] - step / 2.0).round() as i64;
        let range = low..(low + 1).max((place[axis] + step / 2.0).round() as i64);
        range.filter(move |at| (0..extents[axis] as i64).contains(at)).map(|at| at as usize)
    };
    let (mut sums, mut count) = ([0u32; 3], 0);
    for y in along(1) {
        for x in along(0) {
            let pixel = &bytes[(y * extents[0] + x) * channels..][..channels];
            sums.iter_mut().enumerate().for_each(|(index, sum)| *sum += u32::from(pixel[index % channels]));
            count += 1;
        }
    }
    sums.map(|sum| (sum / count.max(1)) as u8)
}

/// The model that finds a thing, a file of the zoo's entry, and its contract where none is built in.
pub fn detector(thing: Thing) -> (&'static str, &'static str) {
    match thing {
        Thing::Hands => ("palm-detection", "palm_detection_full.tflite"),
        Thing::Faces | Thing::Eyes | Thing::People => ("blazeface", "face_detection_short_range.tflite"),
    }
}

/// A folder of a thing's crops.
pub fn folder(thing: Thing) -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("crops-{thing:?}-{}", std::process::id()))
}
