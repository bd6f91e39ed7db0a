//! One way to quantize, tried: scales, then weights and biases, then how near the outputs come to float.

use std::borrow::Cow;

use super::observe::Observed;
use super::trials::{Checking, Way};
use super::weights::WeightForm;
use super::wide::Wide;
use super::{
    Affine, Method, Options, QuantizeError, QuantizedHead, bias, equalize, heads, input, ranges, weights,
};
use crate::graph::Graph;

/// A model quantized in one way.
pub(super) struct Attempt {
    pub(super) graph: Graph,
    /// What it was rounded from.
    pub(super) float: Graph,
    pub(super) heads: Vec<QuantizedHead>,
    pub(super) output_sqnr_db: Vec<f64>,
    pub(super) way: Way,
}

impl Attempt {
    /// Signal to noise of an output, on average. Neither an output that hardly moves nor one that is exact decides.
    pub(super) fn mean_db(&self) -> f64 {
        const MEASURABLE: [f64; 2] = [-10.0, 50.0];
        let outputs = self.output_sqnr_db.iter().map(|db| db.clamp(MEASURABLE[0], MEASURABLE[1]));
        outputs.sum::<f64>() / self.output_sqnr_db.len().max(1) as f64
    }
}

/// A float graph with the scales of one way, ready to be rounded.
pub(super) struct Prepared<'a> {
    pub(super) graph: Graph,
    pub(super) observed: Cow<'a, Observed>,
    pub(super) affines: Vec<Option<Affine>>,
    heads: Vec<QuantizedHead>,
    /// What the input's scale has to tell the user.
    note: Option<String>,
    pub(super) options: Options,
    way: Way,
}

impl<'a> Prepared<'a> {
    /// Chooses scales in one way.
    pub(super) fn new(
        mut graph: Graph,
        mut observed: Cow<'a, Observed>,
        options: &Options,
        way: Way,
    ) -> Prepared<'a> {
        let guided = way.method == Method::Guided;
        let options = Options { method: way.method, ..options.clone() };
        if way.evens_channels {
            equalize::equalize(&mut graph, observed.to_mut());
        }
        let heads = heads::rescale(&mut graph, &observed, &options);
        let mut affines = ranges::choose(&graph, &observed, &options, guided);
        heads::fix(&mut affines, &heads, &options);
        let note = input::fix(&mut graph, &mut affines, options.input.as_ref());
        let heads = heads.into_iter().map(|head| head.finish(&options)).collect();
        Prepared { graph, observed, affines, heads, note, options, way }
    }

    /// The graph in integers, some of it in int16, and signal to noise of every output.
    pub(super) fn round(
        &self,
        wide: &Wide,
        checking: &Checking<'_>,
    ) -> Result<(Graph, Vec<f64>), QuantizeError> {
        let form = |_| WeightForm::default();
        let mut graph = weights::quantize(&self.graph, &self.affines, &self.observed, wide, form)?;
        graph.warnings.extend(self.note.clone());
        let output_sqnr_db =
            bias::correct(&mut graph, checking.samples, checking.floats, &self.heads, &self.options)?;
        Ok((graph, output_sqnr_db))
    }
}

/// Quantizes in one way and measures how near the outputs come to float.
pub(super) fn attempt(
    graph: Graph,
    observed: Cow<'_, Observed>,
    checking: &Checking<'_>,
    options: &Options,
    way: Way,
) -> Result<Attempt, QuantizeError> {
    let prepared = Prepared::new(graph, observed, options, way);
    let (graph, output_sqnr_db) = prepared.round(&Wide::default(), checking)?;
    Ok(Attempt { graph, float: prepared.graph, heads: prepared.heads, output_sqnr_db, way: prepared.way })
}
