//! Who may look: programs on this machine, and from outside only who knows the token.

use std::fs::File;
use std::io::{self, Read};
use std::net::SocketAddr;

/// What a request needs to be answered.
#[derive(Clone, Debug)]
pub struct Access {
    token: Option<String>,
}

impl Access {
    /// For a server at `address`: without a token where only this machine reaches it, else with a new one.
    ///
    /// # Errors
    /// Those of reading the machine's random numbers.
    pub fn at(address: &SocketAddr) -> io::Result<Access> {
        if address.ip().is_loopback() {
            return Ok(Access { token: None });
        }
        let mut bytes = [0; 16];
        File::open("/dev/urandom")?.read_exact(&mut bytes)?;
        Ok(Access { token: Some(bytes.iter().map(|byte| format!("{byte:02x}")).collect()) })
    }

    /// What must be known to look, where something must.
    pub fn token(&self) -> Option<&str> {
        self.token.as_deref()
    }

    /// Whether a request with this host, origin and token may be answered.
    ///
    /// Without a token the host must be this machine by name: a page from elsewhere whose name was made
    /// to lead here is refused, and so is one that sends requests across.
    pub(crate) fn admits(&self, host: &str, origin: Option<&str>, token: Option<&str>) -> bool {
        let is_same_origin = origin.is_none_or(|origin| origin.strip_prefix("http://") == Some(host));
        is_same_origin
            && match &self.token {
                Some(expected) => token.is_some_and(|token| equal(expected.as_bytes(), token.as_bytes())),
                None => is_local_name(host),
            }
    }
}

/// In a time that does not tell how much of it is right.
fn equal(expected: &[u8], given: &[u8]) -> bool {
    let differs = expected.iter().zip(given).fold(0, |differs, (one, other)| differs | (one ^ other));
    expected.len() == given.len() && differs == 0
}

fn is_local_name(host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    ["localhost", "127.0.0.1", "[::1]"].contains(&name) || name.starts_with("127.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_needs_no_token_but_its_own_name() {
        let access = Access::at(&"127.0.0.1:80".parse().unwrap()).unwrap();
        assert_eq!(access.token(), None);
        for host in ["localhost", "localhost:8080", "127.0.0.1:9", "[::1]:80", "127.0.0.2"] {
            assert!(access.admits(host, None, None), "{host}");
        }
        for host in ["evil.example", "evil.example:8080", "localhost.evil.example", "", "10.0.0.1:80"] {
            assert!(!access.admits(host, None, None), "{host}");
        }
        assert!(access.admits("localhost:80", Some("http://localhost:80"), None));
        assert!(!access.admits("localhost:80", Some("http://evil.example"), None));
        assert!(!access.admits("localhost:80", Some("null"), None));
    }

    #[test]
    fn outside_needs_the_token() {
        let access = Access::at(&"0.0.0.0:80".parse().unwrap()).unwrap();
        let token = access.token().unwrap().to_owned();
        assert_eq!(token.len(), 32);
        assert!(access.admits("camera.example", None, Some(&token)));
        assert!(!access.admits("localhost", None, None));
        assert!(!access.admits("localhost", None, Some(&token[1..])));
        assert!(!access.admits("localhost", Some("http://evil.example"), Some(&token)));
        let other = Access::at(&"0.0.0.0:80".parse().unwrap()).unwrap();
        assert_ne!(other.token(), Some(token.as_str()));
    }
}
