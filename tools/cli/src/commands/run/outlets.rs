//! Where answers go besides standard output and the page: a socket, a broker, a pin, a video.

use std::path::PathBuf;

use ocelli::Artefact;
use ocelli_live::emit::gpio::{self, GpioOptions};
use ocelli_live::emit::mqtt::{self, Broker, MqttOptions};
use ocelli_live::emit::unix_socket::UnixSocket;
use ocelli_live::emit::video::{self, Video};
use ocelli_live::{EmitError, Emitter};

use crate::failure::Failure;
use crate::predict;

/// Arguments that name emitters.
#[derive(clap::Args)]
pub struct Outlets {
    /// Write JSON lines to whoever connects to a Unix socket at this path
    #[arg(long, value_name = "PATH", conflicts_with_all = ["output", "frames"])]
    pub socket: Option<PathBuf>,
    /// Publish JSON to this MQTT broker (built with `--features mqtt`)
    #[arg(long, value_name = "HOST[:PORT]", conflicts_with_all = ["output", "frames"])]
    mqtt: Option<Broker>,
    /// Publish on this topic; TOPIC/status keeps `online` or `offline` [default: ocelli]
    #[arg(long, value_name = "TOPIC")]
    mqtt_topic: Option<String>,
    /// What the broker calls this program; no two clients may share it
    #[arg(long, value_name = "NAME")]
    mqtt_client: Option<String>,
    /// How surely answers arrive: 0 at most once, 1 at least once, 2 exactly once [default: 0]
    #[arg(long, value_name = "0|1|2")]
    mqtt_qos: Option<u8>,
    /// Set this pin high while something of a class is seen (Raspberry Pi; built with `--features gpio`)
    #[arg(long, value_name = "PIN=CLASS", conflicts_with_all = ["output", "frames"])]
    gpio: Option<GpioOptions>,
    /// How long the pin stays high after the last sight [default: 1]
    #[arg(long, value_name = "SECONDS")]
    gpio_hold: Option<f64>,
    #[arg(long, value_name = "PLACE", help = format!("Write annotated video: {}", video::PLACES))]
    pub video: Option<String>,
    #[arg(skip)]
    pub configured: Configured,
}

/// What the configuration file says of them.
#[derive(Default)]
pub struct Configured {
    pub mqtt: Option<MqttOptions>,
    pub gpio: Option<GpioOptions>,
}

impl Outlets {
    /// Whether there is one that waits for the newest answer.
    pub fn are_live(&self) -> bool {
        let Configured { mqtt, gpio } = &self.configured;
        let is_named = self.mqtt.is_some() || self.gpio.is_some() || mqtt.is_some() || gpio.is_some();
        is_named || self.socket.is_some()
    }

    /// The video, where one is wanted.
    pub fn video(&self, frames_per_second: f64) -> Result<Option<Video>, Failure> {
        self.video.as_ref().map(|place| Video::open(place, frames_per_second)).transpose().map_err(told)
    }

    /// All of them, ready.
    pub fn open(
        &self,
        artefact: &Artefact<'_>,
        frames_per_second: f64,
    ) -> Result<Vec<Box<dyn Emitter>>, Failure> {
        let mut emitters: Vec<Box<dyn Emitter>> = Vec::new();
        if let Some(path) = &self.socket {
            emitters.push(Box::new(UnixSocket::bind(path).map_err(told)?));
        }
        if let Some(options) = self.mqtt()? {
            emitters.push(mqtt::connect(&options).map_err(told)?);
        }
        if let Some(options) = self.gpio(artefact)? {
            emitters.push(gpio::open(&options).map_err(told)?);
        }
        if let Some(video) = self.video(frames_per_second)? {
            emitters.push(Box::new(video));
        }
        Ok(emitters)
    }

    /// The broker of the file, and what is given beside it.
    fn mqtt(&self) -> Result<Option<MqttOptions>, Failure> {
        let configured = self.configured.mqtt.clone();
        let Some(mut options) = configured.or_else(|| self.mqtt.clone().map(MqttOptions::new)) else {
            let has_choices =
                self.mqtt_topic.is_some() || self.mqtt_client.is_some() || self.mqtt_qos.is_some();
            return if has_choices {
                Err(lonely("--mqtt-topic, --mqtt-client and --mqtt-qos", "--mqtt"))
            } else {
                Ok(None)
            };
        };
        options.broker = self.mqtt.clone().unwrap_or(options.broker);
        options.topic = self.mqtt_topic.clone().unwrap_or(options.topic);
        options.client = self.mqtt_client.clone().or(options.client);
        options.qos = self.mqtt_qos.unwrap_or(options.qos);
        Ok(Some(options))
    }

    /// The pin of the file, and what is given beside it; the class must be one that the model knows.
    fn gpio(&self, artefact: &Artefact<'_>) -> Result<Option<GpioOptions>, Failure> {
        let Some(mut options) = self.gpio.clone().or_else(|| self.configured.gpio.clone()) else {
            return if self.gpio_hold.is_some() { Err(lonely("--gpio-hold", "--gpio")) } else { Ok(None) };
        };
        options.hold_seconds = self.gpio_hold.unwrap_or(options.hold_seconds);
        let (labels, _) = predict::labels(artefact);
        if !labels.is_empty() && !labels.contains(&options.class) {
            return Err(Failure::from(format!(
                "pin {}: the model knows no class `{}`",
                options.pin, options.class
            ))
            .advise(format!("it knows {}", labels.join(", "))));
        }
        Ok(Some(options))
    }
}

fn told(error: EmitError) -> Failure {
    Failure::from(error.to_string())
}

fn lonely(given: &str, missing: &str) -> Failure {
    Failure::from(format!("{given} mean nothing without {missing}"))
        .advise(format!("give {missing} too, or its table in the file of `--config`"))
}
