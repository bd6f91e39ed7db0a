//! Self-contained HTML pages. About an artefact: numbers of its layers as columns over the steps of a run, the
//! arena as a picture over the same steps, and a table of everything. About a training run: its epochs, and how it
//! stands among others.
//!
//! Nothing is fetched and no script runs. Plots are SVG in the page's own text, so that they take the reader's
//! light or dark colours and stay sharp; a plotting library would write colours into every shape.
#![forbid(unsafe_code)]

mod page;

pub mod training;

mod plot;

mod scatter;

mod arena;

mod table;

mod text;

pub use page::{Block, Layer, Page, render};
