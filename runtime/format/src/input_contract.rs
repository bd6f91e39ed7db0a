//! Input contracts as the preprocess stage reads them.

use ocelli_core::Frame;

use crate::artefact::Artefact;
use crate::bytes::{Cursor, Fault, ensure};
use crate::contract::{PixelLayout, ResizeMode};
use crate::error::{ParseError, Section};
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
        ensure(zeros == [0, 0])?;
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
pub(crate) fn check(artefact: &Artefact<'_>, mut cursor: Cursor<'_>) -> Result<(), ParseError> {
    let count = cursor.u32().map_err(|fault| cursor.error(fault))?;
    let mut next_input = 0;
    for contract in 0..count {
        let view = InputContractView::read(&mut cursor).map_err(|fault| cursor.error(fault))?;
        let input = artefact.input_index(view.tensor).filter(|&index| index >= next_input);
        let tensor = artefact.tensor(view.tensor);
        let channels = if view.layout == PixelLayout::Gray { 1 } else { 3 };
        let fits = match *tensor.shape.axes() {
            [1, height, width, depth] => {
                height.max(width) as usize <= Frame::MAX_SIDE && depth as usize == channels
            }
            _ => false,
        };
        let tables = view.tables.len() == 1 || view.tables.len() == channels;
        match input {
            Some(index) if fits && tables && tensor.element == Element::I8 => next_input = index + 1,
            _ => {
                let contract = contract as u16;
                return Err(ParseError::Contract {
                    section: Section::InputContracts,
                    contract,
                    tensor: view.tensor,
                });
            }
        }
    }
    cursor.finish()
}
