//! An artefact whose bytes have been checked: the door to everything in it.

use crate::bytes::{Cursor, Texts};
use crate::contract::SelfTest;
use crate::error::{ParseError, Section};
use crate::fault::{Fault, Report, ensure};
use crate::geometry;
use crate::graph::{OperatorView, Ports, check_operators, check_ports};
use crate::input_contract::{self, InputContractView};
use crate::output_contract::{self, OutputContractView};
use crate::placement::Placement;
use crate::schedule::{RowGroupView, ScheduleView};
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
    tensors: &'a [tensor::Record],
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
        let mut report = Report::new();
        Artefact::read(bytes, &mut report).map_err(|fault| report.error(fault))
    }

    /// The same for bytes that have been parsed before, on another machine, and had this checksum there: a firmware built around a
    /// model whose bytes its build script has parsed (`ocelli-build`) carries none of the code that did. Any other bytes are
    /// refused.
    ///
    /// # Errors
    /// [`ParseError::Checksum`], and what a section table that cannot be read gives.
    pub fn parse_built(bytes: &'a [u8], checksum: u32) -> Result<Artefact<'a>, ParseError> {
        let mut report = Report::new();
        Artefact::open(bytes, Some(checksum), &mut report).map_err(|fault| report.error(fault))
    }

    /// Checks what an engine asks its kernels: attributes, constant factors and shapes of every
    /// operator, and the work of all; and row groups. For hosts, and for whoever writes artefacts.
    ///
    /// # Errors
    /// [`ParseError::Attribute`], [`ParseError::Geometry`], [`ParseError::Work`], and of row groups
    /// [`ParseError::Step`], [`ParseError::Placement`], [`ParseError::Overlap`] and
    /// [`ParseError::UnknownTensor`].
    pub fn check_layers(&self) -> Result<(), ParseError> {
        geometry::check(self)?;
        let mut report = Report::new();
        let checked =
            self.check_schedules(&mut report, |placement, report| placement.check_row_groups(report));
        checked.map_err(|fault| report.error(fault))
    }

    /// All bytes of the artefact, without what follows it in memory.
    pub fn bytes(&self) -> &'a [u8] {
        self.sections.artefact()
    }

    /// The checksum of all bytes, as [`Artefact::parse_built`] wants it.
    pub fn checksum(&self) -> u32 {
        self.sections.checksum()
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
        self.tensors.len()
    }

    /// A tensor.
    pub fn tensor(&self, id: TensorId) -> TensorView<'a> {
        TensorView::new(self.tensors, self.sections.bytes(Section::Constants), id)
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
        self.cursor(Section::Operators).u32().unwrap_or(0) as usize
    }

    /// An operator.
    pub fn operator(&self, id: OperatorId) -> OperatorView<'a> {
        let read = OperatorView::read(self.cursor(Section::Operators), id, &mut Report::new());
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
        let mut cursor = self.cursor(Section::InputContracts);
        let count = cursor.u32().unwrap_or(0);
        (0..count).map_while(move |_| InputContractView::read(&mut cursor).ok())
    }

    /// What the outputs mean.
    pub fn output_contracts(&self) -> impl Iterator<Item = OutputContractView<'a>> + use<'a> {
        let mut cursor = self.cursor(Section::OutputContracts);
        let count = cursor.u32().unwrap_or(0);
        (0..count).map_while(move |_| OutputContractView::read(&mut cursor).ok())
    }

    /// All schedules, at least one.
    pub fn schedules(&self) -> impl Iterator<Item = ScheduleView<'a>> + use<'a> {
        let tensors = self.tensor_count();
        let sections = self.sections.repeated(Section::Schedule);
        sections.filter_map(move |section| ScheduleView::read(section, tensors, &mut Report::new()).ok())
    }

    /// The schedule for a target profile, or else the portable one; `None` where the artefact was
    /// stripped to another target.
    pub fn schedule_for(&self, profile: &str) -> Option<ScheduleView<'a>> {
        let named = |name: &str| self.schedules().find(|schedule| schedule.is_for(name));
        named(profile).or_else(|| named(ScheduleView::PORTABLE))
    }

    /// A known run.
    pub fn self_test(&self) -> Option<SelfTest> {
        read_self_test(&mut self.cursor(Section::SelfTest)).ok()
    }

    /// Multiply-accumulates of one operator in one run; 0 for those without weights.
    pub fn multiply_accumulates(&self, id: OperatorId) -> u64 {
        geometry::multiply_accumulates(self, &self.operator(id))
    }

    /// The values that one operator visits in one run, multiply-accumulates included: a bound on
    /// time. At most `2^48 - 1`, which is also the answer where [`Artefact::check_layers`] finds fault,
    /// so that the work of all operators can be added up.
    pub fn work(&self, id: OperatorId) -> u64 {
        geometry::work(self, &self.operator(id)).unwrap_or(u64::MAX).min(geometry::MAX_WORK)
    }

    /// Whether row group `step` of a schedule can be run: what [`Artefact::parse`] leaves to the engine.
    pub fn row_group_rolls(&self, schedule: &ScheduleView<'a>, step: u32, group: &RowGroupView<'a>) -> bool {
        let placement = Placement { artefact: self, schedule, index: 0 };
        placement.check_row_group(step, group, &mut Report::new()).is_ok()
    }

    /// The bytes of a section that stands at most once.
    #[cfg(feature = "alloc")]
    pub(crate) fn section(&self, kind: Section) -> &'a [u8] {
        self.sections.bytes(kind)
    }

    /// The bytes of the last section, if it has this code.
    pub(crate) fn last_section(&self, code: u16) -> Option<&'a [u8]> {
        self.sections.last(code)
    }

    /// Refuses the name of a tensor that does not exist.
    pub(crate) fn check_tensor(
        &self,
        section: Section,
        tensor: TensorId,
        report: &mut Report,
    ) -> Result<(), Fault> {
        (report.section, report.index) = (section, tensor);
        ensure(usize::from(tensor) < self.tensor_count(), Fault::UnknownTensor)
    }

    pub(crate) fn ports(&self) -> Ports<'a> {
        self.ports
    }

    /// A cursor at the start of a section.
    pub(crate) fn cursor(&self, section: Section) -> Cursor<'a> {
        self.sections.cursor(section)
    }

    /// Finds sections, tensors and ports, without looking at what they say; of bytes with one checksum only, if it is known.
    fn open(bytes: &'a [u8], checksum: Option<u32>, report: &mut Report) -> Result<Artefact<'a>, Fault> {
        let sections = Sections::parse(bytes, checksum, report)?;
        let mut cursor = sections.cursor(Section::Tensors);
        let count = sections.bytes(Section::Tensors).len() / tensor::RECORD_BYTES;
        report.check(count <= usize::from(u16::MAX), &cursor)?;
        let records = cursor.slice(count);
        let tensors = report.see(records, &cursor)?;
        report.finish(&cursor)?;
        let mut cursor = sections.cursor(Section::Ports);
        let ports = report.see(Ports::read(&mut cursor), &cursor)?;
        report.finish(&cursor)?;
        Ok(Artefact { sections, tensors, ports })
    }

    /// Opens the bytes and checks everything in them.
    fn read(bytes: &'a [u8], report: &mut Report) -> Result<Artefact<'a>, Fault> {
        let artefact = Artefact::open(bytes, None, report)?;
        let cursor = artefact.cursor(Section::Tensors);
        for (tensor, id) in artefact.tensors().zip(0..) {
            report.index = id;
            tensor.check(&cursor.at((usize::from(id) + 1) * tensor::RECORD_BYTES), report)?;
        }
        check_ports(&artefact, report)?;
        check_operators(&artefact, report)?;
        artefact.check_schedules(report, |placement, report| {
            placement.schedule.check_profile(report)?;
            placement.check(report)
        })?;
        if artefact.has(Section::InputContracts) {
            input_contract::check(&artefact, report)?;
        }
        if artefact.has(Section::OutputContracts) {
            output_contract::check(&artefact, report)?;
        }
        if artefact.has(Section::SelfTest) {
            let mut cursor = artefact.cursor(Section::SelfTest);
            report.see(read_self_test(&mut cursor), &cursor)?;
            report.finish(&cursor)?;
        }
        artefact.check_texts(Section::Identity, &[2], report)?;
        artefact.check_texts(
            Section::Names,
            &[artefact.tensor_count(), artefact.operator_count()],
            report,
        )?;
        let pairs = artefact.texts(Section::Provenance, 0).len();
        artefact.check_texts(Section::Provenance, &[pairs.next_multiple_of(2)], report)?;
        Ok(artefact)
    }

    fn check_schedules(
        &self,
        report: &mut Report,
        check: fn(Placement<'_>, &mut Report) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        for (index, section) in self.sections.repeated(Section::Schedule).enumerate() {
            let schedule = &ScheduleView::read(section, self.tensor_count(), report)?;
            check(Placement { artefact: self, schedule, index: index.min(255) as u8 }, report)?;
        }
        Ok(())
    }

    /// Whether there is anything in a section.
    fn has(&self, section: Section) -> bool {
        !self.sections.bytes(section).is_empty()
    }

    /// List `index` of a section of texts; empty where it is missing.
    fn texts(&self, section: Section, index: usize) -> Texts<'a> {
        let mut cursor = self.cursor(section);
        (0..=index).fold(Texts::default(), |_, _| cursor.texts().unwrap_or_default())
    }

    /// Checks a section that is a number of lists of texts, so many in each, where it is there.
    #[inline(never)]
    fn check_texts(&self, section: Section, lengths: &[usize], report: &mut Report) -> Result<(), Fault> {
        if self.has(section) {
            let mut cursor = self.cursor(section);
            for &length in lengths {
                let texts = report.see(cursor.texts(), &cursor)?;
                report.check(texts.len() == length, &cursor)?;
            }
            report.finish(&cursor)?;
        }
        Ok(())
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
    ensure(seed != 0 && shift <= 7, Fault::Value)?;
    Ok(SelfTest { seed, shift: shift as u8, output_crc32 })
}
