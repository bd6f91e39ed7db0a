//! The artefact's bytes: a borrowing reader, and a writer for the compiler.
