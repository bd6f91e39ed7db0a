//! Contracts: what a model's input expects and what its outputs mean, from a TOML file.
//!
//! A model file does not say which pixels it wants or where its anchors stand. A contract does: given
//! with `--contract`, lying beside the model (`model.toml` beside `model.tflite`), or built in for models
//! that are known by name (`models/contracts/`).

mod attach;
mod lift;

use std::path::{Path, PathBuf};

use serde::Deserialize;

pub use attach::attach;
pub use attach::layout;
pub use lift::lift_heads;

use crate::detector::{Decoder, Grid, Spelling};
use crate::quantize::InputScaling;

/// What a contract file says.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Contract {
    /// How pictures become the first input.
    pub input: Option<Input>,
    /// The first output holds scores of classes.
    pub classes: Option<Classes>,
    /// Outputs hold scores and boxes.
    pub boxes: Option<Boxes>,
    /// An output holds points of what fills the input.
    pub points: Option<Points>,
    /// An output says what every cell of a grid shows.
    pub mask: Option<Cells>,
    /// An output is a vector that is near those of the same thing.
    pub embedding: Option<Embedding>,
    /// An output says on which cells of a grid there are things.
    pub spots: Option<Cells>,
    /// An output holds numbers that stand for themselves.
    pub numbers: Option<Numbers>,
}

/// How a picture becomes the first input.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Input {
    /// Channels and their order.
    pub layout: Layout,
    /// How the frame is fitted.
    pub resize: Resize,
    /// Brightness of the border that letterboxing adds.
    #[serde(default)]
    pub border: u8,
    /// Subtracted from pixels of 0 to 255: one number, or one a channel.
    pub mean: Vec<f32>,
    /// Divides what is left: one number, or one a channel.
    pub deviation: Vec<f32>,
}

/// Channels and their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Layout {
    /// Brightness.
    Gray,
    /// Red first.
    Rgb,
    /// Blue first.
    Bgr,
}

/// How a frame is fitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Resize {
    /// Both axes on their own.
    Stretch,
    /// All of the frame, with a border.
    Letterbox,
    /// The middle of the frame.
    CenterCrop,
}

/// Scores of classes.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Classes {
    /// One a class.
    pub labels: Vec<String>,
    /// Whether scores are logits of a logistic function; probabilities otherwise.
    #[serde(default)]
    pub logits: bool,
}

/// Points of what fills the input: landmarks of a face, joints of a hand.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Points {
    /// Name of the output that holds them; the first otherwise.
    pub output: Option<String>,
    /// Numbers of a point, of which the first two are x and y.
    #[serde(default = "two")]
    pub stride: u8,
    /// What x and y are divided by, so that 1 is the input's width and height.
    pub scale: [f32; 2],
    /// Name of the output that says whether the thing is there at all.
    pub presence: Option<String>,
    /// Whether presence is a logit; a probability otherwise.
    #[serde(default)]
    pub logits: bool,
    /// Least probability of presence that counts.
    #[serde(default = "half")]
    pub threshold: f32,
    /// One a point, or none.
    #[serde(default)]
    pub names: Vec<String>,
}

/// What the cells of a grid show.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cells {
    /// Name of the output `[1, H, W, C]`; the first otherwise.
    pub output: Option<String>,
    /// One a channel, background excluded.
    pub labels: Vec<String>,
    /// Whether the first channel is background.
    #[serde(default)]
    pub has_background: bool,
    /// Whether channels are logits, each for itself; probabilities otherwise.
    #[serde(default)]
    pub logits: bool,
    /// Least probability that counts.
    #[serde(default = "half")]
    pub threshold: f32,
}

/// A vector that is near those of the same thing.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Embedding {
    /// Name of the output; the first otherwise.
    pub output: Option<String>,
}

/// Numbers that stand for themselves.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Numbers {
    /// Name of the output; the first otherwise.
    pub output: Option<String>,
    /// One a number.
    pub names: Vec<String>,
    /// What the output's numbers are multiplied with.
    #[serde(default = "one")]
    pub scale: f32,
}

fn two() -> u8 {
    2
}

fn half() -> f32 {
    0.5
}

/// What a detector finds.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Boxes {
    /// One a class, background excluded.
    pub labels: Vec<String>,
    /// One a keypoint.
    #[serde(default)]
    pub keypoints: Vec<String>,
    /// Least probability that counts.
    pub score_threshold: f32,
    /// Overlap above which two boxes are one object.
    pub iou_threshold: f32,
    /// What becomes of overlapping boxes.
    pub suppression: Suppression,
    /// How outputs spell boxes; not needed where the graph decodes them itself.
    pub layout: Option<BoxLayout>,
}

/// How outputs of a detector spell boxes.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BoxLayout {
    /// Name of the output that holds the scores.
    pub scores: String,
    /// Name of the output that holds the boxes.
    pub boxes: String,
    /// Name of the output that says whether there is an object at all.
    pub objectness: Option<String>,
    /// Whether the first class is background.
    #[serde(default)]
    pub has_background: bool,
    /// Whether scores are logits; probabilities otherwise.
    pub logits: bool,
    /// How boxes are spelled.
    pub decoder: Decoder,
    /// Index in an anchor's row of x centre, y centre, width, height.
    #[serde(default = "in_order")]
    pub field_order: [u8; 4],
    /// What fields of centres and keypoints are divided by.
    #[serde(default = "one")]
    pub centre_scale: f32,
    /// What fields of widths and heights are divided by.
    #[serde(default = "one")]
    pub size_scale: f32,
    /// Bins of each edge, of a distribution.
    #[serde(default)]
    pub bins: usize,
    /// One a feature map, in the order of the outputs' anchors.
    pub heads: Vec<Grid>,
}

fn in_order() -> [u8; 4] {
    [0, 1, 2, 3]
}

fn one() -> f32 {
    1.0
}

/// What becomes of overlapping boxes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Suppression {
    /// They are dropped.
    Hard,
    /// They are averaged, weighted by score.
    Weighted,
}

/// Why a contract does not serve.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ContractError {
    /// The file cannot be read.
    #[error("{path}: {source}")]
    Read {
        /// Which.
        path: String,
        /// What the system says.
        source: std::io::Error,
    },
    /// The file is no contract.
    #[error("{path} is no contract: {problem}")]
    Parse {
        /// Which.
        path: String,
        /// What is wrong, with its line.
        problem: String,
    },
    /// A number in it makes no sense.
    #[error("contract: {0}")]
    Value(String),
    /// It does not fit the model.
    #[error("the contract does not fit model {model:?}: {problem}")]
    Mismatch {
        /// Name of the model.
        model: String,
        /// What does not fit.
        problem: String,
    },
}

/// Contracts of known models, by the name of their file without extension.
const BUILT_IN: &[(&str, &str)] = &[
    ("face_detection_short_range", include_str!("../../../models/contracts/face_detection_short_range.toml")),
    (
        "face_detection_full_range_sparse",
        include_str!("../../../models/contracts/face_detection_full_range_sparse.toml"),
    ),
    ("face_landmark", include_str!("../../../models/contracts/face_landmark.toml")),
    ("hand_landmark_full", include_str!("../../../models/contracts/hand_landmark.toml")),
    ("hand_landmark_lite", include_str!("../../../models/contracts/hand_landmark.toml")),
    ("palm_detection_full", include_str!("../../../models/contracts/palm_detection.toml")),
    ("palm_detection_lite", include_str!("../../../models/contracts/palm_detection.toml")),
    ("person_detect", include_str!("../../../models/contracts/person_detect.toml")),
    ("pretrainedResnet_quant", include_str!("../../../models/contracts/pretrainedResnet_quant.toml")),
    ("selfie_segmentation", include_str!("../../../models/contracts/selfie_segmentation.toml")),
    (
        "selfie_segmentation_landscape",
        include_str!("../../../models/contracts/selfie_segmentation_landscape.toml"),
    ),
    ("ultraface_version-RFB-320", include_str!("../../../models/contracts/ultraface_version-RFB-320.toml")),
    ("visual_wake_words", include_str!("../../../models/contracts/visual_wake_words.toml")),
    ("vww_96_int8", include_str!("../../../models/contracts/vww_96_int8.toml")),
    ("iris_landmark", include_str!("../../../models/contracts/mediapipe_rgb.toml")),
    ("pose_landmark_full", include_str!("../../../models/contracts/mediapipe_rgb.toml")),
    (
        "mobilenet_v1_0.25_128_quant",
        include_str!("../../../models/contracts/mobilenet_v1_0.25_128_quant.toml"),
    ),
    ("pretrainedResnet", include_str!("../../../models/contracts/pretrainedResnet_quant.toml")),
    ("pretrainedResnet_quant_qdq", include_str!("../../../models/contracts/pretrainedResnet_quant.toml")),
    ("vww_96_float", include_str!("../../../models/contracts/vww_96_int8.toml")),
];

impl Contract {
    /// The contract for a model: `given`, or else the file beside it, or else a built-in one. `None` when
    /// there is none at all.
    ///
    /// # Errors
    /// [`ContractError`] for a file that is there and wrong.
    pub fn find(model: &Path, given: Option<&Path>) -> Result<Option<Contract>, ContractError> {
        if let Some(path) = given {
            return Contract::open(path).map(Some);
        }
        let beside: PathBuf = model.with_extension("toml");
        if beside.is_file() {
            return Contract::open(&beside).map(Some);
        }
        let name = model.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
        let built_in = BUILT_IN.iter().find(|(known, _)| *known == name);
        built_in.map(|(name, text)| Contract::parse(name, text)).transpose()
    }

    /// Reads a contract file.
    ///
    /// # Errors
    /// [`ContractError`].
    pub fn open(path: &Path) -> Result<Contract, ContractError> {
        let shown = path.display().to_string();
        let text = std::fs::read_to_string(path)
            .map_err(|source| ContractError::Read { path: shown.clone(), source })?;
        Contract::parse(&shown, &text)
    }

    /// Reads a contract's text; `path` appears in messages.
    ///
    /// # Errors
    /// [`ContractError::Parse`] and [`ContractError::Value`].
    pub fn parse(path: &str, text: &str) -> Result<Contract, ContractError> {
        let mut contract: Contract = toml::from_str(text)
            .map_err(|problem| ContractError::Parse { path: path.into(), problem: problem.to_string() })?;
        let layout = contract.boxes.as_mut().and_then(|boxes| boxes.layout.as_mut());
        layout.into_iter().flat_map(|layout| &mut layout.heads).for_each(Grid::complete);
        contract.check().map_err(ContractError::Value)?;
        Ok(contract)
    }

    fn check(&self) -> Result<(), String> {
        if let Some(input) = &self.input {
            let channels = if input.layout == Layout::Gray { 1 } else { 3 };
            for (what, values) in [("mean", &input.mean), ("deviation", &input.deviation)] {
                if values.len() != 1 && values.len() != channels {
                    return Err(format!("input.{what} has {} numbers, not 1 or {channels}", values.len()));
                }
                if let Some(value) = values.iter().find(|value| !value.is_finite()) {
                    return Err(format!("input.{what} holds {value}"));
                }
            }
            if let Some(value) = input.deviation.iter().find(|value| **value <= 0.0) {
                return Err(format!("input.deviation of {value} is not above 0"));
            }
        }
        let meanings = [
            self.classes.is_some(),
            self.boxes.is_some(),
            self.points.is_some(),
            self.mask.is_some(),
            self.embedding.is_some(),
            self.spots.is_some(),
            self.numbers.is_some(),
        ];
        if meanings.iter().filter(|meaning| **meaning).count() > 1 {
            return Err("a contract gives outputs one meaning: of [classes], [boxes], [points], [mask], [embedding], [spots] and [numbers] at most one".into());
        }
        let thresholds = [
            self.points.as_ref().map(|points| points.threshold),
            self.mask.as_ref().map(|cells| cells.threshold),
            self.spots.as_ref().map(|cells| cells.threshold),
        ];
        if let Some(value) = thresholds.iter().flatten().find(|value| !(0.0..1.0).contains(*value)) {
            return Err(format!("a threshold of {value} is not from 0 to below 1"));
        }
        let scales = self.points.iter().flat_map(|points| points.scale);
        let scales = scales.chain(self.numbers.iter().map(|numbers| numbers.scale));
        if let Some(value) = scales.into_iter().find(|value| !(value.is_normal() && *value > 0.0)) {
            return Err(format!("a scale of {value} is not above 0"));
        }
        let Some(boxes) = &self.boxes else { return Ok(()) };
        if boxes.labels.is_empty() {
            return Err("boxes need at least one label".into());
        }
        for (what, value) in
            [("score_threshold", boxes.score_threshold), ("iou_threshold", boxes.iou_threshold)]
        {
            if !(value > 0.0 && value < 1.0) {
                return Err(format!("boxes.{what} of {value} is not between 0 and 1"));
            }
        }
        boxes.layout.as_ref().map_or(Ok(()), |layout| layout.check(boxes.keypoints.len()))
    }
}

impl BoxLayout {
    /// What an anchor's row means.
    pub fn spelling(&self, keypoints: usize) -> Spelling {
        Spelling {
            decoder: self.decoder,
            field_order: self.field_order,
            centre_scale: self.centre_scale,
            size_scale: self.size_scale,
            bins: self.bins,
            keypoints,
        }
    }

    pub(crate) fn check(&self, keypoints: usize) -> Result<(), String> {
        if self.heads.is_empty() {
            return Err("boxes.layout needs at least one head".into());
        }
        for (what, value) in [("centre_scale", self.centre_scale), ("size_scale", self.size_scale)] {
            if !(value.is_normal() && value > 0.0) {
                return Err(format!("boxes.layout.{what} of {value} is not above 0"));
            }
        }
        let mut order = self.field_order;
        order.sort_unstable();
        if order != [0, 1, 2, 3] {
            return Err(format!("boxes.layout.field_order {:?} does not name 0 to 3", self.field_order));
        }
        match (self.decoder, self.bins, keypoints) {
            (Decoder::Distribution, 2..=32, 0) => {}
            (Decoder::Distribution, _, 0) => {
                return Err(format!(
                    "boxes.layout.bins of {} is not 2 to 32, as a distribution has",
                    self.bins
                ));
            }
            (Decoder::Distribution, ..) => return Err("a distribution of distances has no keypoints".into()),
            (_, 0, _) => {}
            _ => return Err("boxes.layout.bins are for the decoder \"distribution\" alone".into()),
        }
        for (index, head) in self.heads.iter().enumerate() {
            let sides = 1..=usize::from(u16::MAX);
            if !sides.contains(&head.rows) || !sides.contains(&head.columns) {
                return Err(format!("boxes.layout.heads[{index}] has no cells"));
            }
            if head.anchors.iter().flatten().any(|side| !(*side > 0.0 && *side <= 16.0)) {
                return Err(format!(
                    "boxes.layout.heads[{index}] has an anchor whose side is not above 0 and at most 16"
                ));
            }
            let steps = head.step.iter().all(|step| *step > 0.0 && *step <= 4.0);
            if !steps || head.first.iter().any(|first| first.abs() >= 4.0 || first.is_nan()) {
                return Err(format!(
                    "boxes.layout.heads[{index}] has cells that are no part of the input; first and step are relative to its sides"
                ));
            }
        }
        Ok(())
    }
}

impl Input {
    /// How pixels become real values.
    pub fn scaling(&self) -> InputScaling {
        InputScaling { mean: self.mean.clone(), deviation: self.deviation.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_built_in_contract_is_one() {
        for (name, text) in BUILT_IN {
            let contract = Contract::parse(name, text).unwrap();
            assert!(contract.input.is_some(), "{name}");
        }
        let found = Contract::find(Path::new("somewhere/face_detection_short_range.tflite"), None).unwrap();
        let boxes = found.unwrap().boxes.unwrap();
        let anchors: usize = boxes.layout.unwrap().heads.iter().map(Grid::anchor_count).sum();
        assert_eq!((anchors, boxes.keypoints.len()), (896, 6));
        assert_eq!(Contract::find(Path::new("unknown.tflite"), None).unwrap(), None);
    }

    #[test]
    fn wrong_contracts_say_what_is_wrong() {
        let (_, text) = BUILT_IN[0];
        let problem = |text: &str| Contract::parse("c.toml", text).unwrap_err().to_string();
        assert!(problem("input = 3").contains("c.toml is no contract"));
        assert!(problem(&format!("colour = 1\n{text}")).contains("colour"));
        assert!(problem(&text.replace("deviation = [127.5]", "deviation = [0.0]")).contains("deviation"));
        assert!(problem(&text.replace("score_threshold = 0.5", "score_threshold = 1.5")).contains("1.5"));
        let order = "decoder = \"linear\"\nfield_order = [0, 1, 2, 99]";
        assert!(problem(&text.replace("decoder = \"linear\"", order)).contains("field_order"));
        assert!(problem(&text.replace("rows = 16", "rows = 0")).contains("heads[0]"));
        assert!(problem(&text.replace("\"linear\"", "\"distribution\"")).contains("keypoints"));
    }
}
