//! An artefact whose bytes have been checked: the door to everything in it.

use crate::bytes::{Cursor, Fault, Texts, ensure};
use crate::contract::SelfTest;
use crate::error::{ParseError, Section};
use crate::geometry;
use crate::graph::{OperatorView, Ports, check_operators, check_ports};
use crate::input_contract::{self, InputContractView};
use crate::output_contract::{self, OutputContractView};
use crate::placement::Placement;
use crate::schedule::ScheduleView;
use crate::sections::{ANSWER_ID_OFFSET, Sections};
use crate::tensor::{self, OperatorId, State, TensorId, TensorView};

/// A checked artefact, borrowed from its bytes.
///
/// Accessors cannot fail. Ids are indices below [`Artefact::tensor_count`] and
/// [`Artefact::operator_count`], and all ids that an artefact gives out are; any other reads as a
/// tensor of one int8, or as an operator without operands.
#[derive(Clone, Copy)]
pub struct Artefact<'a> {
    sections: Sections<'a>,
    ports: Ports<'a>,
}

impl<'a> Artefact<'a> {
    /// Checks the bytes: checksum, every offset, length, index, code and text, types of operands,
    /// places in the arena, contracts. Takes time in proportion to the bytes, no heap, and never
    /// panics. Whether attributes and shapes of an operator fit together is for its kernel to say,
    /// when the engine plans, or for [`Artefact::check_layers`] where there are no kernels; so a
    /// firmware carries these checks only for the operators that it links.
    ///
    /// Bytes behind the artefact are ignored, so that a whole flash slot may be given.
    ///
    /// # Errors
    /// A [`ParseError`] that says where and what.
    pub fn parse(bytes: &'a [u8]) -> Result<Artefact<'a>, ParseError> {
        let mut artefact = Artefact { sections: Sections::parse(bytes)?, ports: Ports::NONE };
        let tensors = artefact.sections.cursor(Section::Tensors);
        let count = artefact.tensor_count();
        tensors.check(count <= usize::from(u16::MAX))?;
        tensors.at(count * tensor::RECORD_BYTES).finish()?;
        for id in 0..count as u16 {
            artefact.read_tensor(id)?;
        }
        let mut cursor = artefact.sections.cursor(Section::Ports);
        artefact.ports = Ports::read(&mut cursor).map_err(|fault| cursor.error(fault))?;
        cursor.finish()?;
        check_ports(&artefact, artefact.ports)?;
        check_operators(&artefact, artefact.sections.cursor(Section::Operators))?;
        artefact.check_schedules(|placement| placement.check())?;
        if let Some(cursor) = artefact.present(Section::InputContracts) {
            input_contract::check(&artefact, cursor)?;
        }
        if let Some(cursor) = artefact.present(Section::OutputContracts) {
            output_contract::check(&artefact, cursor)?;
        }
        if let Some(mut cursor) = artefact.present(Section::SelfTest) {
            read_self_test(&mut cursor).map_err(|fault| cursor.error(fault))?;
            cursor.finish()?;
        }
        artefact.check_texts(Section::Identity, &[2])?;
        artefact.check_texts(Section::Names, &[count, artefact.operator_count()])?;
        let pairs = artefact.texts(Section::Provenance, 0).len();
        artefact.check_texts(Section::Provenance, &[pairs.next_multiple_of(2)])?;
        Ok(artefact)
    }

    /// Checks what an engine asks its kernels: attributes, constant factors and shapes of every
    /// operator, and the work of all; and row groups. For hosts, and for whoever writes artefacts.
    ///
    /// # Errors
    /// [`ParseError::Attribute`], [`ParseError::Geometry`], [`ParseError::Work`], and of row groups
    /// [`ParseError::Step`], [`ParseError::Placement`] and [`ParseError::UnknownTensor`].
    pub fn check_layers(&self) -> Result<(), ParseError> {
        geometry::check(self)?;
        self.check_schedules(|placement| placement.check_row_groups())
    }

    /// All bytes of the artefact, without what follows it in memory.
    pub fn bytes(&self) -> &'a [u8] {
        self.sections.artefact()
    }

    /// SHA-256 over graph, constants and contracts: equal ids, equal outputs.
    pub fn answer_id(&self) -> [u8; 32] {
        let bytes = self.bytes().get(ANSWER_ID_OFFSET..).and_then(|rest| rest.first_chunk());
        bytes.copied().unwrap_or_default()
    }

    /// Name of the model; empty when stripped.
    pub fn name(&self) -> &'a str {
        self.texts(Section::Identity, 0).get(0).unwrap_or_default()
    }

    /// Version of the model, chosen by its maker; empty when stripped.
    pub fn version(&self) -> &'a str {
        self.texts(Section::Identity, 0).get(1).unwrap_or_default()
    }

    /// Where the model comes from, as keys and values; none when stripped.
    pub fn provenance(&self) -> impl Iterator<Item = (&'a str, &'a str)> + use<'a> {
        let texts = self.texts(Section::Provenance, 0);
        (0..texts.len() / 2).filter_map(move |pair| Some((texts.get(2 * pair)?, texts.get(2 * pair + 1)?)))
    }

    /// How many tensors there are.
    pub fn tensor_count(&self) -> usize {
        self.sections.bytes(Section::Tensors).len() / tensor::RECORD_BYTES
    }

    /// A tensor.
    pub fn tensor(&self, id: TensorId) -> TensorView<'a> {
        self.read_tensor(id).unwrap_or(TensorView::NONE)
    }

    /// Every tensor, by id.
    pub fn tensors(&self) -> impl ExactSizeIterator<Item = TensorView<'a>> + use<'a> {
        let artefact = *self;
        (0..self.tensor_count() as u16).map(move |id| artefact.tensor(id))
    }

    /// Name of a tensor in the source model; empty when stripped.
    pub fn tensor_name(&self, id: TensorId) -> &'a str {
        self.texts(Section::Names, 0).get(usize::from(id)).unwrap_or_default()
    }

    /// How many operators there are.
    pub fn operator_count(&self) -> usize {
        self.sections.cursor(Section::Operators).u32().unwrap_or(0) as usize
    }

    /// An operator.
    pub fn operator(&self, id: OperatorId) -> OperatorView<'a> {
        let read = OperatorView::read(self.sections.cursor(Section::Operators), id);
        read.map_or(OperatorView::NONE, |(view, _)| view)
    }

    /// Every operator, by id: one valid order of execution.
    pub fn operators(&self) -> impl ExactSizeIterator<Item = OperatorView<'a>> + use<'a> {
        let artefact = *self;
        (0..self.operator_count() as u16).map(move |id| artefact.operator(id))
    }

    /// Name of an operator in the source model; empty when stripped.
    pub fn operator_name(&self, id: OperatorId) -> &'a str {
        self.texts(Section::Names, 1).get(usize::from(id)).unwrap_or_default()
    }

    /// Graph inputs.
    pub fn inputs(&self) -> &'a [TensorId] {
        self.ports.inputs
    }

    /// Graph outputs.
    pub fn outputs(&self) -> &'a [TensorId] {
        self.ports.outputs
    }

    /// Tensors that keep their value from run to run.
    pub fn states(&self) -> impl ExactSizeIterator<Item = State> + use<'a> {
        self.ports.states()
    }

    /// Which input a tensor is, as [`Infer::input`](ocelli_core::Infer::input) counts.
    pub fn input_index(&self, tensor: TensorId) -> Option<usize> {
        self.ports.inputs.iter().position(|&input| input == tensor)
    }

    /// Which output a tensor is, as [`Infer::output`](ocelli_core::Infer::output) counts.
    pub fn output_index(&self, tensor: TensorId) -> Option<usize> {
        self.ports.outputs.iter().position(|&output| output == tensor)
    }

    /// How frames become inputs: at most one for each input, in their order.
    pub fn input_contracts(&self) -> impl Iterator<Item = InputContractView<'a>> + use<'a> {
        let mut cursor = self.sections.cursor(Section::InputContracts);
        let count = cursor.u32().unwrap_or(0);
        (0..count).map_while(move |_| InputContractView::read(&mut cursor).ok())
    }

    /// What the outputs mean.
    pub fn output_contracts(&self) -> impl Iterator<Item = OutputContractView<'a>> + use<'a> {
        let mut cursor = self.sections.cursor(Section::OutputContracts);
        let count = cursor.u32().unwrap_or(0);
        (0..count).map_while(move |_| OutputContractView::read(&mut cursor).ok())
    }

    /// All schedules, at least one.
    pub fn schedules(&self) -> impl Iterator<Item = ScheduleView<'a>> + use<'a> {
        let tensors = self.tensor_count();
        let sections = self.sections.repeated(Section::Schedule);
        sections.filter_map(move |section| ScheduleView::read(section, tensors).ok())
    }

    /// The schedule for a target profile, or else the portable one; `None` where the artefact was
    /// stripped to another target.
    pub fn schedule_for(&self, profile: &str) -> Option<ScheduleView<'a>> {
        let named = |name: &str| self.schedules().find(|schedule| schedule.profile == name);
        named(profile).or_else(|| named(ScheduleView::PORTABLE))
    }

    /// A known run.
    pub fn self_test(&self) -> Option<SelfTest> {
        self.present(Section::SelfTest).and_then(|mut cursor| read_self_test(&mut cursor).ok())
    }

    /// Multiply-accumulates of one operator in one run; 0 for those without weights.
    pub fn multiply_accumulates(&self, id: OperatorId) -> u64 {
        geometry::multiply_accumulates(self, &self.operator(id))
    }

    /// The values that one operator visits in one run, multiply-accumulates included: a bound on time.
    pub fn work(&self, id: OperatorId) -> u64 {
        geometry::work(self, &self.operator(id)).unwrap_or(0)
    }

    /// The bytes of a section that stands at most once.
    #[cfg(feature = "alloc")]
    pub(crate) fn section(&self, kind: Section) -> &'a [u8] {
        self.sections.bytes(kind)
    }

    /// Refuses the name of a tensor that does not exist.
    pub(crate) fn check_tensor(&self, section: Section, tensor: TensorId) -> Result<(), ParseError> {
        if usize::from(tensor) < self.tensor_count() {
            Ok(())
        } else {
            Err(ParseError::UnknownTensor { section, tensor })
        }
    }

    pub(crate) fn ports(&self) -> Ports<'a> {
        self.ports
    }

    fn check_schedules(
        &self,
        check: impl Fn(Placement<'_>) -> Result<(), ParseError>,
    ) -> Result<(), ParseError> {
        for (index, section) in self.sections.repeated(Section::Schedule).enumerate() {
            let schedule = &ScheduleView::read(section, self.tensor_count())?;
            check(Placement { artefact: self, schedule, index: index.min(255) as u8 })?;
        }
        Ok(())
    }

    fn read_tensor(&self, id: TensorId) -> Result<TensorView<'a>, ParseError> {
        TensorView::read(self.sections.bytes(Section::Tensors), self.sections.bytes(Section::Constants), id)
    }

    /// A cursor at the start of a section that is there.
    fn present(&self, section: Section) -> Option<Cursor<'a>> {
        (!self.sections.bytes(section).is_empty()).then(|| self.sections.cursor(section))
    }

    /// List `index` of a section of texts; empty where it is missing.
    fn texts(&self, section: Section, index: usize) -> Texts<'a> {
        let mut cursor = self.sections.cursor(section);
        (0..=index).fold(Texts::default(), |_, _| cursor.texts().unwrap_or_default())
    }

    /// Checks a section that is a number of lists of texts, so many in each, where it is there.
    #[inline(never)]
    fn check_texts(&self, section: Section, lengths: &[usize]) -> Result<(), ParseError> {
        let Some(mut cursor) = self.present(section) else { return Ok(()) };
        for &length in lengths {
            let texts = cursor.texts().map_err(|fault| cursor.error(fault))?;
            cursor.check(texts.len() == length)?;
        }
        cursor.finish()
    }
}

impl core::fmt::Debug for Artefact<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Artefact")
            .field("name", &self.name())
            .field("bytes", &self.bytes().len())
            .field("tensors", &self.tensor_count())
            .field("operators", &self.operator_count())
            .finish_non_exhaustive()
    }
}

fn read_self_test(cursor: &mut Cursor<'_>) -> Result<SelfTest, Fault> {
    let [seed, output_crc32, shift] = *cursor.table()?;
    ensure(seed != 0 && shift <= 7)?;
    Ok(SelfTest { seed, shift: shift as u8, output_crc32 })
}
