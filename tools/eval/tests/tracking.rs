//! The tracker on drawn scenes whose truth is exact: figures that cross and hide each other, seen by a detector
//! that misses, trembles and imagines at stated rates.

use std::ops::Range;

use ocelli_core::{BoundingBox, SUBPIXELS, Score};
use ocelli_eval::{TrackedBox, TrackingEvaluation, TrackingScore};
use ocelli_host::{Scene, Truth};
use ocelli_vision::{Observation, Tracker, TrackerOptions};

/// What is wrong with the detector, in percent.
#[derive(Clone, Copy)]
struct Faults {
    /// Visible figures that are not detected.
    missed: u32,
    /// Boxes where nothing is, of the figures in the frame.
    imagined: u32,
    /// How far an edge may be off, of the box's side.
    tremble: u32,
}

const WIDTH: usize = 640;
const HEIGHT: usize = 480;
const FRAMES: u64 = 900;
const SCENES: Range<u32> = 61..101;
const THRESHOLD: Score = Score(32_768);

#[test]
fn crossings_occlusions_and_a_bad_detector_keep_their_identities() {
    println!(
        "{} scenes of {FRAMES} frames at {WIDTH}x{HEIGHT}, boxes off by up to 4 % of their sides; figures of \
         which less than a quarter shows are never detected",
        SCENES.len()
    );
    println!("missed  imagined     truths     misses     false   switches     MOTA     IDF1");
    for (missed, imagined) in [(0, 0), (10, 0), (10, 5), (20, 10)] {
        let score = run(Faults { missed, imagined, tremble: 4 });
        println!(
            "{missed:>4} %  {imagined:>6} %  {:>9}  {:>9}  {:>8}  {:>9}   {:>6.3}   {:>6.3}",
            score.truths,
            score.misses,
            score.false_positives,
            score.identity_switches,
            score.mota,
            score.idf1
        );
        if missed <= 10 {
            assert!(score.mota >= 0.85, "MOTA {}", score.mota);
            assert!(score.idf1 >= 0.9, "IDF1 {}", score.idf1);
        }
    }
}

/// All scenes, one after the other; identities of a scene are its own.
fn run(faults: Faults) -> TrackingScore {
    let mut evaluation = TrackingEvaluation::default();
    for seed in SCENES {
        let scene = Scene::new(seed, WIDTH, HEIGHT);
        let mut detector = Detector { faults, random: Random(seed.wrapping_mul(0x9e37_79b9)) };
        let mut tracker = Tracker::<32>::new(TrackerOptions::above(THRESHOLD));
        for time in 0..FRAMES {
            let truths: Vec<Truth> = scene.truth(time).collect();
            tracker.update(detector.detect(&truths).into_iter());
            let own = |identity: u32| 1_000 * seed + identity;
            let true_boxes: Vec<_> =
                (0..).zip(&truths).map(|(index, truth)| tracked(own(index), &truth.bounds)).collect();
            let found: Vec<_> =
                tracker.tracks().map(|track| tracked(own(track.identity()), &track.bounds())).collect();
            evaluation.add_frame(&true_boxes, &found);
        }
    }
    evaluation.score().unwrap()
}

fn tracked(identity: u32, bounds: &BoundingBox) -> TrackedBox {
    let pixels = |edge: i32| edge as f32 / SUBPIXELS as f32;
    TrackedBox { identity, bounds: [bounds.left, bounds.top, bounds.right, bounds.bottom].map(pixels) }
}

struct Detector {
    faults: Faults,
    random: Random,
}

impl Detector {
    fn detect(&mut self, truths: &[Truth]) -> Vec<Observation> {
        let mut seen = Vec::new();
        for (index, truth) in truths.iter().enumerate() {
            let visible = visible_percent(&truth.bounds, &truths[index + 1..]);
            if visible >= 25 && !self.happens(self.faults.missed) {
                // What is half hidden is found with a low score.
                let score = if visible < 50 { 20_000 } else { 40_000 + 200 * visible };
                seen.push(self.observation(&truth.bounds, score));
            }
        }
        for _ in truths {
            if self.happens(self.faults.imagined) {
                let mut side = |room: usize| self.random.below(room as u32 * 256) as i32;
                let (left, top) = (side(WIDTH), side(HEIGHT));
                let (right, bottom) = (left + 2_000 + side(WIDTH / 4), top + 2_000 + side(HEIGHT / 4));
                let score = 16_384 + self.random.below(40_000);
                seen.push(self.observation(&BoundingBox { left, top, right, bottom }, score));
            }
        }
        seen.sort_by_key(|observation| std::cmp::Reverse(observation.score));
        seen
    }

    fn observation(&mut self, bounds: &BoundingBox, score: u32) -> Observation {
        let mut off = |side: i32| {
            let most = side as u32 * self.faults.tremble / 100;
            self.random.below(2 * most + 1) as i32 - most as i32
        };
        let (width, height) = (bounds.width(), bounds.height());
        let bounds = BoundingBox {
            left: bounds.left + off(width),
            top: bounds.top + off(height),
            right: bounds.right + off(width),
            bottom: bounds.bottom + off(height),
        };
        Observation { class_index: 0, score: Score(score.min(65_535) as u16), bounds }
    }

    fn happens(&mut self, percent: u32) -> bool {
        self.random.below(100) < percent
    }
}

/// How much of a box is in front of the boxes of `others`, by 400 points.
fn visible_percent(bounds: &BoundingBox, others: &[Truth]) -> u32 {
    let is_free = |x: i32, y: i32| {
        !others.iter().any(|other| {
            let other = &other.bounds;
            (other.left..other.right).contains(&x) && (other.top..other.bottom).contains(&y)
        })
    };
    let point = |from: i32, side: i32, step: i32| from + side * (2 * step + 1) / 40;
    let free = (0..400).filter(|step| {
        is_free(point(bounds.left, bounds.width(), step % 20), point(bounds.top, bounds.height(), step / 20))
    });
    free.count() as u32 / 4
}

struct Random(u32);

impl Random {
    fn below(&mut self, bound: u32) -> u32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 17;
        self.0 ^= self.0 << 5;
        (self.0 >> 8) % bound
    }
}
