//! Answers to an MQTT broker: where it is, what is told there, and how surely.
//!
//! An answer is a message of JSON on `TOPIC`; `TOPIC/status` keeps `online`, or `offline` once this program is gone,
//! said by itself or by the broker. The client is built with the feature `mqtt`.

#[cfg(feature = "mqtt")]
mod client;

use std::str::FromStr;

use serde::Deserialize;

use crate::emit::{EmitError, Emitter};

/// What a broker needs to know, and how it is reached.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MqttOptions {
    /// Where it listens.
    pub broker: Broker,
    /// What answers are published on.
    #[serde(default = "MqttOptions::usual_topic")]
    pub topic: String,
    /// What this program calls itself; no two clients of a broker may share it. Otherwise made of the process's number.
    pub client: Option<String>,
    /// How surely a message arrives: 0 at most once, 1 at least once, 2 exactly once.
    #[serde(default)]
    pub qos: u8,
    /// Who this is, where the broker asks.
    pub user: Option<String>,
    /// How it is proven.
    pub password: Option<String>,
}

/// Host and port of a broker.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(try_from = "String")]
pub struct Broker {
    /// A name or an address; those of IPv6 stand in brackets.
    pub host: String,
    /// 1883 where none is given.
    pub port: u16,
}

const USUAL_PORT: u16 = 1883;

impl FromStr for Broker {
    type Err = String;

    fn from_str(text: &str) -> Result<Broker, String> {
        let (host, port) = match text.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => (host, port.parse().ok()),
            _ => (text, Some(USUAL_PORT)),
        };
        let is_bracketed = host.starts_with('[') && host.ends_with(']');
        let is_host = !host.is_empty() && !host.contains(['/', ' ']) && (is_bracketed || !host.contains(':'));
        match port {
            Some(port) if is_host => Ok(Broker { host: host.to_owned(), port }),
            _ => Err(format!("`{text}` is no broker: it is named HOST[:PORT], without mqtt:// before it")),
        }
    }
}

impl TryFrom<String> for Broker {
    type Error = String;

    fn try_from(text: String) -> Result<Broker, String> {
        text.parse()
    }
}

impl MqttOptions {
    /// The usual choices for a broker.
    pub fn new(broker: Broker) -> MqttOptions {
        let topic = MqttOptions::usual_topic();
        MqttOptions { broker, topic, client: None, qos: 0, user: None, password: None }
    }

    fn usual_topic() -> String {
        "ocelli".to_owned()
    }

    fn place(&self) -> String {
        format!("{}:{}", self.broker.host, self.broker.port)
    }

    /// Refuses what no broker would take.
    fn check(&self) -> Result<(), EmitError> {
        let refused = |problem: &str| Err(EmitError::refused(&self.place(), problem));
        if self.topic.is_empty() || self.topic.contains(['+', '#', '\0']) {
            return refused("the topic must have a name, without `+` and `#`");
        }
        if self.client.as_ref().is_some_and(String::is_empty) {
            return refused("the client must have a name");
        }
        if self.qos > 2 {
            return refused("`qos` is 0, 1 or 2");
        }
        if self.password.is_some() && self.user.is_none() {
            return refused("a password needs a user");
        }
        Ok(())
    }
}

/// Starts to connect; a broker that is not there yet is waited for.
///
/// # Errors
/// [`EmitError`] for options that are wrong, and where the program was built without the client.
pub fn connect(options: &MqttOptions) -> Result<Box<dyn Emitter>, EmitError> {
    options.check()?;
    #[cfg(feature = "mqtt")]
    return Ok(Box::new(client::Mqtt::start(options)?));
    #[cfg(not(feature = "mqtt"))]
    Err(EmitError::refused(
        "MQTT",
        "this program was built without it; in a clone: `cargo build --release --features mqtt`",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brokers_have_a_host_and_a_port() {
        let broker = |host: &str, port| Ok(Broker { host: host.to_owned(), port });
        assert_eq!("broker.example".parse(), broker("broker.example", 1883));
        assert_eq!("10.0.0.1:99".parse(), broker("10.0.0.1", 99));
        assert_eq!("[::1]:99".parse(), broker("[::1]", 99));
        assert_eq!("[::1]".parse(), broker("[::1]", 1883));
        for wrong in ["", ":1", "host:", "host:70000", "mqtt://host", "::1", "a b"] {
            let message = wrong.parse::<Broker>().unwrap_err();
            assert!(message.contains("HOST[:PORT]"), "{message}");
        }
    }

    #[test]
    fn what_no_broker_takes_is_refused() {
        let good = MqttOptions::new("localhost".parse().unwrap());
        assert!(good.check().is_ok());
        for (wrong, word) in [
            (MqttOptions { topic: "a/#".into(), ..good.clone() }, "topic"),
            (MqttOptions { topic: String::new(), ..good.clone() }, "topic"),
            (MqttOptions { client: Some(String::new()), ..good.clone() }, "client"),
            (MqttOptions { qos: 3, ..good.clone() }, "`qos`"),
            (MqttOptions { password: Some("x".into()), ..good.clone() }, "user"),
        ] {
            let message = connect(&wrong).err().unwrap().to_string();
            assert!(message.starts_with("localhost:1883: ") && message.contains(word), "{message}");
        }
    }
}
