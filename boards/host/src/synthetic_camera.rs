//! A camera that sees a drawn scene, without end.

use ocelli_core::{Camera, Frame, PixelFormat};

use crate::{CaptureError, OpenError, Scene, Truth};

/// A moving scene as RGB888, with the truth about every frame.
#[derive(Clone, Debug)]
pub struct SyntheticCamera {
    scene: Scene,
    rgb: Vec<u8>,
    next: u64,
}

impl SyntheticCamera {
    /// Begins a scene with its first frame.
    pub fn new(scene: Scene) -> SyntheticCamera {
        SyntheticCamera { scene, rgb: Vec::new(), next: 0 }
    }

    /// Reads `SEED[:WIDTHxHEIGHT]`; without a size it is 320x240.
    ///
    /// # Errors
    /// [`OpenError::Synthetic`].
    pub fn parse(text: &str) -> Result<SyntheticCamera, OpenError> {
        let sides = Scene::MIN_SIDE..=Frame::MAX_SIDE;
        let parsed = || {
            let (seed, size) = text.split_once(':').unwrap_or((text, "320x240"));
            let [width, height] =
                parse_size(size).filter(|size| size.iter().all(|side| sides.contains(side)))?;
            Some(Scene::new(seed.parse().ok()?, width, height))
        };
        parsed().map(SyntheticCamera::new).ok_or_else(|| OpenError::Synthetic { text: text.to_owned() })
    }

    /// The figures of the last frame that was read, back to front.
    pub fn truth(&self) -> impl Iterator<Item = Truth> + '_ {
        self.scene.truth(self.next.saturating_sub(1))
    }
}

/// The size of a frame as names of cameras have it: `640x480`.
pub fn parse_size(text: &str) -> Option<[usize; 2]> {
    let (width, height) = text.split_once('x')?;
    let size = [width.parse().ok()?, height.parse().ok()?];
    size.iter().all(|side| (1..=Frame::MAX_SIDE).contains(side)).then_some(size)
}

impl Camera for SyntheticCamera {
    type Error = CaptureError;
    type Loan<'a> = Frame<'a>;

    fn read_frame(&mut self) -> nb::Result<Frame<'_>, CaptureError> {
        self.scene.draw(self.next, &mut self.rgb);
        self.next += 1;
        Ok(Frame::new(&self.rgb, self.scene.width(), self.scene.height(), PixelFormat::Rgb888)
            .expect("a scene's size is a frame's, and it draws every pixel"))
    }
}
