//! `cargo xtask bench-qemu --pixels`: instructions of the preprocess stage for each pixel that the model sees.

use anyhow::{Result, bail};
use ocelli_core::Frame;
use ocelli_format::PixelLayout;
use ocelli_simulator::{Firmware, Input, Job, Machine, Run, build, find_qemu, run_elf, run_on_host};

use super::LIMIT;
use crate::qemu::samples::{FORMATS, noise};

/// What the camera delivers.
const WIDTH: usize = 320;
const HEIGHT: usize = 240;

/// Sides and colours of what models see, scaled down and scaled up.
const SEEN: [(u32, PixelLayout); 5] = [
    (96, PixelLayout::Gray),
    (96, PixelLayout::Rgb),
    (128, PixelLayout::Rgb),
    (224, PixelLayout::Rgb),
    (320, PixelLayout::Rgb),
];

/// Prints the table.
pub fn run() -> Result<()> {
    find_qemu()?;
    let machine = Machine::named("mps2-an386")?;
    let elf = build(machine, Firmware::Generic)?;
    println!(
        "preprocess on {}, from {WIDTH}x{HEIGHT} pixels: instructions for each pixel of the model's input",
        machine.core
    );
    let headings = SEEN.map(|(side, layout)| format!("{layout:?} {side}x{side}").to_lowercase());
    println!("{:<10} {}", "camera", headings.map(|heading| format!("{heading:>12}")).join(" "));
    let artefacts = SEEN.map(|(side, layout)| {
        let model = ocelli_samples::picture(side, layout);
        (f64::from(side * side), ocelli_samples::with_self_test(model))
    });
    for format in FORMATS {
        let bytes = noise(format, WIDTH, HEIGHT);
        let mut line = format!("{:<10}", format!("{format:?}"));
        for (pixels, artefact) in &artefacts {
            let input = Input::Frame(Frame::new(&bytes, WIDTH, HEIGHT, format)?);
            let job = Job { artefact, input, steps: false };
            let run = Run::read(&machine.name, &run_elf(machine, &elf, Some(&job), LIMIT)?)?;
            if !run.same_answer(&run_on_host(&job)?) {
                bail!("{format:?}: {} does not give the host's answer", machine.name);
            }
            line += &format!(" {:>12.1}", run.instructions.preprocess as f64 / pixels);
        }
        println!("{line}");
    }
    Ok(())
}
