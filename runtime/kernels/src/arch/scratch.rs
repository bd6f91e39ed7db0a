//! Bytes of scratch, the most that any backend needs: a plan made on one machine serves every core.
//!
//! A backend that finds less, or scratch that does not start on a word, runs the reference instead.

/// Pixels that a convolution computes at a time.
pub(crate) const PIXELS: usize = 4;

/// Elements that are widened at a time.
pub(crate) const QUAD: usize = 4;

/// Words of the widened windows of [`PIXELS`] pixels, with `products` elements each.
pub(crate) const fn window_words(products: usize) -> usize {
    products.div_ceil(QUAD).saturating_mul(2 * PIXELS)
}

/// Bytes for the windows, and for one window as it was where its pixels do not fill whole quads.
pub(crate) const fn conv_2d_bytes(taps: usize, channels: usize) -> usize {
    let products = taps.saturating_mul(channels);
    let window = if channels.is_multiple_of(QUAD) { 0 } else { products.div_ceil(QUAD).saturating_mul(QUAD) };
    window_words(products).saturating_mul(4).saturating_add(window)
}

/// Words of four channels: four biases, four times three numbers of the way to int8, and two for each tap.
pub(crate) const fn four_channels_words(taps: usize) -> usize {
    taps.saturating_mul(2).saturating_add(4 * QUAD)
}

/// Bytes for all channels.
pub(crate) const fn depthwise_conv_2d_bytes(taps: usize, output_channels: usize) -> usize {
    four_channels_words(taps).saturating_mul(4).saturating_mul(output_channels.div_ceil(QUAD))
}

/// Words of a widened vector.
pub(crate) const fn vector_words(depth: usize) -> usize {
    depth.div_ceil(QUAD).saturating_mul(2)
}

/// Bytes for one widened vector.
pub(crate) const fn fully_connected_bytes(depth: usize) -> usize {
    vector_words(depth).saturating_mul(4)
}
