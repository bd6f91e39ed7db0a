//! MQTT against a real broker: mosquitto, started here, killed, and started again.
#![cfg(feature = "mqtt")]

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use ocelli_core::{Frame, PixelFormat};
use ocelli_live::emit::mqtt::{MqttOptions, connect};
use ocelli_live::{Emitter, Seen, Told};
use serde_json::{Value, json};

/// A broker on a free port, without anything kept on disk; it ends with the test.
struct Broker {
    program: PathBuf,
    port: u16,
    child: Child,
}

/// Debian's place of it is not on everybody's path.
fn mosquitto() -> Option<PathBuf> {
    let places = ["mosquitto", "/usr/sbin/mosquitto"].map(PathBuf::from);
    places.into_iter().find(|place| Command::new(place).arg("-h").output().is_ok())
}

impl Broker {
    fn start() -> Option<Broker> {
        let found = mosquitto().filter(|_| Command::new("mosquitto_sub").arg("--help").output().is_ok());
        let Some(program) = found else {
            println!(
                "skipped: MQTT (there is no mosquitto with mosquitto_sub; `cargo xtask setup` gets them)"
            );
            return None;
        };
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let child = spawn(&program, port);
        Some(Broker { program, port, child })
    }

    fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    fn restart(&mut self) {
        self.child = spawn(&self.program, self.port);
    }

    /// Reads a topic and all below it.
    fn subscribe(&self, topic: &str) -> Subscriber {
        let mut command = Command::new("mosquitto_sub");
        command.args(["-p", &self.port.to_string(), "-q", "1", "-v", "-t", &format!("{topic}/#")]);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let (lines, read) = channel();
        let output = BufReader::new(child.stdout.take().unwrap());
        thread::spawn(move || {
            output.lines().map_while(Result::ok).try_for_each(|line| lines.send(line)).ok();
        });
        Subscriber { child, read }
    }
}

fn spawn(program: &PathBuf, port: u16) -> Child {
    let mut command = Command::new(program);
    command.args(["-p", &port.to_string()]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

impl Drop for Broker {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

struct Subscriber {
    child: Child,
    read: Receiver<String>,
}

impl Subscriber {
    /// Waits for a line that holds `text`, and gives it.
    fn wait_for(&self, text: &str) -> String {
        let until = Instant::now() + Duration::from_secs(60);
        loop {
            let line = self.read.recv_timeout(until.saturating_duration_since(Instant::now()));
            let line = line.unwrap_or_else(|_| panic!("{text:?} was not published"));
            if line.contains(text) {
                return line;
            }
        }
    }
}

impl Drop for Subscriber {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn told(number: u64) -> Told {
    let frame = Frame::new(&[0; 64], 8, 8, PixelFormat::Gray8).unwrap();
    Told::new(&frame, number, Seen { answer: json!({ "detections": [] }), ..Seen::default() })
}

fn options(broker: &Broker, topic: &str, qos: u8) -> MqttOptions {
    let broker = format!("127.0.0.1:{}", broker.port).parse().unwrap();
    MqttOptions { topic: topic.into(), client: Some(topic.into()), qos, ..MqttOptions::new(broker) }
}

/// Tries until it works, and gives the first reason why it did not.
fn emit_at_last(emitter: &mut dyn Emitter, number: u64) -> Option<String> {
    let until = Instant::now() + Duration::from_secs(60);
    let mut reason = None;
    while let Err(error) = emitter.emit(&told(number)) {
        assert!(Instant::now() < until, "{error}");
        reason.get_or_insert(error.to_string());
        thread::sleep(Duration::from_millis(20));
    }
    reason
}

#[test]
fn answers_and_status_reach_a_broker_at_every_quality() {
    let Some(broker) = Broker::start() else { return };
    for qos in 0..3 {
        let topic = format!("ocelli/{qos}");
        let mut emitter = connect(&options(&broker, &topic, qos)).unwrap();
        emit_at_last(&mut *emitter, 0);
        let subscriber = broker.subscribe(&topic);
        assert_eq!(subscriber.wait_for("status"), format!("{topic}/status online"), "it is kept");
        for number in 1..20 {
            emitter.emit(&told(number)).unwrap();
            let line = subscriber.wait_for(&topic);
            let told: Value = serde_json::from_str(line.strip_prefix(&format!("{topic} ")).unwrap()).unwrap();
            assert_eq!((&told["frame"], &told["width"]), (&json!(number), &json!(8)));
        }
        drop(emitter);
        assert_eq!(subscriber.wait_for("status"), format!("{topic}/status offline"), "said when it ends");
        assert_eq!(
            broker.subscribe(&topic).wait_for("status"),
            format!("{topic}/status offline"),
            "and kept"
        );
    }
}

#[test]
fn a_broker_that_goes_away_is_said_and_come_back_to() {
    let Some(mut broker) = Broker::start() else { return };
    broker.kill();
    let mut emitter = connect(&options(&broker, "ocelli", 1)).unwrap();
    let place = format!("127.0.0.1:{}: ", broker.port);
    let message = emitter.emit(&told(0)).unwrap_err().to_string();
    assert!(message.starts_with(&place), "{message}");
    for round in 1..4 {
        broker.restart();
        emit_at_last(&mut *emitter, 100 * round);
        let subscriber = broker.subscribe("ocelli");
        assert_eq!(subscriber.wait_for("status"), "ocelli/status online");
        emitter.emit(&told(100 * round + 1)).unwrap();
        subscriber.wait_for(&format!("\"frame\":{}", 100 * round + 1));
        broker.kill();
        let until = Instant::now() + Duration::from_secs(60);
        let message = loop {
            match emitter.emit(&told(0)) {
                Err(error) => break error.to_string(),
                Ok(()) => assert!(Instant::now() < until),
            }
        };
        assert!(message.starts_with(&place), "{message}");
    }
}

#[test]
fn the_broker_says_offline_when_the_program_is_killed() {
    let Some(broker) = Broker::start() else { return };
    // Another client of the same name takes the connection over, without a goodbye: to the broker the first is dead.
    let mut emitter = connect(&options(&broker, "ocelli", 1)).unwrap();
    emit_at_last(&mut *emitter, 0);
    let subscriber = broker.subscribe("ocelli");
    assert_eq!(subscriber.wait_for("status"), "ocelli/status online");
    let port = broker.port.to_string();
    let thief = ["-p", &port, "-i", "ocelli", "-t", "other", "-m", "x"];
    assert!(Command::new("mosquitto_pub").args(thief).status().unwrap().success());
    assert_eq!(subscriber.wait_for("status"), "ocelli/status offline");
    assert_eq!(subscriber.wait_for("status"), "ocelli/status online", "and it comes back");
}
