//! Constants of a file by the name of their value: initializers, `Constant` nodes, and what follows from them.

use std::collections::{HashMap, HashSet};

use tract_onnx::pb::{GraphProto, TensorProto};

use super::FLOAT;

/// ONNX's element types of integers that stand for real numbers.
pub(super) const UINT8: i32 = 2;
pub(super) const INT8: i32 = 3;
pub(super) const INT32: i32 = 6;

/// A constant of integers.
#[derive(Clone)]
pub(super) struct Integers {
    pub(super) values: Vec<i32>,
    pub(super) dims: Vec<usize>,
    /// ONNX's element type.
    pub(super) element: i32,
}

/// Every constant of a graph.
pub(super) struct Constants {
    tensors: HashMap<String, TensorProto>,
    integers: HashMap<String, Integers>,
    /// Values that a file would quantize at run time and that stay real.
    dynamic: HashSet<String>,
}

impl Constants {
    pub(super) fn of(graph: &GraphProto) -> Self {
        let mut read: HashSet<&str> = HashSet::new();
        for node in graph.node.iter().filter(|node| super::operators::is_quantized(node)) {
            read.extend(node.input.iter().map(|name| &**name));
        }
        // Names that pass a constant on lead to where it stands.
        let mut sources: HashMap<&str, &str> = HashMap::new();
        for node in &graph.node {
            if let ("Identity", [input], [output]) = (&*node.op_type, &node.input[..], &node.output[..]) {
                sources.insert(output, input);
            }
        }
        let mut stated: HashMap<&str, &TensorProto> =
            graph.initializer.iter().map(|tensor| (&*tensor.name, tensor)).collect();
        for node in graph.node.iter().filter(|node| node.op_type == "Constant") {
            let value = node.attribute.iter().find(|attribute| attribute.name == "value");
            if let (Some(tensor), Some(output)) =
                (value.and_then(|value| value.t.as_ref()), node.output.first())
            {
                stated.insert(output, tensor);
            }
        }
        let find = |name: &str| {
            let mut place = name;
            for _ in 0..=sources.len() {
                if let Some(&tensor) = stated.get(place) {
                    return Some(tensor.clone());
                }
                place = sources.get(place)?;
            }
            None
        };
        let tensors = read.iter().filter_map(|&name| Some((name.to_string(), find(name)?))).collect();
        Self { tensors, integers: HashMap::new(), dynamic: HashSet::new() }
    }

    pub(super) fn add_integers(&mut self, name: &str, integers: Integers) {
        self.integers.insert(name.into(), integers);
    }

    pub(super) fn add_floats(&mut self, name: &str, values: Vec<f32>) {
        let dims = vec![values.len() as i64];
        let tensor = TensorProto { dims, data_type: FLOAT, float_data: values, ..TensorProto::default() };
        self.tensors.insert(name.into(), tensor);
    }

    pub(super) fn add_dynamic(&mut self, name: &str) {
        self.dynamic.insert(name.into());
    }

    pub(super) fn is_dynamic(&self, name: &str) -> bool {
        self.dynamic.contains(name)
    }

    /// A float scalar as a file states it.
    pub(super) fn scalar(value: f32) -> TensorProto {
        TensorProto { data_type: FLOAT, float_data: vec![value], ..TensorProto::default() }
    }

    /// Whether a value is a constant of integers.
    pub(super) fn is_integer(&self, name: &str) -> bool {
        self.integers.contains_key(name)
            || self.tensors.get(name).is_some_and(|tensor| tensor.data_type != FLOAT)
    }

    /// Values and extents of a float constant.
    pub(super) fn floats(&self, name: &str) -> Option<(Vec<f32>, Vec<usize>)> {
        let tensor = self.tensors.get(name).filter(|tensor| tensor.data_type == FLOAT)?;
        let values = if tensor.raw_data.is_empty() {
            tensor.float_data.clone()
        } else {
            tensor.raw_data.as_chunks().0.iter().map(|word| f32::from_le_bytes(*word)).collect()
        };
        let dims = extents(tensor);
        (values.len() == dims.iter().product::<usize>()).then_some((values, dims))
    }

    pub(super) fn integers(&self, name: &str) -> Result<Integers, String> {
        if let Some(integers) = self.integers.get(name) {
            return Ok(integers.clone());
        }
        let tensor = self.tensors.get(name).ok_or_else(|| {
            format!("`{name}` is computed; export the model with constant scales and zero points")
        })?;
        let raw = &tensor.raw_data;
        let values: Vec<i32> = match tensor.data_type {
            _ if raw.is_empty() => tensor.int32_data.clone(),
            INT8 => raw.iter().map(|&byte| i32::from(byte as i8)).collect(),
            UINT8 => raw.iter().map(|&byte| i32::from(byte)).collect(),
            INT32 => raw.as_chunks().0.iter().map(|word| i32::from_le_bytes(*word)).collect(),
            other => {
                return Err(format!(
                    "`{name}` has element type {other}; int8 (3), uint8 (2) and int32 (6) are supported"
                ));
            }
        };
        let (low, high) = match tensor.data_type {
            INT8 => (-128, 127),
            UINT8 => (0, 255),
            _ => (i32::MIN, i32::MAX),
        };
        let dims = extents(tensor);
        if values.len() != dims.iter().product::<usize>()
            || values.iter().any(|value| !(low..=high).contains(value))
        {
            return Err(format!("`{name}` does not hold the values that its shape {dims:?} and type want"));
        }
        Ok(Integers { values, dims, element: tensor.data_type })
    }
}

fn extents(tensor: &TensorProto) -> Vec<usize> {
    tensor.dims.iter().map(|&extent| usize::try_from(extent).unwrap_or(0)).collect()
}
