//! A detector from pictures to artefact, in a minute: discs and rings of two sizes, drawn here, on two grids.

use ocelli_train::score::Score;

mod workshop;

use workshop::Workshop;

const CONTRACT: &str = r#"
[input]
layout = "gray"
resize = "stretch"
mean = [127.5]
deviation = [127.5]

[boxes]
labels = ["disc", "ring"]
score_threshold = 0.3
iou_threshold = 0.5
suppression = "hard"

[boxes.layout]
scores = "scores"
boxes = "boxes"
logits = true
decoder = "exponential"
heads = [
    { rows = 8, columns = 8, anchors = [[0.2, 0.2]] },
    { rows = 4, columns = 4, anchors = [[0.4, 0.4]] },
]
"#;

const HEAD: &str = r#"
name = "discs"
contract = "contract.toml"

[data]
path = "."
train = "train"
test = "test"
validation = 0.2
calibration = 24

[model]
family = "pyramid"
input = [64, 64]
width = 0.5
"#;

const STAGE: &str = r#"
[[stages]]
name = "train"
epochs = 48
batch = 4
optimiser = "adam-w"
rate = 3e-3
clip = 10.0
augment = { shift = 6, flip = true, flip_down = true, zoom = 0.1, colour = 0.1 }
"#;

/// Numbers that look random.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 33) as usize % end
    }
}

/// A picture of 64 x 64 as PGM, and VOC's account of it: small discs and large rings, bright on a noisy ground.
fn draw(name: &str, random: &mut Random) -> (Vec<u8>, String) {
    let mut pixels: Vec<u8> = (0..64 * 64).map(|_| 60 + random.below(50) as u8).collect();
    let mut taken: Vec<[usize; 3]> = Vec::new();
    let mut objects = String::new();
    for _ in 0..3 + random.below(3) {
        let is_disc = random.below(2) == 0;
        let radius = if is_disc { 4 + random.below(3) } else { 9 + random.below(4) };
        let [x, y] = [0, 1].map(|_| radius + random.below(64 - 2 * radius));
        let far = |other: &[usize; 3]| {
            let [dx, dy] = [x.abs_diff(other[0]), y.abs_diff(other[1])];
            dx * dx + dy * dy > (radius + other[2]).pow(2)
        };
        if !taken.iter().all(far) {
            continue;
        }
        taken.push([x, y, radius]);
        for row in y - radius..y + radius {
            for column in x - radius..x + radius {
                let [dx, dy] = [column.abs_diff(x), row.abs_diff(y)];
                let square = dx * dx + dy * dy;
                if square < radius * radius && (is_disc || square > (radius - 3).pow(2)) {
                    pixels[row * 64 + column] = 170 + random.below(50) as u8;
                }
            }
        }
        objects += &format!(
            "<object><name>{}</name><bndbox><xmin>{}</xmin><ymin>{}</ymin><xmax>{}</xmax><ymax>{}</ymax></bndbox></object>\n",
            if is_disc { "disc" } else { "ring" },
            x - radius + 1,
            y - radius + 1,
            x + radius,
            y + radius
        );
    }
    let picture = b"P5 64 64 255\n".iter().copied().chain(pixels).collect();
    (picture, format!("<annotation>\n<filename>{name}.pgm</filename>\n{objects}</annotation>\n"))
}

/// A workshop with 160 pictures to train on and 40 for the end.
fn discs(name: &str) -> Workshop {
    let workshop = Workshop::new(name, CONTRACT, HEAD);
    let mut random = Random(0x9E37_79B9_7F4A_7C15);
    for (split, count) in [("train", 160), ("test", 40)] {
        let names: Vec<String> = (0..count).map(|index| format!("{split}_{index}")).collect();
        for name in &names {
            let (picture, labels) = draw(name, &mut random);
            workshop.write(&format!("JPEGImages/{name}.pgm"), &picture);
            workshop.write(&format!("Annotations/{name}.xml"), labels.as_bytes());
        }
        workshop.write(&format!("ImageSets/Main/{split}.txt"), names.join("\n").as_bytes());
    }
    workshop
}

#[test]
fn a_detector_learns_what_is_drawn_and_its_artefact_finds_it() {
    let workshop = discs("discs");
    let outcome = workshop.run(&workshop.recipe(STAGE), "out").unwrap();
    let (float, int8) = (outcome.float_test.unwrap(), outcome.int8_test.unwrap());
    println!("float: {float}\nint8: {int8}");
    assert!(int8.part() > 0.65 && (float.part() - int8.part()).abs() < 0.03, "{float}; {int8}");
    let Score::Precision { classes, interval: Some([low, high]), pictures: 40, .. } = &int8 else {
        panic!("{int8:?}")
    };
    assert!(classes.len() == 2 && (*low..=*high).contains(&(int8.part() as f32)), "{int8:?}");
    // The best epoch on the validation part went on.
    let best = outcome.log.iter().map(|entry| entry.score.part()).fold(0.0, f64::max);
    assert_eq!(outcome.float_validation.part(), best);
    // The float model goes in again as any other, and is what came out.
    let mut again = workshop.recipe("\n[[stages]]\nname = \"look\"\nepochs = 0\n");
    again.model.family = None;
    again.model.path = Some(outcome.model.clone());
    assert_eq!(workshop.run(&again, "again").unwrap().float_test, Some(float));
}

#[test]
fn data_that_do_not_fit_say_which_picture_and_why() {
    let workshop = discs("wrong");
    let recipe = workshop.recipe("\n[[stages]]\nname = \"look\"\nepochs = 0\n");
    let good = std::fs::read_to_string(workshop.folder.join("Annotations/train_3.xml")).unwrap();
    let problem =
        |recipe: &ocelli_train::recipe::Recipe| workshop.run(recipe, "out").unwrap_err().to_string();
    let fails = |labels: &str, words: &[&str]| {
        workshop.write("Annotations/train_3.xml", labels.as_bytes());
        let error = problem(&recipe);
        assert!(words.iter().all(|word| error.contains(word)), "{error:?} does not say {words:?}");
        workshop.write("Annotations/train_3.xml", good.as_bytes());
    };
    let object = |name: &str, right: usize| {
        format!(
            "<annotation><filename>train_3.pgm</filename><object><name>{name}</name><bndbox><xmin>5</xmin>\
             <ymin>5</ymin><xmax>{right}</xmax><ymax>9</ymax></bndbox></object></annotation>"
        )
    };
    fails(&object("square", 9), &["\"square\"", "disc, ring", "contract"]);
    fails(&object("disc", 70), &["train_3.pgm", "object 0", "\"disc\"", "64 x 64"]);
    std::fs::remove_file(workshop.folder.join("Annotations/train_3.xml")).unwrap();
    assert!(problem(&recipe).contains("train_3.xml"));
    workshop.write("Annotations/train_3.xml", good.as_bytes());
    let mut rare = recipe.clone();
    rare.contract = workshop.folder.join("rare.toml");
    workshop.write("rare.toml", CONTRACT.replace("\"ring\"]", "\"ring\", \"star\"]").as_bytes());
    assert!(problem(&rare).contains("\"star\" has no picture"));
    workshop
        .write("rare.toml", CONTRACT.replace("rows = 4, columns = 4", "rows = 5, columns = 4").as_bytes());
    assert!(problem(&rare).contains("grid of 5 x 4"));
    let tuned = workshop.recipe("\n[[stages]]\nname = \"tune\"\nepochs = 1\ntune = {}\n");
    assert!(problem(&tuned).contains("[stages.tune]"));
}
