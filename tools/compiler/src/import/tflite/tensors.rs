//! Tensors of a TFLite file: type, shape, quantization and data, each checked on first use.

use std::collections::HashMap;

use tract_tflite::tflite::{self, Model, QuantizationDetails, QuantizationParameters, SubGraph, TensorType};

use super::sparse;
use crate::check::{MAX_ELEMENTS, check_tensor};
use crate::graph::{Data, Element, Graph, Quantization, Tensor, TensorId};
use crate::import::ImportError;

/// The graph's tensors as far as they have been read.
pub(super) struct TensorTable<'a> {
    file: &'a str,
    model: Model<'a>,
    main: SubGraph<'a>,
    ids: HashMap<i32, TensorId>,
    /// Indices in the file, by id.
    sources: Vec<usize>,
    pub(super) graph: Graph,
}

impl<'a> TensorTable<'a> {
    pub(super) fn new(file: &'a str, model: Model<'a>, main: SubGraph<'a>) -> Self {
        Self { file, model, main, ids: HashMap::new(), sources: Vec::new(), graph: Graph::default() }
    }

    /// The id of a tensor of the file; `None` when the file has no such tensor.
    pub(super) fn get(&mut self, index: i32) -> Result<Option<TensorId>, ImportError> {
        if let Some(&id) = self.ids.get(&index) {
            return Ok(Some(id));
        }
        let Some(position) = usize::try_from(index).ok().filter(|&position| position < self.count()) else {
            return Ok(None);
        };
        let tensor = self.read(position).map_err(|(name, problem)| ImportError::Tensor {
            file: self.file.into(),
            index: position,
            name,
            problem,
        })?;
        let id = self.graph.tensors.len();
        // Results that a translation adds (a fused activation) have no source of their own.
        self.sources.resize(id, usize::MAX);
        self.sources.push(position);
        self.graph.tensors.push(tensor);
        self.ids.insert(index, id);
        Ok(Some(id))
    }

    /// An input has a fixed shape and no data.
    pub(super) fn check_input(&self, id: TensorId) -> Result<(), ImportError> {
        let tensor = &self.graph.tensors[id];
        let position = self.sources[id];
        let fail = |problem: String| {
            Err(ImportError::Tensor {
                file: self.file.into(),
                index: position,
                name: tensor.name.clone(),
                problem,
            })
        };
        if tensor.data.is_some() {
            return fail("a graph input that holds data".into());
        }
        let source = self.main.tensors().expect("read before").get(position);
        let signature: Vec<i32> =
            source.shape_signature().map_or_else(Vec::new, |shape| shape.iter().collect());
        // A free batch is taken as the 1 that stands in the shape.
        if signature.iter().skip(1).any(|&extent| extent < 0) {
            return fail(format!("dynamic shape {signature:?}; export the model with a fixed input size"));
        }
        Ok(())
    }

    fn count(&self) -> usize {
        self.main.tensors().map_or(0, |tensors| tensors.len())
    }

    fn read(&self, position: usize) -> Result<Tensor, (String, String)> {
        let source = self.main.tensors().expect("counted by the caller").get(position);
        let name = printable(source.name().unwrap_or_default());
        let fail = |problem: String| (name.clone(), problem);
        if source.is_variable() {
            return Err(fail("a variable; recurrent state is not supported yet".into()));
        }
        let shape = match source.shape() {
            Some(shape) => shape.iter().map(usize::try_from).collect::<Result<Vec<_>, _>>(),
            None => Ok(Vec::new()),
        }
        .map_err(|_| fail("negative extent in the shape; export the model with fixed shapes".into()))?;
        let element = match source.type_() {
            TensorType::FLOAT32 | TensorType::FLOAT16 => Element::F32,
            TensorType::INT8 => Element::I8,
            TensorType::UINT8 => Element::U8,
            TensorType::INT32 => Element::I32,
            TensorType::INT64 => Element::I64,
            other => {
                return Err(fail(format!(
                    "element type {other:?}; FLOAT32, FLOAT16, INT8, UINT8, INT32 and INT64 are supported"
                )));
            }
        };
        shape
            .iter()
            .try_fold(1usize, |count, &extent| count.checked_mul(extent))
            .filter(|&count| count <= MAX_ELEMENTS)
            .ok_or_else(|| fail(format!("shape {shape:?} has more than {MAX_ELEMENTS} elements")))?;
        let data = self.data(source, &shape).map_err(fail)?;
        let quantization = match (element, source.quantization()) {
            (Element::I8 | Element::U8 | Element::I32, Some(parameters)) => {
                read_quantization(parameters).map_err(fail)?
            }
            _ => None,
        };
        let mut tensor = Tensor { name: name.clone(), shape, quantization, element, data };
        // Which axis the scales run along is settled by the operator that reads them.
        let quantization = tensor.quantization.take();
        check_tensor(&tensor).map_err(fail)?;
        tensor.quantization = quantization;
        Ok(tensor)
    }

    fn data(&self, source: tflite::Tensor<'_>, shape: &[usize]) -> Result<Option<Data>, String> {
        let (buffer, type_) = (source.buffer(), source.type_());
        let buffers = self.model.buffers();
        let count = buffers.map_or(0, |buffers| buffers.len());
        // Buffer 0 is empty by convention: "no data".
        if buffer == 0 {
            return Ok(None);
        }
        let Some(buffers) = buffers.filter(|_| (buffer as usize) < count) else {
            return Err(format!("buffer {buffer} of {count} does not exist"));
        };
        let Some(bytes) = buffers.get(buffer as usize).data().map(|data| data.bytes()) else {
            return Ok(None);
        };
        if bytes.is_empty() {
            return Ok(None);
        }
        let values = Values { source, shape, bytes };
        Ok(Some(match type_ {
            TensorType::INT8 => Data::I8(values.read(i8::from_le_bytes)?),
            TensorType::UINT8 => Data::U8(values.read(u8::from_le_bytes)?),
            TensorType::INT32 => Data::I32(values.read(i32::from_le_bytes)?),
            TensorType::INT64 => Data::I64(values.read(i64::from_le_bytes)?),
            TensorType::FLOAT16 => Data::F32(values.read(|half| half_to_f32(u16::from_le_bytes(half)))?),
            _ => Data::F32(values.read(f32::from_le_bytes)?),
        }))
    }
}

/// What a constant holds.
struct Values<'a> {
    source: tflite::Tensor<'a>,
    shape: &'a [usize],
    bytes: &'a [u8],
}

impl Values<'_> {
    /// The elements, row-major, also of a tensor that is stored without its zeros.
    fn read<T: Copy + Default, const WIDTH: usize>(
        &self,
        number: impl Fn([u8; WIDTH]) -> T,
    ) -> Result<Vec<T>, String> {
        let (words, rest) = self.bytes.as_chunks::<WIDTH>();
        let values: Vec<T> = words.iter().map(|&word| number(word)).collect();
        let elements = self.shape.iter().product::<usize>();
        match self.source.sparsity() {
            Some(sparsity) if rest.is_empty() => sparse::expand(sparsity, self.shape, &values),
            None if rest.is_empty() && values.len() == elements => Ok(values),
            _ => {
                let bytes = self.bytes.len();
                Err(format!("{elements} elements of {WIDTH} byte(s), but {bytes} bytes of data"))
            }
        }
    }
}

/// `name type[shape]`, for messages.
pub(super) fn describe(tensor: &Tensor) -> String {
    let element = match tensor.element {
        Element::F32 => "f32",
        Element::I8 => "i8",
        Element::I16 => "i16",
        Element::U8 => "u8",
        Element::I32 => "i32",
        Element::I64 => "i64",
    };
    format!("`{}` {element}{:?}", short(&tensor.name), tensor.shape)
}

/// Fused nodes carry the names of all their parts; the last one is enough in a message.
pub(super) fn short(name: &str) -> &str {
    let name = name.trim_end_matches(';');
    name.rsplit(';').next().unwrap_or(name)
}

fn read_quantization(parameters: QuantizationParameters<'_>) -> Result<Option<Quantization>, String> {
    if parameters.details_type() == QuantizationDetails::CustomQuantization {
        return Err("custom quantization is not supported".into());
    }
    let scales: Vec<f32> = parameters.scale().map_or_else(Vec::new, |scales| scales.iter().collect());
    if scales.is_empty() {
        return Ok(None);
    }
    let points: Vec<i64> = parameters.zero_point().map_or_else(Vec::new, |points| points.iter().collect());
    let points = match points.len() {
        0 => vec![0; scales.len()],
        1 => vec![points[0]; scales.len()],
        _ => points,
    };
    let zero_points: Result<Vec<i32>, _> = points.iter().map(|&point| i32::try_from(point)).collect();
    let zero_points = zero_points.map_err(|_| format!("zero points {points:?}"))?;
    let axis = usize::try_from(parameters.quantized_dimension()).unwrap_or(usize::MAX);
    Ok(Some(Quantization { scales, zero_points, axis }))
}

/// Names reach terminals and logs, so control characters are replaced.
fn printable(name: &str) -> String {
    name.chars().take(256).map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

/// Exact widening of an IEEE 754 half.
fn half_to_f32(half: u16) -> f32 {
    let sign = u32::from(half >> 15) << 31;
    let exponent = u32::from(half >> 10) & 0x1f;
    let fraction = u32::from(half & 0x3ff);
    let magnitude = match exponent {
        // Zero and subnormals: fraction * 2^-24 is exact in single precision.
        0 => (fraction as f32 * f32::from_bits(0x3380_0000)).to_bits(),
        0x1f => 0x7f80_0000 | fraction << 13,
        _ => (exponent + 112) << 23 | fraction << 13,
    };
    f32::from_bits(sign | magnitude)
}

#[cfg(test)]
mod tests {
    use super::{half_to_f32, printable};

    #[test]
    fn halves_widen_exactly() {
        for (half, single) in [
            (0x0000, 0.0),
            (0x8000, -0.0),
            (0x0001, 5.960_464_5e-8),
            (0x03ff, 6.097_555e-5),
            (0x0400, 6.103_515_6e-5),
            (0x3c00, 1.0),
            (0xc000, -2.0),
            (0x3555, 0.333_251_95),
            (0x7bff, 65504.0),
            (0xfc00, f32::NEG_INFINITY),
        ] {
            assert_eq!(half_to_f32(half).to_bits(), f32::to_bits(single), "{half:#06x}");
        }
        assert!(half_to_f32(0x7e01).is_nan());
    }

    #[test]
    fn names_cannot_move_a_terminal() {
        assert_eq!(printable("a\u{1b}[2Jb\n"), "a\u{fffd}[2Jb\u{fffd}");
    }
}
