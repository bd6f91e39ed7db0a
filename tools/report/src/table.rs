//! Everything that is known of every layer, by the numbers that stand below the plots.

use std::fmt::Write;

use crate::page::Layer;
use crate::text::{escaped, thousands};

/// Columns that are only there when somebody measured.
struct Measured {
    instructions: bool,
    noise: bool,
}

/// The table of all layers.
pub(crate) fn draw(layers: &[Layer]) -> String {
    let measured = Measured {
        instructions: layers.iter().any(|layer| layer.instructions.is_some()),
        noise: layers.iter().any(|layer| layer.sqnr_db.is_some()),
    };
    let mut html = "<table><thead><tr><th>#</th><th class=\"l\">layer</th><th class=\"l\">operator</th>\
                    <th class=\"l\">output</th><th>MACs</th><th>weights</th><th>result</th><th>scratch</th>"
        .to_owned();
    if measured.instructions {
        html.push_str("<th>instructions</th><th>per MAC</th>");
    }
    if measured.noise {
        html.push_str("<th>SQNR, dB</th><th>own error, steps</th>");
    }
    html.push_str("<th class=\"l\">plan</th></tr></thead><tbody>");
    for (index, layer) in layers.iter().enumerate() {
        let fault = if layer.fault.is_some() { " class=\"fault\"" } else { "" };
        let _ = write!(
            html,
            "<tr{fault}><td>{}</td><td class=\"l name\">{}</td><td class=\"l\">{}</td><td class=\"l\">{}</td>",
            index + 1,
            escaped(&layer.name).replace(';', ";<wbr>").replace('/', "/<wbr>"),
            escaped(&layer.operator),
            escaped(&layer.shape)
        );
        for count in [layer.macs, layer.weight_bytes, layer.activation_bytes, layer.scratch_bytes] {
            let _ = write!(html, "<td>{}</td>", thousands(count));
        }
        let number = |value: Option<f64>| value.map_or_else(String::new, |value| format!("{value:.2}"));
        if measured.instructions {
            let count = layer.instructions.map_or_else(String::new, thousands);
            let _ = write!(html, "<td>{count}</td><td>{}</td>", number(layer.instructions_per_mac));
        }
        if measured.noise {
            let _ =
                write!(html, "<td>{}</td><td>{}</td>", number(layer.sqnr_db), number(layer.own_error_steps));
        }
        let _ = write!(html, "<td class=\"l\">{}</td></tr>", escaped(&layer.plan));
    }
    html + "</tbody></table>"
}
