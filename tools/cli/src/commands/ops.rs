//! `ocelli ops`: the operators that a model may have, and how the device computes them.

use ocelli_compiler::coverage::{self, Device};
use ocelli_compiler::import::{onnx_operators, tflite_operators};

use crate::failure::{Failure, Verdict};
use crate::terminal::{self, FAINT, say};

/// Arguments of `ocelli ops`.
#[derive(clap::Args)]
pub struct Arguments {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Prints the table that import decides with.
pub fn run(arguments: Arguments) -> Result<Verdict, Failure> {
    let rows = coverage::rows();
    if arguments.json {
        terminal::print_json(&rows)?;
        return Ok(Verdict::Done);
    }
    let mut table = terminal::table(&["operator", "on the device", "from ONNX", "from TFLite"], &[]);
    for row in &rows {
        let device = match row.device {
            Device::Kernel(_) => "own kernel".to_owned(),
            Device::Table => "256-entry table".to_owned(),
            Device::Lowered(kinds) => {
                let kinds: Vec<String> = kinds.iter().map(ToString::to_string).collect();
                format!("as {}", kinds.join(", "))
            }
            Device::Contract => "output contract".to_owned(),
            Device::Nothing => "nothing to compute".to_owned(),
        };
        let operator = if row.operator.is_empty() { "-" } else { row.operator };
        table.add_row([operator, &device, &row.onnx.join(" "), &row.tflite.join(" ")]);
    }
    say!("{table}")?;
    say!(
        "{FAINT}{} operators of ONNX, {} of TFLite. Operators on constants alone are computed by the compiler. \
         Operands of another scale than an operator wants pass a table first.{FAINT:#}",
        onnx_operators().count(),
        tflite_operators().count()
    )?;
    Ok(Verdict::Done)
}
