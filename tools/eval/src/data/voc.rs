//! Pascal VOC: an XML file for each picture, its pixels counted from 1.

use std::collections::BTreeSet;
use std::path::Path;

use roxmltree::{Document, Node};

use super::{DataError, DataSet, Sample, TrueBox, Truth, entries, is_picture, label_index};

pub(super) fn read(path: &Path, split: Option<&str>) -> Result<DataSet, DataError> {
    let annotations = path.join("Annotations");
    let files = match split {
        None => entries(&annotations)?
            .into_iter()
            .filter(|file| file.extension().is_some_and(|extension| extension == "xml"))
            .collect(),
        Some(split) => {
            let list = path.join("ImageSets/Main").join(format!("{split}.txt"));
            let text = std::fs::read_to_string(&list).map_err(|error| DataError::in_file(&list, error))?;
            let names = text.lines().filter_map(|line| line.split_whitespace().next());
            let files = names.map(|name| annotations.join(format!("{name}.xml"))).collect::<Vec<_>>();
            if let Some(missing) = files.iter().find(|file| !file.is_file()) {
                let problem =
                    format!("it names a picture without labels: {} is not there", missing.display());
                return Err(DataError::in_file(&list, problem));
            }
            files
        }
    };
    let mut set = DataSet::default();
    for file in files {
        let text = std::fs::read_to_string(&file).map_err(|error| DataError::in_file(&file, error))?;
        let document = Document::parse(&text).map_err(|error| {
            DataError::at(format!("{}:{}", file.display(), error.pos()), format!("malformed XML: {error}"))
        })?;
        let root = document.root_element();
        let located = Located { file: &file, document: &document };
        let mut boxes = Vec::new();
        for object in root.children().filter(|node| node.has_tag_name("object")) {
            let bounds = located.child(object, "bndbox")?;
            let side = |name: &str| located.number(located.child(bounds, name)?);
            let [left, top, right, bottom] = [side("xmin")?, side("ymin")?, side("xmax")?, side("ymax")?];
            if right < left || bottom < top {
                return Err(located.error(bounds, "its edges are in the wrong order"));
            }
            let name = located.text(located.child(object, "name")?)?;
            let is_ignored = object
                .children()
                .any(|node| node.has_tag_name("difficult") && node.text().map(str::trim) == Some("1"));
            boxes.push(TrueBox {
                class: label_index(&mut set.labels, name),
                // From the first pixel, counted from 1, to the last one.
                bounds: [left - 1.0, top - 1.0, right, bottom],
                is_ignored,
                is_crowd: false,
            });
        }
        let name = located.text(located.child(root, "filename")?)?;
        let picture = picture_of(path, &file, name)
            .ok_or_else(|| DataError::in_file(&file, format!("its picture {name:?} is not in JPEGImages")))?;
        set.samples.push(Sample::of_file(picture, Truth::Boxes(boxes)));
    }
    if split.is_none() {
        refuse_unlabelled(path, &set)?;
    }
    Ok(set)
}

/// Finds pictures that no XML file speaks of: taken for empty ones, they would teach that nothing is there.
fn refuse_unlabelled(path: &Path, set: &DataSet) -> Result<(), DataError> {
    let labelled: BTreeSet<&Path> = set.samples.iter().filter_map(Sample::file).collect();
    let pictures = entries(&path.join("JPEGImages"))?;
    match pictures.iter().find(|file| is_picture(file) && !labelled.contains(file.as_path())) {
        None => Ok(()),
        Some(picture) => Err(DataError::in_file(
            picture,
            "no file of Annotations speaks of it; write one (without <object> where nothing is to be found), or name a list of ImageSets/Main as split",
        )),
    }
}

/// The picture by the name that the XML tells, or by that of the XML.
fn picture_of(path: &Path, xml: &Path, name: &str) -> Option<std::path::PathBuf> {
    let folder = path.join("JPEGImages");
    let stem = xml.file_stem()?.to_string_lossy();
    let others = ["jpg", "jpeg", "png", "bmp"].map(|extension| format!("{stem}.{extension}"));
    std::iter::once(name.to_owned()).chain(others).map(|name| folder.join(name)).find(|file| file.is_file())
}

/// A document whose errors tell line and column.
struct Located<'a> {
    file: &'a Path,
    document: &'a Document<'a>,
}

impl Located<'_> {
    fn error(&self, node: Node<'_, '_>, problem: impl std::fmt::Display) -> DataError {
        let position = self.document.text_pos_at(node.range().start);
        let place = format!("{}:{position}", self.file.display());
        DataError::at(place, format!("<{}>: {problem}", node.tag_name().name()))
    }

    fn child<'n, 'input>(&self, node: Node<'n, 'input>, name: &str) -> Result<Node<'n, 'input>, DataError> {
        let found = node.children().find(|child| child.has_tag_name(name));
        found.ok_or_else(|| self.error(node, format!("there is no <{name}> in it")))
    }

    fn text<'n>(&self, node: Node<'n, '_>) -> Result<&'n str, DataError> {
        node.text()
            .map(str::trim)
            .filter(|text| !text.is_empty())
            .ok_or_else(|| self.error(node, "it is empty"))
    }

    fn number(&self, node: Node<'_, '_>) -> Result<f32, DataError> {
        let text = self.text(node)?;
        match text.parse::<f32>() {
            Ok(number) if number.is_finite() => Ok(number),
            _ => Err(self.error(node, format!("{text:?} is no number"))),
        }
    }
}
