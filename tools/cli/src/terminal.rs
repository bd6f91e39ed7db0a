//! What the user sees: colour only on a terminal, progress on standard error, tables, JSON.

use std::io::{ErrorKind, Write};
use std::time::Duration;

use anstyle::{AnsiColor, Style};
use comfy_table::{CellAlignment, LineStyle, Table, TableStyle};
use indicatif::{ProgressBar, ProgressStyle};

use crate::failure::Failure;

const ERROR: Style = AnsiColor::Red.on_default().bold();
const HELP: Style = AnsiColor::Cyan.on_default().bold();
const WARNING: Style = AnsiColor::Yellow.on_default().bold();
/// For headings of tables and answers.
pub const STRONG: Style = Style::new().bold();
/// For what is only there for the curious.
pub const FAINT: Style = Style::new().dimmed();

/// What failed, and what to do next.
pub fn print_failure(failure: &Failure) {
    print_to_stderr(&format!("{ERROR}error{ERROR:#}: {}\n", failure.message));
    if let Some(advice) = &failure.advice {
        print_to_stderr(&format!("{HELP} help{HELP:#}: {advice}\n"));
    }
}

/// Something that the user should know, though the work goes on.
pub fn print_warning(message: &str) {
    print_to_stderr(&format!("{WARNING}warning{WARNING:#}: {message}\n"));
}

/// Something that is good to know, apart from what the program is asked for.
pub fn print_note(message: &str) {
    print_to_stderr(&format!("{message}\n"));
}

/// Where standard error is gone too, nobody is left to tell.
fn print_to_stderr(text: &str) {
    let _ = anstream::stderr().write_all(text.as_bytes());
}

/// Warnings, those that differ only in the names they quote told once.
pub fn print_warnings(warnings: &[String]) {
    let kind = |warning: &str| warning.split('`').step_by(2).collect::<String>();
    let mut told: Vec<String> = Vec::new();
    for warning in warnings {
        let kind_of_warning = kind(warning);
        if !told.contains(&kind_of_warning) {
            let others = warnings.iter().filter(|other| kind(other) == kind_of_warning).count() - 1;
            match others {
                0 => print_warning(warning),
                _ => print_warning(&format!("{warning} (and {others} more like it)")),
            }
            told.push(kind_of_warning);
        }
    }
}

/// A value as indented JSON.
pub fn print_json(value: &impl serde::Serialize) -> Result<(), Failure> {
    let text = serde_json::to_string_pretty(value).map_err(|error| Failure::at("JSON", error))?;
    print_text(&(text + "\n"))
}

/// A value as one line of JSON.
pub fn print_json_line(value: &impl serde::Serialize) -> Result<(), Failure> {
    let text = serde_json::to_string(value).map_err(|error| Failure::at("JSON", error))?;
    print_text(&(text + "\n"))
}

/// Everything for standard output goes through here: colour only for a terminal. A reader that has seen
/// enough is no failure; a full disk is.
pub fn print_text(text: &str) -> Result<(), Failure> {
    let mut stdout = anstream::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(Failure::at("standard output", error)),
        _ => Ok(()),
    }
}

/// A line for people, in the manner of `println!`, that fails where [`print_text`]
/// does.
macro_rules! say {
    ($($text:tt)*) => { $crate::terminal::print_text(&(format!($($text)*) + "\n")) };
}
pub(crate) use say;

/// A turning line on standard error while something of unknown length goes on; silent elsewhere than
/// on a terminal, and gone when dropped.
pub fn spinner(message: impl Into<String>) -> Spinner {
    let bar = ProgressBar::new_spinner().with_message(message.into());
    if let Ok(style) = ProgressStyle::with_template("{spinner:.cyan} {msg} {elapsed:.dim}") {
        bar.set_style(style);
    }
    bar.enable_steady_tick(Duration::from_millis(100));
    Spinner { bar }
}

/// See [`spinner`].
pub struct Spinner {
    bar: ProgressBar,
}

impl Spinner {
    /// Says what is going on now.
    pub fn say(&self, message: impl Into<String>) {
        self.bar.set_message(message.into());
    }
}

impl Drop for Spinner {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

/// A bar on standard error while `length` things are done; silent elsewhere than on a terminal, and gone
/// when dropped.
pub fn progress(message: &'static str, length: u64) -> Progress {
    let bar = ProgressBar::new(length).with_message(message);
    if let Ok(style) = ProgressStyle::with_template("{msg} {wide_bar:.cyan} {pos}/{len} {eta:.dim}") {
        bar.set_style(style);
    }
    Progress { bar }
}

/// See [`progress`].
pub struct Progress {
    bar: ProgressBar,
}

impl Progress {
    /// One more is done.
    pub fn step(&self) {
        self.bar.inc(1);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

/// An empty table with `headings`; `numbers` are the columns that align to the right.
pub fn table(headings: &[&str], numbers: &[usize]) -> Table {
    const RULE: LineStyle = LineStyle::none().fill('─').junction('─');
    let mut table = Table::new();
    table.load_style(TableStyle::new().top_border(RULE).header_separator(RULE).bottom_border(RULE));
    table.set_header(headings.iter().copied());
    for &column in numbers {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
}

/// A name in a table: the beginning and the end of a long one, such as exporters make of fused layers.
pub fn shortened(name: &str) -> String {
    const LONGEST: usize = 40;
    let characters: Vec<char> = name.chars().collect();
    if characters.len() <= LONGEST {
        return name.to_owned();
    }
    let (head, tail) = (&characters[..LONGEST / 2 - 1], &characters[characters.len() - LONGEST / 2..]);
    format!("{}…{}", head.iter().collect::<String>(), tail.iter().collect::<String>())
}

/// A long text cut where it would fill the screen.
pub fn cut(text: &str) -> String {
    const LONGEST: usize = 120;
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{} ... ({} characters)", &text[..end], text.chars().count()),
        None => text.to_owned(),
    }
}

/// A count with separators between thousands: `1,234,567`.
pub fn thousands(count: impl Into<u64>) -> String {
    let digits = count.into().to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index) % 3 == 0 {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    #[test]
    fn long_names_keep_both_ends() {
        let name: String = (0..100).map(|index| char::from(b'a' + index % 26)).collect();
        let short = super::shortened(&name);
        assert_eq!(short.chars().count(), 40);
        assert!(name.starts_with(&short[..19]) && name.ends_with(&short[short.len() - 20..]), "{short}");
        assert_eq!(super::shortened("conv"), "conv");
        assert!(super::cut(&name.repeat(3)).ends_with("... (300 characters)"));
    }

    #[test]
    fn thousands_are_separated() {
        for (count, text) in [(0u64, "0"), (999, "999"), (1000, "1,000"), (1_234_567, "1,234,567")] {
            assert_eq!(super::thousands(count), text);
        }
    }
}
