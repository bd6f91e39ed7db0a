//! `cargo xtask page`: the live page in a real browser, on a scene whose boxes are known to the pixel.
//!
//! `tests/page/check.py` drives Chromium through Playwright, from PyPI. Without either the job says that it skips.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, bail};
use ocelli_simulator::{repository, target_directory};

use crate::{command, python};

const BROWSERS: [&str; 3] = ["chromium", "chromium-browser", "google-chrome"];

/// Serves the scene and looks at it.
pub fn run() -> Result<()> {
    if !BROWSERS.iter().any(|browser| command::exists(browser)) {
        println!("skipped: the live page in a browser (there is no {}; Debian has `chromium`)", BROWSERS[0]);
        return Ok(());
    }
    let python = match python::environment("page", "tests/page/requirements.txt") {
        Ok(python) => python,
        Err(error) => {
            println!("skipped: the live page in a browser ({error:#})");
            return Ok(());
        }
    };
    command::run(&mut command::cargo([
        "build",
        "--quiet",
        "--package",
        "ocelli-live",
        "--example",
        "scene",
    ])?)?;
    let mut scene = Command::new(target_directory()?.join("debug/examples/scene"));
    scene.arg("127.0.0.1:0").stdout(Stdio::piped());
    let mut scene = Scene(scene.spawn().context("starting the scene")?);
    let mut line = String::new();
    BufReader::new(scene.0.stdout.as_mut().context("its output")?).read_line(&mut line)?;
    let address = line.trim().strip_prefix("live at http://").and_then(|url| url.strip_suffix('/'));
    let Some(address) = address else { bail!("the scene says {line:?}, not where it is live") };
    let mut check = Command::new(python);
    check
        .arg(repository()?.join("tests/page/check.py"))
        .arg(address)
        .arg(target_directory()?.join("page-shots"));
    command::run(&mut check)
}

/// Ends with the job.
struct Scene(Child);

impl Drop for Scene {
    fn drop(&mut self) {
        // Where it has ended by itself there is nothing to do.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
