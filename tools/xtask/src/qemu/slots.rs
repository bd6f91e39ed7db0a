//! Model slots on an emulated device: pushed over its serial port, verified, tried and confirmed there.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use ocelli_deploy::{Patience, PushError, SigningKey, open, push};
use ocelli_format::{AlignedBytes, Artefact};
use ocelli_simulator::{Device, Firmware, Machine, build};
use ocelli_slots::Refusal;

use crate::keys;

/// One core is enough, and code for the smallest takes longest: signature and policy are the same source on each.
const MACHINE: &str = "mps2-an385";

/// A signature takes an emulated core a while.
const LIMIT: Duration = Duration::from_secs(120);

/// Two releases, a replayed one, and one of a stranger.
pub fn run() -> Result<()> {
    let machine = Machine::named(MACHINE)?;
    let [secret, public] = keys::maker()?;
    let (maker, stranger) = (SigningKey::read(&secret)?, SigningKey::generate()?);
    let elf = build(machine, Firmware::Slots { key: &public })?;
    let (device, port) = Device::start(machine, &elf, LIMIT)?;
    device.line("empty", LIMIT)?;
    device.line("listening 0", LIMIT)?;
    let samples = ocelli_samples::artefacts();
    let signed = |index: usize, release: u32, key: &SigningKey| -> Result<AlignedBytes> {
        let artefact = Artefact::parse(&samples[index].1)?;
        Ok(AlignedBytes::copy_of(&key.sign_artefact(&artefact, release, MACHINE)?))
    };
    let send = |bytes: &AlignedBytes| -> Result<(), PushError> {
        let artefact = Artefact::parse(bytes).map_err(|_| PushError::Unsigned)?;
        push(&mut *open(&port, 115_200)?, &artefact, Patience::default(), |_| (), |_| ())
    };
    let mut stack_bytes = String::new();
    for (index, release) in [(0, 1), (1, 2)] {
        send(&signed(index, release, &maker)?).with_context(|| format!("pushing release {release}"))?;
        stack_bytes = device.line("stack_bytes ", LIMIT)?;
        device.line("staged", LIMIT)?;
        let booted = device.line("booted ", LIMIT)?;
        if booted != format!("{release} trial") {
            bail!("{MACHINE} booted {booted} after release {release} was pushed");
        }
        device.line(&format!("listening {release}"), LIMIT)?;
    }
    for (bytes, expected) in [
        (signed(0, 1, &maker)?, Refusal::NotNewer { release: 1, floor: 2 }),
        (signed(0, 3, &stranger)?, Refusal::UnknownKey),
    ] {
        match send(&bytes) {
            Err(PushError::Refused { refusal }) if refusal == Some(expected) => {}
            other => bail!("{MACHINE} should have said `{expected}`: {other:?}"),
        }
    }
    println!(
        "{MACHINE:<12} two releases pushed over its serial port, verified, tried and confirmed in {stack_bytes} bytes of \
         stack; two refused"
    );
    Ok(())
}
