//! Pictures as a network in training sees them, and splits that are kept apart.
//!
//! Pixels come through the device's own preprocessing, so training, `eval` and the device look at the same numbers.
//! The test split is opened by [`Source::test`] alone, when a recipe is done.

use std::ops::Range;
use std::path::PathBuf;

use ocelli_compiler::contract::{self, Contract};
use ocelli_compiler::quantize::InputScaling;
use ocelli_core::Frame;
use ocelli_eval::{DataSet, LabelMap, Selection, TrueBox, Truth};
use ocelli_vision::{ImageInput, Preprocessor, Transform, scratch_words};
use ocelli_zoo::{Cache, Catalogue, FetchError, Source as Fetched, fetch};
use serde::{Deserialize, Serialize};

use crate::detect::Detector;
use crate::error::TrainError;
use crate::random::Random;

/// Where a recipe's pictures come from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Source {
    /// A data set of any layout that `ocelli eval` reads.
    #[serde(default)]
    pub path: Option<PathBuf>,
    /// An entry of the zoo instead, fetched when it is not there.
    #[serde(default)]
    pub zoo: Option<String>,
    /// The split for training: a list of VOC's, or how IDX files' names begin.
    #[serde(default)]
    pub train: Option<String>,
    /// The split that is looked at once, at the end.
    #[serde(default)]
    pub test: Option<String>,
    /// A data set for the end, where it lies elsewhere than `path`.
    #[serde(default)]
    pub test_path: Option<PathBuf>,
    /// The part of the training split that is kept out of it, to choose by.
    #[serde(default = "tenth")]
    pub validation: f64,
    /// Pictures of the training part that calibrate.
    #[serde(default = "calibration")]
    pub calibration: usize,
    /// At most so many pictures of the training split.
    #[serde(default)]
    pub limit: Option<usize>,
    /// Parts of equal size, drawn by the seed: each in its turn is the test, the others are trained on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub folds: Option<usize>,
    /// Which of them is the test, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fold: Option<usize>,
}

fn tenth() -> f64 {
    0.1
}

fn calibration() -> usize {
    512
}

/// What is true of a picture, in classes of the model.
#[derive(Clone, Debug, PartialEq)]
pub enum Seen {
    /// It shows this class.
    Class(usize),
    /// It shows these objects.
    Objects {
        /// In pixels of the picture.
        boxes: Vec<TrueBox>,
        /// Where they are in the input.
        transform: Transform,
    },
}

impl Seen {
    /// The classes in it.
    fn classes(&self) -> impl Iterator<Item = usize> {
        let (class, boxes): (Option<usize>, &[TrueBox]) = match self {
            Seen::Class(class) => (Some(*class), &[]),
            Seen::Objects { boxes, .. } => (None, boxes),
        };
        class.into_iter().chain(boxes.iter().map(|truth| truth.class))
    }
}

/// Pixels, and what is true of them.
#[derive(Clone, Debug)]
pub struct Examples {
    /// Of all pictures, one after the other, in the input's own layout.
    pub pixels: Vec<u8>,
    /// Bytes of a picture.
    pub size: usize,
    /// What each picture shows.
    pub truths: Vec<Seen>,
}

/// The two parts that a recipe may look at as often as it likes.
#[derive(Clone, Debug)]
pub struct Data {
    /// What weights are trained on.
    pub train: Examples,
    /// What is chosen by.
    pub validation: Examples,
}

/// How pictures become a model's input.
#[derive(Clone, Debug)]
pub struct Reader {
    /// Size and layout.
    pub image: ImageInput,
    /// Mean and deviation.
    pub scaling: InputScaling,
    /// Names of the model's classes.
    pub labels: Vec<String>,
    /// How boxes are spelled, where the model finds some.
    pub detector: Option<Detector>,
}

impl Reader {
    /// The one of a contract, for an input of this size.
    ///
    /// # Errors
    /// [`TrainError::Model`] without an input, or with neither classes nor boxes that can be trained.
    pub fn new(
        model: &str,
        contract: &Contract,
        [height, width, channels]: [usize; 3],
    ) -> Result<Reader, TrainError> {
        let missing = |problem: &str| TrainError::Model { model: model.into(), problem: problem.into() };
        let input = contract.input.as_ref().ok_or_else(|| missing("its contract has no [input]"))?;
        let detector = contract.boxes.as_ref().map(|boxes| Detector::new(model, boxes)).transpose()?;
        let labels = labels(contract).ok_or_else(|| {
            missing("its contract has neither [classes] nor [boxes], which are what is trained")
        })?;
        let (layout, resize) = contract::layout(input);
        let image = ImageInput { width, height, layout, resize, border: input.border };
        if image.channels() != channels {
            return Err(missing(&format!(
                "its contract has {} channels and its input {channels}",
                image.channels()
            )));
        }
        Ok(Reader { image, scaling: input.scaling(), labels: labels.to_vec(), detector })
    }

    /// Every picture of a set.
    fn read(&self, set: &DataSet, place: &str, mut step: impl FnMut()) -> Result<Examples, TrainError> {
        let wrong = |problem: String| TrainError::Data { place: place.into(), problem };
        let map = LabelMap::new(set, &self.labels, self.labels.len(), &[]).map_err(|error| {
            wrong(format!(
                "the contract has no class {:?}, which the data have; it has {}; add it there, or take its pictures out",
                error.label, error.known
            ))
        })?;
        let mut scratch = vec![0; scratch_words(self.image.width, self.image.layout)];
        let size = self.image.elements();
        let mut examples = Examples { pixels: Vec::new(), size, truths: Vec::new() };
        for sample in &set.samples {
            let picture = sample.picture()?;
            let frame = picture.frame();
            let failed = |error: &dyn std::fmt::Display| wrong(format!("{}: {error}", sample.name));
            let mut preprocessor =
                Preprocessor::new(self.image, frame.width(), frame.height(), None, &mut scratch)
                    .map_err(|error| failed(&error))?;
            let start = examples.pixels.len();
            examples.pixels.resize(start + size, 0);
            preprocessor
                .frame_to_pixels(&frame, &mut examples.pixels[start..])
                .map_err(|error| failed(&error))?;
            let truth = self.truth(&sample.truth, &map, set, &frame, preprocessor.transform());
            examples.truths.push(truth.map_err(|problem| wrong(format!("{}: {problem}", sample.name)))?);
            step();
        }
        for (class, label) in self.labels.iter().enumerate() {
            if !examples.has(class) {
                return Err(wrong(format!(
                    "class {label:?} has no picture; add some, or take the label out of the contract"
                )));
            }
        }
        Ok(examples)
    }

    /// What is true of a picture, where it fits the model.
    fn truth(
        &self,
        truth: &Truth,
        map: &LabelMap,
        set: &DataSet,
        frame: &Frame<'_>,
        transform: Transform,
    ) -> Result<Seen, String> {
        match (truth, &self.detector) {
            (Truth::Class(class), None) => {
                map.class(*class).map(Seen::Class).ok_or_else(|| "its class is left out".to_owned())
            }
            (Truth::Boxes(boxes), Some(_)) => {
                let mut known = Vec::new();
                for (index, truth) in boxes.iter().enumerate() {
                    let [left, top, right, bottom] = truth.bounds;
                    let [width, height] = [frame.width(), frame.height()];
                    // Half a pixel at least is beyond what rounding does.
                    if left.min(top) < -0.5 || right > width as f32 + 0.5 || bottom > height as f32 + 0.5 {
                        let label = set.labels.get(truth.class).map_or("", String::as_str);
                        return Err(format!(
                            "object {index}, {label:?}, from {left}, {top} to {right}, {bottom}, reaches out of the picture of {width} x {height}; correct its box"
                        ));
                    }
                    known.extend(map.class(truth.class).map(|class| TrueBox { class, ..truth.clone() }));
                }
                Ok(Seen::Objects { boxes: known, transform })
            }
            (_, None) => Err("it has no class; give pictures in a folder for each class, IDX or CSV".into()),
            (_, Some(_)) => Err("it has no boxes; give VOC's Annotations or a COCO JSON file".into()),
        }
    }
}

impl Source {
    /// What people know it by.
    pub fn name(&self) -> String {
        match (&self.zoo, &self.path) {
            (Some(entry), _) => format!("the zoo's {entry}"),
            (None, path) => path.as_ref().map_or_else(String::new, |path| path.display().to_string()),
        }
    }

    /// Whether there is a test split.
    pub fn has_test(&self) -> bool {
        self.test.is_some() || self.test_path.is_some() || self.fold.is_some()
    }

    /// Where it lies.
    fn folder(&self) -> Result<PathBuf, TrainError> {
        let wrong = |problem: String| TrainError::Data { place: self.name(), problem };
        let Some(entry) = &self.zoo else { return Ok(self.path.clone().unwrap_or_default()) };
        let failed = |error: FetchError| {
            let advice = error.advice().map_or_else(String::new, |advice| format!("; {advice}"));
            wrong(format!("{error}{advice}"))
        };
        let catalogue = Catalogue::built_in().map_err(|error| wrong(error.to_string()))?;
        let cache = Cache::of_user().map_err(failed)?;
        let files = fetch(&catalogue, &cache, entry, Fetched::PackageManager, |_| {}).map_err(failed)?;
        Ok(files.first().and_then(|file| file.parent()).map(PathBuf::from).unwrap_or_default())
    }

    /// Why its splits cannot be what it says.
    pub(crate) fn problem(&self) -> Option<&'static str> {
        match (self.folds, self.fold) {
            _ if self.path.is_some() == self.zoo.is_some() => {
                Some("[data] names either a `path` or an entry of the `zoo`")
            }
            (Some(0 | 1), _) => Some("`folds` of [data] are 2 or more"),
            (Some(_), _) if self.test.is_some() || self.test_path.is_some() => {
                Some("[data] has either `folds` or a `test`")
            }
            (None, Some(_)) => Some("[data] has a `fold` and does not say of how many `folds`"),
            (Some(folds), Some(fold)) if !(1..=folds).contains(&fold) => {
                Some("`fold` of [data] is from 1 to `folds`")
            }
            _ => None,
        }
    }

    /// The training split, divided by a seed.
    ///
    /// # Errors
    /// [`TrainError`] for data that cannot be read or trained on.
    pub fn open(&self, reader: &Reader, seed: u64, step: impl FnMut()) -> Result<Data, TrainError> {
        let place = self.name();
        let wrong = |problem: &str| TrainError::Data { place: place.clone(), problem: problem.into() };
        if !(0.0..1.0).contains(&self.validation) || self.validation == 0.0 {
            return Err(wrong("`validation` is a part above 0 and below 1"));
        }
        let all = self.training_split(reader, seed, step)?;
        let mut order = Random::of(seed, &[SPLIT]).order(all.len());
        if self.folds.is_some_and(|folds| all.len() < folds) {
            return Err(wrong("there are fewer pictures than `folds`; add some, or have fewer folds"));
        }
        order.drain(self.tested(all.len()));
        let count = ((order.len() as f64 * self.validation).round() as usize).max(1).min(order.len());
        let (validation, train) = order.split_at(count);
        if train.is_empty() {
            return Err(wrong("nothing is left to train on; give more pictures or a smaller `validation`"));
        }
        let data = Data { train: all.part(train), validation: all.part(validation) };
        match (0..reader.labels.len()).find(|&class| !data.train.has(class)) {
            Some(class) => {
                Err(wrong(&format!("class {:?} has no pictures to train on; add some", reader.labels[class])))
            }
            None => Ok(data),
        }
    }

    /// The test split: read once, when everything is decided.
    ///
    /// # Errors
    /// As [`Source::open`]; `None` where the recipe names none.
    pub fn test(
        &self,
        reader: &Reader,
        seed: u64,
        step: impl FnMut(),
    ) -> Result<Option<Examples>, TrainError> {
        if self.fold.is_some() {
            let all = self.training_split(reader, seed, step)?;
            let order = Random::of(seed, &[SPLIT]).order(all.len());
            return Ok(Some(all.part(&order[self.tested(all.len())])));
        }
        let path = match (&self.test_path, &self.test) {
            (None, None) => return Ok(None),
            (Some(path), _) => path.clone(),
            (None, _) => self.folder()?,
        };
        let selection = Selection { split: self.test.clone(), ..Selection::default() };
        let set = DataSet::open(&path, &selection)?;
        reader.read(&set, &path.display().to_string(), step).map(Some)
    }

    /// Every picture of the training split, or as many as the limit leaves.
    fn training_split(&self, reader: &Reader, seed: u64, step: impl FnMut()) -> Result<Examples, TrainError> {
        let selection = Selection { split: self.train.clone(), ..Selection::default() };
        let mut set = DataSet::open(&self.folder()?, &selection)?;
        let order = Random::of(seed, &[SPLIT]).order(set.samples.len());
        if let Some(limit) = self.limit {
            let kept: std::collections::BTreeSet<usize> = order.iter().copied().take(limit).collect();
            let mut index = 0;
            set.samples.retain(|_| {
                index += 1;
                kept.contains(&(index - 1))
            });
        }
        reader.read(&set, &self.name(), step)
    }

    /// The places of this fold's test in the order that the seed gives to so many pictures.
    fn tested(&self, count: usize) -> Range<usize> {
        match (self.folds, self.fold) {
            (Some(folds), Some(fold)) => (fold - 1) * count / folds..fold * count / folds,
            _ => 0..0,
        }
    }
}

/// Names of what a contract's model tells apart.
pub(crate) fn labels(contract: &Contract) -> Option<&[String]> {
    let classes = contract.classes.as_ref().map(|classes| &classes.labels[..]);
    classes.or(contract.boxes.as_ref().map(|boxes| &boxes.labels[..]))
}

/// What order is drawn for.
const SPLIT: u64 = 2;

impl Examples {
    /// How many pictures.
    pub fn len(&self) -> usize {
        self.truths.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.truths.is_empty()
    }

    /// Whether a class is in one of them.
    fn has(&self, class: usize) -> bool {
        self.truths.iter().any(|truth| truth.classes().any(|other| other == class))
    }

    /// The pixels of one picture.
    pub fn picture(&self, index: usize) -> &[u8] {
        &self.pixels[index * self.size..][..self.size]
    }

    /// Some of the pictures, in this order.
    pub fn part(&self, indices: &[usize]) -> Examples {
        Examples {
            pixels: indices.iter().flat_map(|&index| self.picture(index).iter().copied()).collect(),
            size: self.size,
            truths: indices.iter().map(|&index| self.truths[index].clone()).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_picture_is_the_test_of_one_fold() {
        let source = |fold| -> Source {
            toml::from_str(&format!("path = \"digits.csv\"\nfolds = 3\nfold = {fold}")).unwrap()
        };
        let tested: Vec<usize> = (1..=3).flat_map(|fold| source(fold).tested(11)).collect();
        assert_eq!(tested, (0..11).collect::<Vec<_>>());
        assert_eq!(source(3).problem(), None);
        assert!(source(4).problem().is_some_and(|problem| problem.contains("from 1 to `folds`")));
        assert!(Source { folds: None, ..source(1) }.problem().is_some());
        assert!(Source { test: Some("t10k".into()), ..source(1) }.problem().is_some());
    }
}
