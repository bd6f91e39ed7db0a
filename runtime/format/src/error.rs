//! Why bytes are no artefact: the answer of [`Artefact::parse`](crate::Artefact::parse).
//!
//! Every variant says where (section and byte, tensor, operator, step) and how far off, so that a
//! person can find the place in a hex dump with SPEC.md beside it.

use crate::OperatorId;
use crate::tensor::TensorId;

/// The parts of an artefact, by their codes in the section table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Section {
    /// Name and version of the model.
    Identity = 1,
    /// Element types, shapes, quantization, and where constants are.
    Tensors = 2,
    /// Operators, their operands and attributes.
    Operators = 3,
    /// Inputs, outputs and states.
    Ports = 4,
    /// How frames become inputs.
    InputContracts = 5,
    /// What outputs mean.
    OutputContracts = 6,
    /// A known run.
    SelfTest = 7,
    /// Steps and placements for one target profile; may repeat.
    Schedule = 8,
    /// The bytes of constant tensors.
    Constants = 9,
    /// Names of tensors and operators, for messages.
    Names = 10,
    /// Where the model comes from.
    Provenance = 11,
}

impl Section {
    /// How many kinds there are.
    pub(crate) const COUNT: usize = 11;

    /// All kinds, by code.
    pub(crate) const ALL: [Section; Section::COUNT] = [
        Section::Identity,
        Section::Tensors,
        Section::Operators,
        Section::Ports,
        Section::InputContracts,
        Section::OutputContracts,
        Section::SelfTest,
        Section::Schedule,
        Section::Constants,
        Section::Names,
        Section::Provenance,
    ];
}

/// Why bytes are no artefact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum ParseError {
    /// The bytes do not start on a multiple of 16 in memory.
    Misaligned {
        /// Address of the first byte, modulo 16.
        remainder_bytes: u8,
    },
    /// Fewer bytes than the header, or than the header says.
    Truncated {
        /// What the header says, or the size of a header.
        needed_bytes: u32,
        /// What was given.
        available_bytes: u32,
    },
    /// The bytes do not open with [`MAGIC`](crate::MAGIC): this is no artefact.
    Magic,
    /// Written for another major version of the format.
    Version {
        /// The artefact's.
        major: u16,
        /// The artefact's.
        minor: u16,
    },
    /// Some byte has changed since the artefact was written.
    Checksum {
        /// As the header has it.
        stored: u32,
        /// Of the bytes that are there.
        computed: u32,
    },
    /// A section lies outside the file, before its predecessor, or not on a multiple of 16.
    SectionBounds {
        /// Which entry of the section table.
        entry: u16,
    },
    /// A section that this reader does not know but has to.
    UnknownSection {
        /// Which entry of the section table.
        entry: u16,
        /// Its code.
        code: u16,
    },
    /// A section that every artefact has is not there.
    MissingSection {
        /// Which.
        section: Section,
    },
    /// A section that may stand once stands twice.
    RepeatedSection {
        /// Which.
        section: Section,
    },
    /// Something reaches beyond the end of its section.
    Bounds {
        /// Where.
        section: Section,
        /// Byte of the section at which it starts.
        offset: u32,
        /// Its length.
        needed_bytes: u32,
        /// What is left of the section.
        available_bytes: u32,
    },
    /// Something does not stand where it has to: a table of numbers on a multiple of their size, a
    /// list right behind its predecessor.
    Position {
        /// Where.
        section: Section,
        /// Byte of the section.
        offset: u32,
    },
    /// A code that this reader does not know.
    Code {
        /// Where.
        section: Section,
        /// Byte of the section.
        offset: u32,
        /// The code.
        code: u32,
    },
    /// A number outside its range.
    Value {
        /// Where.
        section: Section,
        /// Byte of the section at or before which it ends.
        offset: u32,
    },
    /// A text that is not UTF-8.
    Text {
        /// Where.
        section: Section,
        /// Byte of the section at which its list of texts starts.
        offset: u32,
    },
    /// An axis of 0, or more than `2^28` elements.
    Shape {
        /// Which tensor.
        tensor: TensorId,
    },
    /// Weights in an encoding that this reader cannot decode.
    Encoding {
        /// Which tensor.
        tensor: TensorId,
        /// The encoding's code.
        code: u8,
    },
    /// A constant's bytes are not those that its shape needs, outside the section, or not aligned.
    Constant {
        /// Which tensor.
        tensor: TensorId,
        /// What its shape needs.
        needed_bytes: u32,
        /// What is there.
        available_bytes: u32,
    },
    /// Weights whose codes end too early, go on behind the last row or lead outside one.
    Weights {
        /// Which tensor.
        tensor: TensorId,
    },
    /// Something names a tensor that does not exist.
    UnknownTensor {
        /// Where.
        section: Section,
        /// The tensor that it names.
        tensor: TensorId,
    },
    /// An operator that this reader does not know.
    UnknownOperator {
        /// Which operator.
        operator: OperatorId,
        /// Its code.
        code: u16,
    },
    /// An operator with too many or too few operands or results.
    OperandCount {
        /// Which operator.
        operator: OperatorId,
    },
    /// An operand of the wrong element type, or constant where it may not be, or the reverse.
    Operand {
        /// Which operator.
        operator: OperatorId,
        /// Which of its operands; the results follow the inputs.
        operand: u8,
    },
    /// Shapes of operands, result and attributes that do not fit together.
    Geometry {
        /// Which operator.
        operator: OperatorId,
    },
    /// An attribute or a constant factor outside its range.
    Attribute {
        /// Which operator.
        operator: OperatorId,
    },
    /// An operator of `2^48 - 1` multiply-accumulates or more.
    Work {
        /// Which operator.
        operator: OperatorId,
    },
    /// An input or output that is a constant, or two states that differ in type or shape.
    Port {
        /// Which tensor.
        tensor: TensorId,
    },
    /// A step names an operator that does not exist.
    Step {
        /// Which schedule, in the order of the file.
        schedule: u8,
        /// Which of its steps.
        step: u32,
    },
    /// A tensor without a place, outside the arena, or not on a multiple of 16.
    Placement {
        /// Which schedule, in the order of the file.
        schedule: u8,
        /// Which tensor.
        tensor: TensorId,
    },
    /// Operands or scratch of a step overlap though the operator does not work in place.
    Overlap {
        /// Which schedule, in the order of the file.
        schedule: u8,
        /// Which of its steps.
        step: u32,
    },
    /// A contract about a tensor that is no input or output, or of another type or size.
    Contract {
        /// Input or output contracts.
        section: Section,
        /// Which contract.
        contract: u16,
        /// The tensor.
        tensor: TensorId,
    },
}

impl core::fmt::Display for ParseError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        use ParseError::*;
        match *self {
            Misaligned { remainder_bytes } => {
                write!(f, "the bytes start {remainder_bytes} past a multiple of 16 in memory")
            }
            Truncated { needed_bytes, available_bytes } => {
                write!(f, "the artefact needs {needed_bytes} bytes, {available_bytes} are there")
            }
            Magic => f.write_str("the bytes do not open with an artefact's magic number"),
            Version { major, minor } => {
                let ours = crate::MAJOR_VERSION;
                write!(f, "the artefact has format version {major}.{minor}, this reader knows {ours}")
            }
            Checksum { stored, computed } => {
                write!(f, "the artefact is damaged: checksum {computed:08x}, {stored:08x} stored")
            }
            SectionBounds { entry } => {
                write!(
                    f,
                    "section table entry {entry} points outside the file, backwards, or between multiples of 16"
                )
            }
            UnknownSection { entry, code } => {
                write!(f, "section table entry {entry} has the unknown code {code} and must be understood")
            }
            MissingSection { section } => write!(f, "the artefact has no section {section:?}"),
            RepeatedSection { section } => write!(f, "section {section:?} stands twice"),
            Bounds { section, offset, needed_bytes, available_bytes } => write!(
                f,
                "section {section:?} ends too early: byte {offset} starts something of {needed_bytes} bytes, {available_bytes} are left"
            ),
            Position { section, offset } => {
                write!(f, "section {section:?}, byte {offset}: something stands where it may not")
            }
            Code { section, offset, code } => {
                write!(f, "section {section:?}, byte {offset}: unknown code {code}")
            }
            Value { section, offset } => {
                write!(f, "section {section:?}, at or before byte {offset}: a number is out of range")
            }
            Text { section, offset } => {
                write!(f, "section {section:?}: the texts at byte {offset} are not UTF-8")
            }
            Shape { tensor } => write!(f, "tensor {tensor} has an axis of 0 or more than 2^28 elements"),
            Encoding { tensor, code } => {
                write!(f, "tensor {tensor} is stored in encoding {code}, which this reader cannot decode")
            }
            Constant { tensor, needed_bytes, available_bytes } => write!(
                f,
                "constant tensor {tensor} needs {needed_bytes} aligned bytes inside its section, {available_bytes} are stored"
            ),
            Weights { tensor } => {
                write!(f, "the weights of tensor {tensor} are stored in codes that do not fit its rows")
            }
            UnknownTensor { section, tensor } => {
                write!(f, "section {section:?} names tensor {tensor}, which does not exist")
            }
            UnknownOperator { operator, code } => {
                write!(f, "operator {operator} has the unknown code {code}")
            }
            OperandCount { operator } => {
                write!(f, "operator {operator} has too many or too few operands")
            }
            Operand { operator, operand } => write!(
                f,
                "operand {operand} of operator {operator} has the wrong type, or is constant where it may not be"
            ),
            Geometry { operator } => write!(f, "the shapes of operator {operator} do not fit together"),
            Attribute { operator } => {
                write!(f, "operator {operator} has an attribute or a factor that is out of range")
            }
            Work { operator } => write!(f, "operator {operator} has 2^48 multiply-accumulates or more"),
            Port { tensor } => write!(f, "tensor {tensor} cannot be the input, output or state that it is"),
            Step { schedule, step } => {
                write!(f, "schedule {schedule}, step {step} names an operator or operand that does not exist")
            }
            Placement { schedule, tensor } => {
                write!(f, "schedule {schedule} has no valid place in its arena for tensor {tensor}")
            }
            Overlap { schedule, step } => {
                write!(f, "schedule {schedule}, step {step}: operands or scratch overlap")
            }
            Contract { section, contract, tensor } => {
                write!(f, "contract {contract} of section {section:?} does not fit tensor {tensor}")
            }
        }
    }
}

impl core::error::Error for ParseError {}
