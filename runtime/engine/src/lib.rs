//! Plans an artefact into an arena and runs it, without heap and without failure.
