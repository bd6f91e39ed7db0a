//! `ocelli zoo`: lists what can be fetched, and fetches it.

use std::path::PathBuf;

use ocelli_zoo::{Cache, Catalogue, Event, Source, fetch};
use serde_json::json;

use crate::failure::{Failure, Verdict};
use crate::terminal::{self, FAINT, say, thousands};

/// Arguments of `ocelli zoo`.
#[derive(clap::Args)]
pub struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    /// Print JSON
    #[arg(long, global = true)]
    json: bool,
}

#[derive(clap::Subcommand)]
enum Command {
    /// Fetch one entry through its package manager and print where its files lie
    Fetch {
        /// Name of the entry
        name: String,
        /// A package that was downloaded by hand, for machines without a network
        #[arg(long, value_name = "FILE")]
        from: Option<PathBuf>,
    },
}

/// Lists or fetches.
pub fn run(arguments: Arguments) -> Result<Verdict, Failure> {
    match arguments.command {
        None => list(arguments.json),
        Some(Command::Fetch { name, from }) => {
            let source = from.as_deref().map_or(Source::PackageManager, Source::File);
            let paths = fetch_with_progress(&name, source)?;
            match arguments.json {
                true => terminal::print_json(&json!({ "name": name, "files": paths }))?,
                false => paths.iter().try_for_each(|path| say!("{}", path.display()))?,
            }
            Ok(Verdict::Done)
        }
    }
}

/// The verified files of the entry called `name`, with a line on the terminal while it takes time.
pub fn fetch_with_progress(name: &str, source: Source<'_>) -> Result<Vec<PathBuf>, Failure> {
    let spinner = terminal::spinner(format!("Looking for {name}"));
    let paths = fetch(&Catalogue::built_in()?, &Cache::of_user()?, name, source, |event| match event {
        Event::Download(package) => {
            let megabytes = package.bytes.div_ceil(1_000_000);
            spinner.say(format!("Downloading {} ({megabytes} MB)", package.specifier()));
        }
        Event::Unpack(package) => spinner.say(format!("Checking and unpacking {}", package.specifier())),
        _ => {}
    })?;
    Ok(paths)
}

fn list(as_json: bool) -> Result<Verdict, Failure> {
    let catalogue = Catalogue::built_in()?;
    let cache = Cache::of_user()?;
    if as_json {
        let entries: Vec<_> = catalogue
            .entries()
            .iter()
            .map(|entry| {
                let paths: Vec<_> = entry.files.iter().map(|file| cache.path(entry, file)).collect();
                json!({
                    "name": entry.name,
                    "task": entry.task,
                    "about": entry.about,
                    "bytes": entry.bytes(),
                    "licence": entry.licence,
                    "package": catalogue.package(entry).specifier(),
                    "cached": cache.holds(entry),
                    "files": paths,
                })
            })
            .collect();
        terminal::print_json(&entries)?;
        return Ok(Verdict::Done);
    }
    let mut table = terminal::table(&["name", "task", "bytes", "licence", "cached"], &[2]);
    for entry in catalogue.entries() {
        let cached = if cache.holds(entry) { "yes" } else { "no" };
        let bytes = thousands(entry.bytes());
        table.add_row([entry.name.as_str(), &entry.task, &bytes, &entry.licence, cached]);
    }
    say!("{table}")?;
    say!("{FAINT}`ocelli zoo fetch NAME` fetches into {}{FAINT:#}", cache.root().display())?;
    Ok(Verdict::Done)
}
