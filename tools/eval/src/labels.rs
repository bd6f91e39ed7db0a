//! Classes of a data set as classes of a model: by name, or by number where one of them has no names.

use crate::DataSet;

/// The labels of a data set as a model's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LabelMap {
    /// For each label of the set the model's class; `None` for labels that are left out.
    classes: Vec<Option<usize>>,
    /// The model's own labels.
    names: Vec<String>,
}

/// A label that the model lacks.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the model has no class {label:?}, which the data set has; it has {known}; name one with `--map {label}=CLASS`, or leave the label out with `--map {label}=`"
)]
pub struct LabelError {
    /// Of the data set.
    pub label: String,
    /// Of the model.
    pub known: String,
}

impl LabelMap {
    /// Maps the labels of `set` to those of a model; `given` are pairs of a set's label and a model's, or of
    /// a label and nothing, to leave it out. A model without labels is known by numbers.
    ///
    /// # Errors
    /// [`LabelError`] for the first label that the model lacks.
    pub fn new(
        set: &DataSet,
        model: &[String],
        classes: usize,
        given: &[(String, String)],
    ) -> Result<LabelMap, LabelError> {
        let known = || match model.is_empty() {
            true => format!("{classes} classes without names"),
            false => model.join(", "),
        };
        let numbers = set.labels.iter().all(|label| label.parse::<usize>().is_ok());
        let find = |wanted: &str| {
            let by_name = model.iter().position(|label| folded(label) == folded(wanted));
            let number = wanted.parse::<usize>().ok().filter(|&class| class < classes);
            by_name.or(number.filter(|_| model.is_empty() || numbers))
        };
        let class = |label: &String| {
            let wanted = match given.iter().find(|(from, _)| from == label) {
                Some((_, to)) if to.is_empty() => return Ok(None),
                Some((_, to)) => to,
                None => label,
            };
            find(wanted).map(Some).ok_or_else(|| LabelError { label: label.clone(), known: known() })
        };
        let classes = set.labels.iter().map(class).collect::<Result<_, _>>()?;
        Ok(LabelMap { classes, names: model.to_vec() })
    }

    /// The model's labels; none where it is known by numbers.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// The model's class for a class of the set.
    pub fn class(&self, class: usize) -> Option<usize> {
        self.classes.get(class).copied().flatten()
    }
}

/// Names are one whether they are written with spaces, dashes or capitals.
fn folded(name: &str) -> String {
    name.trim().to_lowercase().replace(['_', '-'], " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(set: &[&str], model: &[&str], given: &[(&str, &str)]) -> Result<Vec<Option<usize>>, LabelError> {
        let texts = |texts: &[&str]| texts.iter().map(ToString::to_string).collect::<Vec<_>>();
        let given: Vec<_> = given.iter().map(|(from, to)| (from.to_string(), to.to_string())).collect();
        let set = DataSet { labels: texts(set), samples: vec![] };
        LabelMap::new(&set, &texts(model), model.len().max(3), &given).map(|map| map.classes)
    }

    #[test]
    fn labels_meet_by_name_by_number_or_as_told() {
        assert_eq!(map(&["no_person", "Person"], &["no person", "person"], &[]), Ok(vec![Some(0), Some(1)]));
        assert_eq!(map(&["0", "2"], &["shirt", "shoe", "bag"], &[]), Ok(vec![Some(0), Some(2)]));
        assert_eq!(map(&["1"], &[], &[]), Ok(vec![Some(1)]));
        let given = [("cat", "animal"), ("sky", "")];
        assert_eq!(map(&["cat", "sky"], &["person", "animal"], &given), Ok(vec![Some(1), None]));
    }

    #[test]
    fn a_label_that_the_model_lacks_is_named() {
        let error = map(&["person", "zebra"], &["person", "cat"], &[]).unwrap_err().to_string();
        assert!(
            error.contains("\"zebra\"") && error.contains("person, cat") && error.contains("--map zebra=")
        );
        assert!(map(&["3"], &["a", "b", "c"], &[]).is_err());
    }
}
