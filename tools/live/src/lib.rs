//! A model at work on a camera that does not wait: capture, inference and emission in threads of their own, and
//! the emitters: a page in the browser, JSON lines, a Unix socket, MQTT, a pin, annotated video.
//!
//! ```text
//! capture --newest--> preprocess, infer, postprocess --newest--> each emitter; the page --newest--> each browser
//! its thread          the caller's thread                        a thread each                      a thread each
//! ```
//!
//! Between two threads there is room for one item, and a newer one takes its place: what is seen stays
//! fresh when a stage is slower than the one before, and what was dropped is counted. An emitter that fails, or a
//! browser that stops reading, holds up its own thread and nothing else.
//!
//! Knows no model: whoever calls gives a function from a frame to an answer in JSON, and what to draw.
#![forbid(unsafe_code)]

mod newest;

mod shot;

mod settings;

mod told;

mod stages;

pub mod emit;

mod hub;

mod encode;

mod picture;

mod metrics;

mod access;

mod request;

mod respond;

mod server;

mod watchdog;

pub use access::Access;
pub use emit::{Emission, EmitError, Emitter};
pub use encode::rgb_of;
pub use hub::Hub;
pub use metrics::{STAGES, Totals};
pub use picture::{Colour, Mark, Picture, colour_of_class};
pub use server::{ServeError, Server};
pub use settings::Settings;
pub use stages::{Capture, Trouble, run};
pub use told::{Seen, StageTimes, Told};
pub use watchdog::Watchdog;
