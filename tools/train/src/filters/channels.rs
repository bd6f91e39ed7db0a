//! Which channels have to stay or go together.
//!
//! Every place along the innermost axis of an activation belongs to a class; operators that bind places of their
//! operands to places of their result unite classes. Classes of inputs and outputs, and of operators that are not
//! known here, are pinned.

use ocelli_compiler::graph::{Graph, Node, Op, TensorId};

use crate::network::Network;

/// Classes of channels.
pub(super) struct Channels {
    /// The class of each place of each tensor, numbered from 0.
    of_tensor: Vec<Vec<usize>>,
    /// Whether a class has to stay.
    pinned: Vec<bool>,
    /// Classes that begin at the same tensors: one group for all channels of a layer, or of the layers bound to it.
    group_of: Vec<usize>,
}

impl Channels {
    pub(super) fn of(network: &Network) -> Channels {
        let graph = &network.graph;
        let mut union = Union::new(graph);
        for node in &graph.nodes {
            union.node(graph, node);
        }
        for &id in graph.inputs.iter().chain(&graph.outputs) {
            union.pin(id);
        }
        union.finish()
    }

    pub(super) fn classes(&self) -> usize {
        self.pinned.len()
    }

    /// The class of each place of a tensor.
    pub(super) fn of_tensor(&self, id: TensorId) -> &[usize] {
        &self.of_tensor[id]
    }

    /// Classes that may go, by group.
    pub(super) fn groups(&self) -> Vec<Vec<usize>> {
        let count = self.group_of.iter().max().map_or(0, |last| last + 1);
        let mut groups = vec![Vec::new(); count];
        for (class, &group) in self.group_of.iter().enumerate() {
            if !self.pinned[class] {
                groups[group].push(class);
            }
        }
        groups.retain(|group| !group.is_empty());
        groups
    }

    /// Names of the layers that compute a group's channels.
    pub(super) fn layers<'n>(
        &'n self,
        network: &'n Network,
        group: &'n [usize],
    ) -> impl Iterator<Item = &'n String> {
        let computes = |node: &&Node| {
            node.op.is_weighted() && self.of_tensor[node.outputs[0]].iter().any(|class| group.contains(class))
        };
        network.graph.nodes.iter().filter(computes).map(|node| &node.name)
    }
}

/// Union-find over places of tensors.
struct Union {
    /// Where each tensor's places begin.
    starts: Vec<usize>,
    counts: Vec<usize>,
    parents: Vec<usize>,
    pinned: Vec<bool>,
}

impl Union {
    fn new(graph: &Graph) -> Union {
        let counts: Vec<usize> = graph
            .tensors
            .iter()
            .map(|tensor| if tensor.data.is_none() { tensor.shape.last().copied().unwrap_or(1) } else { 0 })
            .collect();
        let mut starts = Vec::with_capacity(counts.len());
        let mut next = 0;
        for count in &counts {
            starts.push(next);
            next += count;
        }
        Union { starts, counts, parents: (0..next).collect(), pinned: vec![false; next] }
    }

    fn root(&mut self, mut place: usize) -> usize {
        while self.parents[place] != place {
            self.parents[place] = self.parents[self.parents[place]];
            place = self.parents[place];
        }
        place
    }

    fn unite(&mut self, a: usize, b: usize) {
        let (a, b) = (self.root(a), self.root(b));
        let (first, second) = (a.min(b), a.max(b));
        self.parents[second] = first;
        self.pinned[first] |= self.pinned[second];
    }

    fn pin(&mut self, id: TensorId) {
        for place in self.starts[id]..self.starts[id] + self.counts[id] {
            let root = self.root(place);
            self.pinned[root] = true;
        }
    }

    /// Binds the places of `from` to those of `to` from `offset` on, over and over where `to` has more.
    fn bind(&mut self, from: TensorId, to: TensorId, offset: usize, count: usize) {
        for place in 0..count {
            let own = self.starts[from] + place % self.counts[from].max(1);
            self.unite(own, self.starts[to] + offset + place);
        }
    }

    fn node(&mut self, graph: &Graph, node: &Node) {
        let result = node.outputs[0];
        let is_computed = |id: TensorId| graph.tensors[id].data.is_none();
        match &node.op {
            Op::Conv2d { groups: 1, .. } | Op::TransposeConv2d { .. } => {}
            Op::FullyConnected { .. }
                if self.counts[node.inputs[0]] == graph.tensors[node.inputs[1]].shape[1] => {}
            Op::DepthwiseConv2d { depth_multiplier: 1, .. }
            | Op::AveragePool2d { .. }
            | Op::MaxPool2d { .. }
            | Op::Mean
            | Op::Unary(_)
            | Op::Function(_)
            | Op::Prelu
            | Op::ResizeNearest { .. }
            | Op::ResizeBilinear { .. } => self.bind(node.inputs[0], result, 0, self.counts[result]),
            Op::Pad { before, after, .. } if before.last() == Some(&0) && after.last() == Some(&0) => {
                self.bind(node.inputs[0], result, 0, self.counts[result]);
            }
            Op::Reshape if self.keeps_channels(graph, node) => {
                self.bind(node.inputs[0], result, 0, self.counts[result]);
            }
            Op::Concatenate { axis } if *axis + 1 == graph.tensors[result].shape.len() => {
                let mut offset = 0;
                for &id in &node.inputs {
                    self.bind(id, result, offset, self.counts[id]);
                    offset += self.counts[id];
                }
            }
            op if op.as_binary().is_some()
                && node.inputs.iter().all(|&id| {
                    is_computed(id) && self.counts[id] == self.counts[result]
                        || !is_computed(id) && graph.tensors[id].elements() == 1
                }) =>
            {
                for &id in node.inputs.iter().filter(|&&id| is_computed(id)) {
                    self.bind(id, result, 0, self.counts[result]);
                }
            }
            _ => node
                .inputs
                .iter()
                .chain([&result])
                .filter(|&&id| is_computed(id))
                .for_each(|&id| self.pin(id)),
        }
    }

    /// Whether a reshape only flattens, so that place `k` of the result holds channel `k` modulo their count.
    fn keeps_channels(&self, graph: &Graph, node: &Node) -> bool {
        let (from, to) = (&graph.tensors[node.inputs[0]].shape, &graph.tensors[node.outputs[0]].shape);
        let is_flat = to.len() == 2 && to[0] == 1;
        is_flat || from.last() == to.last()
    }

    fn finish(mut self) -> Channels {
        let places = self.parents.len();
        let mut number = vec![usize::MAX; places];
        let mut pinned = Vec::new();
        for place in 0..places {
            let root = self.root(place);
            if number[root] == usize::MAX {
                number[root] = pinned.len();
                pinned.push(self.pinned[root]);
            }
        }
        let mut of_tensor = Vec::with_capacity(self.counts.len());
        for (&start, &count) in self.starts.clone().iter().zip(&self.counts.clone()) {
            of_tensor
                .push((start..start + count).map(|place| number[self.root(place)]).collect::<Vec<usize>>());
        }
        // The first tensor that has a class is where its group begins; concatenated maps keep groups of their own.
        let mut group_of = vec![usize::MAX; pinned.len()];
        for (id, classes) in of_tensor.iter().enumerate() {
            for &class in classes {
                if group_of[class] == usize::MAX {
                    group_of[class] = id;
                }
            }
        }
        Channels { of_tensor, pinned, group_of }
    }
}
