//! Batches: pictures drawn for a step, as pixels and as burn's tensors.

use burn::tensor::{Device, Tensor, TensorData};
use ocelli_compiler::quantize::InputScaling;

use crate::augment::Augment;
use crate::data::{Examples, Seen};
use crate::detect::{Object, objects};
use crate::random::Random;

/// Pictures of a step.
pub struct Batch {
    /// Pixels, augmented.
    pub pixels: Vec<u8>,
    /// Bytes of a picture.
    pub size: usize,
    /// What they show.
    pub truths: Vec<Target>,
}

/// What a picture of a step shows.
#[derive(Clone, Debug, PartialEq)]
pub enum Target {
    /// This class.
    Class(usize),
    /// These objects, moved as the picture was.
    Objects(Vec<Object>),
}

impl Batch {
    /// Draws these pictures.
    pub fn draw(
        examples: &Examples,
        indices: &[usize],
        augment: &Augment,
        picture: [usize; 3],
        random: &mut Random,
    ) -> Batch {
        let mut pixels = Vec::with_capacity(indices.len() * examples.size);
        let mut truths = Vec::with_capacity(indices.len());
        for &index in indices {
            let mut truth = match &examples.truths[index] {
                Seen::Class(class) => Target::Class(*class),
                Seen::Objects { boxes, transform } => Target::Objects(objects(boxes, transform)),
            };
            if augment.is_nothing() {
                pixels.extend_from_slice(examples.picture(index));
            } else {
                let motion = augment.apply(examples.picture(index), picture, random, &mut pixels);
                if let Target::Objects(objects) = &mut truth {
                    motion.apply(objects);
                }
            }
            truths.push(truth);
        }
        Batch { pixels, size: examples.size, truths }
    }

    /// The classes of pictures that show one each.
    pub fn classes(&self) -> Vec<usize> {
        let class = |truth: &Target| match truth {
            Target::Class(class) => Some(*class),
            Target::Objects(_) => None,
        };
        self.truths.iter().filter_map(class).collect()
    }

    /// The objects of each picture.
    pub fn objects(&self) -> Vec<&[Object]> {
        fn objects(truth: &Target) -> &[Object] {
            match truth {
                Target::Class(_) => &[],
                Target::Objects(objects) => objects,
            }
        }
        self.truths.iter().map(objects).collect()
    }

    /// How many pictures.
    pub fn len(&self) -> usize {
        self.truths.len()
    }

    /// Each picture's pixels.
    pub fn pictures(&self) -> impl Iterator<Item = &[u8]> {
        self.pixels.chunks_exact(self.size)
    }

    /// The network's input `[N, C, H, W]`, in real numbers.
    pub fn input(
        &self,
        scaling: &InputScaling,
        [height, width, channels]: [usize; 3],
        device: &Device,
    ) -> Tensor<4> {
        let tables: Vec<[f32; 256]> = (0..channels)
            .map(|channel| std::array::from_fn(|pixel| scaling.real(pixel as u8, channel)))
            .collect();
        let real = self
            .pixels
            .iter()
            .enumerate()
            .map(|(index, &pixel)| tables[index % channels][usize::from(pixel)]);
        input(real.collect(), [self.len(), height, width, channels], device)
    }

    /// What is true, `[N, classes]`, with a part spread evenly.
    pub fn targets(&self, classes: usize, smoothing: f32, device: &Device) -> Tensor<2> {
        let mut targets = vec![smoothing / classes as f32; self.len() * classes];
        for (row, class) in self.classes().into_iter().enumerate() {
            targets[row * classes + class] += 1.0 - smoothing;
        }
        Tensor::from_data(TensorData::new(targets, [self.len(), classes]), device)
    }
}

/// Real numbers `[N, H, W, C]` as a pass wants them.
pub fn input(real: Vec<f32>, shape: [usize; 4], device: &Device) -> Tensor<4> {
    let rows = Tensor::<4>::from_data(TensorData::new(real, shape), device);
    if shape[3] == 1 {
        let [n, height, width, _] = shape;
        return rows.reshape([n, 1, height, width]);
    }
    rows.permute([0, 3, 1, 2])
}
