//! A camera on the network that sends a stream of JPEGs over HTTP, as most of them do.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::Duration;

use crate::{MjpegCamera, OpenError};

/// How long a camera may take to answer, and from one picture to the next.
const PATIENCE: Duration = Duration::from_secs(10);

/// Longer heads belong to no camera.
const MAX_HEAD_BYTES: u64 = 16 * 1024;

/// Connects to `http://HOST[:PORT]/PATH`.
///
/// # Errors
/// [`OpenError::Url`].
pub(crate) fn open_url(url: &str) -> Result<MjpegCamera, OpenError> {
    let failed = |problem: String| OpenError::Url { url: url.to_owned(), problem };
    let io = |error: std::io::Error| failed(error.to_string());
    let rest = url.strip_prefix("http://").unwrap_or(url);
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    let with_port = if authority.contains(':') { authority.to_owned() } else { format!("{authority}:80") };
    let mut addresses = with_port.to_socket_addrs().map_err(io)?;
    let address = addresses.next().ok_or_else(|| failed("its name has no address".to_owned()))?;
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE).map_err(io)?;
    stream.set_read_timeout(Some(PATIENCE)).map_err(io)?;
    stream.set_write_timeout(Some(PATIENCE)).map_err(io)?;
    // Version 1.0 has no chunks: what follows the head is what the camera sends.
    let request =
        format!("GET /{path} HTTP/1.0\r\nHost: {authority}\r\nAccept: multipart/x-mixed-replace\r\n\r\n");
    stream.write_all(request.as_bytes()).map_err(io)?;
    let mut reader = BufReader::new(stream);
    let (mut head, mut line) = (reader.by_ref().take(MAX_HEAD_BYTES), String::new());
    head.read_line(&mut line).map_err(io)?;
    let status = line.trim_end().to_owned();
    if !status.starts_with("HTTP/1.") || status.split(' ').nth(1) != Some("200") {
        return Err(failed(format!("it answers `{status}`, not a stream")));
    }
    while !["\r\n", "\n", ""].contains(&line.as_str()) {
        line.clear();
        head.read_line(&mut line).map_err(io)?;
    }
    Ok(MjpegCamera::new(Box::new(reader), url))
}
