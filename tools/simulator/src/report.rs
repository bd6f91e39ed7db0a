//! What the firmware prints, line by line, as values.

use std::str::FromStr;

use crate::SimulateError;

/// The lines `key value` of one run, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    lines: Vec<(String, String)>,
}

/// What a job's run on a machine gave.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Run {
    /// The output tensors' bytes in order, in hexadecimal.
    pub output_hex: Vec<String>,
    /// The hash over the output tensors, as the self-test has it.
    pub output_hash: Option<String>,
    /// Executed instructions, by stage.
    pub instructions: Instructions,
    /// Arena bytes that the model takes: tensors and scratch.
    pub arena_bytes: u64,
    /// The deepest the stack got from parsing to the last stage.
    pub stack_bytes: u64,
    /// The deepest it got in the infer stage alone; 0 where that did not run as a whole.
    pub infer_stack_bytes: u64,
    /// What the postprocess stage found, in frame sub-pixels.
    pub detections: Vec<Detection>,
    /// Classes with their scores in steps of `1 / 65536`, best first.
    pub classes: Vec<(u16, u16)>,
    /// Detections that found no room.
    pub overflow: u64,
    /// Every step of the schedule, when the job asked for them.
    pub steps: Vec<Step>,
}

/// A step of a schedule.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Step {
    /// CRC-32 over the tensors that it computed.
    pub crc32: u32,
    /// Executed instructions.
    pub instructions: u64,
}

/// Executed instructions, by stage; 0 where a stage did not run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Instructions {
    /// From camera pixels to input tensors.
    pub preprocess: u64,
    /// From input tensors to output tensors.
    pub infer: u64,
    /// From output tensors to detections or classes.
    pub postprocess: u64,
}

/// A found object.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Detection {
    /// Index into the labels.
    pub class_index: u16,
    /// In steps of `1 / 65536`.
    pub score: u16,
    /// Left, top, right, bottom in sub-pixels.
    pub bounds: [i32; 4],
    /// x and y in sub-pixels.
    pub keypoints: Vec<[i32; 2]>,
}

impl Facts {
    /// Splits what was printed; lines of one word get an empty value.
    pub fn read(output: &str) -> Facts {
        let split = |line: &str| {
            let (key, value) = line.split_once(' ').unwrap_or((line, ""));
            (key.to_owned(), value.trim().to_owned())
        };
        Facts { lines: output.lines().map(split).collect() }
    }

    /// The value of the first line with this key.
    pub fn first<'a>(&'a self, key: &'a str) -> Option<&'a str> {
        self.all(key).next()
    }

    /// The values of all lines with this key.
    pub fn all<'a>(&'a self, key: &'a str) -> impl Iterator<Item = &'a str> {
        self.lines.iter().filter(move |line| line.0 == key).map(|line| line.1.as_str())
    }

    /// Everything, as it was printed.
    pub fn text(&self) -> String {
        self.lines.iter().map(|(key, value)| format!("{key} {value}\n")).collect()
    }
}

impl Run {
    /// Whether another machine gave the same outputs, detections and classes.
    pub fn same_answer(&self, other: &Run) -> bool {
        self.output_hex == other.output_hex
            && self.output_hash == other.output_hash
            && self.detections == other.detections
            && self.classes == other.classes
            && self.overflow == other.overflow
    }

    /// Reads the facts of a run that ended well.
    ///
    /// # Errors
    /// [`SimulateError::Garbled`] when a line is missing or is not what it should be.
    pub fn read(machine: &str, facts: &Facts) -> Result<Run, SimulateError> {
        Run::parse(facts).ok_or_else(|| SimulateError::Garbled {
            machine: machine.to_owned(),
            status: "exit status: 0".to_owned(),
            output: facts.text(),
        })
    }

    fn parse(facts: &Facts) -> Option<Run> {
        facts.first("done")?;
        let mut run = Run {
            output_hash: facts.first("output_hash").map(str::to_owned),
            arena_bytes: facts.first("arena_bytes")?.parse().ok()?,
            stack_bytes: facts.first("stack_bytes")?.parse().ok()?,
            infer_stack_bytes: facts.first("infer_stack_bytes").map_or(Ok(0), u64::from_str).ok()?,
            overflow: facts.first("overflow").map_or(Ok(0), u64::from_str).ok()?,
            ..Run::default()
        };
        for line in facts.all("instructions") {
            let (stage, count) = line.split_once(' ')?;
            let count = count.parse().ok()?;
            match stage {
                "preprocess" => run.instructions.preprocess = count,
                "infer" => run.instructions.infer = count,
                "postprocess" => run.instructions.postprocess = count,
                _ => return None,
            }
        }
        for (index, line) in facts.all("output").enumerate() {
            let (number, hex) = line.split_once(' ')?;
            if number.parse() != Ok(index) {
                return None;
            }
            run.output_hex.push(hex.to_owned());
        }
        for (index, line) in facts.all("step").enumerate() {
            let mut words = line.split_whitespace();
            if words.next()?.parse() != Ok(index) {
                return None;
            }
            let crc32 = u32::from_str_radix(words.next()?, 16).ok()?;
            run.steps.push(Step { crc32, instructions: words.next()?.parse().ok()? });
        }
        for line in facts.all("class") {
            let [class, score] = numbers::<u16>(line)?.try_into().ok()?;
            run.classes.push((class, score));
        }
        for line in facts.all("detection") {
            let values: Vec<i32> = numbers(line)?;
            let (head, keypoints) = values.split_at_checked(6)?;
            run.detections.push(Detection {
                class_index: head[0].try_into().ok()?,
                score: head[1].try_into().ok()?,
                bounds: [head[2], head[3], head[4], head[5]],
                keypoints: keypoints.chunks(2).map(|xy| xy.try_into().ok()).collect::<Option<_>>()?,
            });
        }
        Some(run)
    }
}

fn numbers<T: FromStr>(line: &str) -> Option<Vec<T>> {
    line.split_whitespace().map(|word| word.parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PRINTED: &str = "machine mps2-an386\nself_test ok\narena_bytes 54996\nstack_bytes 844\ninfer_stack_bytes 616\n\
        instructions preprocess 10\ninstructions infer 4294967296\ninstructions postprocess 7\n\
        step 0 0000beef 9\nstep 1 00000001 0\noutput 0 80ff\noutput 1 00\noutput_hash 0123\n\
        detection 1 65535 -256 0 512 256 7 -8\noverflow 2\ndone\n";

    #[test]
    fn every_line_finds_its_field() {
        let run = Run::read("mps2-an386", &Facts::read(PRINTED)).unwrap();
        assert_eq!(run.output_hex, ["80ff", "00"]);
        assert_eq!(run.output_hash.as_deref(), Some("0123"));
        assert_eq!((run.arena_bytes, run.stack_bytes, run.overflow), (54_996, 844, 2));
        assert_eq!(run.infer_stack_bytes, 616);
        assert_eq!(run.instructions, Instructions { preprocess: 10, infer: 1 << 32, postprocess: 7 });
        let steps = [(0xBEEF, 9), (1, 0)].map(|(crc32, instructions)| Step { crc32, instructions });
        assert_eq!(run.steps, steps);
        let detection = &run.detections[0];
        assert_eq!((detection.class_index, detection.score), (1, 65_535));
        assert_eq!(detection.bounds, [-256, 0, 512, 256]);
        assert_eq!(detection.keypoints, [[7, -8]]);
    }

    #[test]
    fn a_run_that_stopped_early_is_no_run() {
        for (index, _) in PRINTED.match_indices('\n') {
            let cut = &PRINTED[..index];
            assert_eq!(Run::parse(&Facts::read(cut)).is_some(), cut.ends_with("done"), "{cut}");
        }
    }

    #[test]
    fn a_wrong_number_is_no_run() {
        for (from, to) in [
            ("512 256 7", "512 x 7"),
            ("7 -8", "7"),
            ("844", ""),
            ("infer", "infuse"),
            ("output 1", "output 2"),
            ("step 1", "step 2"),
            ("0000beef", "beet"),
        ] {
            let changed = PRINTED.replace(from, to);
            assert_ne!(changed, PRINTED);
            assert_eq!(Run::parse(&Facts::read(&changed)), None, "{from} -> {to}");
        }
    }
}
