//! What a soak watches: the program's own counters, and its memory as the system counts it.

use std::fmt;
use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

/// The counters of the program's metrics.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Counters {
    pub(super) captured: u64,
    pub(super) answered: u64,
    pub(super) dropped: u64,
    pub(super) spoilt: u64,
    pub(super) lost: u64,
    /// Name, sent, dropped, failed.
    pub(super) emitters: Vec<(String, u64, u64, u64)>,
}

impl Counters {
    /// Asks the program.
    pub(super) fn read(address: &str) -> Result<Counters> {
        let mut stream = TcpStream::connect(address)?;
        stream.set_read_timeout(Some(Duration::from_secs(30)))?;
        write!(stream, "GET /metrics HTTP/1.1\r\nHost: {address}\r\n\r\n")?;
        let mut text = String::new();
        stream.read_to_string(&mut text)?;
        let number = |name: &str| {
            let mut lines = text.lines();
            let value = lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')).map(str::parse);
            value.transpose().ok().flatten().with_context(|| format!("the metrics have no {name}"))
        };
        let names = text
            .lines()
            .filter_map(|line| line.strip_prefix("ocelli_answers_sent_total{to=\"")?.split('"').next());
        let emitter = |name: &str| {
            let count = |what: &str| number(&format!("ocelli_answers_{what}_total{{to=\"{name}\"}}"));
            Ok((name.to_owned(), count("sent")?, count("dropped")?, count("failed")?))
        };
        Ok(Counters {
            captured: number("ocelli_frames_captured_total")?,
            answered: number("ocelli_frames_answered_total")?,
            dropped: number("ocelli_frames_dropped_total")?,
            spoilt: number("ocelli_frames_spoilt_total")?,
            lost: number("ocelli_camera_lost_total")?,
            emitters: names.map(emitter).collect::<Result<_>>()?,
        })
    }

    /// Reads until nothing changes any more.
    pub(super) fn at_rest(address: &str) -> Result<Counters> {
        // Longer than any pause that an emitter makes before it tries again.
        const REST: Duration = Duration::from_secs(6);
        let until = Instant::now() + Duration::from_secs(120);
        let mut last = Counters::read(address)?;
        loop {
            thread::sleep(REST);
            let now = Counters::read(address)?;
            // The camera dies on, though it gives nothing.
            let is_still = Counters { lost: 0, ..now.clone() } == Counters { lost: 0, ..last };
            if is_still {
                return Ok(now);
            }
            ensure!(Instant::now() < until, "the program does not come to rest: {now}");
            last = now;
        }
    }

    pub(super) fn sent_to(&self, name: &str) -> u64 {
        self.emitters.iter().find(|(found, ..)| found == name).map_or(0, |(_, sent, ..)| *sent)
    }

    /// Whether everything is counted once.
    pub(super) fn check(&self) -> Result<()> {
        ensure!(self.captured == self.answered + self.dropped, "frames are missing: {self}");
        for (name, sent, dropped, failed) in &self.emitters {
            ensure!(self.answered == sent + dropped + failed, "answers of {name} are missing: {self}");
            ensure!(*sent > 0, "{name} was told nothing: {self}");
        }
        Ok(())
    }
}

impl fmt::Display for Counters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Counters { captured, answered, dropped, spoilt, lost, emitters } = self;
        write!(f, "frames: {captured} captured = {answered} answered + {dropped} dropped; ")?;
        write!(f, "{spoilt} spoilt, camera lost {lost} times")?;
        for (name, sent, dropped, failed) in emitters {
            write!(f, "\n{name}: {answered} answers = {sent} sent + {dropped} dropped + {failed} failed")?;
        }
        Ok(())
    }
}

/// Resident memory of a process over time, its share of what it has in common with others taken.
#[derive(Debug, Default)]
pub(super) struct Memory {
    /// Seconds since the start, and kilobytes.
    samples: Vec<(f64, u64)>,
}

impl Memory {
    pub(super) fn sample(&mut self, process: u32, since_start: Duration) -> Result<()> {
        let rollup = fs::read_to_string(format!("/proc/{process}/smaps_rollup"));
        let rollup = rollup.context("reading the program's memory")?;
        let line = rollup.lines().find_map(|line| line.strip_prefix("Pss:"));
        let kilobytes = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
        self.samples.push((since_start.as_secs_f64(), kilobytes.context("the system counts no memory")?));
        Ok(())
    }

    /// The median of a tenth of the run: the one after the first tenth, in which the program warms up, and the last.
    fn medians(&self) -> Option<[u64; 2]> {
        let tenth = self.samples.len() / 10;
        let median = |samples: &[(f64, u64)]| {
            let mut kilobytes: Vec<u64> = samples.iter().map(|(_, kilobytes)| *kilobytes).collect();
            kilobytes.sort_unstable();
            kilobytes.get(kilobytes.len() / 2).copied()
        };
        let last = self.samples.get(self.samples.len() - tenth..)?;
        Some([median(self.samples.get(tenth..2 * tenth)?)?, median(last)?])
    }

    /// By what share memory grew from the first median to the last.
    pub(super) fn growth(&self) -> Option<f64> {
        let [first, last] = self.medians()?;
        Some(last as f64 / first as f64 - 1.0)
    }
}

impl fmt::Display for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let most = self.samples.iter().map(|(_, kilobytes)| kilobytes).max().unwrap_or(&0);
        let Some([first, last]) = self.medians() else { return write!(f, "memory: too few samples") };
        let growth = 100.0 * self.growth().unwrap_or_default();
        write!(
            f,
            "memory: {first} kB after warming up, {last} kB at the end ({growth:+.1} %), at most {most} kB"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn growth_is_that_of_medians_after_the_first_tenth() {
        let samples = |kilobytes: fn(u64) -> u64| Memory {
            samples: (0..100).map(|at| (at as f64, kilobytes(at))).collect(),
        };
        assert_eq!(samples(|at| if at < 10 { at } else { 1000 }).growth(), Some(0.0));
        let leak = samples(|at| 1000 + 10 * at).growth().unwrap();
        assert!((0.6..0.8).contains(&leak), "{leak}");
        assert_eq!(Memory::default().growth(), None);
    }

    #[test]
    fn a_frame_that_is_not_counted_is_found() {
        let emitters = vec![("page".to_owned(), 5, 1, 1)];
        let good = Counters { captured: 9, answered: 7, dropped: 2, emitters, ..Counters::default() };
        assert!(good.check().is_ok());
        assert!(Counters { captured: 10, ..good.clone() }.check().is_err());
        let emitters = vec![("page".to_owned(), 5, 1, 0)];
        assert!(Counters { emitters, ..good }.check().is_err());
    }
}
