//! The order of execution that needs the fewest bytes at once: the first decision of the memory plan.
//!
//! What is live depends only on which operators have run, not on their order. So the search walks the
//! sets of operators that can have run, one level for each size, and keeps of each set the way with
//! the least peak of live bytes. The peak at the last level is the *floor*: no plan that computes every
//! operator once, over whole tensors, can need less.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use ocelli_format::model::Model;

use super::PlanError;
use super::values::Values;

/// An order of execution and the most bytes that are live in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Order {
    /// Operators in order of execution.
    pub(super) operators: Vec<usize>,
    /// Most bytes of tensors that are live during one step.
    pub(super) peak_bytes: u64,
    /// Whether no order has a lower peak; otherwise it is the best that was found.
    pub(super) is_least: bool,
}

/// Sets that are kept on each level, the most promising first. Vision models have a few dozen.
const LEVEL_SETS: usize = 1_024;

/// Sets that are looked at in all.
const SETS: usize = 200_000;

/// The best order of a model.
///
/// # Errors
/// [`PlanError::Order`] where the model's own order reads what was not computed.
pub(super) fn least_peak(model: &Model) -> Result<Order, PlanError> {
    let values = Values::of(model)?;
    let own: Vec<usize> = (0..model.operators.len()).collect();
    let limit = values.peak_bytes(&own);
    let bound = values.unavoidable_bytes();
    let mut search = Search { values: &values, bound, limit, is_complete: true };
    let found = if limit > bound { search.run() } else { None };
    let is_least = search.is_complete;
    let (peak_bytes, operators) = found.unwrap_or((limit, own));
    Ok(Order { operators, peak_bytes, is_least: is_least || peak_bytes == bound })
}

/// One bit an operator: whether it has run.
type Set = Vec<u64>;

/// The best way to a set.
#[derive(Clone)]
struct Way {
    peak_bytes: u64,
    live_bytes: u64,
    /// The operator that ran last.
    operator: usize,
}

struct Search<'v> {
    values: &'v Values,
    /// A peak that every order has.
    bound: u64,
    /// Only lower peaks are of interest.
    limit: u64,
    /// Whether nothing was left out.
    is_complete: bool,
}

impl Search<'_> {
    /// An order with a peak below the limit, if one is found.
    fn run(&mut self) -> Option<(u64, Vec<usize>)> {
        let operators = self.values.operator_count();
        let start = Way { peak_bytes: 0, live_bytes: self.values.live_at_start(), operator: usize::MAX };
        let mut levels = vec![BTreeMap::from([(vec![0; operators.div_ceil(64)], start)])];
        let mut seen = 0;
        for level in 0..operators {
            let mut next = BTreeMap::new();
            for (set, way) in &levels[level] {
                self.extend(set, way, &mut next);
            }
            seen += next.len();
            if seen > SETS {
                self.is_complete = false;
                return None;
            }
            levels.push(self.most_promising(next));
        }
        let (mut set, last) = levels.pop()?.into_iter().next()?;
        let mut order = vec![last.operator];
        while let Some(level) = levels.pop().filter(|_| !levels.is_empty()) {
            let operator = order[order.len() - 1];
            set[operator / 64] &= !(1 << (operator % 64));
            order.push(level.get(&set)?.operator);
        }
        order.reverse();
        Some((last.peak_bytes, order))
    }

    /// Adds what may run after `set` to the next level.
    fn extend(&self, set: &Set, way: &Way, next: &mut BTreeMap<Set, Way>) {
        let mut candidates = Vec::new();
        for operator in self.values.ready(set) {
            let step = self.values.step(set, operator);
            let peak_bytes = way.peak_bytes.max(way.live_bytes + step.added);
            let live_bytes = way.live_bytes + step.kept - step.freed;
            let candidate = Way { peak_bytes, live_bytes, operator };
            if step.kept <= step.freed && peak_bytes <= self.bound.max(way.peak_bytes) {
                // It leaves no more behind than it finds and costs nothing that is not paid anyway.
                // Whatever runs first instead only makes it free more, so now is as good as ever.
                candidates = vec![candidate];
                break;
            }
            candidates.push(candidate);
        }
        for way in candidates.into_iter().filter(|way| way.peak_bytes < self.limit) {
            let mut set = set.clone();
            set[way.operator / 64] |= 1 << (way.operator % 64);
            match next.entry(set) {
                Entry::Vacant(entry) => {
                    entry.insert(way);
                }
                Entry::Occupied(mut entry) if way.peak_bytes < entry.get().peak_bytes => {
                    entry.insert(way);
                }
                Entry::Occupied(_) => {}
            }
        }
    }

    fn most_promising(&mut self, level: BTreeMap<Set, Way>) -> BTreeMap<Set, Way> {
        if level.len() <= LEVEL_SETS {
            return level;
        }
        self.is_complete = false;
        let mut ranked: Vec<_> = level.into_iter().collect();
        ranked.sort_by_key(|(_, way)| (way.peak_bytes, way.live_bytes));
        ranked.truncate(LEVEL_SETS);
        ranked.into_iter().collect()
    }
}
