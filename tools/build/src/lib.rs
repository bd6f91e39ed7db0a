//! Build-script helper: operator list, arena size and typed names from an artefact.
