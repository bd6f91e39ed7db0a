//! Contracts other than classes and boxes, from a TOML file through conversion to answers: what the pipeline
//! says in fixed point is what the stored outputs stand for.

use std::path::{Path, PathBuf};

use ocelli::{
    Artefact, ByContract, Frame, Infer, Outcome, Pipeline, PixelFormat, Plan, SUBPIXELS, operators,
};
use ocelli_compiler::convert::{Options, convert};
use ocelli_format::AlignedBytes;

/// Ten probabilities of a picture 15 x 17; and 5 channels of 5 x 4 cells of a picture 7 x 9.
const MODELS: [(&str, usize, usize); 2] = [("mobilenet_like.onnx", 15, 17), ("channels_last.onnx", 7, 9)];

fn pixels(width: usize, height: usize, seed: usize) -> Vec<u8> {
    let places = (0..height).flat_map(|y| (0..width * 3).map(move |x| (x, y)));
    places.map(|(x, y)| (x * (31 + 2 * seed) + y * (77 + seed) + x * y * (5 + seed)) as u8).collect()
}

/// Converts one of the models with a contract that ends in `text`.
fn converted(model: usize, text: &str) -> Result<Vec<u8>, String> {
    let (file, width, height) = MODELS[model];
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tools/compiler/tests/golden/models").join(file);
    let id = text.len() + model * 1000;
    let folder: PathBuf = std::env::temp_dir().join(format!("ocelli-contracts-{id}-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    for seed in 1..9 {
        let header = format!("P6 {width} {height} 255\n").into_bytes();
        std::fs::write(folder.join(format!("{seed}.ppm")), [header, pixels(width, height, seed)].concat())
            .unwrap();
    }
    let contract = folder.join("contract.toml");
    let input = "[input]\nlayout = \"rgb\"\nresize = \"stretch\"\nmean = [127.5]\ndeviation = [127.5]\n";
    std::fs::write(&contract, format!("{input}{text}")).unwrap();
    let options =
        Options { calibration: vec![folder.clone()], contract: Some(contract), ..Options::default() };
    let result =
        convert(&path, &options).map(|conversion| conversion.bytes).map_err(|error| error.to_string());
    std::fs::remove_dir_all(folder).unwrap();
    result
}

/// Runs a converted model and hands its answer over, with the real values of its first output.
fn answered(model: usize, text: &str, look: impl Fn(Outcome<'_, 8, 0>, &[f64])) {
    let (_, width, height) = MODELS[model];
    let bytes = AlignedBytes::copy_of(&converted(model, text).unwrap());
    let artefact = Artefact::parse(&bytes).unwrap();
    let mut arena = AlignedBytes::zeros(artefact.schedule_for("portable").unwrap().arena_bytes as usize);
    let plan = Plan::new(&artefact, "portable", operators::ALL, &mut arena).unwrap();
    let mut scratch = [0; 15 * 3];
    let mut pipeline = Pipeline::<_, ByContract<8, 0, 8, 5>>::new(artefact, plan, &mut scratch).unwrap();
    let picture = pixels(width, height, 0);
    pipeline.run(&Frame::new(&picture, width, height, PixelFormat::Rgb888).unwrap());
    let view = artefact.tensor(artefact.outputs()[0]);
    let (scale, zero_point) = (f64::from(f32::from_bits(view.scale_bits())), i32::from(view.zero_point()));
    let stored = pipeline.model().output(0).unwrap();
    let real: Vec<f64> =
        stored.iter().map(|&value| scale * f64::from(i32::from(value) - zero_point)).collect();
    look(pipeline.postprocess(), &real);
}

#[test]
fn points_stand_where_their_numbers_say() {
    let (_, width, height) = MODELS[0];
    answered(0, "[points]\nscale = [2.0, 0.5]\n", |outcome, real| {
        let Outcome::Points(points) = outcome else { panic!("{outcome:?}") };
        assert_eq!((points.len(), points.presence(), points.is_present()), (5, None, true));
        for (point, real) in points.iter().zip(real.chunks_exact(2)) {
            let sub_pixels = f64::from(SUBPIXELS);
            assert!(
                (f64::from(point.x) - real[0] / 2.0 * width as f64 * sub_pixels).abs() < 1.0,
                "{point:?}"
            );
            assert!(
                (f64::from(point.y) - real[1] / 0.5 * height as f64 * sub_pixels).abs() < 1.0,
                "{point:?}"
            );
        }
    });
}

#[test]
fn numbers_and_embeddings_are_those_of_the_output() {
    answered(0, "[numbers]\nnames = [\"age\", \"height\"]\nscale = 50.0\n", |outcome, real| {
        let Outcome::Numbers(numbers) = outcome else { panic!("{outcome:?}") };
        assert_eq!((numbers.len(), numbers.get(2)), (2, None));
        for (index, real) in real.iter().enumerate().take(2) {
            let number = f64::from(numbers.get(index).unwrap()) / 65536.0;
            assert!((number - 50.0 * real).abs() < 1e-3, "{number} {real}");
        }
    });
    answered(0, "[embedding]\n", |outcome, real| {
        let Outcome::Embedding(embedding) = outcome else { panic!("{outcome:?}") };
        let length = real.iter().map(|number| number * number).sum::<f64>().sqrt();
        for (unit, real) in embedding.unit().zip(real) {
            assert!((f64::from(unit) / 32768.0 - real / length).abs() < 1e-3, "{unit} {real}");
        }
        assert_eq!(embedding.cosine(&embedding), 65_536);
    });
}

#[test]
fn cells_show_the_largest_channel() {
    let labels = "labels = [\"a\", \"b\", \"c\", \"d\", \"e\"]\nlogits = true\nthreshold = 0.6\n";
    answered(1, &format!("[mask]\n{labels}"), |outcome, real| {
        let Outcome::Mask(mask) = outcome else { panic!("{outcome:?}") };
        assert_eq!([mask.rows(), mask.columns()], [5, 4]);
        let mut shown = 0;
        for (cell, channels) in real.chunks_exact(5).enumerate() {
            let largest = channels.iter().copied().fold(f64::MIN, f64::max);
            let probability = 1.0 / (1.0 + (-largest).exp());
            match mask.cell(cell / 4, cell % 4) {
                Some((label, score)) => {
                    assert_eq!(channels[usize::from(label)], largest);
                    assert!((f64::from(score.0) / 65536.0 - probability).abs() < 1e-4);
                    shown += 1;
                }
                None => assert!(probability < 0.6 + 1e-4, "{channels:?}"),
            }
        }
        assert!((1..20).contains(&shown), "{shown} cells show something");
    });
    answered(1, &format!("[spots]\n{labels}"), |outcome, real| {
        let Outcome::Detections(spots) = outcome else { panic!("{outcome:?}") };
        let best = real.iter().copied().fold(f64::MIN, f64::max);
        let score = f64::from(spots.found[0].score.0) / 65536.0;
        assert!((score - 1.0 / (1.0 + (-best).exp())).abs() < 1e-4, "{score} {best}");
        assert!(spots.found.windows(2).all(|pair| pair[0].score >= pair[1].score));
    });
}

#[test]
fn contracts_that_do_not_fit_say_why() {
    let problem = |model: usize, text: &str| converted(model, text).unwrap_err();
    assert!(problem(0, "[points]\nscale = [1.0, 1.0]\nstride = 3\n").contains("is no points of 3 numbers"));
    assert!(problem(0, "[points]\nscale = [1.0, 1.0]\nnames = [\"a\"]\n").contains("1 names for 5 points"));
    assert!(problem(0, "[points]\nscale = [1.0, 0.0]\n").contains("scale of 0"));
    assert!(problem(0, "[mask]\nlabels = [\"a\"]\n").contains("is not [1, H, W, 1]"));
    assert!(problem(1, "[spots]\nlabels = [\"a\"]\nhas_background = true\n").contains("[1, H, W, 2]"));
    assert!(problem(0, "[embedding]\noutput = \"vector\"\n").contains("no output \"vector\""));
    assert!(problem(0, "[numbers]\nnames = []\n").contains("0 names"));
    assert!(problem(0, "[embedding]\n[numbers]\nnames = [\"a\"]\n").contains("at most one"));
    assert!(problem(1, "[mask]\nlabels = [\"a\"]\nthreshold = 1.5\n").contains("threshold of 1.5"));
}
