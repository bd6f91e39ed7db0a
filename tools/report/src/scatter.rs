//! Points over a logarithmic axis, and the line of those that none before them beats: the Pareto picture.

use std::fmt::Write;

use crate::plot::{BOTTOM, LEFT, WIDTH, grid_line, open};
use crate::text::{compact, escaped};

const HEIGHT: f64 = 240.0;
const TOP: f64 = 14.0;
const RIGHT: f64 = 60.0;

/// Draws `(name, x, y)`; more is better upwards and to the left. The first point is the one that the page is about.
pub(crate) fn draw(points: &[(&str, f64, f64)], unit: &str) -> String {
    let mut svg = open(HEIGHT);
    let logs = points.iter().map(|point| point.1.max(1.0).log10());
    let (from, to) =
        logs.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), x| (low.min(x), high.max(x)));
    let (from, to) = if points.is_empty() { (0.0, 1.0) } else { (from - 0.1, to + 0.1) };
    let ys = points.iter().map(|point| point.2);
    let (low, high) = ys.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), y| (low.min(y), high.max(y)));
    let (low, high) = if points.is_empty() { (0.0, 1.0) } else { (low.floor() - 1.0, high.ceil()) };
    let x = |value: f64| LEFT + (WIDTH - LEFT - RIGHT) * (value.max(1.0).log10() - from) / (to - from);
    let y = |value: f64| TOP + (HEIGHT - TOP - BOTTOM) * (high - value) / (high - low);
    for value in [low, (low + high) / 2.0, high] {
        grid_line(&mut svg, y(value), &compact(value));
    }
    let mut order: Vec<usize> = (0..points.len()).collect();
    order.sort_by(|&a, &b| points[a].1.total_cmp(&points[b].1).then(points[b].2.total_cmp(&points[a].2)));
    let mut best = f64::NEG_INFINITY;
    let mut line = Vec::new();
    for &index in &order {
        if points[index].2 > best {
            best = points[index].2;
            line.push(format!("{:.1},{:.1}", x(points[index].1), y(points[index].2)));
        }
    }
    let _ = write!(svg, "<polyline class=\"front\" points=\"{}\"/>", line.join(" "));
    for (index, (name, across, up)) in points.iter().enumerate() {
        let class = if index == 0 { "point own" } else { "point" };
        let _ = write!(
            svg,
            "<circle class=\"{class}\" cx=\"{:.1}\" cy=\"{:.1}\" r=\"4\"><title>{}: {up:.2} %, {} {unit}</title></circle><text x=\"{:.1}\" y=\"{:.1}\">{}</text>",
            x(*across),
            y(*up),
            escaped(name),
            compact(*across),
            x(*across) + 7.0,
            y(*up) + 3.5,
            escaped(name)
        );
    }
    svg + "</svg>"
}
