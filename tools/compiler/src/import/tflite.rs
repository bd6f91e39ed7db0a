//! TFLite import: a verified flatbuffer becomes a graph, node by node in the file's order.
//!
//! The schema is the one that `tract-tflite` publishes. Its flatbuffer verifier guarantees that
//! offsets stay inside the file; every index and number in it is checked here.

use tract_tflite::tflite::{Model, Operator, SubGraph, root_as_model};

use super::{ImportError, NodeProblem, Problem};
use crate::check::{check, check_node, check_order};
use crate::detector::Decoded;
use crate::graph::{Graph, Node, TensorId};

pub(super) mod accepted;
mod detection;
mod ends;
mod flexbuffer;
mod moves;
mod operators;
mod sparse;
mod tensors;
mod transposed;
mod windows;

use accepted::Meaning;
use detection::DetectionEnd;
use operators::NodeSource;
use tensors::TensorTable;

pub(super) fn import(file: &str, bytes: &[u8]) -> Result<Graph, ImportError> {
    let model = root_as_model(bytes).map_err(|error| ImportError::Malformed {
        file: file.into(),
        problem: error.to_string().lines().next().unwrap_or_default().into(),
    })?;
    Importer::new(file, model)?.run()
}

struct Importer<'a> {
    file: &'a str,
    model: Model<'a>,
    main: SubGraph<'a>,
    tensors: TensorTable<'a>,
    /// What the operator that ends a detector says, and its results in the file.
    end: Option<(DetectionEnd, Vec<i32>)>,
    warnings: Vec<String>,
}

impl<'a> Importer<'a> {
    fn new(file: &'a str, model: Model<'a>) -> Result<Self, ImportError> {
        let invalid = |problem: &str| ImportError::Model { file: file.into(), problem: problem.into() };
        if model.version() != 3 {
            return Err(invalid(&format!("schema version {}; 3 is supported", model.version())));
        }
        let subgraphs = model.subgraphs().ok_or_else(|| invalid("the file holds no graph"))?;
        if subgraphs.is_empty() {
            return Err(invalid("the file holds no graph"));
        }
        let mut warnings = Vec::new();
        if subgraphs.len() > 1 {
            warnings.push(format!("the file holds {} graphs; only the first is imported", subgraphs.len()));
        }
        let main = subgraphs.get(0);
        let tensors = TensorTable::new(file, model, main);
        Ok(Self { file, model, main, tensors, end: None, warnings })
    }

    fn run(mut self) -> Result<Graph, ImportError> {
        let operators = self.main.operators().map_or(0, |operators| operators.len());
        if operators == 0 {
            return Err(self.invalid("the graph has no operators; there is nothing to run".into()));
        }
        let inputs = self.ends(self.main.inputs().map(|ids| ids.iter().collect()), "input")?;
        for (position, &id) in inputs.iter().enumerate() {
            self.tensors.check_input(id)?;
            if inputs[..position].contains(&id) {
                return Err(
                    self.invalid(format!("tensor `{}` is two inputs", self.tensors.graph.tensors[id].name))
                );
            }
        }
        self.tensors.graph.inputs = inputs;

        let mut computed = Vec::new();
        let mut problems = Vec::new();
        for index in 0..operators {
            match self.node(index, &mut computed)? {
                Ok(nodes) => self.tensors.graph.nodes.extend(nodes),
                Err(problem) => problems.push(problem),
            }
        }
        if !problems.is_empty() {
            return Err(ImportError::Nodes { file: self.file.into(), nodes: problems });
        }

        let outputs = self.outputs()?;
        for &id in &outputs {
            let tensor = &self.tensors.graph.tensors[id];
            if tensor.data.is_some() || computed.get(id) != Some(&true) {
                return Err(self.invalid(format!("output `{}` is not computed by any node", tensor.name)));
            }
        }
        let mut graph = self.tensors.graph;
        graph.outputs = outputs;
        ends::quantized_ends(&mut graph);
        graph.warnings = self.warnings;
        let invalid = |problem| ImportError::Model { file: self.file.into(), problem };
        if let Some((end, _)) = self.end {
            graph.warnings.push(end.note());
            let layout = end.layout(&graph);
            layout.check(0).map_err(|problem| invalid(format!("{}: {problem}", detection::OPERATOR)))?;
            graph.decoded = Some(Decoded::Rows(layout));
        }
        check(&graph).map_err(invalid)?;
        Ok(graph)
    }

    /// The graph's outputs: those of the file, or what the operator that ends a detector reads.
    fn outputs(&mut self) -> Result<Vec<TensorId>, ImportError> {
        let outputs: Option<Vec<i32>> = self.main.outputs().map(|ids| ids.iter().collect());
        let Some((end, results)) = &self.end else { return self.ends(outputs, "output") };
        if outputs.is_none_or(|outputs| !outputs.iter().all(|output| results.contains(output))) {
            return Err(self.invalid(format!(
                "{} is not all that the graph ends with; export the model with its four results as the only outputs",
                detection::OPERATOR
            )));
        }
        Ok(end.outputs())
    }

    /// Translates one operator. The outer error concerns the whole file, the inner one this node.
    fn node(
        &mut self,
        index: usize,
        computed: &mut Vec<bool>,
    ) -> Result<Result<Vec<Node>, NodeProblem>, ImportError> {
        let operator = self.main.operators().expect("counted by the caller").get(index);
        let (name, code, custom) = operators::operator_name(self.model, operator.opcode_index())
            .map_err(|problem| self.invalid(format!("node {index}: {problem}")))?;
        let inputs = self.operands(index, &name, operator.inputs().map(|ids| ids.iter().collect()), true)?;
        if accepted::find(code, custom).is_some_and(|accepted| matches!(accepted.meaning, Meaning::Boxes)) {
            let taken = self.detection_end(operator, &inputs);
            let known = inputs.iter().flatten().map(|&id| tensors::describe(&self.tensors.graph.tensors[id]));
            return Ok(taken.map(|()| Vec::new()).map_err(|problem| NodeProblem {
                index,
                name: custom.into(),
                operator: name,
                inputs: known.collect(),
                outputs: Vec::new(),
                problem,
            }));
        }
        let outputs =
            self.operands(index, &name, operator.outputs().map(|ids| ids.iter().collect()), false)?;
        let known: Vec<TensorId> = inputs.iter().copied().flatten().collect();
        let results: Vec<TensorId> = outputs.into_iter().flatten().collect();
        let graph = &mut self.tensors.graph;
        let label = results.first().map_or_else(String::new, |&id| graph.tensors[id].name.clone());
        let describe = |graph: &Graph, problem| NodeProblem {
            index,
            name: tensors::short(&label).into(),
            operator: name.clone(),
            inputs: known.iter().map(|&id| tensors::describe(&graph.tensors[id])).collect(),
            outputs: results.iter().map(|&id| tensors::describe(&graph.tensors[id])).collect(),
            problem,
        };

        // Constants count as computed; tensors enter the table when a node first names them.
        for id in computed.len()..graph.tensors.len() {
            computed.push(graph.tensors[id].data.is_some() || graph.inputs.contains(&id));
        }
        let order = Node {
            name: label.clone(),
            op: crate::graph::Op::Reshape,
            inputs: known.clone(),
            outputs: results.clone(),
        };
        if let Err(problem) = check_order(graph, &order, computed) {
            return Ok(Err(describe(graph, Problem::Invalid(problem))));
        }
        let source = NodeSource { operator, code, custom, name: &label, inputs: &inputs, outputs: &results };
        let nodes = match operators::translate(graph, source, &mut self.warnings) {
            Ok(nodes) => nodes,
            Err(problem) => return Ok(Err(describe(graph, problem))),
        };
        // What a translation adds is constant, or computed by the nodes that it adds.
        computed.resize(graph.tensors.len(), true);
        for node in &nodes {
            if let Err(problem) = check_node(graph, node) {
                return Ok(Err(describe(graph, Problem::Invalid(problem))));
            }
        }
        Ok(Ok(nodes))
    }

    /// Takes the operator that ends a detector; its results, which often have no shape, are not looked at.
    fn detection_end(&mut self, operator: Operator<'_>, inputs: &[Option<TensorId>]) -> Result<(), Problem> {
        if self.end.is_some() {
            return Err(Problem::Form("a second one in the graph".into()));
        }
        let options = operator.custom_options().map(|options| options.bytes()).unwrap_or_default();
        let end = DetectionEnd::read(&self.tensors.graph, inputs, options)?;
        self.end = Some((end, operator.outputs().map(|ids| ids.iter().collect()).unwrap_or_default()));
        Ok(())
    }

    fn operands(
        &mut self,
        index: usize,
        operator: &str,
        ids: Option<Vec<i32>>,
        optional: bool,
    ) -> Result<Vec<Option<TensorId>>, ImportError> {
        ids.unwrap_or_default()
            .into_iter()
            .map(|id| match id {
                -1 if optional => Ok(None),
                id => match self.tensors.get(id)? {
                    Some(id) => Ok(Some(id)),
                    None => Err(self.invalid(format!(
                        "node {index} ({operator}) names tensor {id}, which does not exist"
                    ))),
                },
            })
            .collect()
    }

    fn ends(&mut self, ids: Option<Vec<i32>>, what: &str) -> Result<Vec<TensorId>, ImportError> {
        let ids = ids.unwrap_or_default();
        if ids.is_empty() {
            return Err(self.invalid(format!("the graph has no {what}")));
        }
        ids.into_iter()
            .map(|id| match self.tensors.get(id)? {
                Some(id) => Ok(id),
                None => Err(self.invalid(format!("graph {what} {id} is no tensor of the file"))),
            })
            .collect()
    }

    fn invalid(&self, problem: String) -> ImportError {
        ImportError::Model { file: self.file.into(), problem }
    }
}
