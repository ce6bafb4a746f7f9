//! One run of one program: CPU time, wall time, peak memory. Linux only: reads `/proc`.
//!
//! CPU time is read from the ended process before it is reaped (10 ms steps), with its waited-for children. Peak memory is the kernel's own
//! high-water mark, looked at every 5 ms: what grows in the very last moment is missed.

use std::fs::{self, File};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, WaitId, WaitIdOptions, waitid};

use crate::process::{Failure, Result};

/// The kernel tells process times in hundredths of a second on every architecture that hub runs on.
const TICKS_PER_SECOND: f64 = 100.0;

/// Numbers of one run.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Sample {
    /// User and system time in seconds.
    pub cpu: f64,
    /// Seconds from start to end.
    pub wall: f64,
    /// Peak resident memory in bytes.
    pub memory: u64,
}

/// Runs it to its end; its standard error is kept in a file and told if it fails.
pub fn measure(command: &mut Command, errors: &Path) -> Result<Sample> {
    let file = File::create(errors).map_err(|error| Failure::new(format!("{} cannot be written: {error}", errors.display())))?;
    let begun = Instant::now();
    let spawned = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(file).spawn();
    let mut child = spawned.map_err(|error| Failure::new(format!("it cannot be started: {error}")))?;
    let folder = Path::new("/proc").join(child.id().to_string());
    let (peak, done) = (AtomicU64::new(0), AtomicBool::new(false));
    let look = || peak.fetch_max(peak_memory(&folder).unwrap_or(0), Ordering::Relaxed);
    thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                look();
                thread::sleep(Duration::from_millis(5));
            }
        });
        wait_without_reaping(child.id());
        done.store(true, Ordering::Relaxed);
    });
    let wall = begun.elapsed().as_secs_f64();
    let cpu = fs::read_to_string(folder.join("stat")).ok().and_then(|text| cpu_seconds(&text));
    let status = child.wait().map_err(|error| Failure::new(format!("it cannot be waited for: {error}")))?;
    if !status.success() {
        let said = fs::read_to_string(errors).unwrap_or_default();
        return Err(Failure::new(format!("it ended with {status}: {}", said.trim_end())));
    }
    let cpu = cpu.ok_or_else(|| Failure::new("its CPU time cannot be read: bench needs Linux and /proc"))?;
    Ok(Sample { cpu, wall, memory: peak.into_inner() })
}

fn wait_without_reaping(id: u32) {
    let Some(process) = i32::try_from(id).ok().and_then(Pid::from_raw) else { return };
    // A signal may interrupt the waiting; anything else ends it, and `Child::wait` tells.
    while matches!(waitid(WaitId::Pid(process), WaitIdOptions::EXITED | WaitIdOptions::NOWAIT), Err(rustix::io::Errno::INTR)) {}
}

/// Own and children's user and system time: fields 14 to 17 of `/proc/ID/stat`, counted behind the name in parentheses.
fn cpu_seconds(stat: &str) -> Option<f64> {
    let (_, fields) = stat.rsplit_once(") ")?;
    let times = fields.split(' ').skip(11).take(4).map(|field| field.parse::<u32>().ok());
    let ticks = times.collect::<Option<Vec<u32>>>()?;
    (ticks.len() == 4).then(|| ticks.iter().map(|ticks| f64::from(*ticks)).sum::<f64>() / TICKS_PER_SECOND)
}

fn peak_memory(folder: &Path) -> Option<u64> {
    let status = fs::read_to_string(folder.join("status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.trim().trim_end_matches(" kB").parse::<u64>().ok()? * 1024)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    #[test]
    fn times_are_read_behind_a_name_with_spaces_and_parentheses() {
        let stat = "42 (a b) c) S 1 2 3 4 5 6 7 8 9 10 110 30 7 3 20 0 1";
        assert_eq!(cpu_seconds(stat), Some(1.5));
        assert_eq!(cpu_seconds("42 (a) S 1 2"), None);
    }

    #[test]
    fn a_busy_program_has_cpu_time_and_memory() {
        let folder = tempfile::tempdir().unwrap();
        let script = "i=0; while [ $i -lt 300000 ]; do i=$((i+1)); done";
        let sample = measure(Command::new("sh").args(["-c", script]), &folder.path().join("errors")).unwrap();
        assert!(sample.cpu > 0.0 && sample.wall > 0.0 && sample.memory > 100_000, "{sample:?}");
    }
}
