//! `cargo xtask soak`: the program live for half an hour, with everything going wrong that does in the field.
//!
//! The camera is a program that gives frames as fast as they are taken and dies every 20 seconds. Answers go to
//! browsers, a Unix socket, a broker that is killed and started, and a program that takes video and dies. Some readers
//! never read. At the end every frame and every answer must be counted, memory must have stayed where it was, and
//! frames must never have stood still.

mod crowd;
mod watch;

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use clap::Args;
use ocelli_simulator::target_directory;

use crate::command;
use crate::packages::{EMITTERS, IMPORTERS};
use crowd::Crowd;
use watch::{Counters, Memory};

/// How long, and how many look.
#[derive(Args, Clone)]
pub struct Options {
    /// How long it runs
    #[arg(long, default_value_t = 30.0)]
    minutes: f64,
    /// How many browsers watch
    #[arg(long, default_value_t = 50)]
    browsers: usize,
    /// How fast the camera is
    #[arg(long, default_value_t = 60.0)]
    frames_per_second: f64,
}

impl Options {
    /// Long enough to lose the camera once, which tells whether the job itself still works.
    pub fn short() -> Options {
        Options { minutes: 0.5, browsers: 10, frames_per_second: 30.0 }
    }
}

const CAMERA_LIFE_SECONDS: u64 = 20;
const VIDEO_LIFE_SECONDS: u64 = 45;
const BROKER_LIFE: Duration = Duration::from_secs(40);
const BROKER_ABSENCE: Duration = Duration::from_secs(5);

/// No camera, broker or reader may stop the frames for so long.
const LONGEST_SILENCE: Duration = Duration::from_secs(20);

/// By how much memory may grow after the program has warmed up.
const MOST_GROWTH: f64 = 0.05;

/// Too short a run says nothing about memory.
const LEAST_MINUTES: f64 = 5.0;

/// Builds the program and lets it run.
pub fn run(options: &Options) -> Result<()> {
    // The same selection as for tests and packages, so that nothing is built twice.
    let selected = IMPORTERS.iter().flat_map(|package| ["--package", package]);
    command::run(command::cargo(["build", "--release"].into_iter().chain(selected))?.args(EMITTERS))?;
    let folder = target_directory()?.join("soak");
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder)?;
    let mut broker = Broker::start()?;
    prepare(&folder, options, broker.as_ref().map(|broker| broker.port))?;
    let mut program = Program::start(&folder)?;
    let address = program.address(&folder)?;
    let crowd = Crowd::gather(&address, &folder.join("answers.sock"), options.browsers);

    let start = Instant::now();
    let end = Duration::from_secs_f64(options.minutes * 60.0);
    let mut memory = Memory::default();
    let mut counters = Counters::read(&address)?;
    let mut moved = Instant::now();
    while start.elapsed() < end {
        thread::sleep(Duration::from_secs(1));
        let now = Counters::read(&address).context("the page's server does not answer")?;
        if now.answered > counters.answered {
            moved = Instant::now();
        }
        ensure!(moved.elapsed() < LONGEST_SILENCE, "frames stand still after {} of them", now.answered);
        counters = now;
        memory.sample(program.0.id(), start.elapsed())?;
        if let Some(broker) = &mut broker {
            broker.live(counters.sent_to("mqtt"))?;
        }
    }
    // The camera falls silent, so that nothing is on its way and every number is exact.
    fs::write(folder.join("stop"), "")?;
    let counters = Counters::at_rest(&address)?;
    let readers = crowd.leave();
    let said = program.end(&folder)?;
    println!(
        "{:.1} minutes with {} browsers; the log is {}",
        options.minutes,
        options.browsers,
        said.display()
    );
    println!("{counters}");
    println!("{readers}");
    counters.check()?;
    if let Some(broker) = &broker {
        println!("broker: killed {} times, answered again {} times", broker.kills, broker.recoveries);
        ensure!(broker.recoveries == broker.kills, "MQTT did not come back each time");
    }
    let growth = memory.growth().context("the run was too short to see any memory")?;
    println!("{memory}");
    if options.minutes < LEAST_MINUTES {
        println!("skipped: the growth of memory (a run of {LEAST_MINUTES} minutes would tell)");
        return Ok(());
    }
    ensure!(growth <= MOST_GROWTH, "memory grew by {:.1} %", 100.0 * growth);
    Ok(())
}

/// Writes model, frames and configuration.
fn prepare(folder: &Path, options: &Options, broker: Option<u16>) -> Result<()> {
    let samples = ocelli_samples::artefacts();
    let (_, artefact) =
        samples.iter().find(|(name, _)| *name == "detector").context("there is a detector")?;
    fs::write(folder.join("model.ocelli"), &**artefact)?;
    fs::write(folder.join("frames.yuv"), (0..100).flat_map(drawn).collect::<Vec<u8>>())?;
    let camera = format!(
        "pipe:{WIDTH}x{HEIGHT}:timeout {CAMERA_LIFE_SECONDS} sh -c \
         'while [ ! -e stop ]; do cat frames.yuv; done; sleep 3600'"
    );
    let mut config = format!(
        "model = \"model.ocelli\"\ninput = {camera:?}\nserve = \"127.0.0.1:0\"\npace = {}\ntrack = true\n\
         socket = \"answers.sock\"\nvideo = \"pipe:mjpeg:timeout {VIDEO_LIFE_SECONDS} cat > /dev/null\"\n",
        options.frames_per_second
    );
    if let Some(port) = broker {
        config += &format!("[mqtt]\nbroker = \"127.0.0.1:{port}\"\ntopic = \"soak\"\nqos = 1\n");
    }
    Ok(fs::write(folder.join("soak.toml"), config)?)
}

const WIDTH: usize = 160;
const HEIGHT: usize = 120;

/// A light square on its way across a dark frame, in I420.
fn drawn(number: usize) -> Vec<u8> {
    let is_lit = |x: usize, y: usize| x.abs_diff(number + 20) < 16 && y.abs_diff(60) < 16;
    let light = (0..HEIGHT).flat_map(|y| (0..WIDTH).map(move |x| if is_lit(x, y) { 220 } else { 40 }));
    light.chain(std::iter::repeat_n(128, WIDTH * HEIGHT / 2)).collect()
}

/// The program that is tried; it ends with the job.
struct Program(Child);

impl Program {
    fn start(folder: &Path) -> Result<Program> {
        let log = fs::File::create(folder.join("log"))?;
        let mut command = Command::new(target_directory()?.join("release/ocelli"));
        command.args(["run", "--config", "soak.toml"]).current_dir(folder).stderr(log).stdin(Stdio::null());
        Ok(Program(command.spawn().context("starting the program")?))
    }

    /// Where the page is, as the program says.
    fn address(&mut self, folder: &Path) -> Result<String> {
        let until = Instant::now() + Duration::from_secs(60);
        loop {
            let said = fs::read_to_string(folder.join("log"))?;
            let place = said.lines().find_map(|line| line.strip_prefix("live at http://"));
            if let Some(address) = place.and_then(|place| place.strip_suffix('/')) {
                return Ok(address.to_owned());
            }
            let has_ended = self.0.try_wait()?.is_some();
            ensure!(!has_ended && Instant::now() < until, "the program does not start: {said}");
            thread::sleep(Duration::from_millis(50));
        }
    }

    /// Asks it to end, which it does soon and without complaint. Gives the place of what it has said.
    fn end(mut self, folder: &Path) -> Result<PathBuf> {
        command::run_quietly(Command::new("kill").arg(self.0.id().to_string()))?;
        let until = Instant::now() + Duration::from_secs(15);
        loop {
            match self.0.try_wait()? {
                Some(status) if status.success() => return Ok(folder.join("log")),
                Some(status) => bail!("the program ended with {status}"),
                None => ensure!(Instant::now() < until, "the program does not end when it is asked to"),
            }
            thread::sleep(Duration::from_millis(50));
        }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // Where it has ended by itself there is nothing to do.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A broker that lives and dies; it ends with the job.
struct Broker {
    port: u16,
    child: Option<Child>,
    since: Instant,
    /// Answers that had been taken when it was started last.
    sent_before: u64,
    kills: u32,
    recoveries: u32,
}

impl Broker {
    fn start() -> Result<Option<Broker>> {
        let Some(program) = mosquitto() else {
            println!("skipped: the broker (there is no mosquitto; `cargo xtask setup` gets it)");
            return Ok(None);
        };
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let child = Some(spawn(program, port)?);
        Ok(Some(Broker { port, child, since: Instant::now(), sent_before: 0, kills: 0, recoveries: 0 }))
    }

    /// Dies when its time is over, and comes back; `sent` tells how many answers it has taken.
    fn live(&mut self, sent: u64) -> Result<()> {
        match &mut self.child {
            Some(child) if self.since.elapsed() > BROKER_LIFE => {
                child.kill()?;
                child.wait()?;
                self.child = None;
                self.kills += 1;
                self.recoveries += u32::from(sent > self.sent_before);
                self.since = Instant::now();
            }
            None if self.since.elapsed() > BROKER_ABSENCE => {
                let program = mosquitto().context("mosquitto was there before")?;
                self.child = Some(spawn(program, self.port)?);
                self.sent_before = sent;
                self.since = Instant::now();
            }
            _ => {}
        }
        Ok(())
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            // Where it has ended by itself there is nothing to do.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// The broker; Debian's place of it is not on everybody's path.
pub fn mosquitto() -> Option<&'static str> {
    let runs = |place: &&str| Command::new(place).arg("-h").output().is_ok();
    ["mosquitto", "/usr/sbin/mosquitto"].into_iter().find(runs)
}

fn spawn(program: &str, port: u16) -> Result<Child> {
    let mut command = Command::new(program);
    command.args(["-p", &port.to_string()]).stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().with_context(|| format!("starting {program}"))
}
