//! Cameras made of files, folders, streams and synthetic scenes.
