//! The page as an emitter: the newest picture and answer, for whichever browsers watch.

use std::sync::Arc;

use crate::emit::{EmitError, Emitter};
use crate::encode::to_jpeg;
use crate::hub::Hub;
use crate::told::Told;

/// Leaves pictures and answers where browsers find them.
#[derive(Debug)]
pub struct Page(Arc<Hub>);

impl Page {
    /// For the browsers of this hub.
    pub fn new(hub: Arc<Hub>) -> Page {
        Page(hub)
    }
}

impl Emitter for Page {
    fn name(&self) -> &str {
        "page"
    }

    /// A picture that nobody would see is not encoded.
    fn emit(&mut self, told: &Told) -> Result<(), EmitError> {
        if self.0.is_watched() {
            let jpeg = to_jpeg(&told.frame());
            self.0.publish(&told.record(), &jpeg);
        }
        Ok(())
    }
}
