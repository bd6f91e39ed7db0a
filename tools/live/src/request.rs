//! An HTTP request, read with bounds on size and time: it comes from anybody.

use std::io::{self, Read};

use httparse::{EMPTY_HEADER, Status};

/// What a request may have before its body, in bytes.
const MAX_HEAD_BYTES: usize = 8 * 1024;
const MAX_HEADERS: usize = 64;

/// Longer bodies are none that the page sends.
const MAX_BODY_BYTES: usize = 4 * 1024;

/// The parts of a request that matter here.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Request {
    pub(crate) method: String,
    /// Without the query.
    pub(crate) path: String,
    pub(crate) host: String,
    pub(crate) origin: Option<String>,
    /// From the header `Authorization: Bearer`, or from the query `token=`.
    pub(crate) token: Option<String>,
    pub(crate) is_json: bool,
    pub(crate) body: Vec<u8>,
}

/// Why bytes are no request that is answered.
#[derive(Debug)]
pub(crate) enum RequestError {
    /// The connection broke off or was too slow: there is nobody to answer.
    Gone,
    /// A status and what is wrong.
    Refused(u16, &'static str),
}

impl From<io::Error> for RequestError {
    fn from(_: io::Error) -> Self {
        RequestError::Gone
    }
}

impl Request {
    /// Reads one request.
    pub(crate) fn read(stream: &mut impl Read) -> Result<Request, RequestError> {
        let mut bytes = Vec::with_capacity(1024);
        let mut chunk = [0; 1024];
        loop {
            let mut headers = [EMPTY_HEADER; MAX_HEADERS];
            let mut parsed = httparse::Request::new(&mut headers);
            match parsed.parse(&bytes) {
                Ok(Status::Complete(head_bytes)) => {
                    let (request, body_bytes) = Request::of_head(&parsed)?;
                    return request.with_body(bytes.split_off(head_bytes), body_bytes, stream);
                }
                Ok(Status::Partial) if bytes.len() < MAX_HEAD_BYTES => {}
                Ok(Status::Partial) => return Err(RequestError::Refused(431, "the head is too long")),
                Err(_) => return Err(RequestError::Refused(400, "this is no HTTP request")),
            }
            match stream.read(&mut chunk)? {
                0 => return Err(RequestError::Gone),
                read => bytes.extend_from_slice(&chunk[..read]),
            }
        }
    }

    /// What the head says, and how long the body is.
    fn of_head(head: &httparse::Request<'_, '_>) -> Result<(Request, usize), RequestError> {
        let target = head.path.unwrap_or("/");
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let header = |name: &str| {
            let found = head.headers.iter().find(|header| header.name.eq_ignore_ascii_case(name))?;
            std::str::from_utf8(found.value).ok().map(str::trim)
        };
        let bearer = header("authorization").and_then(|value| value.strip_prefix("Bearer "));
        let query_token = query.split('&').find_map(|pair| pair.strip_prefix("token="));
        let body_bytes = header("content-length").unwrap_or("0").parse();
        let body_bytes = body_bytes.map_err(|_| RequestError::Refused(400, "Content-Length is no number"))?;
        if body_bytes > MAX_BODY_BYTES {
            return Err(RequestError::Refused(413, "the body is too long"));
        }
        let request = Request {
            method: head.method.unwrap_or_default().to_owned(),
            path: path.to_owned(),
            host: header("host").unwrap_or_default().to_owned(),
            origin: header("origin").map(str::to_owned),
            token: bearer.or(query_token).map(str::to_owned),
            is_json: header("content-type").is_some_and(|kind| kind.starts_with("application/json")),
            body: Vec::new(),
        };
        Ok((request, body_bytes))
    }

    /// Reads as much of the body as did not come with the head.
    fn with_body(
        mut self,
        mut body: Vec<u8>,
        body_bytes: usize,
        stream: &mut impl Read,
    ) -> Result<Request, RequestError> {
        let read = body.len().min(body_bytes);
        body.resize(body_bytes, 0);
        stream.read_exact(&mut body[read..])?;
        self.body = body;
        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One byte at a time, as a slow network gives them.
    struct Slow<'a>(&'a [u8]);

    impl Read for Slow<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let Some((&first, rest)) = self.0.split_first() else { return Ok(0) };
            buffer[0] = first;
            self.0 = rest;
            Ok(1)
        }
    }

    #[test]
    fn a_request_is_read_however_it_is_cut() {
        let bytes =
            b"POST /settings?x=1&token=ab HTTP/1.1\r\nHost: localhost:80\r\nOrigin: http://localhost:80\r\n\
            content-type: application/json; charset=utf-8\r\nContent-Length: 2\r\n\r\n{}";
        let whole = Request::read(&mut &bytes[..]).unwrap();
        assert_eq!(Request::read(&mut Slow(bytes)).unwrap(), whole);
        assert_eq!((whole.method.as_str(), whole.path.as_str(), whole.is_json), ("POST", "/settings", true));
        assert_eq!((whole.token.as_deref(), whole.body.as_slice()), (Some("ab"), &b"{}"[..]));
        let bearer = b"GET / HTTP/1.1\r\nAuthorization: Bearer 12\r\n\r\n";
        assert_eq!(Request::read(&mut &bearer[..]).unwrap().token.as_deref(), Some("12"));
    }

    #[test]
    fn what_is_too_long_or_no_request_is_refused() {
        let status = |bytes: &[u8]| match Request::read(&mut &bytes[..]) {
            Err(RequestError::Refused(status, _)) => status,
            Err(RequestError::Gone) => 0,
            Ok(request) => panic!("{request:?}"),
        };
        assert_eq!(status(&[b"GET / HTTP/1.1\r\nX: ".as_slice(), &[b'a'; 9000]].concat()), 431);
        assert_eq!(status(b"\x16\x03\x01\x02"), 400);
        assert_eq!(status(b"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n"), 400);
        assert_eq!(status(b"POST / HTTP/1.1\r\nContent-Length: 99999\r\n\r\n"), 413);
        assert_eq!(status(b"POST / HTTP/1.1\r\nContent-Length: 9\r\n\r\nabc"), 0);
        assert_eq!(status(b"GET / HT"), 0);
    }
}
