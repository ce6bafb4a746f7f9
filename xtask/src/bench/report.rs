//! The numbers as a table for people and as JSON for tools.

use std::fmt::Write;

use serde_json::{Value, json};

use super::Bench;
use super::measure::Sample;

/// One line for each bench. A ratio is the reference's number by the bench's, times for each record: 1.00 is as fast as the reference, 0.50 takes
/// twice as long; 10.00 under `memory` needs a tenth of it.
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
                "\n{group:<width$} {:>9} {:>9} {:>9} {:>11} {:>9} {:>10} {:>7}",
                "CPU s", "wall s", "peak MiB", "records/s", "CPU ratio", "wall ratio", "memory"
            );
        }
        let speed = row.speed().map_or("-".to_owned(), |speed| format!("{speed:.0}"));
        let ratios = [row.cpu_ratio(), row.wall_ratio(), row.memory_ratio()];
        let [cpu, wall, less] = ratios.map(|ratio| ratio.map_or("-".to_owned(), |ratio| format!("{ratio:.2}")));
        let memory = row.best.memory as f64 / 1_048_576.0;
        let _ = writeln!(
            text,
            "{:<width$} {:>9.2} {:>9.3} {memory:>9.1} {speed:>11} {cpu:>9} {wall:>10} {less:>7}",
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
            "cpu_ratio": row.cpu_ratio(), "wall_ratio": row.wall_ratio(), "memory_ratio": row.memory_ratio(), "samples": samples,
        })
    });
    format!("{:#}\n", Value::from_iter(rows))
}

struct Row<'a> {
    bench: &'a Bench,
    best: Sample,
    reference: Option<(u64, Sample)>,
}

impl Row<'_> {
    /// Records in a second of wall time.
    fn speed(&self) -> Option<f64> {
        (self.bench.records > 0 && self.best.wall > 0.0).then(|| self.bench.records as f64 / self.best.wall)
    }

    /// None where one of the two is below what can be measured.
    fn cpu_ratio(&self) -> Option<f64> {
        self.ratio(|sample| sample.cpu).map(|ratio| ratio * self.share())
    }

    fn wall_ratio(&self) -> Option<f64> {
        self.ratio(|sample| sample.wall).map(|ratio| ratio * self.share())
    }

    fn memory_ratio(&self) -> Option<f64> {
        self.ratio(|sample| sample.memory as f64)
    }

    fn ratio(&self, value: fn(&Sample) -> f64) -> Option<f64> {
        let (reference, own) = (value(&self.reference?.1), value(&self.best));
        (reference > 0.0 && own > 0.0).then(|| reference / own)
    }

    /// A slow reference handles fewer records; its time is taken as if it had as many.
    fn share(&self) -> f64 {
        match self.reference {
            Some((records, _)) if records > 0 && self.bench.records > 0 => self.bench.records as f64 / records as f64,
            _ => 1.0,
        }
    }
}

fn rows<'a>(benches: &[&'a Bench], samples: &[Vec<Sample>]) -> Vec<Row<'a>> {
    let all: Vec<(&Bench, Sample)> = benches.iter().copied().zip(samples.iter().map(|samples| best(samples))).collect();
    let reference =
        |group: &str| all.iter().find(|(bench, _)| bench.group == group && bench.reference).map(|(bench, best)| (bench.records, *best));
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
        Bench { reference, ..super::super::bench("copy", name, Program::Hub, &[], 1000) }
    }

    fn sample(cpu: f64, wall: f64, mebibytes: u64) -> Sample {
        Sample { cpu, wall, memory: mebibytes << 20 }
    }

    #[test]
    fn ratios_are_the_best_of_each_against_the_reference() {
        let (straight, ours) = (bench("straight", true), bench("ours", false));
        let samples = [vec![sample(1.0, 2.0, 10), sample(1.5, 1.0, 12)], vec![sample(2.0, 4.0, 30), sample(2.5, 5.0, 20)]];
        let expected = "\ncopy         CPU s    wall s  peak MiB   records/s CPU ratio wall ratio  memory\n\
                        straight      1.00     1.000      12.0        1000      1.00       1.00    1.00\n\
                        ours          2.00     4.000      30.0         250      0.50       0.25    0.40\n";
        assert_eq!(table(&[&straight, &ours], &samples), expected);
        let value: Value = serde_json::from_str(&json(&[&straight, &ours], &samples)).unwrap();
        assert_eq!((&value[1]["cpu_ratio"], &value[1]["samples"][1]["wall"]), (&json!(0.5), &json!(5.0)));
    }

    #[test]
    fn times_are_compared_for_each_record() {
        let (straight, ours) = (bench("straight", true), Bench { records: 4000, ..bench("ours", false) });
        let samples = [vec![sample(1.0, 1.0, 40)], vec![sample(0.5, 1.0, 10)]];
        assert!(
            table(&[&straight, &ours], &samples)
                .contains("ours          0.50     1.000      10.0        4000      8.00       4.00    4.00\n")
        );
    }

    #[test]
    fn what_cannot_be_measured_has_no_ratio() {
        let (straight, ours) = (bench("straight", true), bench("ours", false));
        let samples = [vec![sample(0.0, 0.1, 1)], vec![sample(0.01, 0.2, 1)]];
        assert!(table(&[&straight, &ours], &samples).contains("         -       0.50    1.00\n"));
    }
}
