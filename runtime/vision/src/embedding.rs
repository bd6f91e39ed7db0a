//! The postprocess stage of embeddings: vectors of which only the direction counts.

/// A vector of one frame.
#[derive(Clone, Copy, Debug)]
pub struct Embedding<'o> {
    values: &'o [i8],
    zero_point: i8,
}

impl<'o> Embedding<'o> {
    /// An output's values, and the one of them that stands for 0.
    pub fn new(values: &'o [i8], zero_point: i8) -> Embedding<'o> {
        Embedding { values, zero_point }
    }

    /// How many numbers it has.
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// The vector scaled to length 1, in `1 / 32768`, rounded to nearest; all 0 for a vector without length.
    pub fn unit(&self) -> impl Iterator<Item = i16> + use<'o> {
        // In 1/256; below 2^32 for every vector that fits memory.
        let length = (self.square() << 16).isqrt().max(1) as i64;
        let vector = *self;
        vector.numbers().map(move |number| {
            let scaled = (number << 23).div_euclid(length)
                + i64::from((number << 23).rem_euclid(length) * 2 >= length);
            scaled.min(i64::from(i16::MAX)) as i16
        })
    }

    /// The cosine of the angle between two vectors, in `1 / 65536`: 65,536 for one direction, 0 where one of
    /// them has no length. Numbers that only one of them has count as 0.
    pub fn cosine(&self, other: &Embedding<'_>) -> i32 {
        let product: i64 = self.numbers().zip(other.numbers()).map(|(left, right)| left * right).sum();
        // Squares of lengths are below 2^32 each, for up to 2^16 numbers.
        let lengths = self.square().saturating_mul(other.square()).isqrt().max(1) as i64;
        ((product << 16) / lengths).clamp(-(1 << 16), 1 << 16) as i32
    }

    fn numbers(self) -> impl Iterator<Item = i64> + use<'o> {
        let zero_point = i64::from(self.zero_point);
        self.values.iter().map(move |&value| i64::from(value) - zero_point)
    }

    fn square(&self) -> u64 {
        self.numbers().map(|number| (number * number) as u64).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;
    use std::vec::Vec;

    #[test]
    fn unit_vectors_have_length_one() {
        let mut random = Random::new(12);
        for length in [1, 2, 3, 128, 512] {
            let values: Vec<i8> = (0..length).map(|_| random.next() as i8).collect();
            let vector = Embedding::new(&values, 3);
            let real: Vec<f64> = values.iter().map(|&value| f64::from(value) - 3.0).collect();
            let norm = real.iter().map(|number| number * number).sum::<f64>().sqrt();
            for (unit, real) in vector.unit().zip(&real) {
                let wanted = (real / norm * 32_768.0).min(32_767.0);
                assert!((f64::from(unit) - wanted).abs() < 0.52 + norm.recip() * 128.0, "{unit} {wanted}");
            }
        }
        assert!(Embedding::new(&[5, 5], 5).unit().eq([0, 0]));
        assert_eq!((Embedding::new(&[5, 5], 5).len(), Embedding::new(&[], 5).is_empty()), (2, true));
    }

    #[test]
    fn cosines_compare_directions() {
        let (east, north) = ([100, 0], [0, 90]);
        let [east, north, both] = [&east, &north, &[50, 50]].map(|values| Embedding::new(values, 0));
        assert_eq!((east.cosine(&east), east.cosine(&north)), (65_536, 0));
        assert_eq!(east.cosine(&both), 46_341);
        // Seen from another zero, north points the other way.
        assert_eq!(Embedding::new(&[0, -90], 0).cosine(&north), -65_536);
        assert_eq!(Embedding::new(&[7, 7], 7).cosine(&east), 0);
    }
}
