//! ONNX models that keep their weights in other files: read from the model's own folder, and from nowhere else.

use std::path::{Path, PathBuf};

use ocelli_compiler::import::{ImportError, import};
use prost::Message;
use tract_onnx::pb::{ModelProto, StringStringEntryProto};

/// A folder with a model whose weights stand in `location`, and what lies there.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str, location: &str, entries: &[(&str, &str)]) -> Folder {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("external-{name}"));
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(folder.join("model/parts")).unwrap();
        let hostile = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/models/hostile");
        let bytes = std::fs::read(hostile.join("external_weights.onnx")).unwrap();
        let mut model = ModelProto::decode(&bytes[..]).unwrap();
        let tensor = &mut model.graph.as_mut().unwrap().initializer[0];
        let entry =
            |&(key, value): &(&str, &str)| StringStringEntryProto { key: key.into(), value: value.into() };
        tensor.external_data = [("location", location)].iter().chain(entries).map(entry).collect();
        std::fs::write(folder.join("model/model.onnx"), model.encode_to_vec()).unwrap();
        Folder(folder)
    }

    fn put(&self, path: &str, skipped: usize) {
        let values = (0..54).flat_map(|value| (value as f32).to_le_bytes());
        std::fs::write(self.0.join(path), vec![7; skipped].into_iter().chain(values).collect::<Vec<u8>>())
            .unwrap();
    }

    fn import(&self) -> Result<Vec<f32>, ImportError> {
        let graph = import(&self.0.join("model/model.onnx"))?;
        let weights = graph.nodes[0].inputs[1];
        Ok(graph.tensors[weights].floats().unwrap().to_vec())
    }

    fn error(&self) -> String {
        self.import().unwrap_err().to_string()
    }
}

#[test]
fn weights_beside_the_model_are_read() {
    let folder = Folder::new("beside", "weights.bin", &[]);
    folder.put("model/weights.bin", 0);
    let plain = folder.import().unwrap();
    // Stored [O, H, W, I], from [O, I, H, W]: the second number is that of the second input channel.
    assert_eq!(plain[..4], [0.0, 9.0, 1.0, 10.0]);
    let folder = Folder::new("inside", "parts/weights.bin", &[("offset", "12"), ("length", "216")]);
    folder.put("model/parts/weights.bin", 12);
    assert_eq!(folder.import().unwrap(), plain);
}

#[test]
fn files_that_are_not_there_or_too_short_are_named() {
    let folder = Folder::new("missing", "weights.bin", &[]);
    for word in ["model.onnx", "`w`", "weights.bin", "beside the model", "weights inside"] {
        assert!(folder.error().contains(word), "{}", folder.error());
    }
    std::fs::write(folder.0.join("model/weights.bin"), [0; 100]).unwrap();
    assert!(folder.error().contains("bytes 0 to 216 of "), "{}", folder.error());
    assert!(folder.error().contains("which has 100"), "{}", folder.error());
    let folder = Folder::new("far", "weights.bin", &[("offset", "18446744073709551615")]);
    folder.put("model/weights.bin", 0);
    assert!(folder.error().contains("which has 216"), "{}", folder.error());
    for (key, value, words) in [("length", "12", "takes 216 bytes and 12"), ("offset", "-1", "is no number")]
    {
        let folder = Folder::new("stated", "weights.bin", &[(key, value)]);
        folder.put("model/weights.bin", 0);
        assert!(folder.error().contains(words), "{}", folder.error());
    }
}

#[test]
fn no_path_leaves_the_models_folder() {
    let absolute = Path::new(env!("CARGO_TARGET_TMPDIR")).join("external-absolute/weights.bin");
    for (name, location) in [
        ("up", "../weights.bin"),
        ("round", "parts/../../weights.bin"),
        ("absolute", absolute.to_str().unwrap()),
    ] {
        let folder = Folder::new(name, location, &[]);
        folder.put("weights.bin", 0);
        assert!(folder.error().contains("outside of the model's folder"), "{}", folder.error());
    }
    #[cfg(unix)]
    {
        let folder = Folder::new("link", "weights.bin", &[]);
        folder.put("weights.bin", 0);
        std::os::unix::fs::symlink("../weights.bin", folder.0.join("model/weights.bin")).unwrap();
        assert!(folder.error().contains("a link out of"), "{}", folder.error());
    }
}
