//! Forms of weights: byte by byte as SPEC.md lays them out, whatever values come, and whatever bytes.

mod sample;

use ocelli_format::model::Model;
use ocelli_format::weights::*;
use ocelli_format::*;

/// The values that a reader tells, row behind row; `None` where it refuses the bytes.
fn decoded<R: StoredRows<'static>>(data: &[u8], elements: usize) -> Option<Vec<i8>> {
    let mut rows = R::Of::read(data, elements)?;
    let length = rows.row_length();
    let mut values = vec![0; elements];
    for row in values.chunks_mut(length) {
        rows.next_row(|place, value| row[place] = value)?;
    }
    rows.is_at_end().then_some(values)
}

/// The same, where the reader has said beforehand that it can.
fn sound<R: StoredRows<'static>>(data: &[u8], elements: usize) -> Option<Vec<i8>> {
    is_sound::<R::Of<'_>>(data, elements).then(|| decoded::<R>(data, elements).unwrap())
}

fn any(storage: Storage, data: &[u8], elements: usize) -> Option<Vec<i8>> {
    match storage {
        Storage::Packed => sound::<PackedRows<'_>>(data, elements),
        Storage::Fours => sound::<FourRows<'_>>(data, elements),
        Storage::Blocks => sound::<BlockRows<'_>>(data, elements),
        Storage::Sparse => sound::<SparseRows<'_>>(data, elements),
        Storage::Coded => sound::<CodedRows<'_>>(data, elements),
        _ => panic!("{storage}"),
    }
}

#[test]
fn bytes_are_those_of_the_specification() {
    let encode = |storage, values: &[i8], row| encode_weights(storage, values, row).unwrap();
    // int4: 1, -2, 7 in the low and high halves of bytes.
    assert_eq!(encode(Storage::Packed, &[1, -2, 7], 3), [3, 0, 0, 0, 4, 0, 0, 0, 0xE1, 0x07]);
    // A book of three values, two bits each: indices 2, 0, 1, 2.
    let book = [2, 0, 0, 0, 2, 3, 1, 0, (-100i8) as u8, 0, 99, 0b10_01_00_10];
    assert_eq!(encode(Storage::Packed, &[99, -100, 0, 99], 2), book);
    // One of four: 5 at place 2, -6 at place 0 of a four of two.
    assert_eq!(encode(Storage::Fours, &[0, 0, 5, 0, -6, 0], 6), [6, 0, 0, 0, 1, 0, 0, 0, 5, 250, 0b00_10]);
    // Rows of 24: no block, and five blocks of which the first is alone in its group.
    let mut values = [0; 48];
    for (block, value) in [0, 1, 3, 4, 5].into_iter().zip(1..) {
        values[24 + 4 * block..][..4].copy_from_slice(&[value, 0, 0, -value]);
    }
    let mut blocks = vec![24, 0, 0, 0, 0, 0, 5, 0, 0, 0, 0, 0, 1, 0, 0, 255, 1, 2, 1, 1];
    blocks.extend([2, 0, 0, 254, 3, 0, 0, 253, 4, 0, 0, 252, 5, 0, 0, 251]);
    assert_eq!(encode(Storage::Blocks, &values, 24), blocks);
    // 7 behind 300 zeros: a bridge of 255, the weight 45 behind it, and nothing to fill up.
    let mut values = [0; 301];
    values[300] = 7;
    assert_eq!(encode(Storage::Sparse, &values, 301), [45, 1, 0, 0, 1, 0, 0, 0, 255, 0, 45, 7]);
    // Steps 255 (skip), 45: codes 1 and 0 of one bit; the one weight: code 0.
    let mut coded = vec![45, 1, 0, 0, 1, 0, 0, 0, 3, 0, 0, 0];
    coded.extend([2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 45, 255]);
    coded.extend([1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7, 0b1000_0000]);
    assert_eq!(encode(Storage::Coded, &values, 301), coded);
}

struct Random(u32);

impl Random {
    fn below(&mut self, end: u32) -> u32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 17;
        self.0 ^= self.0 << 5;
        ((u64::from(self.0) * u64::from(end)) >> 32) as u32
    }
}

/// Weights of some kind and how long their rows are.
fn random_weights(random: &mut Random) -> (Vec<i8>, usize) {
    let longest = [7, 40, 700][random.below(3) as usize];
    let row = 1 + random.below(longest) as usize;
    let rows = 1 + random.below(6) as usize;
    let distinct: Vec<i8> = (0..1 + random.below(40)).map(|_| random.below(256) as u8 as i8).collect();
    let (kept, run) = (random.below(101), 1 + 3 * random.below(2) as usize);
    let mut values = Vec::new();
    for _ in 0..rows {
        let mut told = false;
        for place in 0..row {
            if place.is_multiple_of(run) {
                told = random.below(100) < kept;
            }
            let value = distinct[random.below(distinct.len() as u32) as usize];
            values.push(if told { value } else { 0 });
        }
    }
    (values, row)
}

#[test]
fn what_is_encoded_is_decoded() {
    let mut random = Random(1);
    let mut held = [0; 5];
    for case in 0..1500 {
        let (mut values, row) = random_weights(&mut random);
        if case % 3 == 0 {
            // One or two of four.
            let kept = 1 + case % 2;
            values.chunks_mut(row).flat_map(|row| row.chunks_mut(4)).for_each(|four| {
                let places = random.below(4) as usize;
                let keep = |place: usize| place == places || kept == 2 && place == (places + 1) % 4;
                four.iter_mut()
                    .enumerate()
                    .filter(|&(place, _)| !keep(place))
                    .for_each(|(_, value)| *value = 0);
            });
        }
        for (held, storage) in held.iter_mut().zip(Storage::OF_WEIGHTS) {
            let Some(data) = encode_weights(storage, &values, row) else { continue };
            *held += 1;
            assert_eq!(any(storage, &data, values.len()).as_ref(), Some(&values), "case {case}, {storage}");
            assert_eq!(data[..4], (row as u32).to_le_bytes());
        }
    }
    assert!(held.iter().all(|&held| held > 400), "{held:?}");
}

#[test]
fn cut_and_flipped_bytes_are_refused_or_harmless() {
    let mut random = Random(2);
    let (mut refused, mut accepted) = (0, 0);
    for _ in 0..60 {
        let (values, row) = random_weights(&mut random);
        for storage in Storage::OF_WEIGHTS {
            let Some(data) = encode_weights(storage, &values, row) else { continue };
            for length in (0..data.len()).rev().take(80) {
                assert_eq!(any(storage, &data[..length], values.len()), None, "{storage} of {length} bytes");
            }
            let longer = [&data[..], &[0; 4]].concat();
            assert_eq!(any(storage, &longer, values.len()), None, "{storage} with bytes left over");
            for _ in 0..80 {
                let mut flipped = data.clone();
                let at = random.below(data.len() as u32) as usize;
                flipped[at] ^= 1 << random.below(8);
                match any(storage, &flipped, values.len()) {
                    Some(_) => accepted += 1,
                    None => refused += 1,
                }
                // Rows that do not divide the elements, none, and more elements than there are codes.
                any(storage, &flipped, values.len() + 1);
                any(storage, &flipped, 0);
                any(storage, &data, 1 << 24);
            }
        }
    }
    assert!(refused > 1000 && accepted > 1000, "{refused} refused, {accepted} accepted");
}

#[test]
fn hostile_codes_are_refused() {
    let refused = |storage, data: &[u8], elements| assert_eq!(any(storage, data, elements), None, "{data:?}");
    // An index beyond the codebook; bits set behind the last index.
    refused(Storage::Packed, &[2, 0, 0, 0, 2, 3, 1, 0, 1, 2, 3, 0b1111], 2);
    refused(Storage::Packed, &[2, 0, 0, 0, 2, 3, 1, 0, 1, 2, 3, 0b10_0101], 2);
    // More entries than the bits can tell, no codebook that has entries, eight bits.
    refused(Storage::Packed, &[1, 0, 0, 0, 1, 3, 1, 0, 1, 2, 3, 0], 1);
    refused(Storage::Packed, &[1, 0, 0, 0, 2, 1, 0, 0, 1, 0], 1);
    refused(Storage::Packed, &[1, 0, 0, 0, 8, 0, 0, 0, 1], 1);
    // Places that do not rise; a weight behind the end of its row; three of four.
    refused(Storage::Fours, &[4, 0, 0, 0, 2, 0, 0, 0, 1, 1, 0b01_01], 4);
    refused(Storage::Fours, &[2, 0, 0, 0, 1, 0, 0, 0, 1, 0b10], 2);
    refused(Storage::Fours, &[4, 0, 0, 0, 3, 0, 0, 0, 1, 1, 1, 0b10_01_00], 4);
    // A block, and a weight, behind the end of their row; two at one place.
    refused(Storage::Blocks, &[4, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1], 4);
    refused(Storage::Blocks, &[2, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 0], 2);
    refused(Storage::Blocks, &[4, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0], 4);
    refused(Storage::Sparse, &[2, 0, 0, 0, 1, 0, 0, 0, 0, 1, 2, 1], 2);
    refused(Storage::Sparse, &[2, 0, 0, 0, 1, 0, 0, 0, 1, 1, 0, 1], 2);
    // Counts of more than there is.
    refused(Storage::Sparse, &[2, 0, 0, 0, 2, 0, 0, 0, 0, 1, 1, 1], 2);
    // Three codes of one bit; a code that no symbol has; a kind that does not exist; a step behind the last row.
    let coded = |kind: u8, bits: u8, lengths: u8, symbols: &[u8], codes: &[u8]| {
        let mut data = vec![2, 0, 0, 0, kind, 0, 0, 0, bits, 0, 0, 0];
        for _ in 0..1 + usize::from(kind != 0) {
            data.push(lengths);
            data.extend([0; 11]);
            data.extend(symbols);
        }
        data.extend(codes);
        data
    };
    assert_eq!(any(Storage::Coded, &coded(0, 2, 2, &[3, 4], &[0b0100_0000]), 2), Some(vec![3, 4]));
    refused(Storage::Coded, &coded(0, 2, 3, &[3, 4, 5], &[0b0100_0000]), 2);
    refused(Storage::Coded, &coded(0, 2, 1, &[3], &[0b0100_0000]), 2);
    refused(Storage::Coded, &coded(3, 2, 2, &[3, 4], &[0b0100_0000]), 2);
    assert_eq!(any(Storage::Coded, &coded(1, 2, 2, &[0, 1], &[0b1100_0000]), 2), Some(vec![0, 1]));
    refused(Storage::Coded, &coded(1, 2, 2, &[0, 2], &[0b1100_0000]), 2);
    // Codes that end inside a run, and codes that go on behind the last row.
    refused(Storage::Coded, &coded(1, 1, 2, &[0, 1], &[0b1000_0000]), 2);
    refused(Storage::Coded, &coded(0, 3, 2, &[3, 4], &[0b0100_0000]), 2);
}

#[test]
fn a_model_of_all_forms_comes_back_whole() {
    let model = sample::stored();
    let bytes = AlignedBytes::copy_of(&write(&model).unwrap());
    let artefact = Artefact::parse(&bytes).unwrap();
    assert_eq!(Model::from_artefact(&artefact), model);
    assert_eq!(write(&Model::from_artefact(&artefact)).unwrap(), artefact.bytes());
    for storage in Storage::OF_WEIGHTS.into_iter().chain([Storage::Uniform]) {
        assert!(artefact.tensors().any(|tensor| tensor.storage() == storage), "{storage}");
    }
}

#[test]
fn the_answer_id_does_not_know_the_form() {
    let model = sample::stored();
    let dense = Model { storage: Default::default(), ..model.clone() };
    let [stored, dense] = [model, dense].map(|model| write(&model).unwrap());
    assert!(stored.len() < dense.len());
    assert_eq!(stored[32..64], dense[32..64]);
    let aligned = AlignedBytes::copy_of(&stored);
    assert_eq!(answer_id(&Artefact::parse(&aligned).unwrap()), stored[32..64]);
}

#[test]
fn forms_stand_only_where_kernels_look_for_them() {
    let elsewhere = |tensor, storage| {
        let mut model = sample::stored();
        model.storage = [(tensor, storage)].into();
        write(&model).unwrap_err().to_string()
    };
    // Tensors 1 to 5 are weights, bias, multipliers, shifts and output of the first layer.
    assert!(
        elsewhere(4, Storage::Packed).contains("operand 4 of operator 0"),
        "{}",
        elsewhere(4, Storage::Packed)
    );
    assert!(elsewhere(1, Storage::Uniform).contains("stored as Uniform: store it dense"));
    assert!(elsewhere(1, Storage::Fours).contains("stored as Fours: store it dense"));
    assert!(
        elsewhere(2, Storage::Sparse).contains("constant tensor 2 needs"),
        "{}",
        elsewhere(2, Storage::Sparse)
    );
}
