//! Which anchor answers for which object: those around its middle, of the size that comes nearest.
//!
//! Objects that touch are told apart by their middles (after FCOS's centre sampling: Tian and others, 2019), so that
//! a crowd does not share anchors. An anchor need not lie inside its object, so that a small one has as many as a
//! large one.

use super::{Anchor, Detector, Object};

/// How many steps of the grid an anchor may stand from the middle of its object.
const REACH: f32 = 1.75;

/// What is asked of an anchor.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Duty {
    /// To see nothing.
    Background,
    /// To find the object of this index.
    Object(usize),
    /// Nothing: it stands where neither finding nor missing counts.
    Free,
}

impl Detector {
    /// The duty of each anchor in a picture of these objects: of several that it could find the nearest.
    pub(super) fn assign(&self, objects: &[Object]) -> Vec<Duty> {
        let mut duties = vec![Duty::Background; self.anchors.len()];
        let mut distances = vec![f32::INFINITY; self.anchors.len()];
        for (index, object) in objects.iter().enumerate() {
            if object.is_ignored {
                for (duty, anchor) in duties.iter_mut().zip(&self.anchors) {
                    if *duty == Duty::Background && object.contains(anchor.centre) {
                        *duty = Duty::Free;
                    }
                }
                continue;
            }
            let group = self.nearest_group(object);
            for (place, anchor) in self.anchors.iter().enumerate() {
                let distance = anchor.distance(object);
                if anchor.group == group && distance <= REACH && distance < distances[place] {
                    (duties[place], distances[place]) = (Duty::Object(index), distance);
                }
            }
        }
        duties
    }

    /// The group of anchors whose size is nearest to the object's, in proportion.
    fn nearest_group(&self, object: &Object) -> usize {
        let [left, top, right, bottom] = object.bounds;
        let apart = |anchor: &Anchor| {
            ((right - left) / anchor.size[0]).ln().abs() + ((bottom - top) / anchor.size[1]).ln().abs()
        };
        let nearest = self.anchors.iter().min_by(|a, b| apart(a).total_cmp(&apart(b)));
        nearest.map_or(0, |anchor| anchor.group)
    }
}

impl Object {
    fn contains(&self, [x, y]: [f32; 2]) -> bool {
        let [left, top, right, bottom] = self.bounds;
        (left..right).contains(&x) && (top..bottom).contains(&y)
    }
}

impl Anchor {
    /// From the middle of an object, in steps of the grid.
    fn distance(&self, object: &Object) -> f32 {
        let [left, top, right, bottom] = object.bounds;
        let middle = [(left + right) / 2.0, (top + bottom) / 2.0];
        let along = |axis: usize| (self.centre[axis] - middle[axis]) / self.step[axis];
        along(0).hypot(along(1))
    }
}
