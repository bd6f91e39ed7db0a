//! `ocelli run` for whoever waits for the newest answer, from outside: outlets, ends, and everything that can go wrong
//! with a camera or a disk while it runs.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

/// A folder with the sample detector; gone when dropped.
struct Workshop(PathBuf);

impl Workshop {
    fn new(name: &str) -> Workshop {
        let path = std::env::temp_dir().join(format!("ocelli-live-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        let (_, detector) =
            ocelli_samples::artefacts().into_iter().find(|(name, _)| *name == "detector").unwrap();
        std::fs::write(path.join("detector.ocelli"), &*detector).unwrap();
        Workshop(path)
    }

    /// The program on the detector, not started yet.
    fn run(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ocelli"));
        command.args(["run", "detector.ocelli"]).args(arguments).current_dir(&self.0);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// What a run that ends well prints and says.
    fn output(&self, arguments: &[&str]) -> (String, String) {
        let output = self.run(arguments).output().unwrap();
        let said = text(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {said}");
        (text(&output.stdout), said)
    }

    /// What a run that fails says.
    fn failure(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments).output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{arguments:?}: {}", text(&output.stderr));
        text(&output.stderr)
    }

    /// Connects to the socket of a program that starts.
    fn reader(&self, socket: &str) -> BufReader<UnixStream> {
        let until = Instant::now() + Duration::from_secs(60);
        loop {
            match UnixStream::connect(self.0.join(socket)) {
                Ok(stream) => {
                    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
                    return BufReader::new(stream);
                }
                Err(error) => assert!(Instant::now() < until, "{error}"),
            }
            thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Workshop {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn frame_of(line: &str) -> u64 {
    serde_json::from_str::<Value>(line).unwrap()["frame"].as_u64().unwrap()
}

/// Asks a program to end, and gives what it has said.
fn terminate(child: Child) -> String {
    assert!(Command::new("kill").arg(child.id().to_string()).status().unwrap().success());
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
    text(&output.stderr)
}

/// The numbers of a line of the summary that begins with `name`.
fn numbers(said: &str, name: &str) -> Vec<u64> {
    let line =
        said.lines().find(|line| line.starts_with(name)).unwrap_or_else(|| panic!("no {name}: {said}"));
    let words = line[name.len()..].split(|letter: char| !letter.is_ascii_digit());
    words.filter_map(|word| word.parse().ok()).collect()
}

#[test]
fn a_program_that_is_asked_to_end_counts_every_frame_and_leaves_nothing_behind() {
    let workshop = Workshop::new("end");
    std::fs::write(
        workshop.0.join("run.toml"),
        "input = \"synthetic:3:64x48\"\nserve = \"127.0.0.1:0\"\npace = 200\nsocket = \"answers.sock\"\nvideo = \"seen.y4m\"\n",
    )
    .unwrap();
    let child = workshop.run(&["--config", "run.toml"]).spawn().unwrap();
    let mut lines = workshop.reader("answers.sock").lines();
    let first = frame_of(&lines.next().unwrap().unwrap());
    let later = frame_of(&lines.nth(20).unwrap().unwrap());
    assert!(later > first, "{first} {later}");
    let said = terminate(child);
    assert!(!workshop.0.join("answers.sock").exists());
    let frames: Vec<u64> = said
        .lines()
        .find(|line| line.contains(" answered, "))
        .unwrap()
        .split(' ')
        .filter_map(|word| word.parse().ok())
        .collect();
    let [captured, answered, dropped, ..] = frames[..] else { panic!("{said}") };
    assert_eq!(captured, answered + dropped, "{said}");
    for name in ["socket: ", "video: ", "page: "] {
        assert_eq!(numbers(&said, name).iter().sum::<u64>(), answered, "{said}");
    }
    let video = std::fs::read(workshop.0.join("seen.y4m")).unwrap();
    let frame_bytes = "FRAME\n".len() + 64 * 48 * 3 / 2;
    let header_bytes = video.iter().position(|&byte| byte == b'\n').unwrap() + 1;
    let written = numbers(&said, "video: ")[0] as usize;
    assert_eq!(video.len(), header_bytes + written * frame_bytes, "whole frames, as many as were sent");
}

#[test]
fn a_video_of_a_file_has_all_of_its_frames() {
    let workshop = Workshop::new("all");
    let scene = ["-i", "synthetic:3:64x48", "--frames", "30", "--video", "seen.mjpeg", "--pace", "10"];
    assert_eq!(workshop.output(&scene).0.matches("frame ").count(), 30);
    assert_eq!(workshop.output(&["-i", "seen.mjpeg", "--json"]).0.lines().count(), 30);
    let message = workshop.failure(&["-i", "seed:5", "--video", "seen.y4m"]);
    assert!(message.contains("leave") && message.contains("--video"), "{message}");
    let message = workshop.failure(&["-i", "synthetic:3", "--video", "seen.avi"]);
    assert!(message.contains("seen.avi") && message.contains("NAME.y4m"), "{message}");
}

#[test]
fn a_disk_that_is_full_leaves_whole_frames() {
    let workshop = Workshop::new("disk");
    let program = env!("CARGO_BIN_EXE_ocelli");
    // Files may have 20 blocks of 512 bytes, or of 1024 where the shell counts so: two frames and a part, or four.
    let script = format!(
        "trap '' XFSZ; ulimit -f 20; exec {program} run detector.ocelli -i synthetic:3:64x48 --video seen.y4m"
    );
    let output = Command::new("sh").args(["-c", &script]).current_dir(&workshop.0).output().unwrap();
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("seen.y4m: ") && said.contains("File too large"), "{said}");
    let video = std::fs::read(workshop.0.join("seen.y4m")).unwrap();
    let header_bytes = video.iter().position(|&byte| byte == b'\n').unwrap() + 1;
    let frames = (video.len() - header_bytes) / ("FRAME\n".len() + 64 * 48 * 3 / 2);
    assert!(frames >= 2 && video.len() == header_bytes + frames * (6 + 64 * 48 * 3 / 2), "{}", video.len());
}

#[test]
fn cameras_that_are_not_there_are_named() {
    let workshop = Workshop::new("none");
    for (camera, part) in [
        ("/dev/video250", "/dev/video250: "),
        ("v4l2:/dev/null", "captures no video"),
        ("pipe:exit 3", "exit status: 3 before the first frame"),
        ("http://127.0.0.1:1/stream", "http://127.0.0.1:1/stream: "),
    ] {
        for how in [&["--json"][..], &["--serve", "127.0.0.1:0"], &["--socket", "answers.sock"]] {
            let message = workshop.failure(&[&["-i", camera], how].concat());
            assert!(message.contains(part), "{camera} {how:?}: {message}");
        }
    }
    assert!(!workshop.0.join("answers.sock").exists());
}

#[test]
fn a_program_that_ends_or_gives_half_a_frame_is_started_again() {
    let workshop = Workshop::new("half");
    // Four frames of 32x32 in I420 and a half, then failure.
    let camera = "pipe:32x32:head -c 6912 /dev/zero; exit 5";
    let arguments = ["-i", camera, "--serve", "127.0.0.1:0", "--json", "--pace", "100"];
    let mut child = workshop.run(&arguments).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    while frame_of(&lines.next().unwrap().unwrap()) < 12 {}
    thread::spawn(move || lines.for_each(drop));
    let said = terminate(child);
    assert!(said.contains("the file ends within the frame, after 768 bytes"), "{said}");
    let summary = said.lines().find(|line| line.contains(" answered, ")).unwrap();
    let lost: u64 = summary.rsplit(' ').nth(1).unwrap().parse().unwrap();
    assert!(lost >= 3, "{summary}");
}

#[test]
fn a_corrupt_jpeg_in_the_middle_is_passed_over() {
    let workshop = Workshop::new("jpeg");
    workshop.output(&["-i", "synthetic:3:64x48", "--frames", "5", "--video", "whole.mjpeg"]);
    let mut stream = std::fs::read(workshop.0.join("whole.mjpeg")).unwrap();
    // The third picture's frame header says that its samples have 99 bits.
    let starts: Vec<usize> =
        stream.windows(2).enumerate().filter(|(_, pair)| *pair == [0xff, 0xc0]).map(|(at, _)| at).collect();
    assert_eq!(starts.len(), 5);
    stream[starts[2] + 4] = 99;
    std::fs::write(workshop.0.join("broken.mjpeg"), &stream).unwrap();
    let (told, said) =
        workshop.output(&["-i", "broken.mjpeg", "--socket", "answers.sock", "--json", "--pace", "50"]);
    assert!(said.contains("broken.mjpeg, frame 2: it cannot be decoded"), "{said}");
    assert!(said.contains("4 frames: ") && said.contains(" 1 spoilt"), "{said}");
    assert_eq!(told.lines().map(frame_of).next_back(), Some(3));
}

#[test]
fn outlets_that_cannot_be_are_refused_before_anything_runs() {
    let workshop = Workshop::new("refused");
    let message = |more: &[&str]| workshop.failure(&[&["-i", "synthetic:3"], more].concat());
    let unknown = message(&["--gpio", "17=nobody"]);
    assert!(
        unknown.contains("pin 17: the model knows no class `nobody`") && unknown.contains("help: it knows ")
    );
    // No test machine is a Raspberry Pi, and the program may be built without pins.
    let label = unknown.split("it knows ").nth(1).unwrap().trim().split(", ").next().unwrap();
    let pin = message(&["--gpio", &format!("17={label}")]);
    assert!(pin.contains("pin 17: ") || pin.contains("--features gpio"), "{pin}");
    let lonely = message(&["--mqtt-topic", "a", "--socket", "answers.sock"]);
    assert!(lonely.contains("mean nothing without --mqtt"), "{lonely}");
    let lonely = message(&["--gpio-hold", "2", "--socket", "answers.sock"]);
    assert!(lonely.contains("mean nothing without --gpio"), "{lonely}");
    let topic = message(&["--mqtt", "localhost", "--mqtt-topic", "a/#"]);
    assert!(topic.contains("localhost:1883: the topic"), "{topic}");
    std::fs::write(workshop.0.join("run.toml"), "socket = \"answers.sock\"\n").unwrap();
    let mixed = message(&["--config", "run.toml", "--frames", "2"]);
    assert!(mixed.contains("`--frames` and `--output`"), "{mixed}");
    std::fs::write(workshop.0.join("answers.sock"), "notes").unwrap();
    assert!(message(&["--socket", "answers.sock"]).contains("answers.sock: there is a file"));
}

#[test]
fn standard_output_that_is_full_is_said_once_and_the_page_goes_on() {
    let Ok(full) = std::fs::File::options().write(true).open("/dev/full") else { return };
    let workshop = Workshop::new("full");
    let arguments = ["-i", "-", "--socket", "answers.sock", "--json", "--pace", "100"];
    let mut child = workshop.run(&arguments).stdin(Stdio::piped()).stdout(full).spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    input.write_all(b"YUV4MPEG2 W32 H32 Cmono\n").unwrap();
    let frame = [b"FRAME\n".to_vec(), vec![90; 1024]].concat();
    let writing = thread::spawn(move || {
        // Until the other side has seen enough.
        (0..1000).for_each(|_| input.write_all(&frame).unwrap());
    });
    let mut lines = workshop.reader("answers.sock").lines();
    assert!(frame_of(&lines.nth(100).unwrap().unwrap()) >= 100);
    writing.join().unwrap();
    let said = text(&child.wait_with_output().unwrap().stderr);
    assert_eq!(said.matches("warning: standard output: writing: No space left").count(), 1, "{said}");
    let [sent, dropped, failed] = numbers(&said, "standard output: ")[..] else { panic!("{said}") };
    assert!(sent == 0 && dropped > 0 && failed > 0, "{said}");
}
