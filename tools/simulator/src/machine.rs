//! The table of machines, read from the same file that makes the firmware's memory map.

use std::sync::OnceLock;

use serde::Deserialize;

use crate::SimulateError;

/// An Arm machine that QEMU emulates, one row of `boards/qemu/board.toml`.
#[derive(Clone, Debug, Deserialize)]
pub struct Machine {
    /// QEMU's name, such as `mps2-an386`.
    pub name: String,
    /// The core and what it is used for.
    pub core: String,
    /// Rust's target triple.
    pub target: String,
    /// What the compiler is told beyond the target.
    pub rustflags: String,
    /// Cargo's profile.
    pub profile: String,
    /// The target profile whose schedules it runs.
    pub schedule: String,
    /// Where the job is loaded, and how long it may be.
    pub job: (u64, u64),
    /// Origin and length of the memory that code lies in.
    pub flash: (u64, u64),
    /// Origin and length of the memory that variables lie in.
    pub ram: (u64, u64),
    /// What the firmware may take.
    pub budget: Budget,
}

/// What the firmware may take of a machine.
#[derive(Clone, Copy, Debug, Deserialize)]
pub struct Budget {
    /// Code and constants, without any model.
    pub flash_bytes: u64,
    /// Variables, arena and stack.
    pub ram_bytes: u64,
    /// Stack alone.
    pub stack_bytes: u64,
    /// Arena alone.
    pub arena_bytes: u64,
}

/// All machines, in the order of the table.
pub fn machines() -> &'static [Machine] {
    static MACHINES: OnceLock<Vec<Machine>> = OnceLock::new();
    MACHINES.get_or_init(|| {
        let board: Board = toml::from_str(include_str!("../../../boards/qemu/board.toml"))
            .expect("boards/qemu/board.toml is well formed: a test reads it");
        board.machine
    })
}

impl Machine {
    /// The machine of that name.
    ///
    /// # Errors
    /// [`SimulateError::UnknownMachine`].
    pub fn named(name: &str) -> Result<&'static Machine, SimulateError> {
        machines()
            .iter()
            .find(|machine| machine.name == name)
            .ok_or_else(|| SimulateError::UnknownMachine { name: name.to_owned() })
    }
}

#[derive(Deserialize)]
struct Board {
    machine: Vec<Machine>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_holds_the_five_machines_and_budgets_fit_them() {
        let names: Vec<&str> = machines().iter().map(|machine| machine.name.as_str()).collect();
        assert_eq!(names, ["mps2-an385", "mps2-an386", "mps2-an500", "mps2-an505", "mps3-an547"]);
        for machine in machines() {
            let budget = &machine.budget;
            assert!(budget.flash_bytes <= machine.flash.1, "{}", machine.name);
            assert!(budget.ram_bytes <= machine.ram.1, "{}", machine.name);
            assert!(budget.arena_bytes + budget.stack_bytes <= budget.ram_bytes, "{}", machine.name);
        }
    }

    #[test]
    fn an_unknown_machine_is_answered_with_the_known_ones() {
        let message = Machine::named("mps2-an999").unwrap_err().to_string();
        assert!(message.contains("mps2-an999") && message.contains("mps3-an547"), "{message}");
    }
}
