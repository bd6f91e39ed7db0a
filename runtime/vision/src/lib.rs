//! Preprocessing and postprocessing in fixed point.
