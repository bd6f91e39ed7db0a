//! Checkpoints: a [`State`] in a file, whole or not at all.
//!
//! A line that says what it is, the SHA-256 of the rest, the state's form as JSON and its numbers as they are in
//! memory. The file is written beside its place and renamed, so a kill at any moment leaves the one before it.

use std::path::Path;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::error::TrainError;
use crate::network::Network;
use crate::state::State;

const MAGIC: &[u8] = b"ocelli training checkpoint 1\n";

/// What stands before the numbers.
#[derive(Serialize, Deserialize)]
struct Header {
    /// SHA-256 of the recipe that the run follows.
    recipe: String,
    state: State,
    /// How many numbers each vector has.
    lengths: Vec<usize>,
}

/// Writes a state.
///
/// # Errors
/// [`TrainError::File`] when the disk is full or read-only; what was there before stays.
pub fn save(path: &Path, recipe: &str, state: &State) -> Result<(), TrainError> {
    let mut state = state.clone();
    let mut numbers: Vec<u8> = Vec::new();
    let mut lengths = Vec::new();
    for vector in state.vectors() {
        lengths.push(vector.len());
        numbers.extend(vector.iter().flat_map(|value| value.to_le_bytes()));
        vector.clear();
    }
    let header = Header { recipe: recipe.into(), state, lengths };
    let json = serde_json::to_vec(&header)
        .map_err(|error| TrainError::Checkpoint { path: path.into(), problem: error.to_string() })?;
    let mut body = (json.len() as u64).to_le_bytes().to_vec();
    body.extend(json);
    body.extend(numbers);
    let mut bytes = MAGIC.to_vec();
    bytes.extend(Sha256::digest(&body));
    bytes.extend(body);
    ocelli_zoo::write_whole(path, &bytes).map_err(|error| TrainError::file(path, error))
}

/// The state of a run of this recipe; `None` when there is no checkpoint yet.
///
/// # Errors
/// [`TrainError::Checkpoint`] for another recipe's checkpoint and for what is none.
pub fn load(path: &Path, recipe: &str) -> Result<Option<State>, TrainError> {
    let Some(header) = read(path)? else { return Ok(None) };
    if header.recipe != recipe {
        return Err(TrainError::Checkpoint {
            path: path.into(),
            problem: "it belongs to another recipe, or the recipe was changed since; move the folder away to begin anew, or choose another with `--output`".into(),
        });
    }
    Ok(Some(header.state))
}

/// The network that a run came to, whatever its recipe; its normalization is apart as in training.
///
/// # Errors
/// [`TrainError::Checkpoint`] when there is none, when its run is under way, and for what is none.
pub fn network(path: &Path) -> Result<Network, TrainError> {
    let wrong = |problem: &str| TrainError::Checkpoint { path: path.into(), problem: problem.into() };
    let header = read(path)?.ok_or_else(|| wrong("there is none; run its recipe first"))?;
    match header.state.is_prepared {
        true => Err(wrong("its run is under way; give its recipe again, and let it end")),
        false => Ok(header.state.network()),
    }
}

/// What a file holds, its numbers in their places.
fn read(path: &Path) -> Result<Option<Header>, TrainError> {
    let bytes = match std::fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(TrainError::file(path, error)),
    };
    let wrong = |problem: &str| TrainError::Checkpoint { path: path.into(), problem: problem.into() };
    let body = bytes
        .strip_prefix(MAGIC)
        .ok_or_else(|| wrong("it is no checkpoint of this version; move it away to begin anew"))?;
    let damaged = || wrong("it is damaged; move it away to begin anew");
    let (digest, body) = body.split_at_checked(32).ok_or_else(damaged)?;
    if Sha256::digest(body)[..] != *digest {
        return Err(damaged());
    }
    let (length, rest) = body.split_first_chunk::<8>().ok_or_else(damaged)?;
    let (json, mut numbers) =
        rest.split_at_checked(u64::from_le_bytes(*length) as usize).ok_or_else(damaged)?;
    let mut header: Header = serde_json::from_slice(json).map_err(|_| damaged())?;
    let vectors = header.state.vectors();
    if vectors.len() != header.lengths.len() {
        return Err(damaged());
    }
    for (vector, &length) in vectors.into_iter().zip(&header.lengths) {
        let (own, others) = numbers.split_at_checked(4 * length).ok_or_else(damaged)?;
        *vector = own.chunks_exact(4).map(|at| f32::from_le_bytes([at[0], at[1], at[2], at[3]])).collect();
        numbers = others;
    }
    Ok(Some(header))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::families::{Family, Shape};
    use crate::optimiser::Memory;
    use crate::tie::Tie;

    fn state() -> State {
        let shape = Shape { family: Family::Resnet8, picture: [8, 8, 1], classes: 2, width: 0.25, depth: 1 };
        let mut state = State::new(shape.build("net", 5).unwrap());
        state.memories = vec![Memory { first: vec![0.1, f32::MIN_POSITIVE], second: vec![-0.0, 3.5] }];
        state.ties = vec![Tie::Clustered { centroids: vec![0.3], members: vec![0, 0] }, Tie::Pruned];
        state
    }

    #[test]
    fn a_state_comes_back_bit_by_bit() {
        let path = std::env::temp_dir().join(format!("ocelli-checkpoint-{}", std::process::id()));
        let mut before = state();
        save(&path, "recipe", &before).unwrap();
        let mut after = load(&path, "recipe").unwrap().unwrap();
        let bits = |state: &mut State| -> Vec<Vec<u32>> {
            state
                .vectors()
                .iter()
                .map(|vector| vector.iter().map(|value| value.to_bits()).collect())
                .collect()
        };
        assert_eq!(bits(&mut before), bits(&mut after));
        assert_eq!(before.ties, after.ties);
        std::fs::remove_file(&path).unwrap();
    }

    #[test]
    fn a_network_comes_with_its_normalization_once_its_run_has_ended() {
        let path = std::env::temp_dir().join(format!("ocelli-network-{}", std::process::id()));
        assert!(network(&path).unwrap_err().to_string().contains("run its recipe first"));
        let mut state = state();
        save(&path, "recipe", &state).unwrap();
        let ended = network(&path).unwrap();
        assert_eq!((ended.norms, ended.graph.nodes.len()), (state.norms.clone(), state.graph.nodes.len()));
        state.is_prepared = true;
        save(&path, "recipe", &state).unwrap();
        assert!(network(&path).unwrap_err().to_string().contains("under way"));
        std::fs::remove_file(&path).unwrap();
    }

    #[test]
    fn foreign_and_damaged_checkpoints_are_told_apart() {
        let path = std::env::temp_dir().join(format!("ocelli-foreign-{}", std::process::id()));
        assert!(load(&path, "recipe").unwrap().is_none());
        save(&path, "recipe", &state()).unwrap();
        assert!(load(&path, "other").unwrap_err().to_string().contains("another recipe"));
        let mut bytes = std::fs::read(&path).unwrap();
        let last = bytes.len() - 1;
        bytes[last] ^= 1;
        std::fs::write(&path, &bytes).unwrap();
        assert!(load(&path, "recipe").unwrap_err().to_string().contains("damaged"));
        std::fs::write(&path, &bytes[..20]).unwrap();
        assert!(load(&path, "recipe").unwrap_err().to_string().contains("no checkpoint"));
        std::fs::remove_file(&path).unwrap();
    }
}
