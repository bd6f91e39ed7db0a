//! `ocelli run` for whoever waits for the newest answer: the stages in threads, the page and the other emitters.

use std::io;
use std::process;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use ocelli::{Frame, Score, Thresholds};
use ocelli_host::CaptureError;
use ocelli_live::emit::lines::Lines;
use ocelli_live::emit::page::Page;
use ocelli_live::{
    Capture, Emission, Emitter, Hub, Seen, Server, Settings, StageTimes, Totals, Trouble, Watchdog,
};
use ocelli_rpi::{LinuxCamera, LinuxCaptureError};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use super::Arguments;
use crate::answer;
use crate::artefact_file::ArtefactFile;
use crate::failure::Failure;
use crate::session::{self, TrackedPipeline};
use crate::terminal::{self, STRONG};

/// How long everything may take to end once the program is asked to.
const FAREWELL: Duration = Duration::from_secs(3);

/// Runs until the camera ends or the program is stopped.
pub fn run(
    file: &ArtefactFile,
    mut pipeline: TrackedPipeline<'_>,
    camera: &str,
    arguments: &Arguments,
) -> Result<(), Failure> {
    if arguments.frames.is_some() || arguments.output.is_some() {
        return Err(Failure::from(
            "`--frames` and `--output` see every frame, and live only the newest counts".to_owned(),
        )
        .advise("leave them out, or what `--config` names to serve and to tell"));
    }
    let frames_per_second = arguments.frames_per_second()?;
    // A camera that keeps time by itself is slowed down only where somebody asks for it.
    let pace = match arguments.pace.is_none() && keeps_time(camera) {
        true => Duration::ZERO,
        false => Duration::from_secs_f64(1.0 / frames_per_second),
    };
    let artefact = *pipeline.artefact();
    let mut applied = pipeline.postprocess_mut().thresholds().map(|thresholds| Settings {
        score: f32::from(thresholds.score.0) / 65536.0,
        overlap: f32::from(thresholds.overlap) / 65536.0,
        tracking: arguments.track,
    });
    let hub = Arc::new(Hub::new(applied));
    let mut emitters = arguments.outlets.open(&artefact, frames_per_second)?;
    if let Some(address) = arguments.serve {
        let server = Server::start(address, hub.clone()).map_err(|error| Failure::from(error.to_string()))?;
        let host_name = std::fs::read_to_string("/etc/hostname").unwrap_or_else(|_| "localhost".to_owned());
        terminal::print_note(&format!("live at {STRONG}{}{STRONG:#}", server.url(host_name.trim())));
        emitters.push(Box::new(Page::new(hub.clone())));
    }
    if arguments.json {
        emitters.push(Box::new(Lines::new(io::stdout(), "standard output")));
    }
    let watchdog = Watchdog::from_environment().map(Arc::new);
    emitters.extend(watchdog.clone().map(|watchdog| Box::new(watchdog) as Box<dyn Emitter>));
    close_when_asked(hub.clone())?;

    let draws = arguments.outlets.video.is_some();
    let mut see = |frame: &Frame<'_>, settings: Option<Settings>| {
        if settings != applied {
            applied = settings;
            settings.into_iter().for_each(|settings| apply(&mut pipeline, settings));
        }
        let (times, seen) = session::run_timed(&mut pipeline, frame);
        let session::StageTimes { preprocess, infer, postprocess } = times;
        let marks = match draws {
            true => answer::marks(frame, &artefact, &seen.outcome, seen.tracker),
            false => Vec::new(),
        };
        Seen {
            answer: answer::outcome_json(&artefact, &seen.outcome, seen.tracker),
            marks,
            times: StageTimes { preprocess, infer, postprocess },
        }
    };
    let capture = Capture {
        open: &mut || ocelli_rpi::open(camera).map_err(|error| error.to_string()),
        trouble,
        repeats: arguments.serve.is_some() && camera != "-",
        pace,
        title: format!("{} on {camera}", file.path().display()),
        // A camera that is lost and tried again is no reason to begin anew.
        warn: &|message| {
            watchdog.iter().for_each(|watchdog| watchdog.alive());
            terminal::print_warning(message);
        },
    };
    ocelli_live::run::<LinuxCamera>(capture, &hub, &mut see, emitters)?;
    terminal::print_note(&summary(&hub.totals()));
    Ok(())
}

/// Whether frames come by themselves, rather than whenever somebody reads them.
fn keeps_time(camera: &str) -> bool {
    camera == "-" || ["/dev/video", "v4l2:", "pipe:", "http://"].iter().any(|kind| camera.starts_with(kind))
}

/// Ends the stages when the program is asked to end; a camera that says nothing is not waited for.
fn close_when_asked(hub: Arc<Hub>) -> Result<(), Failure> {
    let mut signals = Signals::new([SIGINT, SIGTERM]).map_err(|error| Failure::at("signals", error))?;
    thread::spawn(move || {
        if signals.forever().next().is_some() {
            hub.close();
            thread::sleep(FAREWELL);
            process::exit(0);
        }
    });
    Ok(())
}

/// What became of all frames.
fn summary(totals: &Totals) -> String {
    let Totals { captured, answered, dropped, spoilt, lost, emissions, .. } = totals;
    let frames = format!(
        "{captured} frames: {answered} answered, {dropped} dropped; {spoilt} spoilt, camera lost {lost} times"
    );
    let answers = emissions.iter().map(|Emission { name, sent, dropped, failed }| {
        format!("\n{name}: {sent} sent, {dropped} dropped, {failed} failed")
    });
    frames + &answers.collect::<String>()
}

/// What an error means for a camera that goes on.
fn trouble(error: &LinuxCaptureError) -> Trouble {
    match error {
        LinuxCaptureError::Host(CaptureError::End) => Trouble::End,
        LinuxCaptureError::Host(error) if error.is_passing() => Trouble::Frame,
        LinuxCaptureError::Device { source, .. } if source.is_passing() => Trouble::Frame,
        _ => Trouble::Camera,
    }
}

/// Has the pipeline do what a browser set.
fn apply(pipeline: &mut TrackedPipeline<'_>, settings: Settings) {
    let fixed = |value: f32| (value * 65536.0).round().clamp(0.0, 65535.0) as u16;
    let postprocess = pipeline.postprocess_mut();
    postprocess.set_tracking(settings.tracking);
    postprocess
        .set_thresholds(Thresholds { score: Score(fixed(settings.score)), overlap: fixed(settings.overlap) });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cameras_keep_time_and_files_do_not() {
        for camera in
            ["-", "/dev/video0", "v4l2:/dev/video0:640x480", "pipe:rpicam-vid -o -", "http://camera/"]
        {
            assert!(keeps_time(camera), "{camera}");
        }
        for camera in ["clip.y4m", "photos", "synthetic:7", "./-"] {
            assert!(!keeps_time(camera), "{camera}");
        }
    }
}
