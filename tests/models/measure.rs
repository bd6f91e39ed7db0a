//! How near an artefact's outputs come to float, picture by picture.

use std::path::Path;

use ocelli_compiler::convert::Conversion;
use ocelli_compiler::execute::Executor;
use ocelli_compiler::float_model::FloatModel;
use ocelli_compiler::report::OutputQuality;
use ocelli_format::{AlignedBytes, Artefact};
use ocelli_host::Picture;
use ocelli_vision::{ImageInput, Preprocessor, scratch_words};

/// An output's signal to noise.
pub struct Quality {
    pub name: String,
    pub sqnr_db: f64,
    /// What there is to say instead of a figure.
    pub why_not: Option<&'static str>,
}

impl Quality {
    /// Of a head, at anchors that come near the threshold.
    pub fn of_head(output: &OutputQuality) -> Quality {
        let why_not = output.in_words().map(|_| "too few anchors near the threshold");
        Quality { name: output.name.clone(), sqnr_db: output.sqnr_db, why_not }
    }
}

/// An artefact in int8 on the host.
pub struct Runner<'a> {
    conversion: &'a Conversion,
    image: ImageInput,
    executor: Executor,
}

impl<'a> Runner<'a> {
    pub fn new(conversion: &'a Conversion) -> Result<Runner<'a>, String> {
        let bytes = AlignedBytes::copy_of(&conversion.bytes);
        let artefact = Artefact::parse(&bytes).map_err(|error| error.to_string())?;
        let contract = artefact.input_contracts().next().ok_or("no input contract")?;
        let image = ImageInput::from_contract(&contract, &artefact.tensor(contract.tensor).shape())
            .map_err(|error| error.to_string())?;
        let executor = Executor::from_bytes(&conversion.model.name, &conversion.bytes)
            .map_err(|error| error.to_string())?;
        Ok(Runner { conversion, image, executor })
    }

    /// The real values of every output for a picture.
    pub fn run(&mut self, picture: &Picture) -> Result<Vec<Vec<f32>>, String> {
        let (frame, image) = (picture.frame(), self.image);
        let mut pixels = vec![0; image.elements()];
        let mut scratch = vec![0; scratch_words(image.width, image.layout)];
        let mut preprocessor = Preprocessor::new(image, frame.width(), frame.height(), None, &mut scratch)
            .map_err(|error| error.to_string())?;
        preprocessor.frame_to_pixels(&frame, &mut pixels).map_err(|error| error.to_string())?;
        let model = &self.conversion.model;
        let tables = &model.input_contracts[0].tables;
        let table = |index: usize| &tables[index % image.channels() % tables.len()];
        let stored = pixels.iter().enumerate().map(|(index, &pixel)| table(index)[usize::from(pixel)]);
        let found = self.executor.run(&[stored.collect()]).map_err(|error| error.to_string())?;
        let real = |(values, &id): (Vec<i8>, &u16)| -> Vec<f32> {
            let tensor = &model.tensors[usize::from(id)];
            let scale = f32::from_bits(tensor.scale_bits);
            values.iter().map(|&v| scale * f32::from(i16::from(v) - i16::from(tensor.zero_point))).collect()
        };
        Ok(found.into_iter().zip(&model.outputs).map(real).collect())
    }
}

/// Signal to noise of every output over `pictures`, and of the outputs in `everywhere` over `others` as well.
pub fn measure(
    path: &Path,
    conversion: &Conversion,
    pictures: &[Picture],
    others: &[Picture],
    everywhere: &[usize],
) -> Result<Vec<Quality>, String> {
    let bytes = AlignedBytes::copy_of(&conversion.bytes);
    let artefact = Artefact::parse(&bytes).map_err(|error| error.to_string())?;
    let float = FloatModel::open(path, &artefact).map_err(|error| error.to_string())?;
    let mut runner = Runner::new(conversion)?;
    let mut sums: Vec<Sums> = float.outputs().iter().map(|_| Sums::default()).collect();
    let all = pictures.iter().map(|picture| (picture, false));
    for (picture, is_other) in all.chain(others.iter().map(|picture| (picture, true))) {
        let (wanted, _) = float.run(&picture.frame()).map_err(|error| error.to_string())?;
        let found = runner.run(picture)?;
        for (output, (wanted, found)) in wanted.iter().zip(&found).enumerate() {
            if !is_other || everywhere.contains(&output) {
                for (&wanted, &found) in wanted.iter().zip(found) {
                    sums[output].add(f64::from(wanted), f64::from(found));
                }
            }
        }
    }
    let outputs = float.outputs().iter().zip(&sums);
    Ok(outputs.map(|((name, _), sums)| sums.quality(name.clone())).collect())
}

/// Of an output over all pictures.
#[derive(Default)]
struct Sums {
    count: f64,
    sum: f64,
    squares: f64,
    noise: f64,
}

impl Sums {
    fn add(&mut self, float: f64, int8: f64) {
        self.count += 1.0;
        self.sum += float;
        self.squares += float * float;
        self.noise += (float - int8) * (float - int8);
    }

    /// The mean square around the mean over that of the error.
    fn quality(&self, name: String) -> Quality {
        let signal = self.squares - self.sum * self.sum / self.count.max(1.0);
        let sqnr_db = 10.0 * (signal.max(f64::MIN_POSITIVE) / self.noise.max(f64::MIN_POSITIVE)).log10();
        let why_not = match (signal > 0.0, self.noise > 0.0) {
            (false, _) => Some("the same for every picture"),
            (true, false) => Some("exact"),
            (true, true) => None,
        };
        Quality { name, sqnr_db, why_not }
    }
}
