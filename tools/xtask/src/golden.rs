//! The golden models: their files, what TFLite Micro answers, and what it costs there.
//!
//! Files and answers lie beside the repository, in `../shared`; what TFLite Micro costs stands in `tests/peers.toml`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, bail};
use ocelli_format::{AlignedBytes, Artefact};
use ocelli_simulator::{machines, repository, target_directory};
use serde::Deserialize;

use crate::command;

/// A golden model.
pub struct Model {
    /// Name of its file.
    pub file: String,
    /// Where that is.
    pub source: PathBuf,
    /// Where its artefact is.
    pub path: PathBuf,
    /// The artefact.
    pub artefact: Vec<u8>,
    /// What its arena holds.
    pub memory: Memory,
    /// The same under budgets of RAM.
    pub striped: Vec<Striped>,
    /// Multiply-accumulates that one run of it executes.
    pub macs: u64,
    /// Inputs and answers.
    pub cases: Vec<Case>,
    /// What is known about it.
    pub peer: Peer,
}

impl Model {
    /// The file that a device with kernels of one target profile is flashed with.
    pub fn device_file(&self, profile: &str) -> Result<PathBuf> {
        let (folder, name) = (self.path.parent(), self.path.with_extension(format!("{profile}.ocelli")));
        let folder = folder.context("an artefact lies in a folder")?.join("devices");
        fs::create_dir_all(&folder)?;
        let path = folder.join(name.file_name().unwrap_or_default());
        let words = ["--strip", "--for", profile].map(str::to_owned);
        convert(&built()?, &self.source, &path, &words)?;
        Ok(path)
    }
}

/// A golden model that rolls rows, to fit into less RAM.
pub struct Striped {
    /// What it was asked for.
    pub budget: Budget,
    /// The artefact.
    pub artefact: Vec<u8>,
    /// What its arena holds.
    pub memory: Memory,
}

/// A budget that a model has to keep, one of `striped` in `tests/peers.toml`.
#[derive(Clone, Copy, Deserialize)]
pub struct Budget {
    /// Bytes of arena, input and scratch included.
    pub ram_bytes: u64,
    /// Whether the input comes row by row.
    #[serde(default)]
    pub streams_input: bool,
}

/// What `ocelli convert` says about an arena.
#[derive(Clone, Deserialize)]
pub struct Memory {
    /// Bytes that whole tensors need in any order of execution.
    pub floor_bytes: u64,
    /// Whether that is proven.
    pub is_floor_exact: bool,
    /// Bytes that tensors and rings take.
    pub tensor_bytes: u64,
    /// Bytes that only scratch takes.
    pub scratch_bytes: u64,
    /// Multiply-accumulates beyond those of the model.
    pub extra_macs: u64,
}

impl Memory {
    /// Bytes of the arena.
    pub fn arena_bytes(&self) -> u64 {
        self.tensor_bytes + self.scratch_bytes
    }
}

/// An input, and what TFLite Micro makes of it.
pub struct Case {
    /// Start of the input stream.
    pub seed: u32,
    /// Its shift.
    pub shift: u8,
    /// The output bytes.
    pub output_hex: String,
}

/// One `[[model]]` of `tests/peers.toml`.
#[derive(Clone, Deserialize)]
pub struct Peer {
    /// Name of its file.
    pub file: String,
    /// What it does.
    pub title: String,
    /// Whether it sees images: those count for the code budget.
    pub image: bool,
    /// Budgets of RAM below its largest tensors.
    #[serde(default)]
    pub striped: Vec<Budget>,
    #[serde(flatten)]
    machines: BTreeMap<String, Cost>,
}

/// What TFLite Micro takes on a machine.
#[derive(Clone, Copy, Deserialize)]
pub struct Cost {
    /// Executed instructions.
    pub instructions: u64,
    /// Arena, tensors and scratch.
    pub arena_bytes: u64,
    /// Code and constants without the model.
    pub code_bytes: u64,
}

impl Peer {
    /// What TFLite Micro takes on a machine, where it was measured.
    pub fn on(&self, machine: &str) -> Option<&Cost> {
        self.machines.get(machine)
    }
}

/// All golden models, converted; none, and a word, where they are not at hand.
pub fn models() -> Result<Vec<Model>> {
    let root = repository()?;
    let shared = root.join("../shared");
    let table = shared.join("peers/golden.tsv");
    if !table.exists() {
        println!("skipped: the golden models ({} is not there)", table.display());
        return Ok(Vec::new());
    }
    let table = fs::read_to_string(&table)?;
    let peers = fs::read_to_string(root.join("tests/peers.toml"))?;
    let Peers { model: peers } = toml::from_str(&peers).context("reading tests/peers.toml")?;
    let output = target_directory()?.join("golden");
    fs::create_dir_all(&output)?;
    let ocelli = program()?;
    let load = |peer: Peer| {
        let source = find(&shared.join("models"), &peer.file)?
            .ok_or_else(|| anyhow!("{} is not below {}", peer.file, shared.join("models").display()))?;
        let path = output.join(&peer.file).with_extension("ocelli");
        let memory = convert(&ocelli, &source, &path, &whole(None))?;
        let striped = peer.striped.iter().map(|&budget| {
            let path = path.with_extension(format!("{}.ocelli", budget.ram_bytes));
            let memory = convert(&ocelli, &source, &path, &whole(Some(budget)))?;
            Ok(Striped { budget, artefact: fs::read(&path)?, memory })
        });
        let striped = striped.collect::<Result<_>>()?;
        let cases = cases(&table, &peer.file)?;
        if cases.is_empty() {
            bail!("golden.tsv has no line for {}", peer.file);
        }
        let artefact = fs::read(&path)?;
        let macs = multiply_accumulates(&artefact).with_context(|| peer.file.clone())?;
        Ok(Model { artefact, macs, file: peer.file.clone(), source, path, memory, striped, cases, peer })
    };
    peers.into_iter().map(load).collect()
}

#[derive(Deserialize)]
struct Peers {
    model: Vec<Peer>,
}

/// The program `ocelli`, built for this machine.
pub fn program() -> Result<PathBuf> {
    command::run(&mut command::cargo(["build", "--quiet", "--release", "--package", "ocelli-cli"])?)?;
    built()
}

/// Where the program is once it is built.
fn built() -> Result<PathBuf> {
    Ok(target_directory()?.join("release/ocelli"))
}

/// What makes an artefact with the schedules of all cores.
fn whole(budget: Option<Budget>) -> Vec<String> {
    let profiles: BTreeSet<&str> = machines().iter().map(|machine| machine.schedule.as_str()).collect();
    let mut words: Vec<String> =
        profiles.iter().flat_map(|profile| ["--for", profile]).map(str::to_owned).collect();
    if let Some(Budget { ram_bytes, streams_input }) = budget {
        words.extend(["--budget".to_owned(), format!("ram={ram_bytes}")]);
        words.extend(streams_input.then(|| "--stream-input".to_owned()));
    }
    words
}

/// Runs `ocelli convert`.
fn convert(ocelli: &Path, source: &Path, artefact: &Path, words: &[String]) -> Result<Memory> {
    let mut convert = std::process::Command::new(ocelli);
    convert.arg("convert").arg(source).arg("--output").arg(artefact).arg("--json").args(words);
    let output = convert.output()?;
    if !output.status.success() {
        bail!("`ocelli convert {}` failed:\n{}", source.display(), String::from_utf8_lossy(&output.stderr));
    }
    let report: Report =
        serde_json::from_slice(&output.stdout).context("reading what `ocelli convert` says")?;
    Ok(report.artefact.memory)
}

/// The part of the report that counts here.
#[derive(Deserialize)]
struct Report {
    artefact: Inspection,
}

#[derive(Deserialize)]
struct Inspection {
    memory: Memory,
}

/// What all operators of an artefact multiply and add up.
fn multiply_accumulates(artefact: &[u8]) -> Result<u64> {
    let aligned = AlignedBytes::copy_of(artefact);
    let artefact = Artefact::parse(&aligned)?;
    let operators = 0..artefact.operators().len() as u16;
    Ok(operators.map(|operator| artefact.multiply_accumulates(operator)).sum())
}

/// The lines of one model in `golden.tsv`.
fn cases(table: &str, file: &str) -> Result<Vec<Case>> {
    let mut cases = Vec::new();
    for line in table.lines() {
        let columns: Vec<&str> = line.split('\t').collect();
        let [model, seed, shift, output_hex] = columns[..] else {
            bail!("golden.tsv: not four columns: {line}")
        };
        if model == file {
            cases.push(Case {
                seed: seed.parse()?,
                shift: shift.parse()?,
                output_hex: output_hex.to_owned(),
            });
        }
    }
    Ok(cases)
}

/// A file by its name, in a folder or in one of its folders.
fn find(folder: &Path, name: &str) -> Result<Option<PathBuf>> {
    for entry in fs::read_dir(folder).with_context(|| format!("listing {}", folder.display()))? {
        let path = entry?.path();
        if path.is_dir() {
            if let Some(found) = find(&path, name)? {
                return Ok(Some(found));
            }
        } else if path.file_name().is_some_and(|file_name| file_name == name) {
            return Ok(Some(path));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_peers_file_is_well_formed() {
        let text = include_str!("../../../tests/peers.toml");
        let Peers { model } = toml::from_str(text).unwrap();
        assert_eq!(model.len(), 5);
        for peer in model {
            assert_eq!(peer.machines.len(), 3, "{}", peer.file);
            assert!(peer.on("mps2-an386").is_some_and(|cost| cost.arena_bytes > 0), "{}", peer.file);
        }
    }

    #[test]
    fn only_the_lines_of_the_model_are_its_cases() {
        let table =
            "model\tseed\tshift\toutput_hex\na.tflite\t1\t0\t80ff\nb.tflite\t2\t0\t00\na.tflite\t5\t2\t7f\n";
        let cases = cases(table, "a.tflite").unwrap();
        assert_eq!(cases.len(), 2);
        assert_eq!((cases[1].seed, cases[1].shift, cases[1].output_hex.as_str()), (5, 2, "7f"));
        assert!(super::cases("a.tflite\t1\n", "a.tflite").is_err());
    }
}
