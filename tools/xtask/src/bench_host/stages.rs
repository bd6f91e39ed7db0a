//! The share of each stage, from the frame of a 640x480 YUYV camera to a line of JSON, by `ocelli run --stats`.

use std::fs;
use std::process::Command;

use anyhow::{Context, Result, bail};
use ocelli_core::PixelFormat;
use ocelli_format::SeedStream;
use ocelli_simulator::target_directory;

use crate::golden::Model;

/// The person model's file.
const MODEL: &str = "vww_96_int8.tflite";

const WIDTH: usize = 640;
const HEIGHT: usize = 480;

/// Different frames, and how often all of them come.
const FRAMES: usize = 10;
const ROUNDS: usize = 100;

/// Runs the person model on frames of noise, which come as fast as they are read, and lets the program tell.
pub fn run(models: &[Model]) -> Result<()> {
    let model = models.iter().find(|model| model.file == MODEL).context("there is the person model")?;
    let video = target_directory()?.join("bench-host.yuyv");
    let bytes = FRAMES * PixelFormat::Yuyv.frame_bytes(WIDTH, HEIGHT);
    fs::write(&video, SeedStream::new(7, 0).take(bytes).map(|byte| byte as u8).collect::<Vec<u8>>())?;
    let files = format!("'{}' ", video.display()).repeat(ROUNDS);
    let mut ocelli = Command::new(target_directory()?.join("release/ocelli"));
    ocelli.arg("run").arg(&model.path).args(["--json", "--stats", "--input"]);
    let output = ocelli.arg(format!("pipe:{WIDTH}x{HEIGHT}:yuyv422:cat {files}")).output()?;
    fs::remove_file(&video)?;
    let told = String::from_utf8_lossy(&output.stderr);
    let answers = output.stdout.iter().filter(|&&byte| byte == b'\n').count();
    if !output.status.success() || answers != FRAMES * ROUNDS {
        bail!("`ocelli run` gave {answers} answers to {} frames and said\n{told}", FRAMES * ROUNDS);
    }
    println!("{} on a camera of {WIDTH}x{HEIGHT} pixels in YUYV, at full rate", model.peer.title);
    println!("{}", told.trim_end());
    Ok(())
}
