//! Element-wise operators of one tensor become one function, which the device reads from one table.
//!
//! Sigmoid times its operand, erf forms of gelu, exponential units with their comparison: importers state
//! them operator by operator. A table of their composition costs one step and rounds once. Operators whose
//! results are read elsewhere too stay as they are.

use std::cell::RefCell;
use std::collections::HashMap;

use super::{Uses, remove_nodes};
use crate::graph::{Binary, Element, Function, Graph, Op, TensorId, Unary};

pub(super) fn fold(graph: &mut Graph) -> bool {
    let uses = Uses::of(graph);
    let mut removed = vec![false; graph.nodes.len()];
    for root in (0..graph.nodes.len()).rev() {
        if removed[root] || !is_element_wise(graph, root) {
            continue;
        }
        let cone = Cone::below(graph, &uses, root);
        let Some((argument, function)) = cone.of_node(root) else { continue };
        let alone = !cone.inside[..root].contains(&true) && graph.nodes[root].inputs.len() == 1;
        if alone && graph.nodes[root].op != APPROXIMATED {
            continue;
        }
        for (removed, _) in removed.iter_mut().zip(&cone.inside).take(root).filter(|(_, inside)| **inside) {
            *removed = true;
        }
        let node = &mut graph.nodes[root];
        node.inputs = vec![argument];
        node.op = match function {
            Function::Unary(unary, inner)
                if *inner == Function::Argument && Op::Unary(unary) != APPROXIMATED =>
            {
                Op::Unary(unary)
            }
            function => Op::Function(function),
        };
    }
    remove_nodes(graph, &removed)
}

/// The reference's arithmetic is off by up to a step and a half here: float models get a rounded table.
const APPROXIMATED: Op = Op::Unary(Unary::HardSwish);

/// A tensor as a function of the one that it comes from through operators of one number, whoever reads what lies
/// between.
pub(super) fn back(graph: &Graph, uses: &Uses, id: TensorId) -> (TensorId, Function) {
    let cone = Cone::new(graph, uses, vec![true; graph.nodes.len()]);
    let mut at = id;
    let mut function = Function::Argument;
    // Step by step: two operands of one node meet in one tensor or not at all.
    while let Some(node) = uses.producer[at].filter(|&node| is_element_wise(graph, node)) {
        let Some((argument, step)) = cone.of_node(node) else { break };
        function = substituted(&function, &step);
        at = argument;
    }
    (at, function)
}

/// Whether every element of a float node's result depends on one element of each operand.
fn is_element_wise(graph: &Graph, node: usize) -> bool {
    let node = &graph.nodes[node];
    let float = graph.tensors[node.outputs[0]].element == Element::F32;
    float && (matches!(node.op, Op::Unary(_) | Op::Function(_) | Op::Select) || node.op.as_binary().is_some())
}

/// The element-wise nodes whose results only the root and each other read.
struct Cone<'a> {
    graph: &'a Graph,
    uses: &'a Uses,
    inside: Vec<bool>,
    /// What was found for nodes, so that none is looked at twice.
    found: RefCell<HashMap<usize, Found>>,
}

/// A node's result as a function of one tensor.
type Found = Option<(TensorId, Function)>;

/// Parts of a function that a model states; what repeats itself without end is none.
const LARGEST: usize = 256;

impl<'a> Cone<'a> {
    fn new(graph: &'a Graph, uses: &'a Uses, inside: Vec<bool>) -> Self {
        Self { graph, uses, inside, found: RefCell::default() }
    }

    fn below(graph: &'a Graph, uses: &'a Uses, root: usize) -> Self {
        let mut inside = vec![false; graph.nodes.len()];
        inside[root] = true;
        // How many operands inside the cone name a tensor.
        let mut named = vec![0; graph.tensors.len()];
        graph.nodes[root].inputs.iter().for_each(|&id| named[id] += 1);
        for node in (0..root).rev() {
            let output = graph.nodes[node].outputs[0];
            if named[output] > 0 && named[output] == uses.readers[output] && is_element_wise(graph, node) {
                inside[node] = true;
                graph.nodes[node].inputs.iter().for_each(|&id| named[id] += 1);
            }
        }
        let cone = Self::new(graph, uses, inside);
        // What the function does not reach from its argument is computed as before.
        let reached = cone.of_node(root).map(|(argument, _)| cone.between(root, argument));
        let mut inside = reached.unwrap_or_else(|| vec![false; graph.nodes.len()]);
        inside[root] = true;
        Self::new(graph, uses, inside)
    }

    /// The nodes inside on the way from the argument to the root.
    fn between(&self, root: usize, argument: TensorId) -> Vec<bool> {
        let mut reached = vec![false; self.graph.nodes.len()];
        let mut open = vec![root];
        while let Some(node) = open.pop() {
            reached[node] = true;
            let operands = self.graph.nodes[node].inputs.iter().filter(|&&id| id != argument);
            open.extend(operands.filter_map(|&id| self.uses.producer[id]).filter(|&node| self.inside[node]));
        }
        reached
    }

    /// The result of a node as a function of one tensor, as far back as the cone reaches.
    fn of_node(&self, node: usize) -> Found {
        if let Some(found) = self.found.borrow().get(&node) {
            return found.clone();
        }
        let found = self.look_at(node).filter(|(_, function)| function.parts() <= LARGEST);
        self.found.borrow_mut().insert(node, found.clone());
        found
    }

    fn look_at(&self, node: usize) -> Found {
        let node = &self.graph.nodes[node];
        let shape = &self.graph.tensors[node.outputs[0]].shape;
        let mut operands = Vec::with_capacity(node.inputs.len());
        let mut argument: Option<TensorId> = None;
        for &id in &node.inputs {
            if let Some(&[number]) = self.graph.tensors[id].floats() {
                operands.push(Function::Constant(number));
                continue;
            }
            let (leaf, function) = self.of_tensor(id);
            if argument.is_some_and(|other| other != leaf) {
                return None;
            }
            argument = Some(leaf);
            operands.push(function);
        }
        let argument = argument.filter(|&id| self.graph.tensors[id].shape == *shape)?;
        Some((argument, composed(&node.op, operands)?))
    }

    fn of_tensor(&self, id: TensorId) -> (TensorId, Function) {
        self.uses.producer[id]
            .filter(|&node| self.inside[node])
            .and_then(|node| self.of_node(node))
            .unwrap_or((id, Function::Argument))
    }
}

fn composed(op: &Op, operands: Vec<Function>) -> Option<Function> {
    let of_unary = |unary: Unary, inner: Function| match unary {
        Unary::Requantize => inner,
        _ => Function::Unary(unary, Box::new(inner)),
    };
    if let Some((binary, activation)) = op.as_binary() {
        let pair = of_pair(binary, operands.try_into().ok()?);
        return Some(match activation.as_unary() {
            Some(unary) => of_unary(unary, pair),
            None => pair,
        });
    }
    match op {
        Op::Unary(unary) => Some(of_unary(*unary, operands.into_iter().next()?)),
        Op::Function(outer) => Some(substituted(outer, &operands.into_iter().next()?)),
        Op::Select => Some(Function::Select(Box::new(operands.try_into().ok()?))),
        _ => None,
    }
}

fn of_pair(binary: Binary, operands: [Function; 2]) -> Function {
    match (binary, operands) {
        // What a rectifier is most often spelled as keeps its name.
        (Binary::Maximum, [inner, Function::Constant(0.0)] | [Function::Constant(0.0), inner]) => {
            Function::Unary(Unary::Relu, Box::new(inner))
        }
        (binary, operands) => Function::Binary(binary, Box::new(operands)),
    }
}

/// The outer function of the inner one.
fn substituted(outer: &Function, inner: &Function) -> Function {
    let inside = |function: &Function| substituted(function, inner);
    match outer {
        Function::Argument => inner.clone(),
        Function::Constant(number) => Function::Constant(*number),
        Function::Unary(unary, function) => Function::Unary(*unary, Box::new(inside(function))),
        Function::Binary(binary, functions) => {
            Function::Binary(*binary, Box::new([inside(&functions[0]), inside(&functions[1])]))
        }
        Function::Select(functions) => {
            Function::Select(Box::new([inside(&functions[0]), inside(&functions[1]), inside(&functions[2])]))
        }
    }
}
