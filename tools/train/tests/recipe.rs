//! A recipe from pictures to artefact, in a minute: every stage, a kill in the middle, and the same right answers in
//! training as outside.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use ocelli_compiler::execute::Executor;
use ocelli_eval::{DataSet, Selection, Truth};
use ocelli_format::{AlignedBytes, Artefact};
use ocelli_train::recipe::Recipe;
use ocelli_train::repeat::runs;
use ocelli_train::run::{Event, Options, Outcome, run};
use ocelli_train::score::Score;

mod workshop;

use workshop::Workshop;

/// A workshop for telling stripes from spots.
fn stripes(name: &str) -> Workshop {
    let workshop = Workshop::new(name, CONTRACT, HEAD);
    for (split, count, seed) in [("train", 600, 1), ("test", 200, 2)] {
        let (pictures, labels) = idx(count, seed);
        workshop.write(&format!("{split}-images-idx3-ubyte"), &pictures);
        workshop.write(&format!("{split}-labels-idx1-ubyte"), &labels);
    }
    workshop
}

const CONTRACT: &str = r#"
[input]
layout = "gray"
resize = "stretch"
mean = [0.0]
deviation = [127.5]

[classes]
labels = ["rows", "columns", "spots"]
"#;

const HEAD: &str = r#"
name = "stripes"
contract = "contract.toml"

[data]
path = "."
train = "train"
test = "test"
validation = 0.2
calibration = 64

[model]
family = "resnet-8"
input = [12, 12]
width = 0.5
"#;

const ALL_STAGES: &str = r#"
[[stages]]
name = "train"
epochs = 2
batch = 32
rate = 3e-3
augment = { shift = 1 }

[[stages]]
name = "filters"
epochs = 1
batch = 32
filters = { part = 0.25, by = "taylor" }

[[stages]]
name = "prune"
epochs = 2
batch = 32
prune = { sparsity = 0.5, form = "element", ramp = 0.5 }

[[stages]]
name = "tune"
epochs = 1
batch = 32
rate = 3e-4
cluster = { entries = 8 }
tune = {}
"#;

/// Pictures of 12x12 as IDX files: stripes along rows, along columns, or spots, with noise.
fn idx(count: usize, seed: u64) -> (Vec<u8>, Vec<u8>) {
    let header = |kind: u8, sizes: &[usize]| {
        let sizes = sizes.iter().flat_map(|&size| (size as u32).to_be_bytes());
        [0, 0, 8, kind].into_iter().chain(sizes).collect::<Vec<u8>>()
    };
    let (mut pictures, mut labels) = (header(3, &[count, 12, 12]), header(1, &[count]));
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut random = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 40) as usize
    };
    for _ in 0..count {
        let (class, phase) = (random() % 3, random() % 4);
        for y in 0..12 {
            for x in 0..12 {
                let is_bright = match class {
                    0 => (y + phase) % 4 < 2,
                    1 => (x + phase) % 4 < 2,
                    _ => (x + phase) % 4 < 2 && (y + phase) % 4 < 2,
                };
                pictures.push(if is_bright { 150 } else { 60 } + (random() % 90) as u8);
            }
        }
        labels.push(class as u8);
    }
    (pictures, labels)
}

/// Right answers of an artefact on a split, by its own input table and the plainest loop.
fn right(artefact: &Path, folder: &Path, split: &str) -> usize {
    let bytes = std::fs::read(artefact).unwrap();
    let aligned = AlignedBytes::copy_of(&bytes);
    let parsed = Artefact::parse(&aligned).unwrap();
    let table = parsed.input_contracts().next().unwrap().tables;
    let mut executor = Executor::from_bytes("stripes", &bytes).unwrap();
    let set =
        DataSet::open(folder, &Selection { split: Some(split.into()), ..Selection::default() }).unwrap();
    let is_right = |sample: &&ocelli_eval::Sample| {
        let picture = sample.picture().unwrap();
        let input = picture.frame().bytes().iter().map(|&pixel| table[0][usize::from(pixel)]).collect();
        let scores = executor.run(&[input]).unwrap().swap_remove(0);
        let best = (0..3).rev().max_by_key(|&class| scores[class]).unwrap();
        sample.truth == Truth::Class(best)
    };
    set.samples.iter().filter(is_right).count()
}

#[test]
fn a_recipe_of_every_stage_makes_an_artefact_that_is_as_right_as_training_says() {
    let workshop = stripes("all");
    let outcome = workshop.run(&workshop.recipe(ALL_STAGES), "out").unwrap();
    let int8 = outcome.int8_test.as_ref().and_then(Score::right).unwrap();
    assert!(int8 > 180, "{int8}");
    assert_eq!(int8, right(&outcome.artefact, &workshop.folder, "test"));
    // The last stage trained in integers: its best epoch is what the artefact does on the same pictures.
    let best = outcome
        .log
        .iter()
        .filter(|entry| entry.stage == "tune")
        .filter_map(|entry| entry.score.right())
        .max();
    assert_eq!(outcome.int8_validation.right(), best);
    let pruned = outcome.log.iter().rfind(|entry| entry.stage == "prune").unwrap();
    let before = outcome.log.iter().rfind(|entry| entry.stage == "filters").unwrap();
    assert!(pruned.weights * 100 < before.weights * 52, "{} of {}", pruned.weights, before.weights);
    for name in ["stripes.tflite", "stripes.toml", "stripes.md", "stripes.ocelli", "log.jsonl", "checkpoint"]
    {
        assert!(workshop.folder.join("out").join(name).exists(), "{name}");
    }
    // The float model goes in again as any other, and is what came out.
    let mut again = workshop.recipe("\n[[stages]]\nname = \"look\"\nepochs = 0\n");
    again.model.family = None;
    again.model.path = Some(outcome.model.clone());
    let back = workshop.run(&again, "again").unwrap();
    assert_eq!(back.float_test, outcome.float_test);
}

/// What the killed run's child does: it is this very program, told by the environment where to work.
#[test]
fn child() {
    let Some(folder) = std::env::var_os("OCELLI_TRAIN_CHILD") else { return };
    let recipe = Recipe::open(&Path::new(&folder).join("recipe.toml")).unwrap();
    let options =
        Options { output: Path::new(&folder).join("killed"), interval: Duration::ZERO, reads_test: true };
    run(&recipe, &options, |event| {
        if let Event::Step(_) = event {
            // Long enough a run to be killed in.
            std::thread::sleep(Duration::from_millis(5));
        }
    })
    .unwrap();
}

#[test]
fn a_run_that_is_killed_five_times_ends_as_the_one_that_is_left_alone() {
    let workshop = stripes("killed");
    let recipe = workshop.recipe(ALL_STAGES);
    let alone = workshop.run(&recipe, "alone").unwrap();
    let child = || {
        Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "child"])
            .env("OCELLI_TRAIN_CHILD", &workshop.folder)
            .stdout(Stdio::null())
            .spawn()
            .unwrap()
    };
    for pause in [310, 170, 730, 90, 450] {
        let mut running = child();
        std::thread::sleep(Duration::from_millis(pause));
        running.kill().unwrap();
        running.wait().unwrap();
    }
    assert!(child().wait().unwrap().success());
    let killed = workshop.run(&recipe, "killed").unwrap();
    assert_eq!(killed.log, alone.log);
    assert_eq!((killed.int8_test, killed.float_test), (alone.int8_test, alone.float_test));
    assert_eq!(std::fs::read(&killed.artefact).unwrap(), std::fs::read(&alone.artefact).unwrap());
}

#[test]
fn what_cannot_be_trained_says_why_and_keeps_the_checkpoint() {
    let workshop = stripes("wrong");
    let stage = "\n[[stages]]\nname = \"train\"\nepochs = 1\n";
    let good = workshop.recipe(stage);
    workshop.run(&good, "out").unwrap();
    let kept = std::fs::read(workshop.folder.join("out/checkpoint")).unwrap();
    let fails = |recipe: &Recipe, words: &str| {
        let error = workshop.run(recipe, "out").unwrap_err().to_string();
        assert!(error.contains(words), "{error:?} does not say {words:?}");
    };
    let mut other = good.clone();
    other.seed = 2;
    fails(&other, "another recipe");
    let mut few = good.clone();
    few.data.limit = Some(3);
    let error = workshop.run(&few, "few").unwrap_err().to_string();
    assert!(error.contains("has no picture"), "{error}");
    let mut teacher = workshop.recipe(&format!("{stage}distil = {{ teacher = \"nothing.tflite\" }}\n"));
    teacher.seed = 3;
    let error = workshop.run(&teacher, "taught").unwrap_err().to_string();
    assert!(error.contains("nothing.tflite"), "{error}");
    let wild =
        workshop.recipe("\n[[stages]]\nname = \"wild\"\nepochs = 2\nrate = 1e30\noptimiser = \"sgd\"\n");
    let error = workshop.run(&wild, "wild").unwrap_err().to_string();
    assert!(error.contains("diverged") && error.contains("checkpoint"), "{error}");
    assert_eq!(std::fs::read(workshop.folder.join("out/checkpoint")).unwrap(), kept);
}

/// With `--no-test` the test stays unread until it is asked for, and then it is read once.
#[test]
fn a_run_that_is_done_is_told_from_its_folder() {
    let workshop = stripes("done");
    let recipe = workshop.recipe("\n[[stages]]\nname = \"train\"\nepochs = 1\nrate = 3e-3\n");
    let output = workshop.folder.join("out");
    // What came out, and whether pictures were read for it.
    let again = |reads_test: bool| -> (Outcome, bool) {
        let options = Options { output: output.clone(), interval: Duration::MAX, reads_test };
        let mut has_read = false;
        let outcome = run(&recipe, &options, |event| has_read |= matches!(event, Event::Read)).unwrap();
        (outcome, has_read)
    };
    let (first, has_read) = again(false);
    assert!(has_read && first.int8_test.is_none());
    assert!(!again(false).1);
    let (tested, has_read) = again(true);
    assert!(has_read && tested.int8_test.is_some());
    let (told, has_read) = again(true);
    assert!(!has_read);
    assert_eq!(
        (told.int8_test, told.float_test, told.log),
        (tested.int8_test, tested.float_test, tested.log)
    );
    // Nor does a look without the test forget what it said.
    let (blind, has_read) = again(false);
    assert!(!has_read && blind.int8_test.is_none());
    assert!(!again(true).1);
    std::fs::remove_file(&tested.artefact).unwrap();
    assert!(again(true).1 && tested.artefact.exists());
}

#[test]
fn another_run_goes_on_with_the_network_of_one_that_is_done() {
    let workshop = stripes("goes-on");
    let train = "\n[[stages]]\nname = \"train\"\nepochs = 2\nbatch = 32\nrate = 3e-3\n";
    let dense = workshop.run(&workshop.recipe(train), "dense").unwrap();
    let mut recipe = workshop.recipe(
        "\n[[stages]]\nname = \"look\"\nepochs = 0\n[[stages]]\nname = \"filters\"\nepochs = 1\nbatch = 32\nfilters = { part = 0.25 }\n",
    );
    recipe.model.family = None;
    recipe.model.checkpoint = Some(workshop.folder.join("dense/checkpoint"));
    let mut look = recipe.clone();
    look.stages.truncate(1);
    let same = workshop.run(&look, "same").unwrap();
    assert_eq!((same.parameters, &same.float_test), (dense.parameters, &dense.float_test));
    let smaller = workshop.run(&recipe, "smaller").unwrap();
    assert!(smaller.parameters < dense.parameters && smaller.float_test.unwrap().part() > 0.9);
    recipe.model.anew = true;
    recipe.stages.truncate(1);
    let anew = workshop.run(&recipe, "anew").unwrap();
    assert!(anew.parameters == dense.parameters && anew.float_test != dense.float_test);
}

#[test]
fn each_fold_of_a_csv_file_is_the_test_once() {
    let workshop = stripes("folds");
    let (pictures, labels) = idx(300, 3);
    let line = |(pixels, label): (&[u8], &u8)| {
        let fields: Vec<String> = pixels.iter().chain([label]).map(u8::to_string).collect();
        fields.join(",") + "\n"
    };
    let text: String = pictures[16..].chunks_exact(144).zip(&labels[8..]).map(line).collect();
    workshop.write("all.csv", text.as_bytes());
    let mut recipe = workshop.recipe("\n[[stages]]\nname = \"train\"\nepochs = 1\nrate = 3e-3\n");
    (recipe.data.train, recipe.data.test) = (None, None);
    (recipe.data.path, recipe.data.folds) = (Some(workshop.folder.join("all.csv")), Some(3));
    let options =
        |folder: &Path| Options { output: folder.into(), interval: Duration::MAX, reads_test: true };
    let mut tested = 0;
    for each in runs(&recipe, &[], &workshop.folder.join("out")) {
        let outcome = run(&each.recipe, &options(&each.folder), |_| {}).unwrap();
        let Some(Score::Right { pictures, .. }) = outcome.int8_test else { panic!("no test") };
        tested += pictures;
        let card = std::fs::read_to_string(each.folder.join("stripes.md")).unwrap();
        assert!(card.contains(" of 3, drawn by the seed"), "{card}");
    }
    assert_eq!(tested, 300);
    recipe.data.folds = Some(301);
    recipe.data.fold = Some(1);
    let error = workshop.run(&recipe, "many").unwrap_err().to_string();
    assert!(error.contains("fewer pictures than `folds`"), "{error}");
}

#[test]
fn a_student_learns_from_its_teacher_alone() {
    let workshop = stripes("taught");
    let teacher = workshop.recipe("\n[[stages]]\nname = \"train\"\nepochs = 3\nbatch = 32\nrate = 3e-3\n");
    let right = workshop.run(&teacher, "teacher").unwrap().float_test.unwrap().right().unwrap();
    assert!(right > 180, "{right}");
    for (name, more) in [("once", ""), ("each-time", "augment = { shift = 1 }\n")] {
        // The labels have no part in the loss.
        let student = workshop.recipe(&format!(
            "\n[[stages]]\nname = \"listen\"\nepochs = 3\nbatch = 32\nrate = 3e-3\n{more}\
             distil = {{ teacher = \"teacher/stripes.tflite\", weight = 1.0, temperature = 2.0 }}\n"
        ));
        let right = workshop.run(&student, name).unwrap().float_test.unwrap().right().unwrap();
        assert!(right > 180, "{name}: {right}");
    }
}
