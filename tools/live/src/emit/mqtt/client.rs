//! The MQTT client: one answer on its way at a time, so that what waits is always the newest.
//!
//! rumqttc's event loop runs in a thread of its own and comes back to a lost broker with growing pauses. It and the
//! emitter share what they know of the connection.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use rumqttc::{Client, Connection, Event, LastWill, Outgoing, Packet, QoS};

use super::MqttOptions;
use crate::emit::{EmitError, Emitter};
use crate::told::Told;

/// How long a broker may take to take an answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long the last word may take.
const FAREWELL: Duration = Duration::from_secs(1);

/// A broker that says nothing for twice this time is gone.
const KEEP_ALIVE: Duration = Duration::from_secs(5);

const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// Larger answers are none.
const MAX_BYTES: usize = 16 << 20;

/// Requests on their way to the event loop: an answer, a status, the end.
const REQUESTS: usize = 4;

/// A connection that is kept up.
pub(super) struct Mqtt {
    client: Client,
    link: Arc<Link>,
    place: String,
    topic: String,
    qos: QoS,
}

/// What emitter and event loop know of the connection.
#[derive(Debug, Default)]
struct Link {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    is_connected: bool,
    /// Whether the broker has not taken yet what was given last.
    is_waiting: bool,
    is_closing: bool,
    /// Why there is no connection; empty while the first attempt lasts.
    trouble: String,
}

impl Mqtt {
    pub(super) fn start(options: &MqttOptions) -> Result<Mqtt, EmitError> {
        let place = options.place();
        let client = options.client.clone().unwrap_or_else(|| format!("ocelli-{}", std::process::id()));
        let mut settings = rumqttc::MqttOptions::new(client, &options.broker.host, options.broker.port);
        settings.set_keep_alive(KEEP_ALIVE).set_max_packet_size(MAX_BYTES, MAX_BYTES);
        let status = format!("{}/status", options.topic);
        settings.set_last_will(LastWill::new(&status, "offline", QoS::AtLeastOnce, true));
        if let Some(user) = &options.user {
            settings.set_credentials(user, options.password.as_deref().unwrap_or_default());
        }
        let (client, connection) = Client::new(settings, REQUESTS);
        let link = Arc::new(Link::default());
        let (own_link, own_client) = (link.clone(), client.clone());
        let keep_up = move || keep_up(connection, &own_client, &status, &own_link);
        thread::Builder::new().name("mqtt".into()).spawn(keep_up).map_err(EmitError::io(&place))?;
        let qos = [QoS::AtMostOnce, QoS::AtLeastOnce, QoS::ExactlyOnce][usize::from(options.qos)];
        Ok(Mqtt { client, link, place, topic: options.topic.clone(), qos })
    }

    fn refused(&self, problem: impl Into<String>) -> EmitError {
        EmitError::refused(&self.place, problem)
    }

    /// Publishes, and waits until the broker has taken it; for QoS 0, until it is written.
    fn publish(
        &self,
        topic: &str,
        qos: QoS,
        is_retained: bool,
        payload: String,
        patience: Duration,
    ) -> Result<(), EmitError> {
        // What an earlier call has given up on may still be on its way.
        self.link.wait_taken(patience).map_err(|problem| self.refused(problem))?;
        self.link.lock().is_waiting = true;
        if let Err(error) = self.client.try_publish(topic, qos, is_retained, payload) {
            self.link.lock().is_waiting = false;
            return Err(self.refused(error.to_string()));
        }
        self.link.wait_taken(patience).map_err(|problem| self.refused(problem))
    }
}

impl Emitter for Mqtt {
    fn name(&self) -> &str {
        "mqtt"
    }

    fn emit(&mut self, told: &Told) -> Result<(), EmitError> {
        self.publish(&self.topic, self.qos, false, told.record().to_string(), PATIENCE)
    }
}

impl Drop for Mqtt {
    /// A broker that is told goodbye does not speak the last will, so it is said here.
    fn drop(&mut self) {
        let status = format!("{}/status", self.topic);
        self.link.lock().is_closing = true;
        // Whoever cannot be told hears it from the broker.
        let _ = self.publish(&status, QoS::AtLeastOnce, true, "offline".to_owned(), FAREWELL);
        let _ = self.client.try_disconnect();
        self.link.changed.notify_all();
    }
}

impl Link {
    /// Waits while the broker has something to take, or while nobody knows whether there is one.
    fn wait_taken(&self, patience: Duration) -> Result<(), String> {
        let waiting = |state: &mut State| match state.is_connected {
            true => state.is_waiting,
            false => state.trouble.is_empty(),
        };
        let waited = self.changed.wait_timeout_while(self.lock(), patience, waiting);
        let (state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        match (state.is_connected, state.is_waiting) {
            (true, false) => Ok(()),
            (false, _) if !state.trouble.is_empty() => Err(state.trouble.clone()),
            _ => Err(format!("the broker has taken nothing for {} s", patience.as_secs())),
        }
    }

    /// The broker has taken what was given last: the status, after which it is connected, or an answer.
    fn taken(&self) {
        let mut state = self.lock();
        state.is_waiting = false;
        state.is_connected = true;
        self.changed.notify_all();
    }

    fn lost(&self, trouble: String) {
        let mut state = self.lock();
        state.is_connected = false;
        state.is_waiting = false;
        state.trouble = trouble;
        self.changed.notify_all();
    }

    /// Sleeps, unless it is time to end; tells whether it is.
    fn wait_closing(&self, pause: Duration) -> bool {
        let waited = self.changed.wait_timeout_while(self.lock(), pause, |state| !state.is_closing);
        waited.unwrap_or_else(PoisonError::into_inner).0.is_closing
    }

    /// A thread that panicked has not left the state halfway: every change is a few assignments.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Runs the event loop: greets a broker that is there, comes back to one that is lost.
fn keep_up(mut connection: Connection, client: &Client, status: &str, link: &Link) {
    let mut pause = FIRST_PAUSE;
    // An error is the end of all clients.
    while let Ok(event) = connection.recv() {
        match event {
            Ok(Event::Incoming(Packet::ConnAck(_))) => {
                // The queue of requests is empty: no answer is given to a broker that is not there.
                let _ = client.try_publish(status, QoS::AtLeastOnce, true, "online");
            }
            // Statuses are acknowledged; of answers, those of QoS 0 are only written, and have no number.
            Ok(
                Event::Incoming(Packet::PubAck(_) | Packet::PubComp(_))
                | Event::Outgoing(Outgoing::Publish(0)),
            ) => {
                pause = FIRST_PAUSE;
                link.taken();
            }
            Ok(Event::Outgoing(Outgoing::Disconnect)) => return,
            Ok(_) => {}
            Err(error) => {
                link.lost(error.to_string());
                if link.wait_closing(pause) {
                    return;
                }
                pause = (2 * pause).min(LONGEST_PAUSE);
            }
        }
    }
}
