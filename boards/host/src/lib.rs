//! Cameras for a computer: the capture stage out of files, folders, streams, other programs, the network and
//! synthetic scenes; and model slots in a folder.
//!
//! [`open`] looks at the content, not at the name, and gives a [`HostCamera`]; each kind of camera
//! can also be opened by itself. A camera yields every frame once and then [`CaptureError::End`];
//! only a synthetic scene has no end. Nothing is lost: a frame waits until it is read.
//!
//! Pictures are decoded to RGB888, or to Gray8 where they are gray. Transparency is dropped, and an
//! orientation in EXIF data is not applied.
#![forbid(unsafe_code)]

mod error;

mod picture;

mod image_camera;

mod folder_camera;

mod y4m_camera;

mod jpeg_stream;

mod mjpeg_camera;

mod raw_camera;

mod pipe_camera;

mod url_camera;

mod scene;

mod synthetic_camera;

mod open;

pub mod model_folder;

pub use error::{CaptureError, OpenError, PictureError, SUPPORTED, Y4mError};
pub use folder_camera::FolderCamera;
pub use image_camera::ImageCamera;
pub use mjpeg_camera::MjpegCamera;
pub use model_folder::ModelFolder;
pub use open::{HostCamera, open};
pub use picture::Picture;
pub use pipe_camera::PipeCamera;
pub use raw_camera::RawCamera;
pub use scene::{Figure, Scene, Truth};
pub use synthetic_camera::{SyntheticCamera, parse_size};
pub use y4m_camera::Y4mCamera;
