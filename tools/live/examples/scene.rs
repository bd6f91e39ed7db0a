//! Serves a drawn scene whose figures are found by their colours: `cargo run -p ocelli-live --example scene`.
//!
//! Expected output: `live at http://127.0.0.1:8081/`. Boxes are exact, and figure `n` has the score
//! 0.35 + 0.1 n, so what a browser shows can be checked pixel by pixel (`cargo xtask page`).

use std::sync::Arc;
use std::time::Duration;

use ocelli_core::Frame;
use ocelli_host::{CaptureError, Scene, SyntheticCamera};
use ocelli_live::emit::page::Page;
use ocelli_live::{Capture, Hub, Seen, Server, Settings, Trouble, run};
use serde_json::{Value, json};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:8081".to_owned());
    let scene = Scene::new(5, 320, 240);
    let colours: Vec<[u8; 3]> = scene.truth(0).map(|truth| truth.colour).collect();
    let hub = Arc::new(Hub::new(Some(Settings { score: 0.3, overlap: 0.5, tracking: false })));
    let server = Server::start(address.parse()?, hub.clone())?;
    println!("live at {}", server.url("localhost"));
    let see = |frame: &Frame<'_>, settings: Option<Settings>| {
        let least = settings.map_or(0.0, |settings| settings.score);
        let score = |index: usize| 0.35 + 0.1 * index as f32;
        let found = colours.iter().enumerate().filter(|(index, _)| score(*index) >= least);
        let found: Vec<Value> =
            found.filter_map(|(index, colour)| boxed(frame, *colour, index, score(index))).collect();
        Seen { answer: json!({ "detections": found }), ..Seen::default() }
    };
    let capture = Capture {
        open: &mut || Ok(SyntheticCamera::new(scene.clone())),
        trouble: |error| if let CaptureError::End = error { Trouble::End } else { Trouble::Frame },
        repeats: true,
        pace: Duration::from_millis(40),
        title: "figures of a drawn scene".to_owned(),
        warn: &|message| eprintln!("{message}"),
    };
    Ok(run(capture, &hub, see, vec![Box::new(Page::new(hub.clone()))])?)
}

/// The box around all pixels of a colour.
fn boxed(frame: &Frame<'_>, colour: [u8; 3], index: usize, score: f32) -> Option<Value> {
    let pixels = frame.bytes().chunks_exact(3).enumerate().filter(|(_, pixel)| *pixel == colour);
    let places = pixels.map(|(place, _)| (place % frame.width(), place / frame.width()));
    let (mut left, mut top, mut right, mut bottom) = (usize::MAX, usize::MAX, 0, 0);
    places.for_each(|(x, y)| {
        (left, top) = (left.min(x), top.min(y));
        (right, bottom) = (right.max(x + 1), bottom.max(y + 1));
    });
    let class = format!("figure {index}");
    (right > 0).then(|| {
        json!({ "class": class, "score": score, "left": left, "top": top, "right": right, "bottom": bottom,
            "keypoints": [] })
    })
}
