//! Bytes of scratch, the most that any backend needs: a plan made on one machine serves every core.
//!
//! A backend that finds less, or scratch that does not start on a word, runs the reference instead.

/// Pixels that a convolution computes at a time.
pub(crate) const PIXELS: usize = 4;

/// Output channels whose weights share halfwords.
pub(crate) const PAIR: usize = 2;

/// Elements that are widened at a time.
pub(crate) const QUAD: usize = 4;

/// Words of the widened windows of [`PIXELS`] pixels, with `products` elements each.
pub(crate) const fn window_words(products: usize) -> usize {
    products.div_ceil(QUAD).saturating_mul(2 * PIXELS)
}

/// Bytes for the windows, and for one window as it was where its pixels do not fill whole quads; or for a bias of
/// each output channel, and for three windows as they are where the filter slides.
pub(crate) const fn conv_2d_bytes(
    taps: usize,
    channels: usize,
    output_channels: usize,
    slides: bool,
) -> usize {
    let products = taps.saturating_mul(channels);
    let window = if channels.is_multiple_of(QUAD) { 0 } else { products.div_ceil(QUAD).saturating_mul(QUAD) };
    let widened = window_words(products).saturating_mul(4).saturating_add(window);
    let windows = if slides { products.saturating_mul(3) } else { 0 };
    larger(widened, biases_bytes(output_channels).saturating_add(windows))
}

/// Words of two output channels: two biases, and twice three numbers of the way to int8.
pub(crate) const PAIR_WORDS: usize = 8;

/// Bytes for all pairs of output channels.
pub(crate) const fn pairs_bytes(output_channels: usize) -> usize {
    output_channels.div_ceil(PAIR).saturating_mul(4 * PAIR_WORDS)
}

/// Bytes for a bias of each output channel.
pub(crate) const fn biases_bytes(output_channels: usize) -> usize {
    output_channels.saturating_mul(4)
}

/// Words of four channels: four biases, four times three numbers of the way to int8, and two for each tap.
pub(crate) const fn four_channels_words(taps: usize) -> usize {
    taps.saturating_mul(2).saturating_add(4 * QUAD)
}

/// Words of four channels in lanes: four biases, multipliers and shifts, and one for each tap.
pub(crate) const fn four_lanes_words(taps: usize) -> usize {
    taps.saturating_add(3 * QUAD)
}

/// Bytes for all channels in lanes.
pub(crate) const fn four_lanes_bytes(taps: usize, output_channels: usize) -> usize {
    four_lanes_words(taps).saturating_mul(4).saturating_mul(output_channels.div_ceil(QUAD))
}

/// Bytes for all channels; in lanes, with a pixel outside the image.
pub(crate) const fn depthwise_conv_2d_bytes(taps: usize, channels: usize, output_channels: usize) -> usize {
    let widened = four_channels_words(taps).saturating_mul(4).saturating_mul(output_channels.div_ceil(QUAD));
    larger(widened, four_lanes_bytes(taps, output_channels).saturating_add(channels))
}

/// Rows and columns of the windows for which rows are kept as lines.
pub(crate) const LINES: usize = 3;

/// Words of one channel: its weights in twos, its bias, three numbers of the way to int8.
pub(crate) const CHANNEL_WORDS: usize = 2 * LINES + 4;

/// Words of a channel in a line, two elements in each, for windows `stride` apart that are computed in twos.
pub(crate) const fn line_pairs(width: usize, stride: usize) -> usize {
    width.div_ceil(2).saturating_mul(stride).saturating_add(1)
}

/// Bytes for all channels, and for the lines that one row of windows sees.
pub(crate) const fn three_rows_bytes(width: usize, stride: usize, channels: usize) -> usize {
    let words = line_pairs(width, stride).saturating_mul(LINES).saturating_add(CHANNEL_WORDS);
    words.saturating_mul(channels).saturating_mul(4)
}

/// Words of a widened vector.
pub(crate) const fn vector_words(depth: usize) -> usize {
    depth.div_ceil(QUAD).saturating_mul(2)
}

/// Bytes for one widened vector.
pub(crate) const fn fully_connected_bytes(depth: usize) -> usize {
    vector_words(depth).saturating_mul(4)
}

const fn larger(a: usize, b: usize) -> usize {
    if a > b { a } else { b }
}
