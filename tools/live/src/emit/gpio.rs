//! A pin that is high while something is seen: for a lamp, a lock, a relay.
//!
//! It stays high for a while after the last sight, so that a missed frame does not make it flicker; it is low when no
//! answers come, and when the program ends. The pins of a Raspberry Pi come with the feature `gpio`.

#[cfg(all(feature = "gpio", target_os = "linux"))]
mod raspberry;

use std::str::FromStr;
use std::time::{Duration, Instant};

use serde::Deserialize;
use serde_json::Value;

use crate::emit::{EmitError, Emitter};
use crate::told::Told;

/// Which pin shows what.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct GpioOptions {
    /// By Broadcom's number, not by its place on the connector.
    pub pin: u8,
    /// The class that has to be seen.
    pub class: String,
    /// How sure the model has to be, from 0 to 1.
    #[serde(default)]
    pub score: f64,
    /// How long the pin stays high after the last sight.
    #[serde(default = "GpioOptions::usual_hold")]
    pub hold_seconds: f64,
}

impl GpioOptions {
    fn usual_hold() -> f64 {
        1.0
    }

    fn check(&self) -> Result<(), EmitError> {
        let refused = |problem: &str| Err(EmitError::refused(&format!("pin {}", self.pin), problem));
        if !(0.0..=1.0).contains(&self.score) {
            return refused("`score` is from 0 to 1");
        }
        if !(0.0..=86_400.0).contains(&self.hold_seconds) {
            return refused("the pin is held for 0 to 86400 seconds");
        }
        Ok(())
    }
}

/// `PIN=CLASS`.
impl FromStr for GpioOptions {
    type Err = String;

    fn from_str(text: &str) -> Result<GpioOptions, String> {
        let parts = text.split_once('=').and_then(|(pin, class)| Some((pin.parse().ok()?, class)));
        match parts {
            Some((pin, class)) if !class.is_empty() => Ok(GpioOptions {
                pin,
                class: class.to_owned(),
                score: 0.0,
                hold_seconds: GpioOptions::usual_hold(),
            }),
            _ => Err(format!("`{text}` is not PIN=CLASS, as in `17=person`")),
        }
    }
}

/// Takes hold of the pin, and sets it low.
///
/// # Errors
/// [`EmitError`] for options that are wrong, machines without such a pin, and programs that were built without it.
pub fn open(options: &GpioOptions) -> Result<Box<dyn Emitter>, EmitError> {
    options.check()?;
    #[cfg(all(feature = "gpio", target_os = "linux"))]
    return Ok(Box::new(Presence::new(options, raspberry::RaspberryPin::open(options.pin)?)));
    #[cfg(not(all(feature = "gpio", target_os = "linux")))]
    Err(EmitError::refused(
        "GPIO",
        "this program was built without it; in a clone, on Linux: `cargo build --release --features gpio`",
    ))
}

/// What can be set high and low.
pub trait Pin: Send {
    /// Sets it.
    fn set(&mut self, is_high: bool);
}

/// A pin that follows a class.
#[derive(Debug)]
pub struct Presence<P: Pin> {
    pin: P,
    class: String,
    score: f64,
    hold: Duration,
    /// When the pin will be low, while it is high.
    until: Option<Instant>,
}

impl<P: Pin> Presence<P> {
    /// Sets the pin low, where it stays until the class is seen.
    pub fn new(options: &GpioOptions, mut pin: P) -> Presence<P> {
        pin.set(false);
        let hold = Duration::from_secs_f64(options.hold_seconds);
        Presence { pin, class: options.class.clone(), score: options.score, hold, until: None }
    }

    fn see(&mut self, answer: &Value, now: Instant) {
        if shows(answer, &self.class, self.score) {
            if self.until.is_none() {
                self.pin.set(true);
            }
            self.until = Some(now + self.hold);
        } else {
            self.rest(now);
        }
    }

    /// Sets the pin low when its time is over, and tells how much is left.
    fn rest(&mut self, now: Instant) -> Option<Duration> {
        let left = self.until?.saturating_duration_since(now);
        if left.is_zero() {
            self.pin.set(false);
            self.until = None;
            return None;
        }
        Some(left)
    }
}

/// Whether an answer has a detection or a label of the class, or says that it is the likeliest.
fn shows(answer: &Value, class: &str, score: f64) -> bool {
    let all = |key: &str| answer[key].as_array().map_or(&[][..], Vec::as_slice);
    let seen = all("detections").iter().chain(all("classes").first()).chain(all("shares"));
    let is_sure = |found: &Value| found["score"].as_f64().or(found["share"].as_f64()) >= Some(score);
    seen.into_iter().any(|found| found["class"] == class && is_sure(found))
}

impl<P: Pin> Emitter for Presence<P> {
    fn name(&self) -> &str {
        "gpio"
    }

    fn emit(&mut self, told: &Told) -> Result<(), EmitError> {
        self.see(told.answer(), Instant::now());
        Ok(())
    }

    fn idle(&mut self) -> Option<Duration> {
        self.rest(Instant::now())
    }
}

impl<P: Pin> Drop for Presence<P> {
    fn drop(&mut self) {
        self.pin.set(false);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use serde_json::json;

    use super::*;

    /// Remembers every level that it was set to.
    #[derive(Clone, Default)]
    struct Fake(Arc<Mutex<Vec<bool>>>);

    impl Pin for Fake {
        fn set(&mut self, is_high: bool) {
            self.0.lock().unwrap().push(is_high);
        }
    }

    fn found(class: &str, score: f64) -> Value {
        json!({ "detections": [{ "class": "cat", "score": 0.9 }, { "class": class, "score": score }] })
    }

    #[test]
    fn the_pin_is_high_from_the_first_sight_to_a_while_after_the_last() {
        let pin = Fake::default();
        let levels = || pin.0.lock().unwrap().clone();
        let options =
            GpioOptions { score: 0.5, hold_seconds: 2.0, ..GpioOptions::from_str("17=person").unwrap() };
        let mut presence = Presence::new(&options, pin.clone());
        let start = Instant::now();
        let at = |seconds: f64| start + Duration::from_secs_f64(seconds);
        assert_eq!(levels(), [false]);
        presence.see(&found("dog", 0.9), at(0.0));
        presence.see(&found("person", 0.4), at(0.1));
        assert_eq!((levels(), presence.rest(at(0.1))), (vec![false], None));
        presence.see(&found("person", 0.5), at(1.0));
        presence.see(&found("person", 0.9), at(2.0));
        presence.see(&found("dog", 0.9), at(3.9));
        assert_eq!(levels(), [false, true], "no flicker, and set once");
        assert_eq!(presence.rest(at(3.5)), Some(Duration::from_millis(500)));
        // Without any answer: the camera is gone.
        assert_eq!(presence.rest(at(4.0)), None);
        assert_eq!(levels(), [false, true, false]);
        presence.see(&found("person", 0.9), at(5.0));
        drop(presence);
        assert_eq!(levels(), [false, true, false, true, false], "low at the end");
    }

    #[test]
    fn only_the_likeliest_class_counts_and_any_label_of_a_mask() {
        let classes =
            json!({ "classes": [{ "class": "cat", "score": 0.6 }, { "class": "dog", "score": 0.4 }] });
        assert!(shows(&classes, "cat", 0.5) && !shows(&classes, "cat", 0.7) && !shows(&classes, "dog", 0.0));
        let mask = json!({ "shares": [{ "class": "sky", "share": 0.7 }, { "class": "road", "share": 0.2 }] });
        assert!(shows(&mask, "road", 0.1) && !shows(&mask, "road", 0.3));
        assert!(!shows(&json!({}), "cat", 0.0));
    }

    #[test]
    fn options_that_are_wrong_are_named() {
        for wrong in ["17", "=person", "17=", "300=person", "x=person"] {
            assert!(GpioOptions::from_str(wrong).unwrap_err().contains("PIN=CLASS"), "{wrong}");
        }
        let good = GpioOptions::from_str("17=person").unwrap();
        for wrong in [
            GpioOptions { score: 1.5, ..good.clone() },
            GpioOptions { hold_seconds: f64::NAN, ..good.clone() },
        ] {
            assert!(open(&wrong).err().unwrap().to_string().starts_with("pin 17: "));
        }
        // No test machine is a Raspberry Pi whose pin 200 exists, and a program may be built without pins.
        let message = open(&GpioOptions { pin: 200, ..good }).err().unwrap().to_string();
        assert!(message.contains("pin 200") || message.contains("--features gpio"), "{message}");
    }
}
