//! A model at work on a camera that does not wait: capture, inference and emission in threads of their own, and
//! the emit stage for people, a page in the browser.
//!
//! ```text
//! capture --newest--> preprocess, infer, postprocess --newest--> emit --newest--> each browser
//! its thread          the caller's thread                        its thread      a thread each
//! ```
//!
//! Between two threads there is room for one item, and a newer one takes its place: what is seen stays
//! fresh when a stage is slower than the one before, and what was dropped is counted. A browser
//! that stops reading holds up its own thread and nothing else.
//!
//! Knows no model: whoever calls gives a function from a frame to an answer in JSON.
#![forbid(unsafe_code)]

mod newest;

mod shot;

mod settings;

mod stages;

mod hub;

mod encode;

mod metrics;

mod access;

mod request;

mod respond;

mod server;

mod watchdog;

pub use access::Access;
pub use encode::rgb_of;
pub use hub::Hub;
pub use metrics::Totals;
pub use server::{ServeError, Server};
pub use settings::Settings;
pub use stages::{Capture, Seen, StageTimes, Trouble, run};
pub use watchdog::Watchdog;
