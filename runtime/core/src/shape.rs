//! Tensor shapes, `[N, H, W, C]` for images: used by every stage that touches tensors.
//!
//! Sizes stay values, not const parameters, so that one compiled kernel serves every layer.

/// The size of a tensor along up to [`Shape::MAX_RANK`] axes, outermost first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Shape {
    dims: [u32; Shape::MAX_RANK],
    /// Their product.
    elements: u32,
    rank: u8,
}

impl Shape {
    /// The largest number of axes an artefact may use.
    pub const MAX_RANK: usize = 6;

    /// The shape of a single number: no axes.
    pub const SCALAR: Shape = Shape { dims: [1; Shape::MAX_RANK], elements: 1, rank: 0 };

    /// A shape from its axes, or `None` when there are more than [`Shape::MAX_RANK`] or when the
    /// number of elements does not fit `u32`.
    pub fn new(axes: &[u32]) -> Option<Shape> {
        let (mut dims, mut elements) = ([1; Shape::MAX_RANK], 1u32);
        if axes.len() > dims.len() {
            return None;
        }
        for (dim, &axis) in dims.iter_mut().zip(axes) {
            *dim = axis;
            elements = elements.checked_mul(axis)?;
        }
        Some(Shape { dims, elements, rank: axes.len() as u8 })
    }

    /// The axes, outermost first.
    pub fn axes(&self) -> &[u32] {
        self.dims.get(..usize::from(self.rank)).unwrap_or(&[])
    }

    /// How many axes there are.
    pub fn rank(&self) -> usize {
        usize::from(self.rank)
    }

    /// The product of all axes; 1 for a scalar.
    pub fn elements(&self) -> usize {
        self.elements as usize
    }

    /// The shape as `[N, H, W, C]`: shorter shapes are filled with ones from the left, and `None`
    /// for ranks above four.
    pub fn nhwc(&self) -> Option<[usize; 4]> {
        nhwc(self.axes())
    }
}

/// Axes as `[N, H, W, C]`, as [`Shape::nhwc`] gives them, for those that stand elsewhere.
pub fn nhwc(axes: &[u32]) -> Option<[usize; 4]> {
    let mut nhwc = [1; 4];
    let start = 4usize.checked_sub(axes.len())?;
    for (to, &axis) in nhwc[start..].iter_mut().zip(axes) {
        *to = axis as usize;
    }
    Some(nhwc)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shorter_shapes_fill_from_the_left() {
        let row = Shape::new(&[5, 7]).unwrap();
        assert_eq!((row.rank(), row.elements(), row.nhwc()), (2, 35, Some([1, 1, 5, 7])));
        assert_eq!(Shape::new(&[]).unwrap().elements(), 1);
    }

    #[test]
    fn shapes_that_no_memory_could_hold_are_refused() {
        assert_eq!(Shape::new(&[65_536, 65_536]), None);
        assert_eq!(Shape::new(&[1; 7]), None);
        assert_eq!(Shape::new(&[1, 1, 2, 2, 2]).unwrap().nhwc(), None);
    }
}
