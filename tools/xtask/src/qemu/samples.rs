//! Small models that use every operator, with frames of every pixel format: all that needs no file.

use anyhow::{Result, bail};
use ocelli_core::{Frame, PixelFormat};
use ocelli_format::{Artefact, SeedStream};
use ocelli_simulator::{Input, Job, Run, SimulateError, run_elf, run_on_host};

use super::{LIMIT, Target, in_parallel};

/// Runs all models on every machine and compares tensors, boxes and classes with the host's.
pub fn run(targets: &[Target]) -> Result<()> {
    let mut compared = 0;
    for (name, artefact) in ocelli_samples::artefacts() {
        let mut jobs = vec![(
            "seed".to_owned(),
            Job { artefact: &artefact, input: Input::Seed { seed: 5, shift: 2 }, steps: false },
        )];
        let sees_frames = Artefact::parse(&artefact)?.input_contracts().next().is_some();
        let pixels = FORMATS.map(|format| noise(format, WIDTH, HEIGHT));
        for (format, pixels) in FORMATS.into_iter().zip(&pixels).filter(|_| sees_frames) {
            let input = Input::Frame(Frame::new(pixels, WIDTH, HEIGHT, format)?);
            jobs.push((format!("{format:?}"), Job { artefact: &artefact, input, steps: false }));
        }
        let expected = jobs.iter().map(|(_, job)| Ok(run_on_host(job)?)).collect::<Result<Vec<Run>>>()?;
        if sees_frames
            && expected.iter().skip(1).all(|run| run.detections.is_empty() && run.classes.is_empty())
        {
            bail!("{name} answers nothing to any frame, so there is nothing to compare");
        }
        in_parallel(targets, |target| {
            for ((title, job), expected) in jobs.iter().zip(&expected) {
                let run = target.run(job)?;
                if !run.same_answer(expected) {
                    bail!("{name}, {title}: {} says {run:?}, the host {expected:?}", target.machine.name);
                }
            }
            Ok(())
        })?;
        compared += jobs.len() * targets.len();
    }
    refusals(targets)?;
    println!(
        "sample models: {compared} runs on {} machines equal the host's, every operator and pixel format",
        targets.len()
    );
    Ok(())
}

/// Damaged artefacts and inputs that do not fit: a machine says the same as the host, and neither panics.
fn refusals(targets: &[Target]) -> Result<()> {
    let [(_, artefact), ..] = ocelli_samples::artefacts();
    let flipped: Vec<u8> = artefact
        .iter()
        .enumerate()
        .map(|(index, byte)| byte ^ u8::from(index == artefact.len() / 2))
        .collect();
    let jobs = [
        Job { artefact: &flipped, input: Input::None, steps: false },
        Job { artefact: &artefact[..artefact.len() - 1], input: Input::None, steps: false },
        Job { artefact: &[], input: Input::None, steps: false },
        Job { artefact: &artefact, input: Input::Tensors(&[0; 3]), steps: false },
    ];
    for job in &jobs {
        let Err(SimulateError::Firmware { message: expected, .. }) = run_on_host(job) else {
            bail!("the host takes a job that is damaged");
        };
        for target in targets {
            match run_elf(target.machine, &target.elf, Some(job), LIMIT) {
                Err(SimulateError::Firmware { message, .. }) if message == expected => {}
                other => bail!("{} answers {other:?}, the host {expected:?}", target.machine.name),
            }
        }
    }
    Ok(())
}

const WIDTH: usize = 37;
const HEIGHT: usize = 29;

/// What cameras deliver.
pub const FORMATS: [PixelFormat; 6] = [
    PixelFormat::Gray8,
    PixelFormat::Rgb888,
    PixelFormat::Rgb565,
    PixelFormat::Yuyv,
    PixelFormat::Nv12,
    PixelFormat::I420,
];

/// The bytes of a frame full of noise.
pub fn noise(format: PixelFormat, width: usize, height: usize) -> Vec<u8> {
    SeedStream::new(7, 0).take(format.frame_bytes(width, height)).map(|byte| byte as u8).collect()
}
