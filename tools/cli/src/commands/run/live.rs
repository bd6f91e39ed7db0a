//! `ocelli run --serve`: the stages in threads, and the page that shows them.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use ocelli::{Frame, Score, Thresholds};
use ocelli_host::CaptureError;
use ocelli_live::{Capture, Hub, Seen, Server, Settings, StageTimes, Trouble, Watchdog};
use ocelli_rpi::{LinuxCamera, LinuxCaptureError};

use super::Arguments;
use crate::answer;
use crate::artefact_file::ArtefactFile;
use crate::failure::Failure;
use crate::session::{self, TrackedPipeline};
use crate::terminal::{self, STRONG};

/// How fast files and scenes are shown, in frames a second.
const USUAL_PACE: f64 = 25.0;

/// Serves the page until the camera ends or the program is stopped.
pub fn run(
    file: &ArtefactFile,
    mut pipeline: TrackedPipeline<'_>,
    camera: &str,
    address: SocketAddr,
    arguments: &Arguments,
) -> Result<(), Failure> {
    let pace = arguments.pace.unwrap_or(USUAL_PACE);
    if !(pace.is_finite() && pace > 0.0) {
        return Err(Failure::from("`--pace` must be more than 0 frames a second".to_owned()));
    }
    let artefact = *pipeline.artefact();
    let mut applied = pipeline.postprocess_mut().thresholds().map(|thresholds| Settings {
        score: f32::from(thresholds.score.0) / 65536.0,
        overlap: f32::from(thresholds.overlap) / 65536.0,
        tracking: arguments.track,
    });
    let hub = Arc::new(Hub::new(applied));
    let server = Server::start(address, hub.clone()).map_err(|error| Failure::from(error.to_string()))?;
    let host_name = std::fs::read_to_string("/etc/hostname").unwrap_or_else(|_| "localhost".to_owned());
    terminal::print_note(&format!("live at {STRONG}{}{STRONG:#}", server.url(host_name.trim())));

    let mut see = |frame: &Frame<'_>, settings: Option<Settings>| {
        if settings != applied {
            applied = settings;
            settings.into_iter().for_each(|settings| apply(&mut pipeline, settings));
        }
        let (times, seen) = session::run_timed(&mut pipeline, frame);
        let session::StageTimes { preprocess, infer, postprocess } = times;
        Seen {
            answer: answer::outcome_json(&artefact, &seen.outcome, seen.tracker),
            times: StageTimes { preprocess, infer, postprocess },
        }
    };
    // A camera that is lost and tried again is no reason to begin anew, so both tell the manager.
    let watchdog = Mutex::new(Watchdog::from_environment());
    let alive =
        || watchdog.lock().unwrap_or_else(PoisonError::into_inner).iter_mut().for_each(Watchdog::alive);
    let tell = |told: &serde_json::Value| {
        alive();
        if arguments.json && terminal::print_json_line(told).is_err() {
            hub.close();
        }
    };
    let capture = Capture {
        open: &mut || ocelli_rpi::open(camera).map_err(|error| error.to_string()),
        trouble,
        repeats: camera != "-",
        pace: Duration::from_secs_f64(1.0 / pace),
        title: format!("{} on {camera}", file.path().display()),
        warn: &|message| {
            alive();
            terminal::print_warning(message);
        },
    };
    ocelli_live::run::<LinuxCamera>(capture, &hub, &mut see, tell).map_err(Failure::from)
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
