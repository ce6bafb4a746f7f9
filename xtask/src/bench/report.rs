//! The numbers as a table for people and as JSON for tools.

use std::fmt::Write;

use serde_json::{Value, json};

use super::Bench;
use super::measure::Sample;

/// One line for each bench. A ratio is the reference's time by the bench's: 1.00 is as fast as the reference, 0.50 takes twice as long.
pub fn table(benches: &[&Bench], samples: &[Vec<Sample>]) -> String {
    let width = benches.iter().map(|bench| bench.name.chars().count()).max().unwrap_or(0);
    let mut text = String::new();
    let mut group = "";
    for row in rows(benches, samples) {
        // Writing to a String cannot fail.
        if row.bench.group != group {
            group = row.bench.group;
            let _ = writeln!(
                text,
                "\n{group:<width$} {:>9} {:>9} {:>9} {:>11} {:>9} {:>10}",
                "CPU s", "wall s", "peak MiB", "records/s", "CPU ratio", "wall ratio"
            );
        }
        let speed = row.speed().map_or("-".to_owned(), |speed| format!("{speed:.0}"));
        let [cpu, wall] = [row.cpu_ratio(), row.wall_ratio()].map(|ratio| ratio.map_or("-".to_owned(), |ratio| format!("{ratio:.2}")));
        let memory = row.best.memory as f64 / 1_048_576.0;
        let _ = writeln!(
            text,
            "{:<width$} {:>9.2} {:>9.3} {memory:>9.1} {speed:>11} {cpu:>9} {wall:>10}",
            row.bench.name, row.best.cpu, row.best.wall
        );
    }
    text
}

/// All samples and what the table says, one object for each bench.
pub fn json(benches: &[&Bench], samples: &[Vec<Sample>]) -> String {
    let rows = rows(benches, samples).into_iter().zip(samples).map(|(row, samples)| {
        let samples: Vec<Value> =
            samples.iter().map(|sample| json!({ "cpu": sample.cpu, "wall": sample.wall, "memory": sample.memory })).collect();
        json!({
            "group": row.bench.group, "name": row.bench.name, "reference": row.bench.reference, "records": row.bench.records,
            "cpu": row.best.cpu, "wall": row.best.wall, "memory": row.best.memory,
            "cpu_ratio": row.cpu_ratio(), "wall_ratio": row.wall_ratio(), "samples": samples,
        })
    });
    format!("{:#}\n", Value::from_iter(rows))
}

struct Row<'a> {
    bench: &'a Bench,
    best: Sample,
    reference: Option<Sample>,
}

impl Row<'_> {
    /// Records in a second of wall time.
    fn speed(&self) -> Option<f64> {
        (self.bench.records > 0 && self.best.wall > 0.0).then(|| self.bench.records as f64 / self.best.wall)
    }

    /// None where one of the two is below what can be measured.
    fn cpu_ratio(&self) -> Option<f64> {
        self.reference.filter(|reference| reference.cpu > 0.0 && self.best.cpu > 0.0).map(|reference| reference.cpu / self.best.cpu)
    }

    fn wall_ratio(&self) -> Option<f64> {
        self.reference.filter(|_| self.best.wall > 0.0).map(|reference| reference.wall / self.best.wall)
    }
}

fn rows<'a>(benches: &[&'a Bench], samples: &[Vec<Sample>]) -> Vec<Row<'a>> {
    let all: Vec<(&Bench, Sample)> = benches.iter().copied().zip(samples.iter().map(|samples| best(samples))).collect();
    let reference = |group: &str| all.iter().find(|(bench, _)| bench.group == group && bench.reference).map(|(_, best)| *best);
    all.iter().map(|(bench, best)| Row { bench, best: *best, reference: reference(bench.group) }).collect()
}

/// The least of each number: noise only ever adds time. Of memory the greatest, since a peak is a claim about the worst.
fn best(samples: &[Sample]) -> Sample {
    let least = |value: fn(&Sample) -> f64| samples.iter().map(value).fold(f64::INFINITY, f64::min);
    let memory = samples.iter().map(|sample| sample.memory).max().unwrap_or(0);
    Sample { cpu: least(|sample| sample.cpu), wall: least(|sample| sample.wall), memory }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;
    use crate::bench::Program;

    fn bench(name: &'static str, reference: bool) -> Bench {
        Bench { group: "copy", name, reference, program: Program::Hub, arguments: &[], records: 1000, beside: None, manifest: None }
    }

    fn sample(cpu: f64, wall: f64, mebibytes: u64) -> Sample {
        Sample { cpu, wall, memory: mebibytes << 20 }
    }

    #[test]
    fn ratios_are_the_best_of_each_against_the_reference() {
        let (straight, ours) = (bench("straight", true), bench("ours", false));
        let samples = [vec![sample(1.0, 2.0, 10), sample(1.5, 1.0, 12)], vec![sample(2.0, 4.0, 30), sample(2.5, 5.0, 20)]];
        let expected = "\ncopy         CPU s    wall s  peak MiB   records/s CPU ratio wall ratio\n\
                        straight      1.00     1.000      12.0        1000      1.00       1.00\n\
                        ours          2.00     4.000      30.0         250      0.50       0.25\n";
        assert_eq!(table(&[&straight, &ours], &samples), expected);
        let value: Value = serde_json::from_str(&json(&[&straight, &ours], &samples)).unwrap();
        assert_eq!((&value[1]["cpu_ratio"], &value[1]["samples"][1]["wall"]), (&json!(0.5), &json!(5.0)));
    }

    #[test]
    fn what_cannot_be_measured_has_no_ratio() {
        let (straight, ours) = (bench("straight", true), bench("ours", false));
        let samples = [vec![sample(0.0, 0.1, 1)], vec![sample(0.01, 0.2, 1)]];
        assert!(table(&[&straight, &ours], &samples).contains("         -       0.50\n"));
    }
}
