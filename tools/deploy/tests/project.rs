//! Projects: what is in them, and that nothing is written over.

use std::fs;

use ocelli_deploy::{FlashError, Project};
use ocelli_simulator::boards;

#[test]
fn every_board_gets_a_project_of_a_few_short_files() {
    let place = std::env::temp_dir().join(format!("ocelli-project-{}", std::process::id()));
    fs::create_dir_all(&place).unwrap();
    for board in boards() {
        let folder = place.join(format!("{}-cam", board.name));
        let project =
            Project { folder: &folder, board, model: b"model", model_name: "face.ocelli", key: Some("0f") };
        let files = project.create().unwrap();
        assert!(files.iter().all(|file| folder.join(file).exists()), "{files:?}");
        let read = |name: &str| fs::read_to_string(folder.join(name)).unwrap();
        let names = ["Cargo.toml", ".cargo/config.toml", "src/main.rs", "build.rs"];
        let [manifest, config, main, build] = names.map(read);
        let table: toml::Table = manifest.parse().unwrap();
        let dependency = &table["dependencies"]["board"];
        assert_eq!(dependency["package"].as_str(), Some(board.package.as_str()));
        assert!(fs::exists(dependency["path"].as_str().unwrap()).unwrap());
        let config: toml::Table = config.parse().unwrap();
        assert_eq!(config["build"]["target"].as_str(), Some(board.target.as_str()));
        assert!(main.contains(&board.title) && main.lines().count() < 45);
        // One text: below its head the program is the repository's.
        let program = include_str!("../../../boards/common/programs/detect.rs");
        assert!(main.ends_with(program.split_once("#![no_std]").unwrap().1));
        assert_eq!((read("face.ocelli").as_str(), read("trusted.pub").as_str()), ("model", "0f"));
        assert!(build.contains(".key(\"trusted.pub\")?.generate()"), "{build}");
        let words = [
            "{name}",
            "{title}",
            "{target}",
            "{board}",
            "{package}",
            "{repository}",
            "{model}",
            "{chip}",
            "{key}",
            "{detect}",
        ];
        assert!([manifest, main, build].iter().all(|text| words.iter().all(|word| !text.contains(word))));
        assert!(matches!(project.create(), Err(FlashError::Exists { .. })));
    }
    fs::remove_dir_all(&place).unwrap();
}

#[test]
fn a_name_that_cargo_would_not_take_is_refused() {
    let board = &boards()[0];
    let folder = std::env::temp_dir().join("1 cam");
    let project = Project { folder: &folder, board, model: b"", model_name: "face.ocelli", key: None };
    assert!(matches!(project.create(), Err(FlashError::Name { name }) if name == "1 cam"));
    assert!(!folder.exists());
}
