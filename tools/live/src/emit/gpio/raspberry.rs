//! A pin of a Raspberry Pi as a [`Pin`].

use rppal::gpio::{Error, Gpio, OutputPin};

use super::Pin;
use crate::emit::EmitError;

/// An output; it gets its mode back when it is dropped.
pub(super) struct RaspberryPin(OutputPin);

impl RaspberryPin {
    pub(super) fn open(pin: u8) -> Result<RaspberryPin, EmitError> {
        let refused = |error: Error| {
            let advice = match error {
                Error::PermissionDenied(_) => "; the user must belong to the group gpio",
                Error::UnknownModel => "; pins are those of a Raspberry Pi",
                _ => "",
            };
            EmitError::refused(&format!("pin {pin}"), format!("{error}{advice}"))
        };
        let output = Gpio::new().map_err(refused)?.get(pin).map_err(refused)?.into_output_low();
        Ok(RaspberryPin(output))
    }
}

impl Pin for RaspberryPin {
    fn set(&mut self, is_high: bool) {
        if is_high { self.0.set_high() } else { self.0.set_low() }
    }
}
