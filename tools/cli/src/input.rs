//! What `--input` says: a pseudo-random stream straight into the input tensors, or a camera.

use std::str::FromStr;

use ocelli::{Artefact, Camera, Frame, ImageInput, Infer, Loan, Preprocessor, scratch_words};
use ocelli_format::SeedStream;

use crate::failure::Failure;
use crate::session::WITHOUT_CONTRACT;

/// The help text of `--input`.
pub const HELP: &str = "A picture, a folder of pictures, a y4m or MJPEG file, `-` for standard input, `/dev/video0` or \
    `v4l2:/dev/video0:1280x720` for a camera, `pipe:rpicam-vid ...` for what a program writes, `http://...` for MJPEG, \
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
        model.fill_input(index, || stream.next().unwrap_or_default());
    }
}

/// What every input tensor holds: the stream of a seed, or the first frame as the contract wants it.
pub fn tensors(artefact: &Artefact<'_>, input: &Input) -> Result<Vec<Vec<i8>>, Failure> {
    let sizes = artefact.inputs().iter().map(|&id| artefact.tensor(id).bytes());
    match input {
        Input::Seed { seed, shift } => {
            let mut stream = SeedStream::new(*seed, *shift);
            Ok(sizes.map(|bytes| stream.by_ref().take(bytes).collect()).collect())
        }
        Input::Camera(name) => {
            let failed = |error: &dyn std::error::Error| Failure::from(format!("{name}: {error}"));
            let mut camera = ocelli_host::open(name).map_err(|error| failed(&error))?;
            let loan = nb::block!(camera.read_frame()).map_err(|error| failed(&error))?;
            let mut tensors: Vec<Vec<i8>> = sizes.map(|bytes| vec![0; bytes]).collect();
            fill_from_frame(artefact, &loan.frame(), &mut tensors)?;
            Ok(tensors)
        }
    }
}

fn fill_from_frame(
    artefact: &Artefact<'_>,
    frame: &Frame<'_>,
    tensors: &mut [Vec<i8>],
) -> Result<(), Failure> {
    let contract = artefact.input_contracts().next().ok_or_else(|| {
        Failure::from("the artefact does not say how a frame becomes its input".to_owned())
            .advise(WITHOUT_CONTRACT)
    })?;
    let failed = |error: ocelli::PreprocessError| Failure::from(error.to_string());
    let image =
        ImageInput::from_contract(&contract, &artefact.tensor(contract.tensor).shape()).map_err(failed)?;
    let mut scratch = vec![0; scratch_words(image.width, image.layout)];
    let mut preprocessor =
        Preprocessor::new(image, frame.width(), frame.height(), None, &mut scratch).map_err(failed)?;
    let index = artefact.input_index(contract.tensor).unwrap_or(0);
    preprocessor.frame_to_input(frame, contract.tables, &mut tensors[index]).map_err(failed)
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
