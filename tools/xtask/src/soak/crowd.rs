//! Who looks on during a soak: browsers and readers of the socket, some of which never read.

use std::fmt;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// How many never read, at the page and at the socket each.
const STALLED: usize = 5;

/// How long one of these stays before another comes.
const STALLED_STAY: Duration = Duration::from_secs(15);

/// Everybody, until they leave.
pub(super) struct Crowd {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
}

#[derive(Default)]
struct Shared {
    has_ended: AtomicBool,
    page_bytes: AtomicU64,
    socket_lines: AtomicU64,
    stalled_visits: AtomicU64,
}

/// What they got to see.
pub(super) struct Readers(Arc<Shared>);

impl Crowd {
    /// Everybody comes, and comes again when the connection ends.
    pub(super) fn gather(address: &str, socket: &Path, browsers: usize) -> Crowd {
        let mut crowd = Crowd { shared: Arc::default(), threads: Vec::new() };
        for _ in 0..browsers {
            let address = address.to_owned();
            crowd.add(move |shared| browse(&address, shared));
        }
        let place = socket.to_owned();
        crowd.add(move |shared| read_lines(&place, shared));
        for _ in 0..STALLED {
            let (address, place) = (address.to_owned(), socket.to_owned());
            crowd.add(move |shared| stall(&address, &place, shared));
        }
        crowd
    }

    /// Does something again and again in a thread of its own.
    fn add(&mut self, visit: impl Fn(&Shared) + Send + 'static) {
        let shared = self.shared.clone();
        self.threads.push(thread::spawn(move || {
            while !shared.has_ended.load(Ordering::Relaxed) {
                visit(&shared);
                thread::sleep(Duration::from_millis(200));
            }
        }));
    }

    /// Everybody goes, and tells what they saw.
    pub(super) fn leave(self) -> Readers {
        self.shared.has_ended.store(true, Ordering::Relaxed);
        // A visitor who failed has told so already, on standard error.
        self.threads.into_iter().for_each(|thread| drop(thread.join()));
        Readers(self.shared)
    }
}

/// Asks for the stream of the page.
fn open_stream(address: &str) -> Option<TcpStream> {
    let mut stream = TcpStream::connect(address).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(1))).ok()?;
    write!(stream, "GET /stream HTTP/1.1\r\nHost: {address}\r\n\r\n").ok()?;
    Some(stream)
}

fn browse(address: &str, shared: &Shared) {
    let Some(mut stream) = open_stream(address) else { return };
    let mut bytes = [0; 16 * 1024];
    while !shared.has_ended.load(Ordering::Relaxed) {
        match stream.read(&mut bytes) {
            Ok(0) => return,
            Ok(read) => drop(shared.page_bytes.fetch_add(read as u64, Ordering::Relaxed)),
            // The camera is away: there is nothing to see for a while.
            Err(_) => {}
        }
    }
}

fn read_lines(socket: &PathBuf, shared: &Shared) {
    let Ok(stream) = UnixStream::connect(socket) else { return };
    if stream.set_read_timeout(Some(Duration::from_secs(60))).is_err() {
        return;
    }
    for _ in BufReader::new(stream).lines().map_while(Result::ok) {
        shared.socket_lines.fetch_add(1, Ordering::Relaxed);
        if shared.has_ended.load(Ordering::Relaxed) {
            return;
        }
    }
}

/// Comes to the page and to the socket, and reads nothing.
fn stall(address: &str, socket: &PathBuf, shared: &Shared) {
    let held = (open_stream(address), UnixStream::connect(socket));
    for _ in 0..STALLED_STAY.as_secs() {
        if shared.has_ended.load(Ordering::Relaxed) {
            break;
        }
        thread::sleep(Duration::from_secs(1));
    }
    drop(held);
    shared.stalled_visits.fetch_add(1, Ordering::Relaxed);
}

impl fmt::Display for Readers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let Shared { page_bytes, socket_lines, stalled_visits, .. } = &*self.0;
        write!(
            f,
            "readers: {:.1} MB of the page, {} lines of the socket, {} visits that read nothing",
            count(page_bytes) as f64 / 1e6,
            count(socket_lines),
            count(stalled_visits)
        )
    }
}
