//! Networks that need no file: small known shapes, wider or deeper as a recipe says.

use ocelli_compiler::contract::BoxLayout;
use ocelli_compiler::graph::{Activation, Op};
use serde::{Deserialize, Serialize};

use crate::error::TrainError;
use crate::network::Network;

mod builder;
mod pyramid;

use builder::{Builder, Layer};

/// Which shape, as recipes name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Family {
    /// Dense layers of 300 and 100 (LeCun and others, 1998): 266,610 numbers on 28x28 gray and ten classes.
    #[serde(rename = "lenet-300-100")]
    Lenet300100,
    /// Caffe's LeNet-5: convolutions of 20 and 50, dense layers of 500 and ten: 431,080 numbers.
    #[serde(rename = "lenet-5")]
    Lenet5,
    /// Residual blocks of 16, 32 and 64 channels, one a stage (MLPerf Tiny's shape).
    #[serde(rename = "resnet-8")]
    Resnet8,
    /// Depthwise and pointwise layers from 16 to 128 channels (after MobileNet v1).
    Mobilenet,
    /// Depthwise and pointwise layers, joined from coarse to fine (Lin and others, 2017): a detector with a head for
    /// each grid of the contract.
    Pyramid,
}

/// A family with everything that it leaves open.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Shape {
    /// Which.
    pub family: Family,
    /// Height, width and channels of the picture.
    pub picture: [usize; 3],
    /// How many classes.
    pub classes: usize,
    /// Factor of all channels.
    pub width: f32,
    /// Blocks in each stage, or dense layers of each size.
    pub depth: usize,
}

impl Shape {
    /// A classifier with weights drawn.
    ///
    /// # Errors
    /// [`TrainError::Model`] for a picture that is too small for it, and for a family of detectors.
    pub fn build(&self, name: &str, seed: u64) -> Result<Network, TrainError> {
        let mut builder = Builder::new(name, self.picture, seed);
        let wide = |channels| self.wide(channels);
        let input = 0;
        let last = match self.family {
            Family::Lenet300100 => {
                let mut last = builder.flatten(input);
                for (size, label) in [(300, "dense_1"), (100, "dense_2")] {
                    for block in 0..self.depth {
                        last = builder.dense(&format!("{label}_{block}"), last, wide(size), Activation::Relu);
                    }
                }
                last
            }
            Family::Lenet5 => {
                let first = builder.conv("conv_1", input, Layer::plain(5, wide(20)))?;
                let first = builder.halve("pool_1", first)?;
                let second = builder.conv("conv_2", first, Layer::plain(5, wide(50)))?;
                let second = builder.halve("pool_2", second)?;
                let flat = builder.flatten(second);
                builder.dense("dense_1", flat, wide(500), Activation::Relu)
            }
            Family::Resnet8 => {
                let mut last = builder.conv("stem", input, Layer::normal(3, 1, wide(16)))?;
                for (stage, channels) in [16, 32, 64].into_iter().enumerate() {
                    for block in 0..self.depth {
                        let stride = if stage > 0 && block == 0 { 2 } else { 1 };
                        last = builder.residual(
                            &format!("stage_{stage}/block_{block}"),
                            last,
                            stride,
                            wide(channels),
                        )?;
                    }
                }
                builder.mean(last)
            }
            Family::Mobilenet => {
                let mut last = builder.conv("stem", input, Layer::normal(3, 2, wide(16)))?;
                for (stage, channels) in [32, 64, 128].into_iter().enumerate() {
                    for block in 0..self.depth {
                        let stride = if stage > 0 && block == 0 { 2 } else { 1 };
                        let name = format!("stage_{stage}/block_{block}");
                        last = builder.separable(&name, last, stride, wide(channels))?;
                    }
                }
                builder.mean(last)
            }
            Family::Pyramid => {
                return Err(TrainError::Model {
                    model: name.into(),
                    problem: "a pyramid finds boxes; give a contract with [boxes], or choose another family"
                        .into(),
                });
            }
        };
        let logits = builder.dense("logits", last, self.classes, Activation::Linear);
        let scores = builder.node("scores", Op::Softmax { beta: 1.0 }, vec![logits], vec![1, self.classes]);
        builder.finish(vec![scores])
    }

    /// A detector with weights drawn, whose outputs are spelled as `layout` says.
    ///
    /// # Errors
    /// [`TrainError::Model`] for a family of classifiers, and for grids that pictures of this size do not give.
    pub fn build_detector(&self, name: &str, seed: u64, layout: &BoxLayout) -> Result<Network, TrainError> {
        match self.family {
            Family::Pyramid => pyramid::build(self, Builder::new(name, self.picture, seed), layout),
            _ => Err(TrainError::Model {
                model: name.into(),
                problem:
                    "the contract has [boxes], and this family tells classes; choose family = \"pyramid\""
                        .into(),
            }),
        }
    }

    fn wide(&self, channels: usize) -> usize {
        ((channels as f32 * self.width).round() as usize).max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ocelli_compiler::check::check;
    use ocelli_compiler::contract::Contract;

    fn shape(family: Family) -> Shape {
        Shape { family, picture: [28, 28, 1], classes: 10, width: 1.0, depth: 1 }
    }

    #[test]
    fn families_have_the_sizes_that_their_papers_say() {
        let count = |family| shape(family).build("net", 1).unwrap().count();
        assert_eq!(count(Family::Lenet300100), 266_610);
        assert_eq!(count(Family::Lenet5), 431_080);
    }

    #[test]
    fn every_family_is_a_graph_that_keeps_the_rules_and_widens() {
        for family in [Family::Lenet300100, Family::Lenet5, Family::Resnet8, Family::Mobilenet] {
            let one = shape(family).build("net", 1).unwrap();
            check(&one.folded()).unwrap();
            let wide = Shape { width: 2.0, ..shape(family) }.build("net", 1).unwrap();
            assert!(wide.count() > one.count(), "{family:?}");
            assert_eq!(one.graph.tensors[one.graph.outputs[0]].shape, [1, 10]);
            assert_eq!(one.norms.is_empty(), matches!(family, Family::Lenet300100 | Family::Lenet5));
        }
        let deep = Shape { depth: 2, ..shape(Family::Resnet8) }.build("net", 1).unwrap();
        check(&deep.folded()).unwrap();
    }

    #[test]
    fn a_pyramid_has_the_outputs_of_its_contract_and_says_which_grids_there_are() {
        let layout = |heads: &str| {
            let text = format!(
                "[boxes]\nlabels = [\"a\", \"b\"]\nscore_threshold = 0.5\niou_threshold = 0.5\nsuppression = \"hard\"\n\
                 [boxes.layout]\nscores = \"s\"\nboxes = \"b\"\nlogits = true\ndecoder = \"exponential\"\nheads = [{heads}]\n"
            );
            Contract::parse("test", &text).unwrap().boxes.unwrap().layout.unwrap()
        };
        let pyramid = Shape { picture: [48, 64, 3], classes: 2, ..shape(Family::Pyramid) };
        let (fine, coarse) = ("{ rows = 6, columns = 8 }", "{ rows = 3, columns = 4 }");
        for (heads, shapes) in [
            (fine.to_owned(), [vec![1, 6, 8, 2], vec![1, 6, 8, 4]]),
            (format!("{fine}, {coarse}"), [vec![1, 60, 2], vec![1, 60, 4]]),
        ] {
            let layout = layout(&heads);
            let network = pyramid.build_detector("net", 1, &layout).unwrap();
            let graph = network.folded();
            check(&graph).unwrap();
            let outputs: Vec<_> = graph.outputs.iter().map(|&id| &graph.tensors[id]).collect();
            assert_eq!([&*outputs[0].name, &*outputs[1].name], ["s", "b"]);
            assert_eq!([outputs[0].shape.clone(), outputs[1].shape.clone()], shapes);
        }
        let error = pyramid.build_detector("net", 1, &layout("{ rows = 5, columns = 8 }")).unwrap_err();
        assert!(error.to_string().contains("5 x 8") && error.to_string().contains("6 x 8"), "{error}");
        let wrong = pyramid.build("net", 1).unwrap_err().to_string();
        assert!(wrong.contains("[boxes]"), "{wrong}");
        let other = Shape { family: Family::Resnet8, ..pyramid }.build_detector("net", 1, &layout(fine));
        assert!(other.unwrap_err().to_string().contains("pyramid"));
    }

    #[test]
    fn a_picture_that_is_too_small_is_refused() {
        let error = Shape { picture: [6, 6, 1], ..shape(Family::Lenet5) }.build("net", 1).unwrap_err();
        assert!(error.to_string().contains("larger pictures"), "{error}");
    }
}
