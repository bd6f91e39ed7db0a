//! Input contracts as the preprocess stage reads them.

use ocelli_core::Frame;

use crate::artefact::Artefact;
use crate::bytes::Cursor;
use crate::contract::{PixelLayout, ResizeMode};
use crate::error::Section;
use crate::fault::{Fault, Report, ensure};
use crate::tensor::{Element, TensorId};

/// How a camera frame becomes an input tensor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InputContractView<'a> {
    /// The input it fills, `[1, H, W, 1 or 3]` int8, each side up to [`Frame::MAX_SIDE`].
    pub tensor: TensorId,
    /// Gray, red first or blue first.
    pub layout: PixelLayout,
    /// How the frame is fitted.
    pub resize: ResizeMode,
    /// Brightness of the border that letterboxing adds.
    pub border: u8,
    /// Subtracted from a pixel, per channel, as bits of IEEE 754 singles; for display only.
    pub mean_bits: [u32; 3],
    /// Divides what is left, per channel, as bits of IEEE 754 singles; for display only.
    pub deviation_bits: [u32; 3],
    /// Quantized value of each pixel value 0 to 255: one table for all channels, or one a channel.
    pub tables: &'a [[i8; 256]],
}

impl<'a> InputContractView<'a> {
    /// The table of a channel.
    pub fn table(&self, channel: usize) -> &'a [i8; 256] {
        self.tables.get(channel).or(self.tables.first()).unwrap_or(&[0; 256])
    }

    /// Reads the contract at `cursor` and moves behind it.
    pub(crate) fn read(cursor: &mut Cursor<'a>) -> Result<InputContractView<'a>, Fault> {
        let [head, tail]: [u32; 2] = *cursor.table()?;
        let [_, _, layout, resize] = head.to_le_bytes();
        let [border, tables, zeros @ ..] = tail.to_le_bytes();
        let layout = match layout {
            0 => PixelLayout::Gray,
            1 => PixelLayout::Rgb,
            2 => PixelLayout::Bgr,
            code => return cursor.unknown(code),
        };
        let resize = match resize {
            0 => ResizeMode::Stretch,
            1 => ResizeMode::Letterbox,
            2 => ResizeMode::CenterCrop,
            code => return cursor.unknown(code),
        };
        ensure(zeros == [0, 0], Fault::Value)?;
        let [mean_bits, deviation_bits] = *cursor.table()?;
        let tables = cursor.slice(usize::from(tables))?;
        Ok(InputContractView {
            tensor: head as TensorId,
            layout,
            resize,
            border,
            mean_bits,
            deviation_bits,
            tables,
        })
    }
}

/// Checks all input contracts: in the order of the inputs, at most one each, of their type and shape.
pub(crate) fn check(artefact: &Artefact<'_>, report: &mut Report) -> Result<(), Fault> {
    let mut cursor = artefact.cursor(Section::InputContracts);
    let count = report.see(cursor.u32(), &cursor)?;
    let mut next_input = 0;
    for contract in 0..count {
        let view = report.see(InputContractView::read(&mut cursor), &cursor)?;
        report.section = Section::InputContracts;
        (report.index, report.numbers) = (view.tensor, [contract, 0]);
        let input = artefact.input_index(view.tensor).ok_or(Fault::Contract)?;
        let tensor = artefact.tensor(view.tensor);
        let [_, height, width, channels] = tensor.nhwc().ok_or(Fault::Contract)?;
        let fits = input >= next_input
            && tensor.element() == Element::I8
            && tensor.axes().first() == Some(&1)
            && tensor.axes().len() == 4
            && height.max(width) <= Frame::MAX_SIDE
            && channels == if view.layout == PixelLayout::Gray { 1 } else { 3 }
            && (view.tables.len() == 1 || view.tables.len() == channels);
        ensure(fits, Fault::Contract)?;
        next_input = input + 1;
    }
    report.finish(&cursor)
}
