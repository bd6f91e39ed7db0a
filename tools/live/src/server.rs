//! The server of the page: a thread for each connection, few enough of them, each with a limit on how long
//! its browser may take.

use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use thiserror::Error;

use crate::access::Access;
use crate::hub::Hub;
use crate::request::{Request, RequestError};
use crate::respond::{respond, text};

/// Connections at a time. More are told to come back.
const MAX_CONNECTIONS: usize = 128;

/// How long a browser may take to send its request, or to take in what was sent.
const PATIENCE: Duration = Duration::from_secs(10);

/// A connection needs a request's head, and no more.
const STACK_BYTES: usize = 256 * 1024;

/// Why the page cannot be served.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ServeError {
    /// The address is taken, or not this machine's.
    #[error("cannot serve at {address}: {source}; another address can be given with `--serve ADDRESS:PORT`")]
    Bind {
        /// Where.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
    /// There are no random numbers for a token.
    #[error("cannot make a token: {0}")]
    Token(io::Error),
}

/// A server that runs until the program ends.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    access: Access,
}

impl Server {
    /// Listens at `address`, and shows what `hub` has.
    ///
    /// # Errors
    /// Every [`ServeError`].
    pub fn start(address: SocketAddr, hub: Arc<Hub>) -> Result<Server, ServeError> {
        let bind = |source| ServeError::Bind { address, source };
        let listener = TcpListener::bind(address).map_err(bind)?;
        let address = listener.local_addr().map_err(bind)?;
        let access = Access::at(&address).map_err(ServeError::Token)?;
        let server = Server { address, access: access.clone() };
        thread::spawn(move || accept(&listener, &access, &hub));
        Ok(server)
    }

    /// What to open in a browser; for an address that means all of the machine's, its name stands in.
    pub fn url(&self, host_name: &str) -> String {
        let place = match self.address.ip().is_unspecified() {
            true => format!("{host_name}:{}", self.address.port()),
            false => self.address.to_string(),
        };
        match self.access.token() {
            Some(token) => format!("http://{place}/?token={token}"),
            None => format!("http://{place}/"),
        }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

fn accept(listener: &TcpListener, access: &Access, hub: &Arc<Hub>) {
    let connections = Arc::new(AtomicUsize::new(0));
    for stream in listener.incoming() {
        let Ok(mut stream) = stream else {
            // Out of file descriptors, most likely: they come back.
            thread::sleep(Duration::from_millis(100));
            continue;
        };
        let is_ready = stream.set_read_timeout(Some(PATIENCE)).is_ok()
            && stream.set_write_timeout(Some(PATIENCE)).is_ok()
            && stream.set_nodelay(true).is_ok();
        let guard = Guard::enter(&connections);
        if !is_ready {
            continue;
        }
        let Some(guard) = guard else {
            // Nobody is waited for: what does not fit the socket's buffer is lost.
            let _ = stream.set_nonblocking(true);
            let _ = text(&mut stream, 503, "too many are watching: come back later");
            continue;
        };
        let (access, hub) = (access.clone(), hub.clone());
        let serve = move || {
            let _guard = guard;
            // A browser that is gone needs no answer.
            let _ = answer(&mut stream, &access, &hub);
        };
        // Without room for a thread the connection is closed, and the browser comes back.
        let _ = thread::Builder::new().name("browser".into()).stack_size(STACK_BYTES).spawn(serve);
    }
}

fn answer(stream: &mut TcpStream, access: &Access, hub: &Hub) -> io::Result<()> {
    match Request::read(stream) {
        Ok(request) => respond(&request, access, hub, stream),
        Err(RequestError::Refused(status, message)) => text(stream, status, message),
        Err(RequestError::Gone) => Ok(()),
    }
}

/// Counts a connection while it lasts.
struct Guard(Arc<AtomicUsize>);

impl Guard {
    fn enter(connections: &Arc<AtomicUsize>) -> Option<Guard> {
        let guard = Guard(connections.clone());
        (connections.fetch_add(1, Ordering::Relaxed) < MAX_CONNECTIONS).then_some(guard)
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
