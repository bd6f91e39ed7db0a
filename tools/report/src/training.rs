//! A page about a training run: loss and right answers over the epochs, and how it stands among other runs, accuracy
//! against bytes and against work.

use crate::page::{head, section};
use crate::{plot, scatter};

/// What a page about a run tells.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Training {
    /// Name of the recipe.
    pub title: String,
    /// What it is, in a line.
    pub subtitle: String,
    /// Numbers for the whole run: what, and how much.
    pub facts: Vec<(String, String)>,
    /// What accuracy is of it, for headings: `right answers`, `mAP@50`.
    pub measure: String,
    /// In order.
    pub epochs: Vec<Epoch>,
    /// This run and others, this one first.
    pub candidates: Vec<Candidate>,
}

/// An epoch.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Epoch {
    /// Name of its stage.
    pub stage: String,
    /// Mean loss.
    pub loss: f64,
    /// What is missing of the measure on the validation part, in percent.
    pub wrong_percent: f64,
    /// Weights that are not 0.
    pub weights: u64,
}

/// An artefact among others.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Candidate {
    /// Its name.
    pub name: String,
    /// Bytes of its file.
    pub bytes: f64,
    /// Multiply-accumulates of an inference.
    pub macs: f64,
    /// The measure on the validation part, in percent.
    pub right_percent: f64,
}

/// The page as one HTML file.
pub fn render(training: &Training) -> String {
    let mut html = head(&training.title, &training.subtitle, &training.facts);
    let names: Vec<String> = training.epochs.iter().map(|epoch| format!("{} (epoch)", epoch.stage)).collect();
    let of =
        |value: fn(&Epoch) -> f64| training.epochs.iter().map(|epoch| Some(value(epoch))).collect::<Vec<_>>();
    let missing = format!("What is missing of {}", training.measure);
    for (heading, note, values, unit) in [
        ("Loss", "Mean over each epoch, one column an epoch.", of(|epoch| epoch.loss), ""),
        (&*missing, "On the validation part, in percent.", of(|epoch| epoch.wrong_percent), "%"),
        ("Weights", "That are not 0.", of(|epoch| epoch.weights as f64), "weights"),
    ] {
        section(&mut html, heading, note, &plot::columns(&names, &values, unit, None));
    }
    let points = |x: fn(&Candidate) -> f64| {
        training
            .candidates
            .iter()
            .map(|each| (each.name.as_str(), x(each), each.right_percent))
            .collect::<Vec<_>>()
    };
    section(
        &mut html,
        "Accuracy against bytes",
        &format!(
            "Of the whole artefact; the line joins those that nothing smaller beats. Accuracy: {} on the validation part, in percent.",
            training.measure
        ),
        &scatter::draw(&points(|each| each.bytes), "bytes"),
    );
    section(
        &mut html,
        "Accuracy against work",
        "Multiply-accumulates of the dense network; `ocelli inspect --on` counts instructions.",
        &scatter::draw(&points(|each| each.macs), "MACs"),
    );
    html.push_str("<p>Other runs are those in the folders beside this one's.</p>");
    html + "</main></body></html>\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_epoch_and_every_run_is_drawn() {
        let epoch = |loss| Epoch { stage: "a<b".into(), loss, wrong_percent: 9.0, weights: 7 };
        let candidate = |name: &str, bytes, right_percent| Candidate {
            name: name.into(),
            bytes,
            macs: 1e6,
            right_percent,
        };
        let page = render(&Training {
            title: "net & co".into(),
            epochs: vec![epoch(1.0), epoch(0.5)],
            candidates: vec![
                candidate("small", 1e3, 80.0),
                candidate("large", 1e5, 90.0),
                candidate("poor", 2e5, 70.0),
            ],
            ..Training::default()
        });
        assert!(page.contains("net &amp; co") && !page.contains("a<b"));
        assert_eq!(page.matches("<rect class=\"bar").count(), 6);
        assert_eq!(page.matches("<circle").count(), 6);
        assert!(page.ends_with("</html>\n"));
    }
}
