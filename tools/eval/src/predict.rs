//! What a model says about a picture, in the picture's own terms.

use ocelli_vision::Transform;

/// What a model says about a picture.
#[derive(Clone, Debug, PartialEq)]
pub enum Prediction {
    /// A score for each class; higher is likelier, the unit does not matter.
    Scores(Vec<f32>),
    /// Objects.
    Boxes(Vec<FoundBox>),
    /// A class for each pixel.
    Mask(Mask),
}

/// A found object.
#[derive(Clone, Debug, PartialEq)]
pub struct FoundBox {
    /// Index into the model's labels.
    pub class: usize,
    /// Probability.
    pub score: f32,
    /// Left, top, right, bottom in pixels.
    pub bounds: [f32; 4],
}

/// A class for each pixel of a picture, row by row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mask {
    /// Pixels of a row.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// Classes.
    pub classes: Vec<u8>,
}

impl Mask {
    /// The mask of a picture from a model's map of `[rows, columns, channels]`: the highest of several
    /// channels, or where the one channel is at least `threshold`. Pixels that the model does not see are
    /// background, 0.
    pub fn from_map(
        map: &[f32],
        shape: [usize; 3],
        threshold: f32,
        transform: &Transform,
        size: [usize; 2],
    ) -> Mask {
        let [rows, columns, channels] = shape;
        let [width, height] = size;
        let (source, target) = (transform.source(), transform.target());
        // The cell of the map over the centre of a pixel.
        let cell =
            |pixel: usize, from: usize, length: usize, to: usize, span: usize, input: usize, cells: usize| {
                let inside = (from..from + length).contains(&pixel);
                let place = to as f64 + (pixel.wrapping_sub(from) as f64 + 0.5) * span as f64 / length as f64;
                inside.then(|| ((place * cells as f64 / input as f64) as usize).min(cells.saturating_sub(1)))
            };
        let column =
            |x| cell(x, source.x, source.width, target.x, target.width, transform.input_width(), columns);
        let row =
            |y| cell(y, source.y, source.height, target.y, target.height, transform.input_height(), rows);
        let class = |place: usize| match &map[place * channels..(place + 1) * channels] {
            [value] => u8::from(*value >= threshold),
            values => {
                let highest =
                    |best: usize, next: usize| if values[next] > values[best] { next } else { best };
                (1..values.len()).fold(0, highest) as u8
            }
        };
        let at = |(x, y)| row(y).zip(column(x)).map_or(0, |(row, column)| class(row * columns + column));
        let classes = (0..width * height).map(|pixel| at((pixel % width, pixel / width))).collect();
        Mask { width, height, classes }
    }
}

impl Prediction {
    /// What it is, for messages.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Prediction::Scores(_) => "scores of classes",
            Prediction::Boxes(_) => "boxes",
            Prediction::Mask(_) => "a mask",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ocelli_format::ResizeMode;
    use ocelli_vision::Region;

    #[test]
    fn a_map_lies_where_the_letterbox_put_it() {
        // A frame of 4 x 2 in an input of 4 x 4: rows 1 and 2 of the map are the frame's.
        let whole = Region { x: 0, y: 0, width: 4, height: 2 };
        let transform = Transform::new((4, 2), whole, (4, 4), ResizeMode::Letterbox).unwrap();
        assert_eq!(transform.target(), Region { x: 0, y: 1, width: 4, height: 2 });
        let map: Vec<f32> = (0..16).map(|place| if place == 5 || place == 11 { 0.7 } else { 0.2 }).collect();
        let mask = Mask::from_map(&map, [4, 4, 1], 0.5, &transform, [4, 2]);
        assert_eq!(mask.classes, [0, 1, 0, 0, 0, 0, 0, 1]);
        // Two channels on a coarser map: its second row of cells is the lower half of the input.
        let map = [0.0, 1.0, 0.0, 1.0, 1.0, 0.0, 0.3, 0.6];
        let mask = Mask::from_map(&map, [2, 2, 2], 0.5, &transform, [4, 2]);
        assert_eq!(mask.classes, [1, 1, 1, 1, 0, 0, 1, 1]);
    }
}
