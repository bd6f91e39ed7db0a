//! Artefacts in flash: bytes of a file, where the kernels can read them in place.

/// Puts its content on a multiple of 16 bytes, as artefacts need.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(16))]
pub struct Aligned<T>(pub T);

/// The bytes of an artefact's file as `&'static [u8]`, on a multiple of 16 bytes; the path is that of
/// [`include_bytes!`].
#[macro_export]
macro_rules! include_artefact {
    ($path:expr $(,)?) => {{
        static ARTEFACT: $crate::Aligned<[u8; include_bytes!($path).len()]> =
            $crate::Aligned(*include_bytes!($path));
        let bytes: &'static [u8] = &ARTEFACT.0;
        bytes
    }};
}

#[cfg(test)]
mod tests {
    #[test]
    fn included_bytes_are_aligned_and_whole() {
        static BYTES: &[u8] = include_artefact!("include.rs");
        assert!(BYTES.as_ptr().addr().is_multiple_of(16));
        assert_eq!(BYTES, include_bytes!("include.rs"));
    }
}
