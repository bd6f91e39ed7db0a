//! The five stages tied together: a frame goes in, an answer comes out.
//!
//! Everything that can be refused is refused in [`Pipeline::new`]; after that a frame cannot fail. The
//! stages are methods of their own, so that an application may time them, or feed tensors by hand.

use ocelli_core::{Camera, Frame, Infer, Loan};
use ocelli_format::{Artefact, TensorId};
use ocelli_vision::{ImageInput, PreprocessError, Preprocessor, Region, SourceRow, Transform, scratch_words};

use crate::{Boxes, FrameRows, PipelineError, Postprocess, TopClasses};

/// A pipeline that finds boxes: see [`Boxes`] for its capacities.
pub type Detector<'a, I, const DETECTIONS: usize, const KEYPOINTS: usize, const CANDIDATES: usize> =
    Pipeline<'a, I, Boxes<'a, DETECTIONS, KEYPOINTS, CANDIDATES>>;

/// A pipeline that tells the `CLASSES` best classes.
pub type Classifier<'a, I, const CLASSES: usize> = Pipeline<'a, I, TopClasses<'a, CLASSES>>;

/// Preprocess, infer and postprocess for one artefact, around a planned model.
#[derive(Debug)]
pub struct Pipeline<'a, I, P> {
    artefact: Artefact<'a>,
    model: I,
    postprocess: P,
    image: ImageInput,
    tables: &'a [[i8; 256]],
    input_index: usize,
    scratch: &'a mut [u32],
    transform: Transform,
}

impl<'a, I: Infer, P: Postprocess<'a>> Pipeline<'a, I, P> {
    /// Puts `model`, which was planned from `artefact`, between its contracts. `scratch` has
    /// [`scratch_words`] of the image input.
    ///
    /// # Errors
    /// Every [`PipelineError`].
    pub fn new(artefact: Artefact<'a>, mut model: I, scratch: &'a mut [u32]) -> Result<Self, PipelineError> {
        let mut contracts = artefact.input_contracts();
        let contract = match (contracts.next(), contracts.count()) {
            (Some(contract), 0) => contract,
            (first, others) => {
                let available = usize::from(first.is_some()) + others;
                return Err(PipelineError::InputContracts { available });
            }
        };
        check_tensors(&artefact, &mut model)?;
        let image = ImageInput::from_contract(&contract, &artefact.tensor(contract.tensor).shape())?;
        let needed_words = scratch_words(image.width, image.layout);
        if scratch.len() < needed_words {
            let available_words = scratch.len();
            return Err(PreprocessError::Scratch { needed_words, available_words }.into());
        }
        if contract.tables.len() != 1 && contract.tables.len() != image.channels() {
            let (channels, tables) = (image.channels(), contract.tables.len());
            return Err(PreprocessError::Tables { channels, tables }.into());
        }
        let size = (image.width, image.height);
        let transform = Transform::new(size, Region::whole(image.width, image.height), size, image.resize)?;
        Ok(Pipeline {
            artefact,
            model,
            postprocess: P::plan(&artefact)?,
            image,
            tables: contract.tables,
            // A contract is about an input: `parse` has checked it.
            input_index: artefact.input_index(contract.tensor).unwrap_or(0),
            scratch,
            transform,
        })
    }

    /// Takes a frame from `camera` through all stages; the loan is back before this returns.
    ///
    /// # Errors
    /// Those of the camera, and [`nb::Error::WouldBlock`] while it has no frame.
    pub fn next<C: Camera>(&mut self, camera: &mut C) -> nb::Result<P::Outcome<'_>, C::Error> {
        let loan = camera.read_frame()?;
        self.preprocess(&loan.frame());
        drop(loan);
        self.infer();
        Ok(self.postprocess())
    }

    /// Takes a frame, of any size, through preprocess, infer and postprocess.
    pub fn run(&mut self, frame: &Frame<'_>) -> P::Outcome<'_> {
        self.preprocess(frame);
        self.infer();
        self.postprocess()
    }

    /// The preprocess stage: fills the model's input from a frame. Where that input is streamed, the
    /// model runs meanwhile, as far as its rows allow.
    pub fn preprocess(&mut self, frame: &Frame<'_>) {
        let (width, height) = (frame.width(), frame.height());
        let filled = self.start_frame(width, height, None).and_then(|mut rows| {
            (0..height).filter_map(|y| SourceRow::of(frame, y)).try_for_each(|row| rows.push(row))
        });
        // A frame has bounds of its own, and `new` has checked everything else.
        debug_assert!(filled.is_ok(), "{filled:?}");
    }

    /// The preprocess stage for a frame of `width` x `height` pixels that comes row by row, of which the
    /// model sees `region`, or all.
    ///
    /// # Errors
    /// [`PreprocessError::FrameSize`] and [`PreprocessError::Region`].
    pub fn start_frame(
        &mut self,
        width: usize,
        height: usize,
        region: Option<Region>,
    ) -> Result<FrameRows<'_, I>, PreprocessError> {
        let preprocessor = Preprocessor::new(self.image, width, height, region, self.scratch)?;
        self.transform = preprocessor.transform();
        let (model, input_index) = (&mut self.model, self.input_index);
        let row_elements = self.image.width * self.image.channels();
        let rows = 0..self.image.height;
        Ok(FrameRows { preprocessor, tables: self.tables, model, input_index, row_elements, rows })
    }

    /// The infer stage: runs the model on its input.
    pub fn infer(&mut self) {
        self.model.infer();
    }

    /// The postprocess stage: reads the model's outputs, in coordinates of the last frame.
    pub fn postprocess(&mut self) -> P::Outcome<'_> {
        let (artefact, model) = (&self.artefact, &self.model);
        let output = move |tensor: TensorId| model.output(artefact.output_index(tensor)?);
        self.postprocess.answer(output, &self.transform)
    }

    /// The postprocess stage itself, for what may be set while it runs.
    pub fn postprocess_mut(&mut self) -> &mut P {
        &mut self.postprocess
    }

    /// What the pipeline was made from.
    pub fn artefact(&self) -> &Artefact<'a> {
        &self.artefact
    }

    /// The size and layout that frames are brought to.
    pub fn image(&self) -> &ImageInput {
        &self.image
    }

    /// Where the last frame and the model's input lie on each other.
    pub fn transform(&self) -> &Transform {
        &self.transform
    }

    /// The model, for its output tensors.
    pub fn model(&self) -> &I {
        &self.model
    }

    /// The model, for input tensors that no frame fills.
    pub fn model_mut(&mut self) -> &mut I {
        &mut self.model
    }

    /// Gives the model back.
    pub fn release(self) -> I {
        self.model
    }
}

/// Whether `model` has the inputs and outputs of `artefact`.
fn check_tensors(artefact: &Artefact<'_>, model: &mut impl Infer) -> Result<(), PipelineError> {
    for (index, &tensor) in artefact.inputs().iter().enumerate() {
        let needed_elements = artefact.tensor(tensor).bytes();
        let available_elements = match model.input(index) {
            Some(input) => input.len(),
            // A streamed input, which is an image, takes a row at a time.
            None => {
                let [_, height, width, channels] = artefact.tensor(tensor).nhwc().unwrap_or_default();
                let row = model.input_row(index, 0, width * channels);
                row.map_or(0, |row| row.len()) * height
            }
        };
        if available_elements != needed_elements {
            return Err(PipelineError::Input { index, needed_elements, available_elements });
        }
    }
    for (index, &tensor) in artefact.outputs().iter().enumerate() {
        let needed_elements = artefact.tensor(tensor).bytes();
        let available_elements = model.output(index).map_or(0, |output| output.len());
        if available_elements != needed_elements {
            return Err(PipelineError::Output { index, needed_elements, available_elements });
        }
    }
    Ok(())
}
