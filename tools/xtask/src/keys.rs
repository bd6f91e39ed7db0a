//! Keys that firmware under test trusts: one pair for all runs, so that no firmware is built anew for a new key.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result};
use ocelli_deploy::SigningKey;
use ocelli_simulator::target_directory;

/// Files of the secret and of the public key, made where they are not there yet.
pub fn maker() -> Result<[PathBuf; 2]> {
    let folder = target_directory()?.join("keys");
    fs::create_dir_all(&folder).with_context(|| format!("making {}", folder.display()))?;
    let [secret, public] = ["maker.key", "maker.pub"].map(|name| folder.join(name));
    if !public.exists() {
        SigningKey::generate()?.write(&secret, &public)?;
    }
    Ok([secret, public])
}
