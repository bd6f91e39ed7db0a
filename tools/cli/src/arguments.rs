//! The command line.

use clap::{Parser, Subcommand};

use crate::commands::{
    completions, convert, demo, diff, eval, flash, inspect, key, new, ops, push, receive, report, run, sign,
    simulate, train, zoo,
};

/// Embedded edge vision: from camera pixels to boxes, with identical bits everywhere.
#[derive(Parser)]
#[command(
    name = "ocelli",
    version,
    after_help = "Exit codes: 0 done, 1 failed, 2 wrong usage, 3 outputs differ."
)]
pub struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Subcommand)]
pub enum Command {
    /// Find a face in a photograph, from fetching the model to the annotated picture
    Demo(demo::Arguments),
    /// List the models and photographs that can be fetched, or fetch one
    Zoo(zoo::Arguments),
    /// Make an artefact of a trained model
    Convert(convert::Arguments),
    /// List the operators that a model may have, and how the device computes them
    Ops(ops::Arguments),
    /// Show what is in an artefact
    Inspect(inspect::Arguments),
    /// Run an artefact on this computer
    Run(Box<run::Arguments>),
    /// Run an artefact on an emulated microcontroller and compare bit by bit
    Simulate(simulate::Arguments),
    /// Compare an artefact with its source layer by layer, and name the first that parts
    Diff(diff::Arguments),
    /// Measure an artefact on labelled pictures, beside its float source
    Eval(eval::Arguments),
    /// Write a page with plots of an artefact's layers, noise and memory
    Report(report::Arguments),
    /// Train, prune, cluster, distil and tune a model as a recipe says (built with `--features train`)
    Train(train::Arguments),
    /// Make the two keys with which artefacts are signed and devices trust them
    Key(key::Arguments),
    /// Sign an artefact, as a release for a board
    Sign(sign::Arguments),
    /// Send a signed artefact to a device, or ask the device what it has
    Push(push::Arguments),
    /// Take signed artefacts into a folder, as a device takes them into its slots
    Receive(receive::Arguments),
    /// Build a board's firmware around an artefact and bring it to the board
    Flash(flash::Arguments),
    /// Make a firmware project outside the repository
    New(new::Arguments),
    /// Print the completion script of a shell
    Completions(completions::Arguments),
}
