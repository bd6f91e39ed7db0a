//! The configuration file of `ocelli run`: the same choices as on the command line, for a service.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use ocelli_live::emit::gpio::GpioOptions;
use ocelli_live::emit::mqtt::MqttOptions;
use serde::Deserialize;

use super::Arguments;
use super::outlets::Configured;
use crate::failure::Failure;

/// What the file may say; anything else is an error that names it.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    model: Option<PathBuf>,
    input: Option<String>,
    serve: Option<SocketAddr>,
    pace: Option<f64>,
    track: Option<bool>,
    json: Option<bool>,
    socket: Option<PathBuf>,
    video: Option<String>,
    mqtt: Option<MqttOptions>,
    gpio: Option<GpioOptions>,
}

/// Fills in what the command line leaves open; where both speak, the command line counts.
pub fn complete(mut arguments: Arguments) -> Result<Arguments, Failure> {
    if let Some(path) = &arguments.config {
        let Config { model, input, serve, pace, track, json, socket, video, mqtt, gpio } = read(path)?;
        let invalid = |message: String| Failure::from(format!("{}: {message}", path.display()));
        let input = input.map(|text| text.parse().map_err(invalid)).transpose()?;
        arguments.model = arguments.model.or(model);
        arguments.input = arguments.input.or(input);
        arguments.serve = arguments.serve.or(serve);
        arguments.pace = arguments.pace.or(pace);
        arguments.track |= track.unwrap_or(false);
        arguments.json |= json.unwrap_or(false);
        let outlets = &mut arguments.outlets;
        outlets.socket = outlets.socket.take().or(socket);
        outlets.video = outlets.video.take().or(video);
        outlets.configured = Configured { mqtt, gpio };
    }
    Ok(arguments)
}

fn read(path: &Path) -> Result<Config, Failure> {
    let text = std::fs::read_to_string(path).map_err(|error| Failure::at(path.display(), error))?;
    // The message shows the line and marks the word.
    toml::from_str(&text).map_err(|error| {
        Failure::from(format!("{}: {}", path.display(), error.to_string().trim_end()))
            .advise(
                "there are model, input, serve, pace, track, json, socket, video and the tables [mqtt] and [gpio]",
            )
    })
}
