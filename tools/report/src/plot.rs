//! Columns over the layers of a run. All plots of a page share one horizontal axis, so that a column of one
//! stands above the same layer's in the next.

use std::fmt::Write;

use crate::text::{compact, escaped};

/// Width of a plot in its own units.
pub(crate) const WIDTH: f64 = 960.0;
/// Room for the numbers of the vertical axis.
pub(crate) const LEFT: f64 = 64.0;
const RIGHT: f64 = 6.0;
const TOP: f64 = 10.0;
/// Room for the numbers of the layers.
pub(crate) const BOTTOM: f64 = 20.0;
const HEIGHT: f64 = 130.0;

/// Lines nearer than this have one number.
const CROWDED: f64 = 12.0;

/// Layers numbered below a plot at most.
const MOST_NUMBERS: usize = 24;

/// Where a layer's column begins, and how wide it is, among `count`.
pub(crate) fn column(index: usize, count: usize) -> (f64, f64) {
    let width = (WIDTH - LEFT - RIGHT) / count.max(1) as f64;
    (LEFT + index as f64 * width, width)
}

/// Columns, one for each value; `None` leaves a gap. `names` are told where the pointer rests; `limit` is a
/// value to mark.
pub(crate) fn columns(names: &[String], values: &[Option<f64>], unit: &str, limit: Option<f64>) -> String {
    let highest = values.iter().flatten().copied().chain(limit).fold(0.0, f64::max);
    let lowest = values.iter().flatten().copied().fold(0.0, f64::min);
    let (top, low) = (ceiling(highest), -ceiling(-lowest));
    let span = if top > low { top - low } else { 1.0 };
    let height = |value: f64| TOP + (HEIGHT - TOP - BOTTOM) * (top - value) / span;
    let mut svg = open(HEIGHT);
    let lines = if low < 0.0 { [low, 0.0, top] } else { [0.0, top / 2.0, top] };
    for value in lines {
        let is_crowded = value < 0.0 && height(value) - height(0.0) < CROWDED;
        grid_line(&mut svg, height(value), if is_crowded { String::new() } else { compact(value) }.as_str());
    }
    for (index, (name, value)) in names.iter().zip(values).enumerate() {
        let Some(value) = value else { continue };
        let (x, width) = column(index, values.len());
        let (from, to) = (height(value.max(0.0)), height(value.min(0.0)));
        let class = if limit.is_some_and(|limit| *value > limit) { "bar over" } else { "bar" };
        let gap = (width * 0.12).min(3.0);
        let _ = write!(
            svg,
            "<rect class=\"{class}\" x=\"{:.1}\" y=\"{from:.1}\" width=\"{:.1}\" height=\"{:.1}\"><title>{} {}: {} {unit}</title></rect>",
            x + gap / 2.0,
            width - gap,
            (to - from).max(0.5),
            index + 1,
            escaped(name),
            compact(*value),
        );
    }
    if let Some(limit) = limit {
        let y = height(limit);
        let _ = write!(
            svg,
            "<line class=\"limit\" x1=\"{LEFT}\" x2=\"{}\" y1=\"{y:.1}\" y2=\"{y:.1}\"/>",
            WIDTH - RIGHT
        );
    }
    numbers(&mut svg, values.len(), HEIGHT);
    svg + "</svg>"
}

/// The beginning of a plot.
pub(crate) fn open(height: f64) -> String {
    format!("<svg viewBox=\"0 0 {WIDTH} {height}\" role=\"img\">")
}

/// A line across, with its number on the left.
pub(crate) fn grid_line(svg: &mut String, y: f64, text: &str) {
    let _ = write!(
        svg,
        "<line class=\"grid\" x1=\"{LEFT}\" x2=\"{}\" y1=\"{y:.1}\" y2=\"{y:.1}\"/><text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{text}</text>",
        WIDTH - RIGHT,
        LEFT - 6.0,
        y + 3.5
    );
}

/// The numbers of layers below a plot.
pub(crate) fn numbers(svg: &mut String, count: usize, height: f64) {
    let every = count.div_ceil(MOST_NUMBERS).max(1);
    for index in (0..count).step_by(every) {
        let (x, width) = column(index, count);
        let _ = write!(
            svg,
            "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>",
            x + width / 2.0,
            height - 5.0,
            index + 1
        );
    }
}

/// The next number of 1, 2, 2.5, 5 and 10 times a power of ten; 0 for 0.
fn ceiling(value: f64) -> f64 {
    if value <= 0.0 {
        return 0.0;
    }
    let power = 10f64.powf(value.log10().floor());
    let steps = [1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0];
    // A hair of slack, so that a number on a step stays on it.
    steps
        .into_iter()
        .map(|step| step * power)
        .find(|&step| value <= step * (1.0 + 1e-9))
        .unwrap_or(10.0 * power)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn axes_end_on_round_numbers() {
        for (value, end) in [(0.0, 0.0), (1.0, 1.0), (1.01, 1.5), (37.0, 40.0), (812_345.0, 1e6), (0.7, 0.8)]
        {
            assert!((ceiling(value) - end).abs() < 1e-9 * end.max(1.0), "{value}: {}", ceiling(value));
        }
    }

    #[test]
    fn every_value_has_its_column_and_gaps_have_none() {
        let names = ["a".to_owned(), "b<c".to_owned(), "d".to_owned()];
        let svg = columns(&names, &[Some(1.0), None, Some(4.0)], "dB", Some(3.0));
        assert_eq!(svg.matches("<rect").count(), 2);
        assert_eq!(svg.matches("bar over").count(), 1);
        assert!(svg.contains("3 d: 4 dB") && svg.contains("class=\"limit\""), "{svg}");
        let negative = columns(&names, &[Some(-2.0), Some(1.0), None], "dB", None);
        assert!(negative.contains(">-2</text>"), "{negative}");
        assert!(columns(&[], &[], "", None).ends_with("</svg>"));
    }
}
