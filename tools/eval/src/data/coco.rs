//! COCO: one JSON file with pictures, categories and boxes of left, top, width, height.

use std::collections::HashMap;
use std::path::Path;

use serde::Deserialize;

use super::{DataError, DataSet, Sample, TrueBox, Truth};

#[derive(Deserialize)]
struct File {
    images: Vec<Image>,
    annotations: Vec<Annotation>,
    categories: Vec<Category>,
}

#[derive(Deserialize)]
struct Image {
    id: u64,
    file_name: String,
}

#[derive(Deserialize)]
struct Annotation {
    image_id: u64,
    category_id: u64,
    bbox: [f32; 4],
    #[serde(default)]
    iscrowd: u8,
}

#[derive(Deserialize)]
struct Category {
    id: u64,
    name: String,
}

pub(super) fn read(path: &Path, images: Option<&Path>) -> Result<DataSet, DataError> {
    let bytes = std::fs::read(path).map_err(|error| DataError::in_file(path, error))?;
    let file: File = serde_json::from_slice(&bytes).map_err(|error| {
        let place = format!("{}:{}:{}", path.display(), error.line(), error.column());
        DataError::at(place, format!("no COCO file: {error}"))
    })?;
    let folder = images.map_or_else(|| path.parent().unwrap_or(Path::new("")).to_owned(), Path::to_owned);
    let classes: HashMap<u64, usize> =
        file.categories.iter().enumerate().map(|(class, category)| (category.id, class)).collect();
    let places: HashMap<u64, usize> =
        file.images.iter().enumerate().map(|(place, image)| (image.id, place)).collect();
    let mut boxes: Vec<Vec<TrueBox>> = vec![Vec::new(); file.images.len()];
    for (index, annotation) in file.annotations.iter().enumerate() {
        let wrong = |problem: String| DataError::in_file(path, format!("annotation {index}: {problem}"));
        let place = places
            .get(&annotation.image_id)
            .ok_or_else(|| wrong(format!("there is no image of id {}", annotation.image_id)))?;
        let class = classes
            .get(&annotation.category_id)
            .ok_or_else(|| wrong(format!("there is no category of id {}", annotation.category_id)))?;
        let [left, top, width, height] = annotation.bbox;
        if !annotation.bbox.iter().all(|edge| edge.is_finite()) || width < 0.0 || height < 0.0 {
            return Err(wrong(format!("{:?} is no left, top, width and height", annotation.bbox)));
        }
        boxes[*place].push(TrueBox {
            class: *class,
            bounds: [left, top, left + width, top + height],
            is_ignored: annotation.iscrowd != 0,
            is_crowd: annotation.iscrowd != 0,
        });
    }
    let samples = file
        .images
        .iter()
        .zip(boxes)
        .map(|(image, boxes)| Sample::of_file(folder.join(&image.file_name), Truth::Boxes(boxes)))
        .collect();
    Ok(DataSet { labels: file.categories.into_iter().map(|category| category.name).collect(), samples })
}
