//! The program from outside: exit codes, JSON keys, messages, and files that appear whole or not at all.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

/// A folder with the sample artefacts; gone when dropped.
struct Workshop(PathBuf);

impl Workshop {
    fn new(name: &str) -> Workshop {
        let path = std::env::temp_dir().join(format!("ocelli-cli-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        for (name, bytes) in ocelli_samples::artefacts() {
            std::fs::write(path.join(format!("{name}.ocelli")), &*bytes).unwrap();
        }
        Workshop(path)
    }

    /// Runs the program in the folder.
    fn ocelli(&self, arguments: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_ocelli"))
            .args(arguments)
            .current_dir(&self.0)
            .env("OCELLI_CACHE", self.0.join("cache"))
            .output()
            .unwrap()
    }

    /// The JSON of a run that ends well.
    fn json(&self, arguments: &[&str]) -> Value {
        let output = self.ocelli(arguments);
        assert!(output.status.success(), "{arguments:?}: {}", text(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap()
    }

    /// What a run that fails says.
    fn failure(&self, arguments: &[&str], code: i32) -> String {
        let output = self.ocelli(arguments);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {}", text(&output.stderr));
        assert!(output.stdout.is_empty(), "{arguments:?} printed {}", text(&output.stdout));
        text(&output.stderr)
    }
}

impl Drop for Workshop {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn wrong_usage_ends_with_2() {
    let workshop = Workshop::new("usage");
    for arguments in [
        &["fly"][..],
        &["run", "detector.ocelli"],
        &["run", "detector.ocelli", "--input", "seed:0"],
        &["simulate", "detector.ocelli", "--on", "mps2-an999"],
        &["convert", "model.tflite", "--method", "percentile:200"],
    ] {
        let message = workshop.failure(arguments, 2);
        assert!(message.starts_with("error: "), "{message}");
    }
}

#[test]
fn failures_say_where_and_what_to_do() {
    let workshop = Workshop::new("failures");
    std::fs::write(workshop.0.join("text.ocelli"), "no artefact").unwrap();
    std::fs::write(
        workshop.0.join("model.ocelli"),
        b"\x1c\0\0\0TFL3 and more, long enough for a header .......................",
    )
    .unwrap();
    let mut damaged = std::fs::read(workshop.0.join("detector.ocelli")).unwrap();
    *damaged.last_mut().unwrap() ^= 1;
    std::fs::write(workshop.0.join("damaged.ocelli"), damaged).unwrap();
    for (arguments, parts) in [
        (&["inspect", "absent.ocelli"][..], &["error: absent.ocelli: "][..]),
        (&["inspect", "text.ocelli"], &["error: text.ocelli: ", "help: ", "ocelli convert"]),
        (&["inspect", "model.ocelli"], &["help: this is a TFLite model", "ocelli convert"]),
        (&["inspect", "damaged.ocelli"], &["checksum"]),
        (&["run", "detector.ocelli", "--input", "text.ocelli"], &["text.ocelli", "supported"]),
        (&["run", "detector.ocelli", "--input", "absent.png"], &["absent.png"]),
        (&["convert", "text.ocelli"], &["text.ocelli"]),
        (&["zoo", "fetch", "nobody"], &["no `nobody`", "help: there is blazeface"]),
    ] {
        let message = workshop.failure(arguments, 1);
        for part in parts {
            assert!(message.contains(part), "{arguments:?} does not say {part:?}: {message}");
        }
        assert!(!message.contains('\u{1b}'), "colour without a terminal: {message:?}");
    }
}

#[test]
fn ops_lists_what_import_accepts() {
    let workshop = Workshop::new("ops");
    let rows = workshop.json(&["ops", "--json"]);
    let row = |operator: &str| {
        rows.as_array().unwrap().iter().find(|row| row["operator"] == operator).unwrap().clone()
    };
    assert_eq!(row("Conv2d")["device"]["kernel"], "Conv2d");
    assert_eq!(row("Conv2d")["tflite"], serde_json::json!(["CONV_2D"]));
    assert_eq!(row("Logistic")["device"], "table");
    assert!(row("Logistic")["onnx"].as_array().unwrap().contains(&"Sigmoid".into()));
    let table = text(&workshop.ocelli(&["ops"]).stdout);
    assert!(table.contains("256-entry table") && table.contains("CONV_2D"), "{table}");
}

#[test]
fn the_demo_without_a_network_knows_most_drawings_and_fetches_nothing() {
    let workshop = Workshop::new("offline");
    let report = workshop.json(&["demo", "--offline", "--output", "seen.png", "--json"]);
    let drawings = report["drawings"].as_array().unwrap();
    let right = drawings.iter().filter(|drawing| drawing["drawn"] == drawing["class"]).count();
    assert!(drawings.len() == 8 && right >= 6, "{drawings:?}");
    let ram: Vec<u64> =
        report["table"].as_array().unwrap().iter().filter_map(|line| line["ram_bytes"].as_u64()).collect();
    assert_eq!(ram.last(), Some(&ram[1..ram.len() - 1].iter().sum()), "the last line has all but the frame");
    assert!(std::fs::read(workshop.0.join("seen.png")).unwrap().starts_with(b"\x89PNG"));
    assert!(workshop.0.join("lenet-300-100.ocelli").exists() && !workshop.0.join("cache").exists());
}

#[test]
fn inspect_counts_what_is_there() {
    let workshop = Workshop::new("inspect");
    let facts = workshop.json(&["inspect", "detector.ocelli", "--json"]);
    let file_bytes = std::fs::metadata(workshop.0.join("detector.ocelli")).unwrap().len();
    assert_eq!(facts["artefact_bytes"], file_bytes);
    let layers = facts["layers"].as_array().unwrap();
    let sum = |key: &str| layers.iter().map(|layer| layer[key].as_u64().unwrap()).sum::<u64>();
    assert!(sum("macs") > 0);
    assert_eq!(facts["macs"], sum("macs"));
    assert!(facts["weight_bytes"].as_u64().unwrap() <= sum("weight_bytes"));
    assert!(facts["arena_bytes"].as_u64().unwrap() > 0);
    let operators = facts["operators"].as_array().unwrap();
    assert!(layers.iter().all(|layer| operators.contains(&layer["operator"])));
    assert_eq!(facts["input_contracts"][0]["resize"], "stretch");
    assert_eq!(facts["output_contracts"][0]["keypoints"].as_array().unwrap().len(), 2);

    // Every tensor lies in the arena while it lives, and outputs live to the end.
    let (arena, steps) = (facts["arena_bytes"].as_u64().unwrap(), facts["steps"].as_u64().unwrap());
    let blocks = facts["blocks"].as_array().unwrap();
    let number = |block: &Value, key: &str| block[key].as_u64().unwrap();
    assert!(blocks.iter().all(|block| number(block, "offset") + number(block, "bytes") <= arena));
    assert!(blocks.iter().all(|block| number(block, "first") <= number(block, "last")));
    let is_output =
        |block: &&Value| facts["outputs"].as_array().unwrap().iter().any(|o| o["name"] == block["name"]);
    assert!(blocks.iter().filter(is_output).all(|block| number(block, "last") + 1 == steps));
    assert!(layers.iter().all(|layer| layer["scale"].as_f64().is_some() && layer["step"].as_u64().is_some()));

    let table = workshop.ocelli(&["inspect", "detector.ocelli"]);
    assert!(text(&table.stdout).contains("MaxPool2d"), "{}", text(&table.stdout));
}

#[test]
fn run_answers_for_every_kind_of_input() {
    let workshop = Workshop::new("run");
    let seeded = workshop.json(&["run", "classifier.ocelli", "--input", "seed:5:2", "--json"]);
    let hex = seeded["output_hex"].as_str().unwrap().to_owned();
    assert!(!hex.is_empty());
    assert_eq!(text(&workshop.ocelli(&["run", "classifier.ocelli", "-i", "seed:5:2"]).stdout).trim(), hex);
    assert_ne!(workshop.json(&["run", "classifier.ocelli", "-i", "seed:6:2", "--json"])["output_hex"], hex);

    let arguments = [
        "run",
        "detector.ocelli",
        "-i",
        "synthetic:7",
        "--frames",
        "3",
        "--json",
        "--output",
        "out/seen.png",
    ];
    let output = workshop.ocelli(&arguments);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let lines: Vec<Value> =
        text(&output.stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 3);
    for (index, line) in lines.iter().enumerate() {
        assert_eq!(line["frame"], index);
        assert!(line["detections"].is_array() && line["microseconds"]["infer"].is_u64());
        let picture = workshop.0.join(format!("out/seen-{index:04}.png"));
        assert!(std::fs::read(&picture).unwrap().starts_with(b"\x89PNG"), "{}", picture.display());
    }
    // Nothing but the pictures: temporary files are gone.
    assert_eq!(std::fs::read_dir(workshop.0.join("out")).unwrap().count(), 3);
}

#[test]
fn tracks_get_a_number_on_the_third_frame_and_keep_it() {
    let workshop = Workshop::new("track");
    let folder = workshop.0.join("still");
    std::fs::create_dir_all(&folder).unwrap();
    for name in ["1.ppm", "2.ppm", "3.ppm", "4.ppm"] {
        std::fs::write(folder.join(name), blocks(11)).unwrap();
    }
    let arguments = ["run", "detector.ocelli", "-i", "still", "--json", "--track", "-o", "seen.png"];
    let output = workshop.ocelli(&arguments);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let lines: Vec<Value> =
        text(&output.stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let identities = |line: &Value| {
        line["tracks"].as_array().unwrap().iter().map(|track| track["track"].clone()).collect()
    };
    let identities: Vec<Vec<Value>> = lines.iter().map(identities).collect();
    assert!(identities[..2].iter().all(Vec::is_empty), "{identities:?}");
    assert!(!identities[2].is_empty() && identities[2] == identities[3], "{identities:?}");
    let named = &lines[3]["detections"][0];
    assert!(named["track"].is_u64(), "{named}");
    let first = workshop.json(&["run", "detector.ocelli", "-i", "still/1.ppm", "--json"]);
    assert!(first.get("tracks").is_none() && first["detections"][0].get("track").is_none());

    let output = workshop.ocelli(&["run", "detector.ocelli", "-i", "still", "--json", "--stats"]);
    let (told, shares) = (text(&output.stdout), text(&output.stderr));
    assert!(told.lines().all(|line| line.starts_with('{')), "{told}");
    for stage in [
        "capture",
        "preprocess",
        "infer",
        "postprocess",
        "emit",
        &format!("{} frames, ", told.lines().count()),
    ] {
        assert!(shares.contains(stage), "{shares}");
    }
    let message = workshop.failure(&["run", "classifier.ocelli", "-i", "still", "--track"], 1);
    assert!(message.contains("finds no boxes") && message.contains("leave `--track` out"), "{message}");
}

#[test]
fn a_configuration_is_checked_word_by_word() {
    let workshop = Workshop::new("config");
    let write = |text: &str| std::fs::write(workshop.0.join("run.toml"), text).unwrap();
    write("model = \"detector.ocelli\"\ninput = \"synthetic:7:64x48\"\njson = true\ntrack = true\n");
    let output = workshop.ocelli(&["run", "--config", "run.toml", "--frames", "2"]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let lines = text(&output.stdout);
    assert!(lines.lines().count() == 2 && lines.contains("\"tracks\":"), "{lines}");
    // The command line counts.
    let output = workshop.ocelli(&["run", "classifier.ocelli", "--config", "run.toml", "-i", "seed:5"]);
    assert!(text(&output.stdout).contains("output_hex"), "{}", text(&output.stderr));
    for (text, parts) in [
        ("modell = \"x\"", &["run.toml", "modell", "help: there are model, input"][..]),
        ("model = 3", &["run.toml", "invalid type: integer `3`"]),
        ("model = \"detector.ocelli\"\ninput = \"seed:0\"", &["run.toml", "seed from 1"]),
        ("serve = \"here\"", &["run.toml", "socket address"]),
        ("[mqtt]\nbrokr = \"localhost\"", &["run.toml", "brokr", "expected one of `broker`, `topic`"]),
        ("[mqtt]\nbroker = \"mqtt://localhost\"", &["run.toml", "HOST[:PORT]"]),
        ("[gpio]\npin = 17", &["run.toml", "missing field `class`"]),
        ("[gpio]\npin = 300\nclass = \"person\"", &["run.toml", "300"]),
        ("track = true", &["a model and an input are needed"]),
    ] {
        write(text);
        let message = workshop.failure(&["run", "--config", "run.toml"], 1);
        assert!(parts.iter().all(|part| message.contains(part)), "{text}: {message}");
    }
    assert!(workshop.failure(&["run", "--config", "none.toml"], 1).contains("none.toml"));
}

#[test]
fn run_gives_the_same_through_tract_and_runs_float_models_as_they_are() {
    let workshop = Workshop::new("through");
    for input in ["seed:5:2", "synthetic:7:64x48"] {
        let arguments = ["run", "detector.ocelli", "-i", input, "--json", "--through"];
        let answer = |through| {
            let output = workshop.ocelli(&[&arguments[..], &[through]].concat());
            assert!(output.status.success(), "{}", text(&output.stderr));
            let lines = text(&output.stdout);
            let told = lines.lines().map(|line| serde_json::from_str(line).unwrap());
            let untimed = told.map(|mut line: Value| {
                line.as_object_mut().unwrap().remove("microseconds");
                line
            });
            untimed.collect::<Vec<Value>>()
        };
        assert_eq!(answer("engine"), answer("tract"), "{input}");
    }
    let models = Path::new(env!("CARGO_MANIFEST_DIR")).join("../compiler/tests/golden/models");
    let source = models.join("resnet_like.onnx").display().to_string();
    let floats = workshop.json(&["run", &source, "-i", "seed:5", "--json"]);
    let values = floats["outputs"][0]["values"].as_array().unwrap();
    assert!(!values.is_empty() && values.iter().all(Value::is_f64), "{floats}");
    let message = workshop.failure(&["run", &source, "-i", "seed:5", "--track"], 1);
    assert!(message.contains("ocelli convert"), "{message}");
}

#[test]
fn run_serves_a_page_until_standard_input_ends() {
    let workshop = Workshop::new("serve");
    let message = workshop.failure(&["run", "detector.ocelli", "-i", "seed:5", "--serve", "127.0.0.1:0"], 1);
    assert!(message.contains("leave `--serve`"), "{message}");
    let message =
        workshop.failure(&["run", "detector.ocelli", "-i", "synthetic:1", "--serve", "--pace", "0"], 1);
    assert!(message.contains("--pace"), "{message}");
    let message =
        workshop.failure(&["run", "detector.ocelli", "-i", "none.y4m", "--serve", "127.0.0.1:0"], 1);
    assert!(message.contains("none.y4m"), "{message}");

    let mut serve = Command::new(env!("CARGO_BIN_EXE_ocelli"))
        .args(["run", "detector.ocelli", "-i", "-", "--serve", "127.0.0.1:0", "--json", "--track"])
        .current_dir(&workshop.0)
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let video =
        [b"YUV4MPEG2 W32 H32 Cmono\n".to_vec(), [b"FRAME\n".to_vec(), vec![90; 1024]].concat().repeat(3)];
    std::io::Write::write_all(&mut serve.stdin.take().unwrap(), &video.concat()).unwrap();
    let output = serve.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert!(text(&output.stderr).starts_with("live at http://127.0.0.1:"), "{}", text(&output.stderr));
    let last: Value = serde_json::from_str(text(&output.stdout).lines().last().unwrap()).unwrap();
    assert_eq!(last["frame"], 2, "the last frame is told: {last}");
    assert!(last["answer"]["tracks"].is_array() && last["settings"]["tracking"] == true, "{last}");
}

#[test]
fn convert_and_run_give_tflite_micro_s_bytes() {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/golden");
    let table = std::fs::read_to_string(golden.join("vectors.tsv")).unwrap();
    let mut rows = table.lines().filter(|line| !line.starts_with('#')).skip(1);
    let row: Vec<&str> = rows.next().unwrap().split('\t').collect();
    let &[model, seed, shift, expected] = &row[..] else { panic!("{row:?}") };
    let workshop = Workshop::new("convert");
    let model = golden.join("models").join(model).display().to_string();
    let report = workshop.json(&["convert", &model, "-o", "converted.ocelli", "--json"]);
    assert_eq!(report["calibration_samples"], 0, "the model came quantized");
    let input = format!("seed:{seed}:{shift}");
    assert_eq!(workshop.json(&["run", "converted.ocelli", "-i", &input, "--json"])["output_hex"], *expected);

    let stripped = ["convert", &model, "-o", "stripped.ocelli", "--strip", "--json"];
    workshop.json(&stripped);
    let size = |name: &str| std::fs::metadata(workshop.0.join(name)).unwrap().len();
    assert!(size("stripped.ocelli") < size("converted.ocelli"));
    let id = |name: &str| workshop.json(&["inspect", name, "--json"])["answer_id"].clone();
    assert_eq!(id("stripped.ocelli"), id("converted.ocelli"));
}

#[test]
fn convert_keeps_a_budget_or_says_by_how_much_it_is_missed() {
    let workshop = Workshop::new("budget");
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/golden/models");
    let model = golden.join("fully_connected.tflite").display().to_string();
    let convert = |name: &str, more: &[&str]| {
        let file = format!("{name}.ocelli");
        let report = workshop.json(&[&["convert", &model, "--strip", "--json", "-o", &file], more].concat());
        let id = workshop.json(&["inspect", &file, "--json"])["answer_id"].clone();
        (std::fs::metadata(workshop.0.join(&file)).unwrap().len(), report, id)
    };
    let (whole, report, id) = convert("whole", &[]);
    assert_eq!(report["stored"].as_array().unwrap().len(), 0);
    let limit = format!("flash={}", whole - 1);
    let (smaller, _, same) = convert("smaller", &["--budget", &limit]);
    assert!(smaller < whole, "{smaller} of {whole}");
    assert_eq!(same, id, "forms change no answer");
    for (budget, parts) in [
        ("flash=100", ["bytes of flash", "more than the budget of 100"]),
        ("ram=16", ["bytes of RAM", "more than the budget of 16"]),
        ("drop=1", ["came quantized", "leave drop= out"]),
    ] {
        let message = workshop.failure(&["convert", &model, "--strip", "--budget", budget], 1);
        assert!(parts.iter().all(|part| message.contains(part)), "{message}");
    }
    let message = workshop.failure(&["convert", &model, "--budget", "rom=1"], 2);
    assert!(message.contains("\"rom\" is no part of a budget"), "{message}");
}

#[test]
fn a_full_disk_and_a_reader_that_left_are_no_panic() {
    let workshop = Workshop::new("output");
    let run = |arguments: &[&str], stdout: std::process::Stdio| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ocelli"));
        let child = command.args(arguments).current_dir(&workshop.0).stdout(stdout);
        child.stderr(std::process::Stdio::piped()).spawn().unwrap()
    };
    let commands = [
        &["inspect", "detector.ocelli"][..],
        &["inspect", "detector.ocelli", "--json"],
        &["run", "detector.ocelli", "-i", "synthetic:7"],
        &["zoo"],
        &["completions", "zsh"],
    ];
    for arguments in commands {
        let mut child = run(arguments, std::process::Stdio::piped());
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {}", text(&output.stderr));
        let Ok(full) = std::fs::File::options().write(true).open("/dev/full") else { continue };
        let output = run(arguments, full.into()).wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{arguments:?}");
        assert!(text(&output.stderr).starts_with("error: standard output: "), "{}", text(&output.stderr));
    }
}

#[test]
fn diff_names_the_layer_that_parts() {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/golden/models");
    let source = golden.join("conv_3x3_same.tflite").display().to_string();
    let workshop = Workshop::new("diff");
    workshop.json(&["convert", &source, "-o", "conv.ocelli", "--json"]);
    let difference = workshop.json(&["diff", &source, "conv.ocelli", "--json"]);
    assert_eq!((&difference["is_exact"], &difference["first"]), (&Value::from(true), &Value::Null));
    let difference = workshop.json(&["diff", &source, "conv.ocelli", "--json", "--through", "tract"]);
    assert_eq!(difference["first_through_tract"], Value::Null);
    assert_eq!(difference["layers"][0]["equal_through_tract"], true);

    // One byte of the weights, and the checksum over it.
    let bytes = ocelli_format::AlignedBytes::copy_of(&std::fs::read(workshop.0.join("conv.ocelli")).unwrap());
    let artefact = ocelli_format::Artefact::parse(&bytes).unwrap();
    let mut model = ocelli_format::model::Model::from_artefact(&artefact);
    let (layer, weights) = (model.operators[0].name.clone(), usize::from(model.operators[0].inputs[1]));
    model.tensors[weights].data.as_mut().unwrap()[5] ^= 1;
    std::fs::write(workshop.0.join("planted.ocelli"), ocelli_format::write(&model).unwrap()).unwrap();
    let output = workshop.ocelli(&["diff", &source, "planted.ocelli"]);
    assert_eq!(output.status.code(), Some(3));
    let said = text(&output.stdout);
    assert!(said.contains(&format!("{layer} (Conv2d) is the first layer that parts")), "{said}");
    assert!(said.contains("at position 5"), "{said}");

    let message = workshop.failure(&["diff", &source, "detector.ocelli"], 1);
    assert!(message.contains("give the file that the artefact was made of"), "{message}");
}

/// A picture of blocks, different for every number.
fn blocks(number: u32) -> Vec<u8> {
    let pixel =
        |at: u32| ((at / 3 % 32 / (2 + number % 5)) * 37 + (at / 96) * (number * 11 + 3) + at % 3 * 50) as u8;
    [b"P6 32 32 255\n".to_vec(), (0..32 * 32 * 3).map(pixel).collect()].concat()
}

#[test]
fn eval_measures_int8_beside_float_and_refuses_calibration_pictures() {
    let models = Path::new(env!("CARGO_MANIFEST_DIR")).join("../compiler/tests/golden/models");
    let source = models.join("resnet_like.onnx").display().to_string();
    let workshop = Workshop::new("eval");
    let write = |name: &str, bytes: &[u8]| {
        let path = workshop.0.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    };
    (0..6).for_each(|number| write(&format!("calibration/{number}.ppm"), &blocks(number)));
    write(
        "contract.toml",
        b"[input]\nlayout = \"rgb\"\nresize = \"stretch\"\nmean = [127.5]\ndeviation = [127.5]\n",
    );
    let convert = [
        "convert",
        &source,
        "--calibration",
        "calibration",
        "--contract",
        "contract.toml",
        "-o",
        "net.ocelli",
    ];
    assert!(workshop.ocelli(&convert).status.success());

    // The model's own answer is the truth of three pictures, and another class that of the fourth.
    for number in 10..14 {
        write("picture.ppm", &blocks(number));
        let bytes = workshop.json(&["run", "net.ocelli", "-i", "picture.ppm", "--json"]);
        assert!(bytes["output_crc32"].is_string(), "{bytes}");
        let scores = scores_of(&workshop.0.join("net.ocelli"), &workshop.0.join("picture.ppm"));
        let best = (0..scores.len()).rev().max_by_key(|&class| scores[class]).unwrap();
        let truth = if number == 13 { (best + 1) % scores.len() } else { best };
        write(&format!("set/{truth}/{number}.ppm"), &blocks(number));
    }
    let report = workshop.json(&["eval", "net.ocelli", "--data", "set", "--float", &source, "--json"]);
    let top_1 = &report["models"][0]["metrics"][0];
    assert_eq!((&report["pictures"], &top_1["value"]), (&Value::from(4), &Value::from(0.75)));
    // Wilson's interval of 3 in 4.
    let near = |value: &Value, expected: f64| (value.as_f64().unwrap() - expected).abs() < 5e-5;
    assert!(near(&top_1["interval"]["low"], 0.3006) && near(&top_1["interval"]["high"], 0.9544), "{top_1}");
    assert_eq!(report["models"][1]["name"], "float");
    let table = text(&workshop.ocelli(&["eval", "net.ocelli", "--data", "set"]).stdout);
    assert!(table.contains("75.0 %") && table.contains("30.1 to 95.4 %"), "{table}");

    write("seen/0/again.ppm", &blocks(3));
    let message = workshop.failure(&["eval", "net.ocelli", "--data", "seen"], 1);
    assert!(message.contains("1 of 1 pictures calibrated the artefact: seen/0/again.ppm"), "{message}");
    let allowed = workshop.json(&["eval", "net.ocelli", "--data", "seen", "--allow-overlap", "--json"]);
    assert_eq!(allowed["calibrated_on"], 1);

    write("strange/zebra/1.ppm", &blocks(1));
    let message = workshop.failure(&["eval", "net.ocelli", "--data", "strange", "--allow-overlap"], 1);
    assert!(message.contains("no class \"zebra\"") && message.contains("--map zebra="), "{message}");
    let message = workshop.failure(&["eval", "net.ocelli", "--data", "calibration"], 1);
    assert!(message.contains("no data set"), "{message}");
}

/// The outputs of an artefact of one input and one output for a picture, in the library's own words.
fn scores_of(artefact: &Path, picture: &Path) -> Vec<i8> {
    use ocelli::{Infer, Preprocessor};
    let bytes = ocelli_format::AlignedBytes::copy_of(&std::fs::read(artefact).unwrap());
    let artefact = ocelli::Artefact::parse(&bytes).unwrap();
    let arena = artefact.schedule_for("portable").unwrap().arena_bytes;
    let mut arena = ocelli_format::AlignedBytes::zeros(arena as usize);
    let mut plan = ocelli::Plan::new(&artefact, "portable", ocelli::operators::ALL, &mut arena).unwrap();
    let contract = artefact.input_contracts().next().unwrap();
    let image =
        ocelli::ImageInput::from_contract(&contract, &artefact.tensor(contract.tensor).shape()).unwrap();
    let mut scratch = vec![0; ocelli::scratch_words(image.width, image.layout)];
    let picture = ocelli_host::Picture::open(picture).unwrap();
    let mut preprocessor = Preprocessor::new(image, 32, 32, None, &mut scratch).unwrap();
    preprocessor.frame_to_input(&picture.frame(), contract.tables, plan.input(0).unwrap()).unwrap();
    plan.infer();
    plan.output(0).unwrap().to_vec()
}

#[test]
fn report_writes_one_page() {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/golden/models");
    let source = golden.join("depthwise_3x3_same.tflite").display().to_string();
    let workshop = Workshop::new("report");
    workshop.json(&["convert", &source, "-o", "net.ocelli", "--json"]);
    let output = workshop.ocelli(&["report", "net.ocelli", "--float", &source, "-o", "out/net.html"]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let page = std::fs::read_to_string(workshop.0.join("out/net.html")).unwrap();
    for part in
        ["<h2>Work</h2>", "<h2>Noise</h2>", "<h2>Memory</h2>", "DepthwiseConv2d", "source_sha256", "</html>"]
    {
        assert!(page.contains(part), "{part}");
    }
    assert!(!page.contains("http"), "the page fetches something");
    assert_eq!(workshop.ocelli(&["report", "detector.ocelli"]).status.code(), Some(0));
    assert!(workshop.0.join("detector.html").exists());
}

#[test]
fn every_shell_gets_its_completions() {
    let workshop = Workshop::new("completions");
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let output = workshop.ocelli(&["completions", shell]);
        assert!(output.status.success() && text(&output.stdout).contains("simulate"), "{shell}");
    }
}

#[test]
fn the_zoo_lists_without_a_network() {
    let workshop = Workshop::new("zoo");
    let entries = workshop.json(&["zoo", "--json"]);
    let entries = entries.as_array().unwrap();
    assert!(entries.iter().any(|entry| entry["name"] == "blazeface" && entry["cached"] == false));
}

#[test]
fn a_signed_artefact_goes_over_a_port_into_a_folder() {
    let workshop = Workshop::new("push");
    let run = |arguments: &[&str]| {
        let output = workshop.ocelli(arguments);
        assert!(output.status.success(), "{arguments:?}: {}", text(&output.stderr));
        text(&output.stdout)
    };
    run(&["key", "maker"]);
    let again = workshop.failure(&["key", "maker"], 1);
    assert!(again.contains("never written over"), "{again}");
    run(&[
        "sign",
        "detector.ocelli",
        "--key",
        "maker.key",
        "--release",
        "1",
        "--board",
        "host",
        "-o",
        "one.ocelli",
    ]);
    run(&["sign", "classifier.ocelli", "--key", "maker.key", "--release", "2"]);
    let mut device = Command::new(env!("CARGO_BIN_EXE_ocelli"))
        .args([
            "receive",
            "models",
            "--key",
            "maker.pub",
            "--listen",
            "127.0.0.1:0",
            "--arena-bytes",
            "1048576",
        ])
        .current_dir(&workshop.0)
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = BufReader::new(device.stdout.take().unwrap()).lines();
    let port = said.next().unwrap().unwrap();
    let port = port.split_once("--port ").unwrap().1.trim_end_matches(|last: char| !last.is_ascii_digit());
    let unsigned = workshop.failure(&["push", "detector.ocelli", "--port", port], 1);
    assert!(unsigned.contains("`ocelli sign`"), "{unsigned}");
    let pushed = run(&["push", "one.ocelli", "--port", port]);
    assert!(pushed.contains("has verified release 1"), "{pushed}");
    assert!(said.next().unwrap().unwrap().contains("pushed release 1"));
    assert!(said.next().unwrap().unwrap().contains("a.ocelli is release 1, confirmed"));
    run(&["push", "classifier.ocelli", "--port", port]);
    assert!(said.nth(1).unwrap().unwrap().contains("b.ocelli is release 2, confirmed"));
    let replayed = workshop.failure(&["push", "one.ocelli", "--port", port], 1);
    assert!(
        replayed.contains("release 1 is not newer than 2") && replayed.contains("--release"),
        "{replayed}"
    );
    let asked = run(&["push", "--port", port]);
    assert!(asked.contains("release 2 is confirmed"), "{asked}");
    device.kill().unwrap();
    device.wait().unwrap();
    let signed = std::fs::read(workshop.0.join("classifier.ocelli")).unwrap();
    assert_eq!(std::fs::read(workshop.0.join("models/b.ocelli")).unwrap(), signed);
}

#[test]
fn flashing_shows_its_commands_and_new_makes_a_project() {
    let workshop = Workshop::new("flash");
    let output = workshop.ocelli(&["flash", "--board", "pico2", "--model", "detector.ocelli", "--dry-run"]);
    let shown = text(&output.stdout);
    assert!(output.status.success(), "{}", text(&output.stderr));
    for part in ["--package ocelli-pico2", "probe-rs download --chip RP235x", "family 0xe48bff59"] {
        assert!(shown.contains(part), "{shown}");
    }
    let unknown = workshop.failure(&["flash", "--board", "pico9", "--model", "detector.ocelli"], 1);
    assert!(unknown.contains("known are pico, pico2, stm32h743, nano33ble"), "{unknown}");
    let new = ["new", "my-cam", "--board", "pico", "--model", "detector.ocelli"];
    assert!(workshop.ocelli(&new).status.success());
    assert!(workshop.0.join("my-cam/src/main.rs").exists());
    assert!(workshop.failure(&new, 1).contains("there is something already"));
}
