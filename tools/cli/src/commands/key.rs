//! `ocelli key`: the two keys with which artefacts are signed and devices trust them.

use std::path::PathBuf;

use ocelli_deploy::SigningKey;

use crate::failure::{Failure, Verdict};
use crate::terminal::{FAINT, STRONG, say};

/// Arguments of `ocelli key`.
#[derive(clap::Args)]
#[command(
    after_help = "The secret key signs: whoever has it can put models on every device that trusts it. It is \
    written for you alone (mode 600), never written over, and belongs neither into a repository nor onto a device; \
    keep a copy where only you get at it, because devices take nothing from another key. The public key goes into \
    the firmware."
)]
pub struct Arguments {
    /// What the files are called: `camera` makes `camera.key` (secret) and `camera.pub` (public)
    #[arg(default_value = "ocelli")]
    name: PathBuf,
}

/// Makes a pair of keys.
pub fn run(arguments: Arguments) -> Result<Verdict, Failure> {
    let [secret, public] = ["key", "pub"].map(|extension| {
        let mut name = arguments.name.clone().into_os_string();
        name.push(".");
        name.push(extension);
        PathBuf::from(name)
    });
    let key = SigningKey::generate().map_err(|error| error.to_string())?;
    key.write(&secret, &public).map_err(|error| Failure::from(error.to_string()))?;
    say!("{STRONG}{}{STRONG:#} signs; keep it secret, and keep a copy", secret.display())?;
    say!("{STRONG}{}{STRONG:#} goes into the firmware", public.display())?;
    say!("{FAINT}next: `ocelli sign model.ocelli --key {} --release 1`{FAINT:#}", secret.display())?;
    Ok(Verdict::Done)
}
