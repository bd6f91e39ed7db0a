//! The page holds what it was told, fetches nothing, and keeps hostile names out of its markup.

use super::*;

fn page() -> Page {
    let layer = |index: u32| Layer {
        name: format!("layer <{index}>"),
        operator: "Conv2d".into(),
        shape: "1 x 8 x 8 x 4".into(),
        step: Some(index),
        macs: 2000 * u64::from(index + 1),
        weight_bytes: 40,
        activation_bytes: 256,
        instructions: Some(3000),
        instructions_per_mac: Some(1.5),
        sqnr_db: Some(31.0),
        own_over_rounding: Some(f64::from(index) * 4.0),
        ..Layer::default()
    };
    Page {
        title: "a & b".into(),
        facts: vec![("arena".into(), "512 bytes".into())],
        layers: (0..3).map(layer).collect(),
        arena_bytes: 512,
        blocks: vec![Block { name: "t".into(), bytes: 256, last: 1, ..Block::default() }],
        machine: Some("mps2-an386".into()),
        noise: Some("net.tflite".into()),
        noise_limit: 3.0,
        provenance: vec![("licence".into(), "MIT".into())],
        ..Page::default()
    }
}

#[test]
fn every_section_is_there_and_nothing_is_fetched() {
    let html = render(&page());
    for heading in
        ["Work", "Time", "Weights", "Results", "Noise", "Noise of each layer alone", "Memory", "Layers"]
    {
        assert!(html.contains(&format!("<h2>{heading}</h2>")), "{heading}");
    }
    for outside in ["http:", "https:", "<script", "<link", "<img", "@import", "src="] {
        assert!(!html.contains(outside), "{outside}");
    }
    assert!(html.contains("9,000 instructions on mps2-an386") && html.contains("prefers-color-scheme: dark"));
    assert!(html.contains("<title>a &amp; b - Ocelli</title>"));
    assert!(!html.contains("layer <1>") && html.contains("layer &lt;1&gt;"));
}

#[test]
fn what_was_not_measured_is_left_out() {
    let mut page = page();
    (page.machine, page.noise) = (None, None);
    page.layers.iter_mut().for_each(|layer| (layer.instructions, layer.sqnr_db) = (None, None));
    let html = render(&page);
    assert!(!html.contains("<h2>Time</h2>") && !html.contains("<h2>Noise"), "{html}");
    assert!(!html.contains("per MAC") && !html.contains("SQNR"));
}

#[test]
fn a_fault_stands_on_top() {
    let mut page = page();
    page.layers[1].fault = Some("weight 5 is 12".into());
    let html = render(&page);
    let (fault, first_plot) =
        (html.find("is the first layer that parts").unwrap(), html.find("<h2>").unwrap());
    assert!(fault < first_plot && html.contains("<tr class=\"fault\">"));
}
