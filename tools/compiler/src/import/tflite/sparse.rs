//! Constants that a TFLite file stores without their zeros, written out.
//!
//! The file walks such a tensor level by level, as a tree: a level is an axis, or the inside of blocks of one, and
//! is either stored whole or names the coordinates that it holds. The leaves, in order, are the values.

use tract_tflite::tflite::{DimensionMetadata, DimensionType, SparseIndexVector, SparsityParameters};

/// One level of the tree.
struct Level {
    /// Coordinates that there may be.
    extent: usize,
    /// Elements of the dense tensor from one coordinate to the next.
    stride: usize,
    /// Coordinates that are there, where not all are.
    stored: Option<Stored>,
}

/// Coordinates below each node of the level above.
struct Stored {
    /// Where a node's coordinates start, and where the last one's end.
    segments: Vec<usize>,
    coordinates: Vec<usize>,
}

/// The tensor's elements, row-major, zeros where nothing is stored.
///
/// # Errors
/// What about the description is wrong, or that it is of another number of values.
pub(super) fn expand<T: Copy + Default>(
    sparsity: SparsityParameters<'_>,
    shape: &[usize],
    values: &[T],
) -> Result<Vec<T>, String> {
    let levels = levels(sparsity, shape)?;
    // The place of each node among the nodes of its level, and where its part of the dense tensor starts.
    let mut nodes = vec![(0, 0)];
    for level in &levels {
        nodes = level.below(&nodes)?;
    }
    if nodes.len() != values.len() {
        return Err(format!("{} values for {} places of a sparse tensor", values.len(), nodes.len()));
    }
    let mut dense = vec![T::default(); shape.iter().product()];
    for (&(_, start), &value) in nodes.iter().zip(values) {
        dense[start] = value;
    }
    Ok(dense)
}

impl Level {
    /// The nodes of this level, from those of the level above.
    fn below(&self, above: &[(usize, usize)]) -> Result<Vec<(usize, usize)>, String> {
        let Some(Stored { segments, coordinates }) = &self.stored else {
            let whole = |&(place, start): &(usize, usize)| {
                (0..self.extent).map(move |at| (place * self.extent + at, start + at * self.stride))
            };
            return Ok(above.iter().flat_map(whole).collect());
        };
        if segments.len() != above.len() + 1 {
            return Err(format!("{} segments of a sparse axis for {} rows", segments.len(), above.len()));
        }
        let some = |&(place, start): &(usize, usize)| {
            let range = segments[place]..segments[place + 1];
            range.map(move |at| (at, start + coordinates[at] * self.stride))
        };
        Ok(above.iter().flat_map(some).collect())
    }
}

/// The levels that a file describes, from the outermost.
fn levels(sparsity: SparsityParameters<'_>, shape: &[usize]) -> Result<Vec<Level>, String> {
    let order = numbers(sparsity.traversal_order());
    let blocked = numbers(sparsity.block_map());
    let described: Vec<_> = sparsity.dim_metadata().iter().flatten().collect();
    let count = shape.len() + blocked.len();
    let mut sorted = order.clone();
    sorted.sort_unstable();
    if described.len() != count || !sorted.into_iter().eq(0..count) {
        return Err(format!("a sparse tensor of {count} levels that are walked as {order:?}"));
    }
    let mut blocks = vec![1; shape.len()];
    for (&level, metadata) in order.iter().zip(&described) {
        let Some(block) = level.checked_sub(shape.len()) else { continue };
        match blocks.get_mut(blocked[block]) {
            Some(size) if *size == 1 => *size = metadata.dense_size().try_into().unwrap_or(0),
            _ => return Err(format!("blocks of a sparse tensor along the axes {blocked:?}")),
        }
    }
    if let Some(axis) = (0..shape.len()).find(|&axis| shape[axis].checked_rem(blocks[axis]) != Some(0)) {
        return Err(format!("a sparse axis of {} in blocks of {}", shape[axis], blocks[axis]));
    }
    let level = |(&level, metadata): (&usize, &DimensionMetadata<'_>)| {
        let inside = level.checked_sub(shape.len()).map(|block| blocked[block]);
        let axis = inside.unwrap_or(level);
        let element = shape[axis + 1..].iter().product::<usize>();
        let (extent, stride) = match inside {
            Some(axis) => (blocks[axis], element),
            None => (shape[axis] / blocks[axis], element * blocks[axis]),
        };
        Ok(Level { extent, stride, stored: stored(metadata, extent)? })
    };
    order.iter().zip(&described).map(level).collect()
}

/// The coordinates that a level stores; `None` where it stores all.
fn stored(metadata: &DimensionMetadata<'_>, extent: usize) -> Result<Option<Stored>, String> {
    if metadata.format() == DimensionType::DENSE {
        let size = metadata.dense_size();
        return match usize::try_from(size) == Ok(extent) {
            true => Ok(None),
            false => Err(format!("{size} coordinates of {extent} along a dense axis of a sparse tensor")),
        };
    }
    // Each of the two comes in the narrowest type that holds it.
    let segments = match metadata.array_segments_type() {
        SparseIndexVector::Uint8Vector => {
            numbers(metadata.array_segments_as_uint_8_vector().and_then(|vector| vector.values()))
        }
        SparseIndexVector::Uint16Vector => {
            numbers(metadata.array_segments_as_uint_16_vector().and_then(|vector| vector.values()))
        }
        _ => numbers(metadata.array_segments_as_int_32_vector().and_then(|vector| vector.values())),
    };
    let coordinates = match metadata.array_indices_type() {
        SparseIndexVector::Uint8Vector => {
            numbers(metadata.array_indices_as_uint_8_vector().and_then(|vector| vector.values()))
        }
        SparseIndexVector::Uint16Vector => {
            numbers(metadata.array_indices_as_uint_16_vector().and_then(|vector| vector.values()))
        }
        _ => numbers(metadata.array_indices_as_int_32_vector().and_then(|vector| vector.values())),
    };
    // Rising coordinates keep the tree no larger than the dense tensor.
    let rising = |part: &[usize]| coordinates[part[0]..part[1]].is_sorted_by(|before, next| before < next);
    let sound = segments.first() == Some(&0)
        && segments.is_sorted()
        && segments.last() == Some(&coordinates.len())
        && segments.windows(2).all(rising)
        && coordinates.iter().all(|&coordinate| coordinate < extent);
    match sound {
        true => Ok(Some(Stored { segments, coordinates })),
        false => Err(format!("the coordinates of a sparse axis of {extent} lead outside, or back")),
    }
}

/// A list of numbers; those below 0 are out of every range.
fn numbers<'a, T>(list: Option<flatbuffers::Vector<'a, T>>) -> Vec<usize>
where
    T: flatbuffers::Follow<'a> + 'a,
    usize: TryFrom<T::Inner>,
{
    list.iter().flatten().map(|number| usize::try_from(number).unwrap_or(usize::MAX)).collect()
}

#[cfg(test)]
mod tests {
    use flatbuffers::FlatBufferBuilder;
    use tract_tflite::tflite::{
        DimensionMetadataArgs, SparsityParametersArgs, Uint8Vector, Uint8VectorArgs, Uint16Vector,
        Uint16VectorArgs,
    };

    use super::*;

    /// Segments and coordinates of an axis, or how many it has where all are stored.
    type Axis<'a> = Result<i32, (&'a [u8], &'a [u16])>;

    fn expanded(
        [order, blocked]: [&[i32]; 2],
        axes: &[Axis<'_>],
        shape: &[usize],
        values: &[i8],
    ) -> Result<Vec<i8>, String> {
        let mut file = FlatBufferBuilder::new();
        let mut described = Vec::new();
        for axis in axes {
            let arguments = match axis {
                Ok(size) => DimensionMetadataArgs { dense_size: *size, ..Default::default() },
                Err((segments, coordinates)) => {
                    let segments = Some(file.create_vector(segments));
                    let coordinates = Some(file.create_vector(coordinates));
                    let segments = Uint8Vector::create(&mut file, &Uint8VectorArgs { values: segments });
                    let coordinates =
                        Uint16Vector::create(&mut file, &Uint16VectorArgs { values: coordinates });
                    DimensionMetadataArgs {
                        format: DimensionType::SPARSE_CSR,
                        array_segments_type: SparseIndexVector::Uint8Vector,
                        array_segments: Some(segments.as_union_value()),
                        array_indices_type: SparseIndexVector::Uint16Vector,
                        array_indices: Some(coordinates.as_union_value()),
                        ..Default::default()
                    }
                }
            };
            described.push(DimensionMetadata::create(&mut file, &arguments));
        }
        let arguments = SparsityParametersArgs {
            traversal_order: Some(file.create_vector(order)),
            block_map: Some(file.create_vector(blocked)),
            dim_metadata: Some(file.create_vector(&described)),
        };
        let sparsity = SparsityParameters::create(&mut file, &arguments);
        file.finish_minimal(sparsity);
        let sparsity = flatbuffers::root::<SparsityParameters<'_>>(file.finished_data()).unwrap();
        expand(sparsity, shape, values)
    }

    #[rustfmt::skip]
    const DENSE: [i8; 16] = [
        1, 0, 2, 3,
        0, 4, 0, 0,
        0, 0, 5, 0,
        0, 0, 0, 6,
    ];

    #[test]
    fn elements_blocks_and_another_order_give_the_same_tensor() {
        let rows: Axis<'_> = Err((&[0, 3, 4, 5, 6], &[0, 2, 3, 1, 2, 3]));
        assert_eq!(expanded([&[0, 1], &[]], &[Ok(4), rows], &[4, 4], &[1, 2, 3, 4, 5, 6]).unwrap(), DENSE);
        let columns: Axis<'_> = Err((&[0, 1, 2, 4, 6], &[0, 1, 0, 2, 0, 3]));
        assert_eq!(expanded([&[1, 0], &[]], &[Ok(4), columns], &[4, 4], &[1, 4, 2, 5, 3, 6]).unwrap(), DENSE);
        let blocks: Axis<'_> = Err((&[0, 2, 3], &[0, 1, 1]));
        let axes = [Ok(2), blocks, Ok(2), Ok(2)];
        let values = [1, 0, 0, 4, 2, 3, 0, 0, 5, 0, 0, 6];
        assert_eq!(expanded([&[0, 1, 2, 3], &[0, 1]], &axes, &[4, 4], &values).unwrap(), DENSE);
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let good: Axis<'_> = Err((&[0, 1, 2], &[1, 0]));
        let try_axes = |orders, axes: &[Axis<'_>], values: &[i8]| expanded(orders, axes, &[2, 2], values);
        let plain: [&[i32]; 2] = [&[0, 1], &[]];
        assert_eq!(try_axes(plain, &[Ok(2), good], &[7, 8]).unwrap(), [0, 7, 8, 0]);
        let refused = |orders, axes: &[Axis<'_>], values: &[i8], part: &str| {
            let problem = try_axes(orders, axes, values).unwrap_err();
            assert!(problem.contains(part), "{problem}");
        };
        refused(plain, &[Ok(2), good], &[7], "1 values for 2 places");
        refused(plain, &[Ok(3), good], &[7, 8], "3 coordinates of 2");
        refused(plain, &[good, Ok(2)], &[7, 8, 9, 1], "3 segments of a sparse axis for 1 rows");
        refused(plain, &[Ok(2), Err((&[0, 2, 1], &[0, 1]))], &[7, 8], "lead outside");
        refused(plain, &[Ok(2), Err((&[0, 1, 2], &[1, 2]))], &[7, 8], "lead outside");
        refused(plain, &[Ok(2), Err((&[0, 2, 2], &[1, 1]))], &[7, 8], "or back");
        refused(plain, &[Ok(2), Err((&[], &[]))], &[], "lead outside");
        refused([&[0, 0], &[]], &[Ok(2), Ok(2)], &[7; 4], "walked as [0, 0]");
        refused([&[0, 1, 2], &[]], &[Ok(2), Ok(2)], &[7; 4], "walked as");
        refused([&[0, 1, 2], &[5]], &[Ok(2), Ok(1), Ok(2)], &[7; 4], "along the axes [5]");
        refused([&[0, 1, 2, 3], &[1, 1]], &[Ok(2), Ok(1), Ok(2), Ok(2)], &[7; 8], "along the axes [1, 1]");
        refused([&[0, 1, 2], &[1]], &[Ok(2), Ok(1), Ok(3)], &[7; 6], "in blocks of 3");
        refused([&[0, 1, 2], &[1]], &[Ok(2), Ok(1), Ok(0)], &[], "in blocks of 0");
    }
}
