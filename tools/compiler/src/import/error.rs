//! What can go wrong in import, with the place and the next step.

use std::fmt;

/// Why a file did not become a graph.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ImportError {
    /// The file could not be read.
    #[error("{file}: cannot be read: {source}")]
    Read {
        /// The file.
        file: String,
        /// What the system says.
        source: std::io::Error,
    },
    /// Neither TFLite nor ONNX.
    #[error(
        "{file}: neither a TFLite file (bytes 4 to 7 are `TFL3`) nor an ONNX file; export the model to one of them"
    )]
    UnknownFormat {
        /// The file.
        file: String,
    },
    /// The container of the format is broken.
    #[error("{file}: broken file: {problem}; fetch or export it again")]
    Malformed {
        /// The file.
        file: String,
        /// What the format's verifier says.
        problem: String,
    },
    /// A well-formed file that holds no model that can be used.
    #[error("{file}: {problem}")]
    Model {
        /// The file.
        file: String,
        /// What is wrong and what would help.
        problem: String,
    },
    /// A tensor is wrong.
    #[error("{file}: tensor {index} `{name}`: {problem}")]
    Tensor {
        /// The file.
        file: String,
        /// Index in the source model.
        index: usize,
        /// Name in the source model.
        name: String,
        /// What is wrong.
        problem: String,
    },
    /// Nodes that cannot be imported: all of them.
    #[error("{file}: {}", NodeList(.nodes))]
    Nodes {
        /// The file.
        file: String,
        /// Every such node, in the model's order.
        nodes: Vec<NodeProblem>,
    },
}

/// A node that cannot be imported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeProblem {
    /// Index in the source model.
    pub index: usize,
    /// Name in the source model; TFLite names no nodes, so the first result's name stands for it.
    pub name: String,
    /// Operator as the source calls it.
    pub operator: String,
    /// Operands as `name type[shape]`.
    pub inputs: Vec<String>,
    /// Results as `name type[shape]`.
    pub outputs: Vec<String>,
    /// What is wrong.
    pub problem: Problem,
}

/// What is wrong with a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Problem {
    /// The operator is not supported.
    Operator,
    /// This form of a supported operator is not supported.
    Form(String),
    /// The node contradicts itself.
    Invalid(String),
}

impl fmt::Display for NodeProblem {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            out,
            "node {} `{}`, {} ({}) -> ({}): ",
            self.index,
            self.name,
            self.operator,
            self.inputs.join(", "),
            self.outputs.join(", ")
        )?;
        match &self.problem {
            Problem::Operator => write!(out, "operator not supported"),
            Problem::Form(why) => write!(out, "not supported: {why}"),
            Problem::Invalid(why) => write!(out, "invalid: {why}"),
        }
    }
}

struct NodeList<'a>(&'a [NodeProblem]);

impl fmt::Display for NodeList<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} node(s) cannot be imported", self.0.len())?;
        for node in self.0 {
            write!(out, "\n  {node}")?;
        }
        if self.0.iter().any(|node| !matches!(node.problem, Problem::Invalid(_))) {
            write!(out, "\nsupported operators: `ocelli ops` lists them")?;
            write!(
                out,
                "\nnext: export the model without these operators, or cut it before them and do the rest in the program"
            )?;
        }
        Ok(())
    }
}
