//! Loads and stores of one inference, counted by a QEMU plugin that is compiled here.
//!
//! Without a C compiler, or with a QEMU that takes no plugins, they are not counted.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Result, bail};
use ocelli_simulator::{Job, Machine, run_elf_with, target_directory};

use crate::command;
use ocelli_simulator::elf::address_of;

/// The function that reads the clock: before and after each stage.
const FUNCTION: &str = "sum_of_readings";

/// The plugin for a firmware.
pub struct Counter {
    elf: PathBuf,
    arguments: Vec<String>,
}

impl Counter {
    /// Compiles the plugin; `None`, and a word, where nothing does.
    pub fn new(elf: &Path) -> Result<Option<Counter>> {
        let source = ocelli_simulator::repository()?.join("tools/xtask/src/bench_qemu/accesses.c");
        let library = target_directory()?.join("qemu/accesses.so");
        let compiled =
            Command::new("cc").args(["-O2", "-shared", "-fPIC", "-o"]).arg(&library).arg(source).output();
        if !compiled.is_ok_and(|output| output.status.success()) || !command::exists("qemu-system-arm") {
            eprintln!("loads and stores are not counted: no C compiler");
            return Ok(None);
        }
        let address = address_of(elf, FUNCTION)?;
        let plugin = format!("{},function={address:#x}", library.display());
        Ok(Some(Counter { elf: elf.to_owned(), arguments: vec!["-plugin".to_owned(), plugin] }))
    }

    /// Loads and stores of the job's inference.
    pub fn run(&self, machine: &Machine, job: &Job<'_>, limit: Duration) -> Result<[u64; 2]> {
        let facts = run_elf_with(machine, &self.elf, Some(job), limit, &self.arguments)?;
        // The clock is read before and after nothing, to learn what that takes; then before and after the inference.
        let intervals: Vec<[u64; 2]> = facts.all("accesses").filter_map(numbers).collect();
        let [.., _, [own_loads, own_stores], _, [loads, stores]] = intervals[..] else {
            bail!("the plugin of QEMU printed:\n{}", facts.text());
        };
        Ok([loads.saturating_sub(own_loads), stores.saturating_sub(own_stores)])
    }
}

fn numbers(line: &str) -> Option<[u64; 2]> {
    let (loads, stores) = line.split_once(' ')?;
    Some([loads.parse().ok()?, stores.parse().ok()?])
}
