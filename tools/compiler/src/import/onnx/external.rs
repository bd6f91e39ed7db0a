//! Weights that an ONNX file keeps in other files: read into it, before anything else looks at them.
//!
//! A model is input from outside, so the names in it may point anywhere: only regular files in the model's own folder
//! or below are opened, and only as many bytes of them are read as the tensor's shape asks for.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Component, Path, PathBuf};

use tract_onnx::pb::tensor_proto::DataType;
use tract_onnx::pb::{ModelProto, TensorProto};

use crate::check::MAX_ELEMENTS;
use crate::import::ImportError;

/// `data_location` of weights in other files.
const EXTERNAL: i32 = 1;

/// Fills in every tensor whose values stand in another file; names are relative to the model's folder.
pub(super) fn load(file: &str, proto: &mut ModelProto) -> Result<(), ImportError> {
    let folder = Path::new(file).parent().map_or_else(PathBuf::new, Path::to_path_buf);
    let Some(graph) = &mut proto.graph else { return Ok(()) };
    let attributes = graph.node.iter_mut().flat_map(|node| &mut node.attribute);
    let constants = attributes.flat_map(|attribute| attribute.t.iter_mut().chain(&mut attribute.tensors));
    for (index, tensor) in graph.initializer.iter_mut().chain(constants).enumerate() {
        if tensor.data_location == Some(EXTERNAL) {
            tensor.raw_data = read(&folder, tensor).map_err(|problem| ImportError::Tensor {
                file: file.into(),
                index,
                name: tensor.name.clone(),
                problem,
            })?;
            tensor.data_location = None;
            tensor.external_data.clear();
        }
    }
    Ok(())
}

fn read(folder: &Path, tensor: &TensorProto) -> Result<Vec<u8>, String> {
    let entry = |key: &str| tensor.external_data.iter().find(|pair| pair.key == key).map(|pair| &*pair.value);
    let number = |key: &str| match entry(key).map(str::parse::<u64>) {
        None => Ok(None),
        Some(Ok(number)) => Ok(Some(number)),
        Some(Err(_)) => Err(format!("the {key} of its values, {:?}, is no number", entry(key))),
    };
    let location = entry("location").ok_or("its values stand in another file that is not named")?;
    let inside = Path::new(location).components().all(|part| matches!(part, Component::Normal(_)));
    if location.is_empty() || !inside {
        return Err(format!(
            "its values stand in {location:?}, outside of the model's folder; put the file beside the model and name it without folders"
        ));
    }
    let path = folder.join(location);
    let (offset, wanted) = (number("offset")?.unwrap_or(0), bytes_of(tensor)?);
    if let Some(length) = number("length")?.filter(|&length| length != wanted) {
        return Err(format!("shape {:?} takes {wanted} bytes and {length} are stated", tensor.dims));
    }
    let shown = path.display();
    let missing = |error: std::io::Error| {
        format!(
            "its values stand in {shown}, which cannot be read: {error}; put that file beside the model, or save the model with its weights inside"
        )
    };
    let whole = path.canonicalize().map_err(missing)?;
    let root = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    if !whole.starts_with(root.canonicalize().map_err(missing)?) {
        return Err(format!(
            "its values stand in {shown}, a link out of the model's folder; copy the file there"
        ));
    }
    let metadata = whole.metadata().map_err(missing)?;
    if !metadata.is_file() || metadata.len() < offset.saturating_add(wanted) {
        let found = metadata.len();
        return Err(format!(
            "its values are bytes {offset} to {} of {shown}, which has {found}; fetch or export that file again",
            offset.saturating_add(wanted)
        ));
    }
    let mut source = File::open(&whole).map_err(missing)?;
    source.seek(SeekFrom::Start(offset)).map_err(missing)?;
    let mut bytes = vec![0; wanted as usize];
    source.read_exact(&mut bytes).map_err(missing)?;
    Ok(bytes)
}

/// Bytes that a tensor's shape and type take.
fn bytes_of(tensor: &TensorProto) -> Result<u64, String> {
    let width = match DataType::try_from(tensor.data_type) {
        Ok(DataType::Int8 | DataType::Uint8 | DataType::Bool) => 1,
        Ok(DataType::Int16 | DataType::Uint16 | DataType::Float16 | DataType::Bfloat16) => 2,
        Ok(DataType::Int32 | DataType::Uint32 | DataType::Float) => 4,
        Ok(DataType::Int64 | DataType::Uint64 | DataType::Double) => 8,
        _ => return Err(format!("values of type {} in another file", tensor.data_type)),
    };
    let elements = tensor
        .dims
        .iter()
        .try_fold(1usize, |count, &extent| count.checked_mul(usize::try_from(extent).ok()?))
        .filter(|&count| count <= MAX_ELEMENTS)
        .ok_or_else(|| format!("shape {:?}", tensor.dims))?;
    Ok(elements as u64 * width)
}
