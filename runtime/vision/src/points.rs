//! The postprocess stage of landmarks: an output's values as points in the frame.

use ocelli_core::{Point, Score};
use ocelli_format::{Field, PointsView, TensorId};

use crate::{Transform, candidates::entry};

/// Points of one frame, decoded as they are asked for.
#[derive(Clone, Copy, Debug)]
pub struct Points<'o> {
    values: &'o [i8],
    stride: usize,
    fields: [Field; 2],
    transform: Transform,
    presence: Option<Score>,
    threshold: u16,
}

impl<'o> Points<'o> {
    /// Points of the outputs that `output` finds; none where it finds nothing.
    pub fn new(
        contract: &PointsView<'_>,
        output: impl Fn(TensorId) -> Option<&'o [i8]>,
        transform: &Transform,
    ) -> Points<'o> {
        let presence = contract.presence.map(|tensor| {
            let value = output(tensor).and_then(|values| values.first()).copied().unwrap_or(i8::MIN);
            Score(entry(contract.scores, value))
        });
        Points {
            values: output(contract.tensor).unwrap_or(&[]),
            stride: usize::from(contract.stride.max(2)),
            fields: contract.fields,
            transform: *transform,
            presence,
            threshold: contract.threshold,
        }
    }

    /// How likely it is that what the points are on is there; `None` where the model does not say.
    pub fn presence(&self) -> Option<Score> {
        self.presence
    }

    /// Whether it is there, as far as the model says.
    pub fn is_present(&self) -> bool {
        self.presence.is_none_or(|score| score.0 >= self.threshold)
    }

    /// How many points there are.
    pub fn len(&self) -> usize {
        self.values.len() / self.stride
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Point `index` in sub-pixels of the frame.
    pub fn get(&self, index: usize) -> Option<Point> {
        let row = self.values.get(index.checked_mul(self.stride)?..)?.get(..self.stride)?;
        let [x, y] = self.fields;
        let (x, y) = (of_field(x, *row.first()?), of_field(y, *row.get(1)?));
        Some(self.transform.to_frame(Point { x, y }))
    }

    /// All points in order.
    pub fn iter(&self) -> impl Iterator<Item = Point> + use<'o> {
        let points = *self;
        (0..points.len()).filter_map(move |index| points.get(index))
    }
}

/// `(value * multiplier + offset) / 2^8`, rounded to nearest: below `2^23` in magnitude for what a contract holds.
pub(crate) fn of_field(field: Field, value: i8) -> i32 {
    let scaled = i64::from(value) * i64::from(field.multiplier) + i64::from(field.offset);
    ((scaled + 128) >> 8) as i32
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Region;
    use ocelli_core::SUBPIXELS;
    use ocelli_format::{ResizeMode, Texts};

    #[test]
    fn points_go_back_to_the_frame() {
        let scores = core::array::from_fn(|index| index as u16 * 256);
        // A value of 1 is 1/128 of the input; y counts from the middle.
        let fields =
            [Field { multiplier: 512 << 8, offset: 0 }, Field { multiplier: 512 << 8, offset: 32_768 << 8 }];
        let contract = PointsView {
            tensor: 4,
            stride: 3,
            fields,
            presence: Some(7),
            threshold: 32_768,
            scores: &scores,
            names: Texts::default(),
        };
        let (values, presence) = ([64i8, -32, 9, 127, 0, 9, 1], [5i8]);
        let output = |tensor| match tensor {
            4 => Some(&values[..]),
            7 => Some(&presence[..]),
            _ => None,
        };
        // A frame of 200 x 100, letterboxed into 50 x 50: 25 rows of border above and below.
        let transform =
            Transform::new((200, 100), Region::whole(200, 100), (50, 50), ResizeMode::Letterbox).unwrap();
        let points = Points::new(&contract, output, &transform);
        let pixels = |x: f64, y: f64| {
            let [x, y] = [x, y].map(|pixel| (pixel * f64::from(SUBPIXELS)).round() as i32);
            Point { x, y }
        };
        let found: std::vec::Vec<Point> = points.iter().collect();
        // Row 12.5 of the input is 12.5 - 12 rows into the 25 that the frame fills.
        assert_eq!(found, [pixels(100.0, 2.0), pixels(127.0 / 128.0 * 200.0, 52.0)]);
        assert_eq!((points.len(), points.get(2)), (2, None));
        assert_eq!((points.presence(), points.is_present()), (Some(Score(133 * 256)), true));
        let missing = Points::new(&contract, |_| None, &transform);
        assert!(missing.is_empty() && !missing.is_present());
    }
}
