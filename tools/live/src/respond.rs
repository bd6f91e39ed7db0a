//! What each request is answered: the page, the stream, settings, metrics.

use std::io::{self, Write};

use crate::access::Access;
use crate::hub::Hub;
use crate::request::Request;
use crate::settings::Settings;

/// The page: one document, so that nothing else has to be asked for.
const PAGE: [&str; 5] = [
    include_str!("page/head.html"),
    include_str!("page/page.css"),
    include_str!("page/body.html"),
    include_str!("page/page.js"),
    include_str!("page/end.html"),
];

/// Nothing but the page's own parts, and nothing to any other place.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; \
     connect-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Answers one request, in its thread: the stream until the browser leaves.
pub(crate) fn respond(
    request: &Request,
    access: &Access,
    hub: &Hub,
    stream: &mut impl Write,
) -> io::Result<()> {
    if !access.admits(&request.host, request.origin.as_deref(), request.token.as_deref()) {
        let advice = "open the address that `ocelli run --serve` printed, with its token";
        return text(stream, 403, advice);
    }
    match (request.method.as_str(), request.path.as_str()) {
        ("GET", "/") => whole(stream, 200, "text/html; charset=utf-8", PAGE.concat().as_bytes()),
        ("GET", "/stream") => watch(hub, stream),
        ("GET", "/metrics") => {
            whole(stream, 200, "text/plain; version=0.0.4", hub.totals().prometheus().as_bytes())
        }
        // A page from elsewhere cannot say that it sends JSON without asking first, and is not answered then.
        ("POST", "/settings") if !request.is_json => text(stream, 415, "settings are application/json"),
        ("POST", "/settings") => match Settings::parse(&request.body) {
            Ok(settings) => {
                hub.set_settings(settings);
                text(stream, 200, "set")
            }
            Err(message) => text(stream, 400, &message),
        },
        (_, "/" | "/stream" | "/metrics" | "/settings") => text(stream, 405, "this path has another method"),
        _ => text(stream, 404, "there is /, /stream, /metrics and /settings"),
    }
}

/// An answer in one line of text.
pub(crate) fn text(stream: &mut impl Write, status: u16, message: &str) -> io::Result<()> {
    whole(stream, status, "text/plain; charset=utf-8", format!("{message}\n").as_bytes())
}

fn whole(stream: &mut impl Write, status: u16, kind: &str, body: &[u8]) -> io::Result<()> {
    let length = format!("Content-Length: {}\r\n", body.len());
    stream.write_all(head(status, kind, &length).as_bytes())?;
    stream.write_all(body)
}

/// Record after record, each the newest there is when the last one is through.
fn watch(hub: &Hub, stream: &mut impl Write) -> io::Result<()> {
    stream.write_all(head(200, "application/octet-stream", "").as_bytes())?;
    let mut watcher = hub.watch();
    while let Some(record) = watcher.next() {
        stream.write_all(&record)?;
    }
    Ok(())
}

fn head(status: u16, kind: &str, length: &str) -> String {
    let reason = match status {
        200 => "OK",
        400 => "Bad Request",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        413 => "Content Too Large",
        415 => "Unsupported Media Type",
        431 => "Request Header Fields Too Large",
        _ => "Service Unavailable",
    };
    format!(
        "HTTP/1.1 {status} {reason}\r\nContent-Type: {kind}\r\n{length}Connection: close\r\n\
         Cache-Control: no-store\r\nReferrer-Policy: no-referrer\r\nX-Content-Type-Options: nosniff\r\n\
         Content-Security-Policy: {POLICY}\r\n\r\n"
    )
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::thread;

    use serde_json::json;

    use super::*;

    /// Takes the head of the answer, then nothing until it is let go.
    struct Stalled {
        is_past_the_head: bool,
        stalls: mpsc::Sender<()>,
        go: mpsc::Receiver<()>,
    }

    impl Write for Stalled {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            if std::mem::replace(&mut self.is_past_the_head, true) {
                self.stalls.send(()).unwrap();
                self.go.recv().unwrap();
                return Err(io::ErrorKind::TimedOut.into());
            }
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_reader_that_stalls_holds_up_its_own_thread_and_nothing_else() {
        let hub = &Hub::new(None);
        let (stalls, stalled) = mpsc::channel();
        let (go, gone) = mpsc::channel();
        thread::scope(|scope| {
            let mut stream = Stalled { is_past_the_head: false, stalls, go: gone };
            let reader = scope.spawn(move || watch(hub, &mut stream).map_err(|error| error.kind()));
            while !hub.is_watched() {
                thread::yield_now();
            }
            hub.publish(&json!(0), b"picture");
            stalled.recv().unwrap();
            let mut other = hub.watch();
            for number in 1..1000 {
                hub.publish(&json!(number), b"picture");
                let record = other.next().unwrap();
                assert!(record.ends_with(format!("{number}picture").as_bytes()));
            }
            go.send(()).unwrap();
            assert_eq!(reader.join().unwrap(), Err(io::ErrorKind::TimedOut));
            assert_eq!(hub.totals().watchers, 1, "who is gone does not count");
        });
    }
}
