//! Package managers as subprocesses: they know the user's proxies, mirrors and certificates.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::{FetchError, Manager, Package};

/// Downloads `package` into the empty folder `into` and gives the path of what arrived.
pub fn download(package: &Package, into: &Path) -> Result<PathBuf, FetchError> {
    let mut program = find(package)?;
    let arguments = arguments(package);
    // What the user can repeat by hand: without the folder, which is about to vanish.
    let shown =
        std::iter::once(program.join(" ")).chain(arguments.iter().cloned()).collect::<Vec<_>>().join(" ");
    program.extend(arguments);
    program.extend(match package.manager {
        Manager::Pip => ["--progress-bar", "off", "--dest"].map(str::to_owned).to_vec(),
        Manager::Npm => {
            ["--fetch-retries=1", "--loglevel=error", "--pack-destination"].map(str::to_owned).to_vec()
        }
        Manager::Apt => Vec::new(),
    });
    let mut command = Command::new(&program[0]);
    command.args(&program[1..]).stdin(Stdio::null());
    // apt knows no other place than the folder that it runs in.
    match package.manager {
        Manager::Apt => command.current_dir(into),
        Manager::Pip | Manager::Npm => command.arg(into),
    };
    let output =
        command.output().map_err(|source| FetchError::File { path: PathBuf::from(&program[0]), source })?;
    if !output.status.success() {
        return Err(failure(shown, &String::from_utf8_lossy(&output.stderr)));
    }
    let arrived = |source| FetchError::File { path: into.to_owned(), source };
    match std::fs::read_dir(into).map_err(arrived)?.next() {
        Some(file) => Ok(file.map_err(arrived)?.path()),
        None => Err(FetchError::ManagerFailed { command: shown, message: "it brought no file".to_owned() }),
    }
}

/// The first spelling of the package manager that runs on this machine.
fn find(package: &Package) -> Result<Vec<String>, FetchError> {
    let spellings: &[&[&str]] = match package.manager {
        Manager::Pip => {
            &[&["pip"], &["python3", "-m", "pip"], &["python", "-m", "pip"], &["py", "-m", "pip"]]
        }
        Manager::Npm if cfg!(windows) => &[&["npm.cmd"]],
        Manager::Npm => &[&["npm"]],
        Manager::Apt => &[&["apt-get"]],
    };
    if let Some(spelling) = spellings.iter().find(|spelling| answers(spelling)) {
        return Ok(spelling.iter().map(|&part| part.to_owned()).collect());
    }
    let (missing, install) = match package.manager {
        Manager::Npm => ("npm", "install Node.js with npm (Debian: `apt install npm`)"),
        Manager::Apt => (
            "apt",
            "it is Debian's: there or on Ubuntu run `apt-get download`, bring the file here and give it with \
             `ocelli zoo fetch NAME --from FILE`; unpacking it takes dpkg-deb",
        ),
        Manager::Pip if ["python3", "python", "py"].iter().any(|python| answers(&[python])) => {
            ("pip", "Python is there without pip: install it (Debian: `apt install python3-pip`)")
        }
        Manager::Pip => ("Python with pip", "install it (Debian: `apt install python3-pip`)"),
    };
    Err(FetchError::ManagerMissing { missing, specifier: package.specifier(), install })
}

fn answers(program: &[&str]) -> bool {
    Command::new(program[0])
        .args(&program[1..])
        .arg("--version")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

fn arguments(package: &Package) -> Vec<String> {
    let mut arguments: Vec<String> = match package.manager {
        Manager::Pip => ["download", "--no-deps", "--only-binary=:all:", "--implementation", "cp"]
            .map(str::to_owned)
            .to_vec(),
        Manager::Npm => vec!["pack".to_owned()],
        Manager::Apt => vec!["download".to_owned()],
    };
    for (flag, value) in [("--python-version", &package.python), ("--platform", &package.platform)] {
        arguments.extend(value.iter().flat_map(|value| [flag.to_owned(), value.clone()]));
    }
    arguments.push(package.specifier());
    arguments
}

/// Sorts what a package manager complained about into "no network" and the rest.
fn failure(command: String, complaints: &str) -> FetchError {
    const NETWORK: [&str; 12] = [
        "Temporary failure in name resolution",
        "Name or service not known",
        "getaddrinfo",
        "NewConnectionError",
        "ConnectTimeout",
        "ReadTimeout",
        "Max retries exceeded",
        "Network is unreachable",
        "ProxyError",
        "ENOTFOUND",
        "EAI_AGAIN",
        "ECONNREFUSED",
    ];
    let lines = || complaints.lines().map(str::trim).filter(|line| !line.is_empty());
    if let Some(sign) = NETWORK.iter().find(|&&sign| complaints.contains(sign)) {
        return FetchError::NoNetwork { command, message: (*sign).to_owned() };
    }
    let telling =
        lines().rfind(|line| line.to_ascii_lowercase().contains("error")).or_else(|| lines().next_back());
    FetchError::ManagerFailed { command, message: telling.unwrap_or("it gave no reason").to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn complaints_are_told_apart() {
        let pip = "WARNING: Retrying (Retry(total=4)) after connection broken by 'NewConnectionError(...)'\n\
                   ERROR: Could not find a version that satisfies the requirement mediapipe==0.10.14\n";
        assert!(matches!(failure("pip".into(), pip), FetchError::NoNetwork { .. }));
        let npm = "npm error code ENOTFOUND\nnpm error network request failed\n";
        assert!(matches!(failure("npm".into(), npm), FetchError::NoNetwork { .. }));
        let gone = "ERROR: No matching distribution found for mediapipe==0.10.14\n\n";
        match failure("pip".into(), gone) {
            FetchError::ManagerFailed { message, .. } => {
                assert!(message.contains("No matching distribution"))
            }
            other => panic!("{other}"),
        }
    }
}
