//! A folder with data, contract and recipe, for tests that train.

use std::path::PathBuf;
use std::time::Duration;

use ocelli_train::TrainError;
use ocelli_train::recipe::Recipe;
use ocelli_train::run::{Options, Outcome, run};

/// A folder that is gone when dropped.
pub struct Workshop {
    /// Where it is.
    pub folder: PathBuf,
    head: &'static str,
}

impl Workshop {
    /// With a contract, for recipes that begin with `head`.
    pub fn new(name: &str, contract: &str, head: &'static str) -> Workshop {
        let folder = std::env::temp_dir().join(format!("ocelli-train-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).unwrap();
        let workshop = Workshop { folder, head };
        workshop.write("contract.toml", contract.as_bytes());
        workshop
    }

    /// Writes a file.
    pub fn write(&self, name: &str, bytes: &[u8]) {
        let path = self.folder.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }

    /// The recipe of these stages.
    pub fn recipe(&self, stages: &str) -> Recipe {
        self.write("recipe.toml", format!("{}{stages}", self.head).as_bytes());
        Recipe::open(&self.folder.join("recipe.toml")).unwrap()
    }

    /// Runs a recipe.
    pub fn run(&self, recipe: &Recipe, output: &str) -> Result<Outcome, TrainError> {
        let output = self.folder.join(output);
        run(recipe, &Options { output, interval: Duration::from_secs(60), reads_test: true }, |_| {})
    }
}

impl Drop for Workshop {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}
