//! What `--input` says: a pseudo-random stream straight into the input tensors, or a camera.

use std::str::FromStr;

use ocelli::{Artefact, Infer};
use ocelli_format::SeedStream;

/// The help text of `--input`.
pub const HELP: &str = "A picture, a folder of pictures, a y4m or MJPEG file, `-` for standard input, \
    `synthetic:SEED[:WIDTHxHEIGHT]` for a drawn scene, or `seed:SEED[:SHIFT]` for pseudo-random tensors";

/// What a model gets to see.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// Tensors filled from the xorshift32 stream of `seed`, every byte shifted right by `shift`.
    Seed {
        /// Not 0.
        seed: u32,
        /// 0 to 7.
        shift: u8,
    },
    /// Frames of a camera, as `boards/host` names them.
    Camera(String),
}

impl FromStr for Input {
    type Err = String;

    fn from_str(text: &str) -> Result<Input, String> {
        let Some(numbers) = text.strip_prefix("seed:") else {
            return Ok(Input::Camera(text.to_owned()));
        };
        let (seed, shift) = numbers.split_once(':').unwrap_or((numbers, "0"));
        match (seed.parse(), shift.parse()) {
            (Ok(seed), Ok(shift)) if seed != 0 && shift <= 7 => Ok(Input::Seed { seed, shift }),
            _ => {
                Err("`seed:SEED[:SHIFT]` needs a seed from 1 to 4294967295 and a shift from 0 to 7"
                    .to_owned())
            }
        }
    }
}

/// Fills all inputs of a model from one stream, in order.
pub fn fill_from_seed(artefact: &Artefact<'_>, model: &mut impl Infer, seed: u32, shift: u8) {
    let mut stream = SeedStream::new(seed, shift);
    for index in 0..artefact.inputs().len() {
        let input = model.input(index).unwrap_or_default();
        input.iter_mut().zip(&mut stream).for_each(|(value, byte)| *value = byte);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seeds_and_cameras_are_told_apart() {
        assert_eq!("seed:5:2".parse(), Ok(Input::Seed { seed: 5, shift: 2 }));
        assert_eq!("seed:7".parse(), Ok(Input::Seed { seed: 7, shift: 0 }));
        assert_eq!("seed.png".parse(), Ok(Input::Camera("seed.png".into())));
        for wrong in ["seed:0", "seed:", "seed:1:8", "seed:x", "seed:4294967296", "seed:1:2:3"] {
            assert!(wrong.parse::<Input>().is_err(), "{wrong}");
        }
    }
}
