//! Emitters against what they write to: sockets, files, programs.

use std::fs;
use std::io::{BufRead, BufReader, ErrorKind, Read};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use ocelli_core::{BoundingBox, Camera, Frame, Loan, PixelFormat, SUBPIXELS};
use ocelli_host::HostCamera;
use ocelli_live::emit::lines::Lines;
use ocelli_live::emit::unix_socket::UnixSocket;
use ocelli_live::emit::video::Video;
use ocelli_live::{Emitter, Mark, Seen, Told, rgb_of};
use serde_json::{Value, json};

/// A folder that is gone when the test is over.
struct Folder(PathBuf);

impl Folder {
    fn new(test: &str) -> Folder {
        let path = std::env::temp_dir().join(format!("ocelli-live-{}-{test}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Folder(path)
    }

    fn place(&self, name: &str) -> String {
        self.0.join(name).display().to_string()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A gray frame with a red box around its middle.
fn told(number: u64, width: usize, height: usize) -> Told {
    let pixels = vec![128; width * height];
    let frame = Frame::new(&pixels, width, height, PixelFormat::Gray8).unwrap();
    let [right, bottom] = [width, height].map(|side| (side as i32 - 8) * SUBPIXELS);
    let bounds = BoundingBox { left: 8 * SUBPIXELS, top: 8 * SUBPIXELS, right, bottom };
    let marks = vec![Mark::Outline(bounds, [255, 0, 0])];
    Told::new(&frame, number, Seen { answer: json!({ "detections": [] }), marks, ..Seen::default() })
}

fn frames(place: &str) -> Vec<(usize, usize, Vec<u8>)> {
    let mut camera: HostCamera = ocelli_host::open(place).unwrap();
    let mut frames = Vec::new();
    while let Ok(loan) = camera.read_frame() {
        let frame = loan.frame();
        frames.push((frame.width(), frame.height(), rgb_of(&frame).unwrap()));
    }
    frames
}

/// Whether a frame of [`told`] has its box, and nothing in its middle.
fn is_annotated(frame: &(usize, usize, Vec<u8>)) -> bool {
    let (width, height, rgb) = frame;
    let at = |x: usize, y: usize| &rgb[(y * width + x) * 3..][..3];
    let (edge, middle) = (at(width / 2, 8), at(width / 2, height / 2));
    // Chroma of 4:2:0 blurs a thin line.
    edge[0] > edge[1].saturating_add(60) && middle.iter().all(|&value| value.abs_diff(128) < 4)
}

#[test]
fn a_socket_tells_every_reader_and_drops_the_one_that_stalls() {
    let folder = Folder::new("socket");
    let path = folder.0.join("answers.sock");
    let mut socket = UnixSocket::bind(&path).unwrap();
    let in_use = UnixSocket::bind(&path).unwrap_err().to_string();
    assert!(in_use.contains("answers.sock") && in_use.contains("another program"), "{in_use}");
    socket.emit(&told(0, 32, 32)).unwrap();
    let stalled = UnixStream::connect(&path).unwrap();
    let mut reader = BufReader::new(UnixStream::connect(&path).unwrap());
    let start = Instant::now();
    for number in 1..5000 {
        socket.emit(&told(number, 32, 32)).unwrap();
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        assert_eq!(serde_json::from_str::<Value>(&line).unwrap()["frame"], number);
    }
    assert!(start.elapsed() < Duration::from_secs(60), "nobody was waited for");
    // What the socket held is there, and then the end.
    let mut held = String::new();
    stalled.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    (&stalled).read_to_string(&mut held).unwrap();
    let first: Value = serde_json::from_str(held.lines().next().unwrap()).unwrap();
    assert_eq!(first["frame"], 1, "a reader reads from the next answer on");
    assert!(held.lines().count() < 4900);
    drop(socket);
    assert_eq!(reader.read(&mut [0]).unwrap(), 0);
    assert!(!path.exists(), "the socket is gone with its program");
}

#[test]
fn one_reader_too_many_sees_the_end() {
    let folder = Folder::new("many");
    let path = folder.0.join("answers.sock");
    let mut socket = UnixSocket::bind(&path).unwrap();
    let mut readers: Vec<UnixStream> = (0..65).map(|_| UnixStream::connect(&path).unwrap()).collect();
    socket.emit(&told(0, 32, 32)).unwrap();
    assert_eq!(readers[64].read(&mut [0]).unwrap(), 0);
    assert!(readers[..64].iter_mut().all(|reader| reader.read(&mut [0]).unwrap() == 1));
}

#[test]
fn a_socket_replaces_what_a_dead_program_left_and_no_other_file() {
    let folder = Folder::new("left");
    let path = folder.0.join("answers.sock");
    // A listener that is dropped leaves its socket.
    drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
    assert!(path.exists());
    drop(UnixSocket::bind(&path).unwrap());
    fs::write(&path, "notes").unwrap();
    let message = UnixSocket::bind(&path).unwrap_err().to_string();
    assert!(message.contains("no socket"), "{message}");
    assert_eq!(fs::read_to_string(&path).unwrap(), "notes");
    let message = UnixSocket::bind(&folder.0.join("none/answers.sock")).unwrap_err().to_string();
    assert!(message.contains("none/answers.sock"), "{message}");
}

#[test]
fn videos_come_back_annotated() {
    let folder = Folder::new("video");
    let piped = folder.place("piped.y4m");
    for (place, found) in [
        (folder.place("seen.y4m"), folder.place("seen.y4m")),
        (folder.place("seen.mjpeg"), folder.place("seen.mjpeg")),
        (format!("pipe:cat > {piped}"), piped.clone()),
        (format!("pipe:mjpeg:cat > {piped}"), piped.clone()),
    ] {
        let mut video = Video::open(&place, 25.0).unwrap();
        (0..3).for_each(|number| video.emit(&told(number, 65, 49)).unwrap());
        let message = video.emit(&told(3, 64, 48)).unwrap_err().to_string();
        assert!(message.contains("64x48") && message.contains("one size"), "{message}");
        drop(video);
        let frames = frames(&found);
        assert_eq!(frames.len(), 3, "{place}");
        assert!(frames.iter().all(|frame| (frame.0, frame.1) == (65, 49) && is_annotated(frame)), "{place}");
    }
    let message = Video::open("seen.mp4", 25.0).unwrap_err().to_string();
    assert!(message.contains("seen.mp4") && message.contains("NAME.y4m"), "{message}");
    let message = Video::open(&folder.place("none/seen.y4m"), 25.0).unwrap_err().to_string();
    assert!(message.contains("none/seen.y4m"), "{message}");
}

#[test]
fn a_program_that_ends_is_named_and_started_anew() {
    let folder = Folder::new("program");
    // Each takes one video's beginning and leaves.
    let starts = folder.place("starts");
    let mut video = Video::open(&format!("pipe:head -c 40 >> {starts}; exit 3"), 25.0).unwrap();
    let mut problems = Vec::new();
    for number in 0..1000 {
        problems.extend(video.emit(&told(number, 320, 240)).err());
        if problems.len() == 2 {
            break;
        }
    }
    for problem in &problems {
        let message = problem.to_string();
        assert!(message.contains("head -c 40") && message.contains("exit status: 3"), "{message}");
    }
    assert_eq!(fs::read_to_string(starts).unwrap().matches("YUV4MPEG2 W320 H240 F25000:1000").count(), 2);
}

#[test]
fn a_full_disk_is_said() {
    let Ok(full) = fs::File::options().write(true).open("/dev/full") else { return };
    let message = Lines::new(full, "lines").emit(&told(0, 32, 32)).unwrap_err().to_string();
    assert!(message.contains("No space left"), "{message}");
    let folder = Folder::new("full");
    std::os::unix::fs::symlink("/dev/full", folder.0.join("seen.y4m")).unwrap();
    let mut video = Video::open(&folder.place("seen.y4m"), 25.0).unwrap();
    for number in 0..2 {
        let message = video.emit(&told(number, 32, 32)).unwrap_err().to_string();
        assert!(message.contains("seen.y4m") && message.contains("No space left"), "{message}");
    }
}

#[test]
fn a_reader_of_lines_that_left_is_no_failure() {
    struct Gone;
    impl std::io::Write for Gone {
        fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
            Err(ErrorKind::BrokenPipe.into())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    Lines::new(Gone, "lines").emit(&told(0, 32, 32)).unwrap();
}
