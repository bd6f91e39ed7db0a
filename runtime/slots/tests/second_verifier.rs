//! OpenSSL, which knows nothing of artefacts, takes what SPEC.md says is signed for signed.

mod bench;

use std::fs;
use std::process::Command;

use bench::models;
use ocelli_format::Signature;

/// What stands before an Ed25519 key in a DER file: RFC 8410, section 4.
const DER_PREFIX: [u8; 12] = [0x30, 0x2A, 0x30, 0x05, 0x06, 0x03, 0x2B, 0x65, 0x70, 0x03, 0x21, 0x00];

#[test]
fn openssl_agrees() {
    let artefact = models::release(1);
    let (signed, signature) = artefact.split_at(artefact.len() - Signature::UNSIGNED_BYTES);
    let mut signed = signed.to_vec();
    signed[Signature::ZEROED].fill(0);
    let key = [&DER_PREFIX[..], &models::keys()[0].0].concat();
    let Some(genuine) = verified(&key, &signed, signature) else {
        println!("skipped: there is no OpenSSL 3 on this machine");
        return;
    };
    assert!(genuine);
    signed[20] ^= 1;
    assert_eq!(verified(&key, &signed, signature), Some(false));
}

/// OpenSSL's verdict; `None` where it is not there or too old.
fn verified(key: &[u8], message: &[u8], signature: &[u8]) -> Option<bool> {
    let version = Command::new("openssl").arg("version").output().ok()?;
    if !version.stdout.starts_with(b"OpenSSL 3") {
        return None;
    }
    let folder = std::env::temp_dir().join(format!("ocelli-second-verifier-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    let file = |name: &str, bytes: &[u8]| {
        let path = folder.join(name);
        fs::write(&path, bytes).unwrap();
        path
    };
    let verdict = Command::new("openssl")
        .args(["pkeyutl", "-verify", "-rawin", "-pubin", "-keyform", "DER", "-inkey"])
        .arg(file("key", key))
        .arg("-in")
        .arg(file("message", message))
        .arg("-sigfile")
        .arg(file("signature", signature))
        .output()
        .unwrap();
    fs::remove_dir_all(&folder).unwrap();
    let said = String::from_utf8_lossy(&verdict.stdout).into_owned();
    assert!(said.contains("Signature"), "{said}{}", String::from_utf8_lossy(&verdict.stderr));
    Some(verdict.status.success())
}
