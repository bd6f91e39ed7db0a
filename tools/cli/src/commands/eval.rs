//! `ocelli eval`: how often an artefact is right on labelled pictures, beside its float source, each number with
//! a 95 % interval.

use std::path::PathBuf;

use clap::ValueEnum;
use ocelli::{Artefact, OutputContractView};
use ocelli_compiler::provenance::calibration_hashes;
use ocelli_eval::{DataSet, Evaluation, Kind, LabelMap, Metric, Options, Selection, evaluate, overlapping};
use ocelli_format::model::{Model, OutputContract};
use serde_json::json;

use crate::artefact_file::ArtefactFile;
use crate::failure::{Failure, Verdict};
use crate::host_model::Through;
use crate::predict::{self, Choices};
use crate::session::Memory;
use crate::terminal::{self, FAINT, STRONG, say};

/// Arguments of `ocelli eval`.
#[derive(clap::Args)]
pub struct Arguments {
    /// The artefact
    model: PathBuf,
    /// Labelled pictures: a folder with a folder for each class, VOC, mask pairs, IDX or CSV files in it, or a
    /// COCO JSON file
    #[arg(long, value_name = "PATH")]
    data: PathBuf,
    /// How the data are laid out, where it cannot be seen
    #[arg(long)]
    layout: Option<Layout>,
    /// The folder of a COCO file's pictures
    #[arg(long, value_name = "FOLDER")]
    images: Option<PathBuf>,
    /// A list of VOC's ImageSets/Main, or how the names of IDX or CSV files begin, for example t10k
    #[arg(long, value_name = "NAME")]
    split: Option<String>,
    /// The float model that the artefact was made of, to be measured beside it
    #[arg(long, value_name = "MODEL")]
    float: Option<PathBuf>,
    /// The contract of the float model, where it was given with `--contract`
    #[arg(long, value_name = "TOML")]
    contract: Option<PathBuf>,
    /// A label of the data and the model's class for it, or nothing to leave it out; repeatable
    #[arg(long, value_name = "LABEL=CLASS", value_parser = super::convert::parse_pair)]
    map: Vec<(String, String)>,
    /// Measure also on pictures that calibrated the artefact
    #[arg(long)]
    allow_overlap: bool,
    /// Least score of a detection; otherwise the contract's, which cuts the curve of precision short
    #[arg(long, value_name = "PROBABILITY", value_parser = parse_probability)]
    score_threshold: Option<f32>,
    /// Value from which a map of one channel shows the object
    #[arg(long, value_name = "NUMBER", default_value_t = 0.5)]
    mask_threshold: f32,
    /// How often the bootstrap draws
    #[arg(long, value_name = "COUNT", default_value_t = 1000)]
    resamples: usize,
    /// What the bootstrap starts from
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    seed: u64,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// With fewer pictures than this the bootstrap is told to be too sure.
const FEW: usize = 30;

/// How data are laid out.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Layout {
    /// A folder for each class
    Folders,
    /// Annotations/*.xml and JPEGImages
    Voc,
    /// A JSON file
    Coco,
    /// images and masks, or name.png beside name_mask.png
    Masks,
    /// images-idx3-ubyte and labels-idx1-ubyte
    Idx,
    /// A line for each picture: its pixels or its file, and its class
    Csv,
}

/// Measures and prints.
pub fn run(arguments: Arguments) -> Result<Verdict, Failure> {
    let mut file = ArtefactFile::read(&arguments.model)?;
    if let Some(threshold) = arguments.score_threshold {
        file = with_score_threshold(&file, threshold)?;
    }
    let artefact = file.parse()?;
    let selection = Selection {
        kind: arguments.layout.map(kind),
        images: arguments.images.clone(),
        split: arguments.split.clone(),
    };
    let set = DataSet::open(&arguments.data, &selection).map_err(failed)?;
    let overlap = check_overlap(&set, &artefact, arguments.allow_overlap)?;
    let (labels, classes) = predict::labels(&artefact);
    let map = LabelMap::new(&set, &labels, classes, &arguments.map)
        .map_err(|error| Failure::at(arguments.data.display(), error))?;

    let choices = Choices {
        mask_threshold: arguments.mask_threshold,
        score_threshold: arguments.score_threshold,
        contract: arguments.contract.as_deref(),
    };
    let mut memory = Memory::of(&artefact);
    let mut pipeline = memory.pipeline(&file, &artefact, Through::Engine)?;
    let mut models = vec![predict::int8(&mut pipeline, choices)];
    if let Some(path) = &arguments.float {
        models.push(predict::float(path, &artefact, choices)?);
    }
    let options = Options { labels: map, resamples: arguments.resamples, seed: arguments.seed };
    let progress = terminal::progress("Looking at pictures", set.samples.len() as u64);
    let evaluation = evaluate(&set, &mut models, &options, || progress.step()).map_err(failed)?;
    drop(progress);

    if arguments.json {
        let mut report = json!(evaluation);
        report["data"] = json!(arguments.data.display().to_string());
        report["calibrated_on"] = json!(overlap);
        report["bootstrap"] = json!({ "resamples": arguments.resamples, "seed": arguments.seed });
        report["score_threshold"] = json!(score_threshold(&artefact));
        terminal::print_json(&report)?;
    } else {
        print(&evaluation, &arguments, score_threshold(&artefact))?;
    }
    Ok(Verdict::Done)
}

fn kind(layout: Layout) -> Kind {
    match layout {
        Layout::Folders => Kind::Folders,
        Layout::Voc => Kind::Voc,
        Layout::Coco => Kind::Coco,
        Layout::Masks => Kind::Masks,
        Layout::Idx => Kind::Idx,
        Layout::Csv => Kind::Csv,
    }
}

/// Refuses pictures that calibrated the artefact, or counts them where they are allowed.
fn check_overlap(set: &DataSet, artefact: &Artefact<'_>, is_allowed: bool) -> Result<usize, Failure> {
    let overlap = overlapping(set, &calibration_hashes(artefact)).map_err(failed)?;
    let (count, all) = (overlap.len(), set.samples.len());
    if count == 0 {
        return Ok(0);
    }
    let named: Vec<&str> = overlap.iter().copied().take(5).collect();
    let more = if count > named.len() { ", ..." } else { "" };
    let message = format!("{count} of {all} pictures calibrated the artefact: {}{more}", named.join(", "));
    if is_allowed {
        terminal::print_warning(&message);
        return Ok(count);
    }
    Err(Failure::from(message).advise(
        "measure on others, or calibrate without these; `--allow-overlap` measures nevertheless, and flatters",
    ))
}

/// The artefact with another least score of a detection.
fn with_score_threshold(file: &ArtefactFile, threshold: f32) -> Result<ArtefactFile, Failure> {
    let mut model = Model::from_artefact(&file.parse()?);
    for contract in &mut model.output_contracts {
        if let OutputContract::Boxes(boxes) = contract {
            boxes.score_threshold = (threshold * 65536.0).round().clamp(1.0, 65535.0) as u16;
        }
    }
    let bytes = ocelli_format::write(&model).map_err(|error| Failure::at(file.path().display(), error))?;
    Ok(ArtefactFile::from_bytes(file.path(), &bytes))
}

/// The least score of a detector.
fn score_threshold(artefact: &Artefact<'_>) -> Option<f64> {
    match artefact.output_contracts().next() {
        Some(OutputContractView::Boxes(boxes)) => Some(f64::from(boxes.score_threshold) / 65536.0),
        _ => None,
    }
}

fn print(
    evaluation: &Evaluation,
    arguments: &Arguments,
    score_threshold: Option<f64>,
) -> Result<(), Failure> {
    let left_out = match evaluation.left_out {
        0 => String::new(),
        count => format!(", {count} left out"),
    };
    let data = arguments.data.display();
    say!("{STRONG}{data}{STRONG:#}: {} pictures{left_out}", evaluation.pictures)?;
    let mut headings = vec!["".to_owned()];
    for model in &evaluation.models {
        headings.extend([model.name.clone(), "95 % interval".to_owned()]);
    }
    let headings: Vec<&str> = headings.iter().map(String::as_str).collect();
    let mut table = terminal::table(&headings, &(1..headings.len()).collect::<Vec<_>>());
    let names = evaluation.models.first().map_or(&[][..], |model| &model.metrics);
    for (index, Metric { name, .. }) in names.iter().enumerate() {
        let mut row = vec![name.clone()];
        for metric in evaluation.models.iter().filter_map(|model| model.metrics.get(index)) {
            let percent = |value: f64| format!("{:.1}", 100.0 * value);
            let (low, high) = (percent(metric.interval.low), percent(metric.interval.high));
            row.extend([format!("{} %", percent(metric.value)), format!("{low} to {high} %")]);
        }
        table.add_row(row);
    }
    say!("{table}")?;
    let methods = |method: &str| names.iter().any(|metric| metric.interval.method == method);
    if methods("wilson") {
        say!("{FAINT}Intervals of top-1 and top-5: Wilson's.{FAINT:#}")?;
    }
    if methods("bootstrap") {
        let (resamples, seed) = (arguments.resamples, arguments.seed);
        say!(
            "{FAINT}Other intervals: percentile bootstrap over pictures, {resamples} draws, seed {seed}.{FAINT:#}"
        )?;
    }
    if methods("bootstrap") && evaluation.pictures < FEW {
        terminal::print_warning(&format!(
            "{} pictures tell the bootstrap little of others: its intervals are too narrow",
            evaluation.pictures
        ));
    }
    if let Some(threshold) = score_threshold {
        say!(
            "{FAINT}mAP as COCO counts it: 101 points of recall, at most 100 boxes a picture, scores from {threshold:.2} on.{FAINT:#}"
        )?;
    }
    Ok(())
}

fn failed(error: impl std::error::Error) -> Failure {
    Failure::from(error.to_string())
}

fn parse_probability(text: &str) -> Result<f32, String> {
    match text.parse() {
        Ok(value) if value > 0.0 && value < 1.0 => Ok(value),
        _ => Err("a probability is above 0 and below 1".to_owned()),
    }
}
