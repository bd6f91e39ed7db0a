//! Small data sets of every layout, and damaged ones.

use std::io::Write;

use super::*;

/// A folder that is gone when dropped.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Folder {
        let path = std::env::temp_dir().join(format!("ocelli-eval-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(&path).unwrap();
        Folder(path)
    }

    fn write(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.0.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, bytes).unwrap();
        path
    }

    fn open(&self, name: &str) -> Result<DataSet, DataError> {
        DataSet::open(&self.0.join(name), &Selection::default())
    }

    fn error(&self, name: &str) -> String {
        self.open(name).unwrap_err().to_string()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

const PIXEL: &[u8] = b"P5 1 1 255\n\x07";

const VOC: &str = "<annotation>\n<filename>a.pgm</filename>\n<object><name>cat</name><difficult>1</difficult>\n\
    <bndbox><xmin>1</xmin><ymin>2</ymin><xmax>4</xmax><ymax>6</ymax></bndbox></object>\n</annotation>\n";

#[test]
fn folders_are_classes() {
    let folder = Folder::new("folders");
    folder.write("set/dog/1.pgm", PIXEL);
    folder.write("set/cat/1.pgm", PIXEL);
    folder.write("set/cat/notes.txt", b"no picture");
    let set = folder.open("set").unwrap();
    assert_eq!(set.labels, ["cat", "dog"]);
    assert_eq!(
        set.samples.iter().map(|s| s.truth.clone()).collect::<Vec<_>>(),
        [Truth::Class(0), Truth::Class(1)]
    );
    assert_eq!(set.samples[0].picture().unwrap().frame().bytes(), [7]);
    std::fs::create_dir(folder.0.join("set/empty")).unwrap();
    let error = folder.error("set");
    assert!(error.contains("set/empty: ") && error.contains("no pictures"), "{error}");
    folder.write("set/cat/2.pgm", b"P5 2 2 255\n\x07");
    std::fs::remove_dir(folder.0.join("set/empty")).unwrap();
    let error = folder.open("set").unwrap().samples[1].picture().unwrap_err().to_string();
    assert!(error.contains("2.pgm: no picture"), "{error}");
    std::fs::create_dir(folder.0.join("nothing")).unwrap();
    assert!(folder.error("nothing").contains("no data set"));
    assert!(folder.error("absent").contains("absent"));
}

#[test]
fn voc_counts_pixels_from_1() {
    let folder = Folder::new("voc");
    folder.write("JPEGImages/a.pgm", PIXEL);
    let xml = folder.write("Annotations/a.xml", VOC.as_bytes());
    let set = folder.open("").unwrap();
    assert_eq!(set.labels, ["cat"]);
    let expected = TrueBox { class: 0, bounds: [0.0, 1.0, 4.0, 6.0], is_ignored: true, is_crowd: false };
    assert_eq!(set.samples[0].truth, Truth::Boxes(vec![expected]));

    folder.write("ImageSets/Main/test.txt", b"a\n");
    let split = |name: &str| {
        let selection = Selection { split: Some(name.into()), ..Selection::default() };
        DataSet::open(&folder.0, &selection).map(|set| set.samples.len())
    };
    assert_eq!(split("test"), Ok(1));
    assert!(split("train").unwrap_err().to_string().contains("train.txt"));
    folder.write("ImageSets/Main/more.txt", b"a\nb\n");
    let error = split("more").unwrap_err().to_string();
    assert!(error.contains("more.txt") && error.contains("b.xml"), "{error}");
    let other = folder.write("JPEGImages/b.pgm", PIXEL);
    let error = folder.error("");
    assert!(error.contains("b.pgm") && error.contains("Annotations"), "{error}");
    assert_eq!(split("test"), Ok(1), "a list says which pictures are meant");
    std::fs::remove_file(other).unwrap();

    for (from, to, place, problem) in [
        ("</object>", "", "a.xml:5:", "malformed XML"),
        ("<xmax>4</xmax>", "<xmax>four</xmax>", "a.xml:4:37", "\"four\" is no number"),
        ("<ymin>2</ymin>", "", "a.xml:4:1", "no <ymin>"),
        ("<name>cat</name>", "", "a.xml:3:1", "no <name>"),
        ("<xmin>1</xmin>", "<xmin>9</xmin>", "a.xml:4:1", "wrong order"),
        ("a.pgm", "b.pgm", "a.xml: ", "\"b.pgm\" is not in JPEGImages"),
    ] {
        std::fs::write(&xml, VOC.replace(from, to)).unwrap();
        let error = folder.error("");
        assert!(error.contains(place) && error.contains(problem), "{from} -> {to}: {error}");
    }
}

#[test]
fn coco_boxes_are_left_top_width_height() {
    let folder = Folder::new("coco");
    let json = r#"{"images": [{"id": 7, "file_name": "a.pgm"}],
        "categories": [{"id": 3, "name": "cat"}],
        "annotations": [{"image_id": 7, "category_id": 3, "bbox": [1, 2, 3, 4], "iscrowd": 1}]}"#;
    folder.write("a.pgm", PIXEL);
    let path = folder.write("set.json", json.as_bytes());
    let set = folder.open("set.json").unwrap();
    let expected = TrueBox { class: 0, bounds: [1.0, 2.0, 4.0, 6.0], is_ignored: true, is_crowd: true };
    assert_eq!((set.labels, &set.samples[0].truth), (vec!["cat".to_owned()], &Truth::Boxes(vec![expected])));
    for (from, to, place, problem) in [
        ("]}", "]", "set.json:3:", "no COCO file"),
        ("\"bbox\": [1, 2, 3, 4]", "\"bbox\": [1, 2]", "set.json:3:", "no COCO file"),
        ("\"image_id\": 7", "\"image_id\": 8", "annotation 0", "no image of id 8"),
        ("\"category_id\": 3", "\"category_id\": 4", "annotation 0", "no category of id 4"),
        ("[1, 2, 3, 4]", "[1, 2, -3, 4]", "annotation 0", "no left, top, width and height"),
    ] {
        std::fs::write(&path, json.replace(from, to)).unwrap();
        let error = folder.error("set.json");
        assert!(error.contains(place) && error.contains(problem), "{from} -> {to}: {error}");
    }
}

#[test]
fn masks_stand_beside_pictures() {
    let folder = Folder::new("masks");
    folder.write("pairs/bird.pgm", PIXEL);
    folder.write("pairs/bird_mask.pgm", b"P5 2 1 255\n\x00\xff");
    let set = folder.open("pairs").unwrap();
    let mask = set.samples[0].mask().unwrap().unwrap();
    assert_eq!((mask.width, mask.height, mask.classes), (2, 1, vec![0, 1]));
    folder.write("folders/images/a.pgm", PIXEL);
    let path = folder.write("folders/masks/a.pgm", b"P5 3 1 255\n\x00\x02\xff");
    let mask = folder.open("folders").unwrap().samples[0].mask().unwrap().unwrap();
    assert_eq!(mask.classes, [0, 2, VOID]);
    std::fs::write(path, b"P6 1 1 255\n\x00\x02\xff").unwrap();
    let error = folder.open("folders").unwrap().samples[0].mask().unwrap().unwrap_err().to_string();
    assert!(error.contains("coloured"), "{error}");
    folder.write("folders/images/b.pgm", PIXEL);
    assert!(folder.error("folders").contains("b.pgm: "));
    std::fs::remove_file(folder.0.join("pairs/bird.pgm")).unwrap();
    assert!(folder.error("pairs").contains("\"bird\""));
}

#[test]
fn idx_files_may_be_compressed_and_must_be_whole() {
    let folder = Folder::new("idx");
    let images = [&[0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2][..], &[1, 2, 3, 4]].concat();
    let labels = [0, 0, 8, 1, 0, 0, 0, 2, 4, 0];
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    packed.write_all(&images).unwrap();
    folder.write("t10k-images-idx3-ubyte.gz", &packed.finish().unwrap());
    let labels_path = folder.write("t10k-labels-idx1-ubyte.gz", &labels);
    let set = folder.open("").unwrap();
    assert_eq!(set.labels, ["0", "1", "2", "3", "4"]);
    let frame = set.samples[1].picture().unwrap();
    assert_eq!((frame.frame().width(), frame.frame().bytes()), (2, &[3u8, 4][..]));
    assert_eq!(set.samples[0].truth, Truth::Class(4));

    let images_path = folder.write("t10k-images-idx3-ubyte.gz", &images);
    for length in 0..images.len() {
        std::fs::write(&images_path, &images[..length]).unwrap();
        let error = folder.error("");
        assert!(error.contains("t10k-images-idx3-ubyte.gz: it "), "{length}: {error}");
    }
    std::fs::write(&images_path, &images).unwrap();
    std::fs::write(labels_path, &labels[..9]).unwrap();
    assert!(folder.error("").contains("t10k-labels-idx1-ubyte.gz: it is too short"));
    folder.write("train-images-idx3-ubyte", &images);
    assert!(folder.error("").contains("--split"));
}

#[test]
fn a_line_of_csv_is_a_picture_with_its_class() {
    let folder = Folder::new("csv");
    let classes = |set: &DataSet| set.samples.iter().map(|each| each.truth.clone()).collect::<Vec<_>>();
    // As scikit and mlxtend write: the class last, no heading.
    folder.write("last/digits.csv", b"1,2,3,4,10\n5,6,7,8,9\n\n");
    let set = folder.open("last").unwrap();
    assert_eq!(
        (&set.labels[..], classes(&set)),
        (&["9".into(), "10".into()][..], vec![Truth::Class(1), Truth::Class(0)])
    );
    let picture = set.samples[1].picture().unwrap();
    assert_eq!((picture.frame().width(), picture.frame().bytes()), (2, &[5u8, 6, 7, 8][..]));
    // As Kaggle does: a heading, the class first.
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    packed.write_all(b"label,p0,p1,p2,p3\n\"shoe\",1,2,3,4\n").unwrap();
    folder.write("last/train.csv.gz", &packed.finish().unwrap());
    assert!(folder.error("last").contains("digits.csv, train.csv.gz; choose one with `--split`"));
    let selection = Selection { split: Some("train".into()), ..Selection::default() };
    let set = DataSet::open(&folder.0.join("last"), &selection).unwrap();
    assert_eq!(
        (&set.labels[..], set.samples[0].name.ends_with("train.csv.gz:2")),
        (&["shoe".into()][..], true)
    );
    assert_eq!(set.samples[0].picture().unwrap().frame().bytes(), [1, 2, 3, 4]);
    // A list of files.
    folder.write("files/a.pgm", PIXEL);
    folder.write("files/list.csv", b"file,class\na.pgm,cat\n");
    let set = folder.open("files/list.csv").unwrap();
    assert_eq!(set.samples[0].picture().unwrap().frame().bytes(), [7]);

    for (text, place, problem) in [
        ("1,2,3,4,0\n1,2,3,0\n", "digits.csv:2: ", "4 columns, where the first line has 5"),
        ("1,2,3,4,0\n1,2,256,4,0\n", "digits.csv:2:3: ", "\"256\" is no pixel"),
        ("class,a,b,c,d\n0,1,2,3,x\n", "digits.csv:2:5: ", "\"x\" is no pixel"),
        ("1,2,3,0\n", "digits.csv:1: ", "3 pixels, which are no square"),
        ("7\n", "digits.csv:1: ", "one column"),
        ("label,a\n", "digits.csv: ", "no labelled pictures"),
        ("", "digits.csv: ", "no labelled pictures"),
    ] {
        folder.write("last/digits.csv", text.as_bytes());
        let error = folder.error("last/digits.csv");
        assert!(error.contains(place) && error.contains(problem), "{text:?}: {error}");
    }
    folder.write("last/digits.csv", b"1,\xff");
    assert!(folder.error("last/digits.csv").contains("no text at byte 2"));
}
