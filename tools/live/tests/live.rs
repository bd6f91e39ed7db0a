//! Stages, server and browsers together, over real sockets: fresh frames, settings that act, readers that stall.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use ocelli_core::{Camera, Frame, PixelFormat};
use ocelli_live::emit::page::Page;
use ocelli_live::{Capture, EmitError, Emitter, Hub, Seen, Server, Settings, Told, Trouble, run};
use serde_json::{Value, json};

const SETTINGS: Settings = Settings { score: 0.5, overlap: 0.5, tracking: false };

/// Counts up in its pixels, is lost after some frames, and ends after `left`.
struct Counter {
    pixels: Vec<u8>,
    left: u32,
    until_lost: u32,
}

#[derive(Debug, thiserror::Error)]
enum CounterError {
    #[error("the end")]
    End,
    #[error("the cable is out")]
    Lost,
    #[error("a bit fell over")]
    Spoilt,
}

fn trouble(error: &CounterError) -> Trouble {
    match error {
        CounterError::End => Trouble::End,
        CounterError::Lost => Trouble::Camera,
        CounterError::Spoilt => Trouble::Frame,
    }
}

impl Camera for Counter {
    type Error = CounterError;
    type Loan<'a> = Frame<'a>;

    fn read_frame(&mut self) -> nb::Result<Frame<'_>, CounterError> {
        self.left = self.left.checked_sub(1).ok_or(nb::Error::Other(CounterError::End))?;
        self.until_lost = self.until_lost.checked_sub(1).ok_or(nb::Error::Other(CounterError::Lost))?;
        self.pixels[0] = self.pixels[0].wrapping_add(1);
        if self.pixels[0] == 4 {
            return Err(nb::Error::Other(CounterError::Spoilt));
        }
        Ok(Frame::new(&self.pixels, 320, 240, PixelFormat::Gray8).unwrap())
    }
}

fn counter(left: u32, until_lost: u32) -> Counter {
    Counter { pixels: vec![0; 320 * 240], left, until_lost }
}

/// Remembers the numbers of the frames that it was told of; some answers it cannot take.
#[derive(Clone, Default)]
struct Collect {
    frames: Arc<Mutex<Vec<u64>>>,
    failures: u32,
    is_slow: bool,
}

impl Emitter for Collect {
    fn name(&self) -> &str {
        "collect"
    }

    fn emit(&mut self, told: &Told) -> Result<(), EmitError> {
        if self.is_slow {
            thread::sleep(Duration::from_millis(20));
        }
        if self.failures > 0 {
            self.failures -= 1;
            let source = std::io::ErrorKind::StorageFull.into();
            return Err(EmitError::Io { place: "there".into(), source });
        }
        self.frames.lock().unwrap().push(told.record()["frame"].as_u64().unwrap());
        Ok(())
    }
}

fn seen(answer: Value) -> Seen {
    Seen { answer, ..Seen::default() }
}

/// Runs the stages in a thread until the hub is closed, with an answer that repeats what is set.
fn start(hub: &Arc<Hub>, pace: Duration) -> thread::JoinHandle<()> {
    let hub = hub.clone();
    thread::spawn(move || {
        let capture = Capture {
            open: &mut || Ok(counter(u32::MAX, u32::MAX)),
            trouble,
            repeats: true,
            pace,
            title: "counter".into(),
            warn: &|_| {},
        };
        let see = |frame: &Frame<'_>, settings: Option<Settings>| {
            seen(json!({ "first": frame.bytes()[0], "score": settings.unwrap().score }))
        };
        run(capture, &hub, see, vec![Box::new(Page::new(hub.clone()))]).unwrap();
    })
}

fn ask(address: SocketAddr, request: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

fn post(address: SocketAddr, body: &str, more: &str) -> String {
    let length = body.len();
    let head =
        format!("POST /settings HTTP/1.1\r\nHost: {address}\r\nContent-Length: {length}\r\n{more}\r\n");
    ask(address, &(head + body))
}

const JSON: &str = "Content-Type: application/json\r\n";

/// A browser on the stream.
struct Browser(TcpStream);

impl Browser {
    fn open(address: SocketAddr) -> Browser {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        write!(stream, "GET /stream HTTP/1.1\r\nHost: {address}\r\n\r\n").unwrap();
        Browser(stream)
    }

    fn past_the_head(mut self) -> Browser {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            self.0.read_exact(&mut byte).unwrap();
            head.push(byte[0]);
        }
        assert!(head.starts_with(b"HTTP/1.1 200 "));
        self
    }

    /// The next record: what is told, and the picture.
    fn record(&mut self) -> (Value, Vec<u8>) {
        let mut lengths = [0; 8];
        self.0.read_exact(&mut lengths).unwrap();
        let length = |at: usize| u32::from_le_bytes(lengths[at..at + 4].try_into().unwrap()) as usize;
        let (mut json, mut jpeg) = (vec![0; length(0)], vec![0; length(4)]);
        self.0.read_exact(&mut json).unwrap();
        self.0.read_exact(&mut jpeg).unwrap();
        (serde_json::from_slice(&json).unwrap(), jpeg)
    }
}

#[test]
fn a_browser_sees_pictures_with_answers_and_sets_what_counts() {
    let hub = Arc::new(Hub::new(Some(SETTINGS)));
    let server = Server::start("127.0.0.1:0".parse().unwrap(), hub.clone()).unwrap();
    let (address, stages) = (server.address(), start(&hub, Duration::from_millis(5)));
    let mut browser = Browser::open(address).past_the_head();
    let (first, jpeg) = browser.record();
    let picture = image::load_from_memory(&jpeg).unwrap();
    assert_eq!((picture.width(), picture.height()), (320, 240));
    assert_eq!((&first["width"], &first["height"]), (&json!(320), &json!(240)));
    assert_eq!((&first["title"], &first["answer"]["score"]), (&json!("counter"), &json!(0.5)));
    assert!(first["microseconds"]["emit"].is_u64() && first["dropped"].is_u64());
    assert!(browser.record().0["frame"].as_u64() > first["frame"].as_u64());

    assert!(
        post(address, r#"{"score":0.75,"overlap":0.5,"tracking":true}"#, JSON).starts_with("HTTP/1.1 200 ")
    );
    let acted = (0..50).any(|_| browser.record().0["answer"]["score"] == 0.75);
    assert!(acted, "what was set reaches the model");
    let from_elsewhere = "Content-Type: application/json\r\nOrigin: http://evil.example\r\n";
    for (body, more, status) in [
        (r#"{"score":7,"overlap":0.5,"tracking":true}"#, JSON, 400),
        ("nonsense", JSON, 400),
        ("score=1", "Content-Type: text/plain\r\n", 415),
        ("{}", from_elsewhere, 403),
    ] {
        let answer = post(address, body, more);
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{body}: {answer}");
    }
    assert_eq!(hub.settings().unwrap().score, 0.75);

    let page = ask(address, &format!("GET / HTTP/1.1\r\nHost: {address}\r\n\r\n"));
    assert!(page.contains("<title>Ocelli live</title>") && page.ends_with("</html>\n"));
    let metrics = ask(address, &format!("GET /metrics HTTP/1.1\r\nHost: {address}\r\n\r\n"));
    assert!(metrics.contains("ocelli_watchers 1\n"), "{metrics}");
    assert!(ask(address, "GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n").starts_with("HTTP/1.1 403 "));
    assert!(
        ask(address, &format!("GET /x HTTP/1.1\r\nHost: {address}\r\n\r\n")).starts_with("HTTP/1.1 404 ")
    );
    hub.close();
    stages.join().unwrap();
}

#[test]
fn readers_that_stall_slow_nobody_and_fifty_browsers_see_everything_fresh() {
    let hub = Arc::new(Hub::new(Some(SETTINGS)));
    let server = Server::start("127.0.0.1:0".parse().unwrap(), hub.clone()).unwrap();
    let (address, stages) = (server.address(), start(&hub, Duration::from_millis(10)));
    // Asked for the stream, never read.
    let stalled: Vec<Browser> = (0..10).map(|_| Browser::open(address)).collect();
    let mut browsers: Vec<Browser> = (0..50).map(|_| Browser::open(address).past_the_head()).collect();
    let frame = |browser: &mut Browser| browser.record().0["frame"].as_u64().unwrap();
    let before: Vec<u64> = browsers.iter_mut().map(frame).collect();
    for _ in 0..10 {
        browsers.iter_mut().for_each(|browser| drop(browser.record()));
    }
    let after: Vec<u64> = browsers.iter_mut().map(frame).collect();
    assert!(before.iter().zip(&after).all(|(before, after)| after >= &(before + 11)));
    let totals = hub.totals();
    assert_eq!(totals.watchers, 60);
    // The stages went on all the while: what the model did not see was dropped and counted.
    assert!(totals.captured >= totals.answered + totals.dropped);
    drop(stalled);
    hub.close();
    stages.join().unwrap();
}

#[test]
fn a_slow_model_sees_fresh_frames_and_the_others_are_counted() {
    let hub = Hub::new(Some(SETTINGS));
    let collect = Collect::default();
    let capture = Capture {
        open: &mut || Ok(counter(300, u32::MAX)),
        trouble,
        repeats: false,
        pace: Duration::from_millis(1),
        title: String::new(),
        warn: &|message| assert_eq!(message, "a bit fell over"),
    };
    let see = |frame: &Frame<'_>, _: Option<Settings>| {
        thread::sleep(Duration::from_millis(20));
        seen(json!(frame.bytes()[0]))
    };
    run(capture, &hub, see, vec![Box::new(collect.clone())]).unwrap();
    let (totals, frames) = (hub.totals(), collect.frames.lock().unwrap());
    assert_eq!((totals.captured, totals.spoilt), (298, 2));
    assert_eq!(totals.captured, totals.answered + totals.dropped);
    assert!(totals.dropped > 150, "{totals:?}");
    assert_eq!(totals.emissions[0].sent, frames.len() as u64);
    assert!(frames.is_sorted_by(|one, other| one < other));
    assert_eq!(frames.last(), Some(&297), "the last frame is not lost");
}

#[test]
fn emitters_that_are_slow_or_fail_slow_nobody_and_every_answer_is_counted() {
    let (hub, warnings) = (Hub::new(None), Mutex::new(Vec::new()));
    let quick = Collect::default();
    let slow = Collect { is_slow: true, ..Collect::default() };
    let failing = Collect { failures: 3, ..Collect::default() };
    let capture = Capture {
        open: &mut || Ok(counter(256, u32::MAX)),
        trouble: |error| if let CounterError::End = error { Trouble::End } else { Trouble::Frame },
        repeats: false,
        pace: Duration::from_millis(5),
        title: String::new(),
        warn: &|message| warnings.lock().unwrap().push(message.to_owned()),
    };
    let emitters: Vec<Box<dyn Emitter>> =
        vec![Box::new(quick.clone()), Box::new(slow.clone()), Box::new(failing.clone())];
    run(capture, &hub, |_, _| seen(json!(0)), emitters).unwrap();
    let totals = hub.totals();
    for emission in &totals.emissions {
        assert_eq!(totals.answered, emission.sent + emission.dropped + emission.failed, "{emission:?}");
    }
    let [quick, slow, failing] = &totals.emissions[..] else { panic!("{totals:?}") };
    assert!(quick.sent > slow.sent && slow.dropped > 0, "{totals:?}");
    assert_eq!(failing.failed, 3);
    assert!(failing.sent > 0 && failing.dropped > 0, "{totals:?}");
    // Three failures of one kind are told once.
    let warnings = warnings.into_inner().unwrap();
    let about: Vec<&String> = warnings.iter().filter(|warning| warning.starts_with("collect")).collect();
    assert_eq!(about, ["collect: there: no storage space", "collect: it works again"]);
}

#[test]
fn a_camera_that_is_lost_is_opened_again() {
    let hub = Hub::new(None);
    let (mut opened, warnings) = (0, Mutex::new(Vec::new()));
    let capture = Capture {
        open: &mut || {
            opened += 1;
            match opened {
                1 => Ok(counter(100, 5)),
                2 => Err("no camera".to_owned()),
                _ => Ok(counter(7, u32::MAX)),
            }
        },
        trouble,
        repeats: false,
        pace: Duration::ZERO,
        title: String::new(),
        warn: &|message| warnings.lock().unwrap().push(message.to_owned()),
    };
    run(capture, &hub, |_, _| seen(json!(0)), vec![]).unwrap();
    assert_eq!(
        *warnings.lock().unwrap(),
        ["a bit fell over", "the cable is out", "no camera", "a bit fell over"]
    );
    let totals = hub.totals();
    assert_eq!((totals.captured, totals.spoilt, totals.lost), (10, 2, 1));
}

#[test]
fn a_camera_that_is_not_there_at_the_start_is_an_error() {
    let capture = Capture {
        open: &mut || Err::<Counter, _>("no camera".to_owned()),
        trouble,
        repeats: true,
        pace: Duration::ZERO,
        title: String::new(),
        warn: &|_| {},
    };
    let see = |_: &Frame<'_>, _: Option<Settings>| unreachable!();
    assert_eq!(run(capture, &Hub::new(None), see, vec![]), Err("no camera".to_owned()));
}

#[test]
fn one_browser_too_many_is_told_to_come_back() {
    let server = Server::start("127.0.0.1:0".parse().unwrap(), Arc::new(Hub::new(None))).unwrap();
    let address = server.address();
    // They have not asked for anything yet.
    let held: Vec<TcpStream> = (0..128).map(|_| TcpStream::connect(address).unwrap()).collect();
    let mut answer = String::new();
    TcpStream::connect(address).unwrap().read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 503 ") && answer.ends_with("come back later\n"), "{answer}");
    drop(held);
}

#[test]
fn closing_ends_a_stream_and_a_taken_address_is_named() {
    let hub = Arc::new(Hub::new(Some(SETTINGS)));
    let server = Server::start("127.0.0.1:0".parse().unwrap(), hub.clone()).unwrap();
    assert!(server.url("here").starts_with("http://127.0.0.1:"));
    let message = Server::start(server.address(), hub.clone()).unwrap_err().to_string();
    assert!(message.contains(&server.address().to_string()) && message.contains("--serve"), "{message}");
    let mut browser = Browser::open(server.address()).past_the_head();
    let start = Instant::now();
    hub.close();
    assert_eq!(browser.0.read(&mut [0]).unwrap(), 0);
    assert!(start.elapsed() < Duration::from_secs(20));
}
