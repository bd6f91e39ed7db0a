//! From the keys to the verdict: an artefact is signed, pushed over a pseudo terminal or TCP, and booted.

use std::net::TcpListener;
use std::path::PathBuf;
use std::thread;
use std::time::Duration;

use ocelli_deploy::{End, Patience, PushError, SigningKey, Stream, ask, open, push, receive};
use ocelli_engine::operators;
use ocelli_format::{AlignedBytes, Artefact};
use ocelli_host::ModelFolder;
use ocelli_slots::{Device, PublicKey, Refusal, Slots};

/// A folder that is gone when dropped.
struct Workshop(PathBuf);

impl Workshop {
    fn new(name: &str) -> Workshop {
        let path = std::env::temp_dir().join(format!("ocelli-deploy-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Workshop(path)
    }
}

impl Drop for Workshop {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn signed(key: &SigningKey, release: u32, board: &str) -> AlignedBytes {
    let (_, model) = &ocelli_samples::artefacts()[1];
    let artefact = Artefact::parse(model).unwrap();
    AlignedBytes::copy_of(&key.sign_artefact(&artefact, release, board).unwrap())
}

/// What a device does with its port, over a folder: receives, boots, confirms. Returns the release that it runs.
fn device(stream: &mut dyn Stream, folder: PathBuf, key: PublicKey) -> Option<u32> {
    let (storage, keys) = (ModelFolder::open(folder, 1 << 16).unwrap(), [key]);
    let device =
        Device { board: "bench", keys: &keys, profile: "portable", operators: operators::ALL, attempts: 1 };
    let mut slots = Slots::open(storage, device).unwrap();
    let mut arena = AlignedBytes::zeros(1 << 16);
    let end = receive(stream, &mut slots, &mut arena).unwrap();
    let booted = slots.boot(&mut arena).ok()?;
    assert_eq!(booted.on_trial, end == End::Staged);
    slots.confirm().unwrap();
    Some(booted.release)
}

fn push_all(stream: &mut dyn Stream, artefact: &AlignedBytes) -> Result<Vec<usize>, PushError> {
    let (mut steps, mut board) = (Vec::new(), String::new());
    let artefact = Artefact::parse(artefact).unwrap();
    push(
        stream,
        &artefact,
        Patience::default(),
        |device| board = device.board().to_owned(),
        |sent| steps.push(sent),
    )?;
    assert_eq!(board, "bench");
    Ok(steps)
}

#[cfg(unix)]
#[test]
fn over_a_pseudo_terminal() {
    use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

    let (workshop, key) = (Workshop::new("pty"), SigningKey::generate().unwrap());
    let near = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&near).unwrap();
    unlockpt(&near).unwrap();
    let port = ptsname(&near, Vec::new()).unwrap().into_string().unwrap();
    // Open before the device listens: a terminal that nobody has open gives an error to its master.
    let mut stream = open(&port, 115_200).unwrap();
    let (folder, public) = (workshop.0.join("models"), key.public());
    let running = thread::spawn(move || device(&mut std::fs::File::from(near), folder, public));
    let artefact = signed(&key, 1, "bench");
    let steps = push_all(&mut *stream, &artefact).unwrap();
    assert!(steps.is_sorted());
    assert_eq!(steps.last(), Some(&artefact.len()));
    assert_eq!(running.join().unwrap(), Some(1));
}

#[test]
fn over_tcp_and_over_again() {
    let (workshop, key) = (Workshop::new("tcp"), SigningKey::generate().unwrap());
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = format!("tcp:{}", listener.local_addr().unwrap());
    let (folder, public) = (workshop.0.join("models"), key.public());
    let running = thread::spawn(move || {
        let next = || device(&mut listener.accept().unwrap().0, folder.clone(), public);
        [next(), next(), next(), next()]
    });
    let connect = || open(&port, 0).unwrap();
    push_all(&mut *connect(), &signed(&key, 1, "bench")).unwrap();
    let refused = |artefact: &AlignedBytes| match push_all(&mut *connect(), artefact) {
        Err(PushError::Refused { refusal }) => refusal.unwrap(),
        other => panic!("{other:?}"),
    };
    assert_eq!(refused(&signed(&key, 1, "bench")), Refusal::NotNewer { release: 1, floor: 1 });
    assert_eq!(refused(&signed(&SigningKey::generate().unwrap(), 2, "")), Refusal::UnknownKey);
    let report = ask(&mut *connect(), Patience::default()).unwrap();
    assert_eq!((report.board(), report.key, report.state.floor), ("bench", public, 1));
    assert_eq!(running.join().unwrap(), [Some(1); 4]);
}

#[test]
fn a_device_that_says_nothing_is_told_of() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = format!("tcp:{}", listener.local_addr().unwrap());
    let patience = Patience { answer: Duration::from_millis(1), tries: 2, ..Patience::default() };
    let mut stream = open(&port, 0).unwrap();
    let error = ask(&mut *stream, patience).unwrap_err();
    assert_eq!(error.to_string(), "the device does not answer, 0 bytes in");
    let artefact = ocelli_samples::artefacts()[1].1.clone();
    assert_eq!(
        push_all(&mut *stream, &artefact).unwrap_err().to_string(),
        "the artefact is not signed: `ocelli sign` does it"
    );
    let Err(error) = open("/dev/there-is-no-such-port", 115_200) else { panic!("it opened") };
    assert!(error.to_string().starts_with("/dev/there-is-no-such-port: "), "{error}");
}

#[test]
fn keys_are_written_once_and_read_back() {
    let workshop = Workshop::new("keys");
    let [secret, public] = ["camera.key", "camera.pub"].map(|name| workshop.0.join(name));
    let key = SigningKey::generate().unwrap();
    key.write(&secret, &public).unwrap();
    assert_eq!(SigningKey::read(&secret).unwrap().public(), key.public());
    assert_eq!(ocelli_deploy::read_public_key(&public).unwrap(), key.public());
    let error = SigningKey::generate().unwrap().write(&secret, &public).unwrap_err();
    assert!(error.to_string().ends_with("a key is never written over"), "{error}");
    std::fs::remove_file(&secret).unwrap();
    SigningKey::generate().unwrap().write(&secret, &public).unwrap_err();
    assert!(!secret.exists(), "a secret key without its public one stays behind");
    std::fs::write(&public, "no key").unwrap();
    let error = ocelli_deploy::read_public_key(&public).unwrap_err();
    assert!(error.to_string().contains("this is no key"), "{error}");
}

#[cfg(unix)]
#[test]
fn a_secret_key_that_others_can_read_is_refused() {
    use std::os::unix::fs::PermissionsExt;

    let workshop = Workshop::new("exposed");
    let [secret, public] = ["camera.key", "camera.pub"].map(|name| workshop.0.join(name));
    SigningKey::generate().unwrap().write(&secret, &public).unwrap();
    let mode = std::fs::metadata(&secret).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    std::fs::set_permissions(&secret, std::fs::Permissions::from_mode(0o640)).unwrap();
    let Err(error) = SigningKey::read(&secret) else { panic!("it was read") };
    assert!(error.to_string().contains("chmod 600"), "{error}");
}

#[test]
fn what_no_device_would_take_is_not_signed() {
    use ocelli_deploy::SignError;
    use ocelli_format::{model::Model, write};

    let key = SigningKey::generate().unwrap();
    let sample = &ocelli_samples::artefacts()[0].1;
    let artefact = Artefact::parse(sample).unwrap();
    assert_eq!(key.sign_artefact(&artefact, 0, ""), Err(SignError::Release));
    assert_eq!(key.sign_artefact(&artefact, 1, "a board with a name too long"), Err(SignError::Board));
    let untested = Model { self_test: None, ..Model::from_artefact(&artefact) };
    let untested = AlignedBytes::copy_of(&write(&untested).unwrap());
    let untested = Artefact::parse(&untested).unwrap();
    assert_eq!(key.sign_artefact(&untested, 1, ""), Err(SignError::NoSelfTest));
}
