//! From a trained model to an artefact: import, quantize, plan, write.
