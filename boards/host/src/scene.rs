//! A drawn scene with known answers: figures that move over a textured ground.
//!
//! Everything follows from the seed in integers, so that a scene looks the same on every machine,
//! and any frame of it can be drawn without the ones before.

use ocelli_core::{BoundingBox, SUBPIXELS};

/// The outline of a figure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Figure {
    /// An upright rectangle.
    Rectangle,
    /// A disc.
    Disc,
}

/// What is where in a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Truth {
    /// Its outline.
    pub figure: Figure,
    /// Red, green, blue: no other figure has the same, nor has the ground.
    pub colour: [u8; 3],
    /// Exactly the pixels it would cover were nothing in front of it.
    pub bounds: BoundingBox,
}

/// Figures that bounce between the edges of the frame; later ones are in front.
#[derive(Clone, Debug)]
pub struct Scene {
    seed: u32,
    width: usize,
    height: usize,
    actors: Vec<Actor>,
}

#[derive(Clone, Copy, Debug)]
struct Actor {
    figure: Figure,
    colour: [u8; 3],
    width: usize,
    height: usize,
    start: [u64; 2],
    /// In 1/16 pixel a frame.
    speed: [u64; 2],
}

impl Scene {
    /// The shortest side that has room for figures.
    pub const MIN_SIDE: usize = 32;

    /// A scene of three to six figures. Sides below [`Scene::MIN_SIDE`] are taken as that.
    pub fn new(seed: u32, width: usize, height: usize) -> Scene {
        let (width, height) = (width.max(Scene::MIN_SIDE), height.max(Scene::MIN_SIDE));
        let mut random = Random(hash(seed, 0, 0) | 1);
        let count = 3 + random.below(4);
        let actors = (0..count).map(|index| Actor::new(&mut random, index, width, height)).collect();
        Scene { seed, width, height, actors }
    }

    /// Width in pixels.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Height in pixels.
    pub fn height(&self) -> usize {
        self.height
    }

    /// Where the figures are in frame `time`, back to front.
    pub fn truth(&self, time: u64) -> impl Iterator<Item = Truth> + '_ {
        self.actors.iter().map(move |actor| {
            let (x, y) = self.place(actor, time);
            let edge = |pixel: usize| pixel as i32 * SUBPIXELS;
            let bounds = BoundingBox {
                left: edge(x),
                top: edge(y),
                right: edge(x + actor.width),
                bottom: edge(y + actor.height),
            };
            Truth { figure: actor.figure, colour: actor.colour, bounds }
        })
    }

    /// Draws frame `time` as RGB888.
    pub fn draw(&self, time: u64, rgb: &mut Vec<u8>) {
        rgb.clear();
        for y in 0..self.height {
            for x in 0..self.width {
                rgb.extend(self.ground(x, y));
            }
        }
        for actor in &self.actors {
            let (left, top) = self.place(actor, time);
            for y in 0..actor.height {
                for x in 0..actor.width {
                    let start = ((top + y) * self.width + left + x) * 3;
                    if actor.covers(x, y)
                        && let Some(pixel) = rgb.get_mut(start..start + 3)
                    {
                        pixel.copy_from_slice(&actor.colour);
                    }
                }
            }
        }
    }

    /// Brown and green in soft patches with grain: red stays below 128, so no figure's colour occurs.
    fn ground(&self, x: usize, y: usize) -> [u8; 3] {
        const PATCH: u32 = 16;
        let (x, y) = (x as u32, y as u32);
        let corner = |dx, dy| hash(self.seed, x / PATCH + dx, y / PATCH + dy) & 63;
        let (right, down) = (x % PATCH, y % PATCH);
        let row = |dy| corner(0, dy) * (PATCH - right) + corner(1, dy) * right;
        let patch = (row(0) * (PATCH - down) + row(1) * down) / (PATCH * PATCH);
        let grain = hash(!self.seed, x, y) & 15;
        [(30 + patch + grain) as u8, (60 + patch + grain) as u8, (20 + patch / 2 + grain) as u8]
    }

    /// Column and row of a figure's top left pixel.
    fn place(&self, actor: &Actor, time: u64) -> (usize, usize) {
        let along = |axis: usize, room: usize| {
            let period = 2 * room.max(1) as u64;
            let way = (actor.start[axis] + actor.speed[axis].wrapping_mul(time) / 16) % period;
            way.min(period - way).min(room as u64) as usize
        };
        (along(0, self.width - actor.width), along(1, self.height - actor.height))
    }
}

impl Actor {
    fn new(random: &mut Random, index: u32, width: usize, height: usize) -> Actor {
        let figure = if random.below(2) == 0 { Figure::Rectangle } else { Figure::Disc };
        let mut side = |room: usize| room / 8 + random.below(room as u32 / 4) as usize;
        let (mut own_width, mut own_height) = (side(width), side(height));
        if figure == Figure::Disc {
            // An odd side gives a disc a centre, and its outermost pixels touch the box.
            own_width = own_width.min(own_height) | 1;
            own_height = own_width;
        }
        let mut number = |least, bound| u64::from(least + random.below(bound));
        Actor {
            figure,
            colour: [255 - 8 * index as u8, number(0, 256) as u8, number(0, 256) as u8],
            width: own_width,
            height: own_height,
            start: [number(0, 1 << 14), number(0, 1 << 14)],
            speed: [number(8, 56), number(8, 56)],
        }
    }

    fn covers(&self, x: usize, y: usize) -> bool {
        let radius = self.width / 2;
        self.figure == Figure::Rectangle
            || x.abs_diff(radius).pow(2) + y.abs_diff(radius).pow(2) <= radius.pow(2)
    }
}

struct Random(u32);

impl Random {
    fn below(&mut self, bound: u32) -> u32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 17;
        self.0 ^= self.0 << 5;
        (self.0 >> 8) % bound.max(1)
    }
}

/// Mixes three numbers so that neighbours have nothing in common.
fn hash(seed: u32, x: u32, y: u32) -> u32 {
    let mut mixed = seed ^ x.wrapping_mul(0x9e37_79b1) ^ y.wrapping_mul(0x85eb_ca77);
    for _ in 0..2 {
        mixed = (mixed ^ mixed >> 15).wrapping_mul(0x2c1b_3c6d);
        mixed ^= mixed >> 12;
    }
    mixed
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The box around all pixels of a colour, in sub-pixels.
    fn extent(rgb: &[u8], width: usize, colour: [u8; 3]) -> Option<BoundingBox> {
        let mut extent: Option<BoundingBox> = None;
        for (index, pixel) in rgb.chunks(3).enumerate() {
            if pixel == colour {
                let (x, y) = ((index % width) as i32 * SUBPIXELS, (index / width) as i32 * SUBPIXELS);
                let pixel = BoundingBox { left: x, top: y, right: x + SUBPIXELS, bottom: y + SUBPIXELS };
                let so_far = extent.unwrap_or(pixel);
                extent = Some(BoundingBox {
                    left: so_far.left.min(pixel.left),
                    top: so_far.top.min(pixel.top),
                    right: so_far.right.max(pixel.right),
                    bottom: so_far.bottom.max(pixel.bottom),
                });
            }
        }
        extent
    }

    #[test]
    fn the_truth_is_what_the_pixels_say() {
        let mut rgb = Vec::new();
        let mut seen = 0;
        for (seed, width, height) in [(1, 320, 240), (2, 160, 120), (3, 32, 32), (4, 33, 200), (0, 64, 48)] {
            let scene = Scene::new(seed, width, height);
            for time in (0..2000).step_by(197) {
                scene.draw(time, &mut rgb);
                assert_eq!(rgb.len(), width * height * 3);
                let truths: Vec<Truth> = scene.truth(time).collect();
                for (index, truth) in truths.iter().enumerate() {
                    let bounds = truth.bounds;
                    assert!(bounds.left >= 0 && bounds.right <= width as i32 * SUBPIXELS);
                    assert!(bounds.top >= 0 && bounds.bottom <= height as i32 * SUBPIXELS);
                    // Figures behind others may be hidden in part.
                    let is_free = truths[index + 1..]
                        .iter()
                        .all(|other| bounds.intersection(&other.bounds).area() == 0);
                    if is_free {
                        assert_eq!(
                            extent(&rgb, width, truth.colour),
                            Some(bounds),
                            "{seed} {time} {truth:?}"
                        );
                        seen += 1;
                    }
                }
            }
        }
        assert!(seen > 100, "{seen}");
    }

    #[test]
    fn a_seed_is_one_scene() {
        let draw = |seed, time| {
            let mut rgb = Vec::new();
            Scene::new(seed, 48, 40).draw(time, &mut rgb);
            rgb
        };
        assert_eq!(draw(5, 3), draw(5, 3));
        assert_ne!(draw(5, 3), draw(5, 30), "figures move");
        assert_ne!(draw(5, 3), draw(6, 3));
        Scene::new(9, 40, 40).draw(u64::MAX, &mut Vec::new());
    }
}
