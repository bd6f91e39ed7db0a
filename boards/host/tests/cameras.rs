//! Every camera on real files, made here.

use std::fs;
use std::io::Cursor;
use std::path::{Path, PathBuf};

use image::{DynamicImage, GrayImage, ImageFormat, Luma, Rgb, RgbImage, RgbaImage};
use ocelli_core::{Camera, Loan, PixelFormat};
use ocelli_host::{CaptureError, HostCamera, OpenError, PictureError, open};

/// A folder that is gone when the test is over.
struct Folder(PathBuf);

impl Folder {
    fn new(test: &str) -> Folder {
        let path = std::env::temp_dir().join(format!("ocelli-host-{}-{test}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Folder(path)
    }

    fn write(&self, name: &str, bytes: &[u8]) -> String {
        let path = self.0.join(name);
        fs::write(&path, bytes).unwrap();
        path.display().to_string()
    }

    fn name(&self) -> String {
        self.0.display().to_string()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn encode(image: impl Into<DynamicImage>, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    image.into().write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

fn colours(width: u32, height: u32) -> RgbImage {
    RgbImage::from_fn(width, height, |x, y| Rgb([x as u8 * 15, y as u8 * 30, 90]))
}

/// Size, format and bytes of every frame to the end.
fn frames(camera: &mut HostCamera) -> Vec<(usize, usize, PixelFormat, Vec<u8>)> {
    let mut frames = Vec::new();
    loop {
        match camera.read_frame() {
            Ok(loan) => {
                let frame = loan.frame();
                frames.push((frame.width(), frame.height(), frame.format(), frame.bytes().to_vec()));
            }
            Err(nb::Error::Other(CaptureError::End)) => return frames,
            Err(error) => panic!("{error:?}"),
        }
    }
}

fn capture_error(camera: &mut HostCamera) -> CaptureError {
    match camera.read_frame() {
        Err(nb::Error::Other(error)) => error,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_picture_of_any_format_is_one_frame() {
    let folder = Folder::new("picture");
    for (name, format) in
        [("a.png", ImageFormat::Png), ("a.bmp", ImageFormat::Bmp), ("misnamed.jpg", ImageFormat::Pnm)]
    {
        let source = folder.write(name, &encode(colours(5, 3), format));
        let mut camera = open(&source).unwrap();
        assert!(matches!(camera, HostCamera::Image(_)));
        let expected = (5, 3, PixelFormat::Rgb888, colours(5, 3).into_raw());
        assert_eq!(frames(&mut camera), [expected], "{name}");
    }
}

#[test]
fn gray_and_transparent_pictures_become_what_frames_know() {
    let folder = Folder::new("kinds");
    let gray = GrayImage::from_fn(4, 2, |x, y| Luma([(x * 50 + y) as u8]));
    let source = folder.write("gray.png", &encode(gray.clone(), ImageFormat::Png));
    assert_eq!(frames(&mut open(&source).unwrap()), [(4, 2, PixelFormat::Gray8, gray.into_raw())]);
    let clear = RgbaImage::from_pixel(2, 1, image::Rgba([1, 2, 3, 0]));
    let source = folder.write("clear.png", &encode(clear, ImageFormat::Png));
    let expected = (2, 1, PixelFormat::Rgb888, vec![1, 2, 3, 1, 2, 3]);
    assert_eq!(frames(&mut open(&source).unwrap()), [expected]);
}

#[test]
fn a_jpeg_is_close_to_what_was_encoded() {
    let folder = Folder::new("jpeg");
    let even = RgbImage::from_pixel(16, 16, Rgb([200, 100, 50]));
    let source = folder.write("even.JPG", &encode(even, ImageFormat::Jpeg));
    let mut camera = open(&source).unwrap();
    assert!(matches!(camera, HostCamera::Image(_)));
    let [(16, 16, PixelFormat::Rgb888, bytes)] = &frames(&mut camera)[..] else { panic!("{camera:?}") };
    for pixel in bytes.chunks(3) {
        for (found, wanted) in pixel.iter().zip([200i16, 100, 50]) {
            assert!((i16::from(*found) - wanted).abs() <= 4, "{pixel:?}");
        }
    }
}

#[test]
fn a_folder_is_its_pictures_by_name() {
    let folder = Folder::new("folder");
    folder.write("b.png", &encode(colours(2, 2), ImageFormat::Png));
    folder.write("a.bmp", &encode(colours(3, 1), ImageFormat::Bmp));
    folder.write("c", &encode(colours(1, 4), ImageFormat::Pnm));
    folder.write("notes.txt", b"no picture");
    folder.write("empty.png", b"");
    fs::create_dir(folder.0.join("aa.png")).unwrap();
    let mut camera = open(&folder.name()).unwrap();
    let HostCamera::Folder(pictures) = &camera else { panic!("{camera:?}") };
    let names: Vec<_> = pictures.paths().iter().map(|path| path.file_name().unwrap()).collect();
    assert_eq!(names, ["a.bmp", "b.png", "c"]);
    assert_eq!(pictures.current_path(), None);
    let sizes: Vec<_> = frames(&mut camera).iter().map(|frame| (frame.0, frame.1)).collect();
    assert_eq!(sizes, [(3, 1), (2, 2), (1, 4)]);
    let HostCamera::Folder(pictures) = &camera else { panic!("{camera:?}") };
    assert_eq!(pictures.current_path().and_then(Path::file_name).unwrap(), "c");
}

#[test]
fn a_broken_picture_of_a_folder_is_named_and_passed() {
    let folder = Folder::new("broken");
    let whole = encode(colours(8, 8), ImageFormat::Png);
    folder.write("1.png", &whole[..40]);
    folder.write("2.png", &whole);
    let mut camera = open(&folder.name()).unwrap();
    let error = capture_error(&mut camera);
    assert!(
        matches!(&error, CaptureError::Picture { name, frame: 0, .. } if name.ends_with("1.png")),
        "{error}"
    );
    assert_eq!(frames(&mut camera).len(), 1);
}

#[test]
fn folders_and_files_without_pictures_say_so() {
    let folder = Folder::new("nothing");
    let error = open(&folder.name()).unwrap_err();
    assert!(matches!(error, OpenError::EmptyFolder { files: 0, .. }), "{error}");
    let text = folder.write("face.png", b"this is text");
    let error = open(&folder.name()).unwrap_err();
    assert!(matches!(error, OpenError::EmptyFolder { files: 1, .. }), "{error}");
    let error = open(&text).unwrap_err();
    assert!(matches!(error, OpenError::Unknown { .. }));
    let message = error.to_string();
    assert!(message.contains("face.png") && message.contains("PNG, JPEG, BMP"), "{message}");
    let error = open(&folder.write("zero.png", b"")).unwrap_err();
    assert!(matches!(error, OpenError::Empty { .. }), "{error}");
    let error = open(&folder.0.join("missing.png").display().to_string()).unwrap_err();
    assert!(error.to_string().contains("missing.png"), "{error}");
    let cut = folder.write("cut.png", &encode(colours(8, 8), ImageFormat::Png)[..60]);
    let error = open(&cut).unwrap_err();
    assert!(matches!(error, OpenError::Picture { source: PictureError::Decode(_), .. }), "{error}");
}

#[test]
fn a_y4m_file_is_told_by_its_content() {
    let folder = Folder::new("y4m");
    let source = folder.write("video", b"YUV4MPEG2 W2 H1 F30:1 Cmono\nFRAME\n\x01\x02FRAME\n\x03\x04");
    let mut camera = open(&source).unwrap();
    assert!(matches!(camera, HostCamera::Y4m(_)));
    let expected = [(2, 1, PixelFormat::Gray8, vec![1, 2]), (2, 1, PixelFormat::Gray8, vec![3, 4])];
    assert_eq!(frames(&mut camera), expected);
    let error = open(&folder.write("wide", b"YUV4MPEG2 W2 H1 C444\nFRAME\n")).unwrap_err();
    assert!(matches!(error, OpenError::Y4m { .. }), "{error}");
}

#[test]
fn an_mjpeg_stream_is_cut_into_frames() {
    let folder = Folder::new("mjpeg");
    let jpeg = |value: u8| encode(GrayImage::from_pixel(8, 16, Luma([value])), ImageFormat::Jpeg);
    let source = folder.write("stream", &[jpeg(10), b"--boundary\r\n".to_vec(), jpeg(200)].concat());
    let mut camera = open(&source).unwrap();
    assert!(matches!(camera, HostCamera::Mjpeg(_)));
    let found = frames(&mut camera);
    for ((width, height, format, bytes), value) in found.iter().zip([10u8, 200]) {
        assert_eq!((*width, *height, *format), (8, 16, PixelFormat::Gray8));
        assert!(bytes.iter().all(|&byte| byte.abs_diff(value) <= 2), "{bytes:?}");
    }
    assert_eq!(found.len(), 2);
}

#[test]
fn a_frame_of_another_size_is_refused() {
    let folder = Folder::new("size");
    let jpeg = |side: u32| encode(colours(side, 8), ImageFormat::Jpeg);
    let source = folder.write("stream.mjpeg", &[jpeg(8), jpeg(16), jpeg(8), jpeg(8)[..99].to_vec()].concat());
    let mut camera = open(&source).unwrap();
    camera.read_frame().unwrap();
    let message = capture_error(&mut camera).to_string();
    assert!(message.ends_with("stream.mjpeg, frame 1: it has 16x8 pixels, the first had 8x8"), "{message}");
    camera.read_frame().unwrap();
    let error = capture_error(&mut camera);
    assert!(matches!(error, CaptureError::Truncated { frame: 3, available_bytes: 99, .. }), "{error}");
    assert!(matches!(capture_error(&mut camera), CaptureError::End));
}

#[test]
fn a_synthetic_scene_has_frames_and_truth() {
    let mut camera = open("synthetic:7:64x48").unwrap();
    let frame = camera.read_frame().unwrap();
    assert_eq!((frame.width(), frame.height(), frame.format()), (64, 48, PixelFormat::Rgb888));
    let HostCamera::Synthetic(scene) = &camera else { panic!("{camera:?}") };
    assert!(scene.truth().count() >= 3);
    assert_eq!(open("synthetic:7").unwrap().read_frame().unwrap().width(), 320);
    for source in ["synthetic:", "synthetic:x", "synthetic:1:8x8", "synthetic:1:9000x64", "synthetic:1:64"] {
        let error = open(source).unwrap_err();
        assert!(error.to_string().starts_with(&format!("`{source}` is not")), "{error}");
    }
}

#[test]
fn a_program_s_frames_come_through_a_pipe() {
    let y4m = r"printf 'YUV4MPEG2 W2 H2 Cmono\nFRAME\nabcdFRAME\nefgh'";
    let seen = frames(&mut open(&format!("pipe:{y4m}")).unwrap());
    let gray = |bytes: &[u8]| (2, 2, PixelFormat::Gray8, bytes.to_vec());
    assert_eq!(seen, [gray(b"abcd"), gray(b"efgh")]);
    let raw = frames(&mut open("pipe:2x2:printf abcdefghijkl").unwrap());
    let i420 = |bytes: &[u8]| (2, 2, PixelFormat::I420, bytes.to_vec());
    assert_eq!(raw, [i420(b"abcdef"), i420(b"ghijkl")]);
    let yuyv = frames(&mut open("pipe:2x2:yuyv422:printf abcdefgh").unwrap());
    assert_eq!(yuyv, [(2, 2, PixelFormat::Yuyv, b"abcdefgh".to_vec())]);
    // A command may have colons of its own.
    let raw = frames(&mut open("pipe:2x2:printf ab:def").unwrap());
    assert_eq!(raw, [i420(b"ab:def")]);

    let message = |name: &str| open(name).unwrap_err().to_string();
    assert_eq!(message("pipe:exit 3"), "`exit 3`: it ended with exit status: 3 before the first frame");
    assert!(message("pipe:echo nonsense").contains("nothing that can be read as a camera"));
    let mut half = open("pipe:2x2:printf abcdefghi; exit 4").unwrap();
    half.read_frame().unwrap();
    let Err(nb::Error::Other(error)) = half.read_frame() else { panic!("half a frame") };
    assert!(error.to_string().ends_with("the file ends within the frame, after 3 bytes"), "{error}");
    let Err(nb::Error::Other(error)) = half.read_frame() else { panic!("the end") };
    assert_eq!(error.to_string(), "`printf abcdefghi; exit 4` ended with exit status: 4");
}

#[test]
fn a_program_ends_with_its_camera() {
    let folder = Folder::new("pipe-end");
    let place = folder.0.join("pid").display().to_string();
    let mut camera = open(&format!("pipe:2x2:echo $$ > {place}; yes")).unwrap();
    camera.read_frame().unwrap();
    let pid = fs::read_to_string(&place).unwrap();
    let process = Path::new("/proc").join(pid.trim());
    assert!(process.exists());
    drop(camera);
    assert!(!process.exists());
}

#[test]
fn a_camera_on_the_network_sends_jpegs() {
    use std::io::{Read, Write};
    let server = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = server.local_addr().unwrap();
    let jpeg = encode(colours(8, 6), ImageFormat::Jpeg);
    let serve = std::thread::spawn(move || {
        let answer = |body: &[&[u8]]| {
            let (mut stream, _) = server.accept().unwrap();
            let mut request = [0; 1024];
            let bytes = stream.read(&mut request).unwrap();
            assert!(request[..bytes].starts_with(b"GET /stream?x=1 HTTP/1.0\r\nHost: 127.0.0.1:"));
            body.iter().for_each(|part| stream.write_all(part).unwrap());
        };
        let part = b"--x\r\nContent-Type: image/jpeg\r\n\r\n";
        let head = b"HTTP/1.0 200 OK\r\nContent-Type: multipart/x-mixed-replace; boundary=x\r\n\r\n";
        answer(&[head, part, &jpeg, part, &jpeg]);
        answer(&[b"HTTP/1.0 401 Unauthorized\r\n\r\n"]);
    });
    let url = format!("http://{address}/stream?x=1");
    let seen = frames(&mut open(&url).unwrap());
    assert_eq!(seen.iter().map(|frame| (frame.0, frame.1)).collect::<Vec<_>>(), [(8, 6), (8, 6)]);
    let message = open(&url).unwrap_err().to_string();
    assert_eq!(message, format!("{url}: it answers `HTTP/1.0 401 Unauthorized`, not a stream"));
    serve.join().unwrap();
    assert!(open(&url).is_err(), "nobody is there any more");
}
