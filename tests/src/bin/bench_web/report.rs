//! What was measured, as tables.

use dbseal_tests::browser::Kind;

use super::jobs::{Job, Unit};

/// What a job took in each browser, in seconds, a round each.
pub(crate) struct Times {
    pub(crate) job: &'static Job,
    pub(crate) seconds: [Vec<f64>; Kind::MAIN.len()],
}

impl Times {
    pub(crate) fn new(job: &'static Job) -> Self {
        Self { job, seconds: Default::default() }
    }

    /// A row: what the job is, and for each browser its median and the fastest and slowest round.
    pub(crate) fn line(&self, len: u64) -> String {
        let cells = self.seconds.iter().map(|seconds| {
            let (sorted, median) = (sorted(seconds), median(seconds));
            let (least, most) = (sorted[0], sorted[sorted.len() - 1]);
            match self.job.unit {
                Unit::Speed => format!("{:.2} | {median:.2} ({least:.2} to {most:.2})", gb(len) / median),
                Unit::Seconds => format!("| {median:.2} ({least:.2} to {most:.2})"),
            }
        });
        format!("| {} | {} |", self.job.name, cells.collect::<Vec<_>>().join(" | "))
    }
}

/// A promise: the speed of a job is at least this many times the lower of these.
struct Target {
    job: &'static str,
    factor: f64,
    others: &'static [&'static str],
}

const TARGETS: [Target; 4] = [
    Target { job: "decrypting alone, 1 thread", factor: 3.0, others: &["typage"] },
    Target { job: "decrypting alone, threads", factor: 1.6, others: &["decrypting alone, 1 thread"] },
    Target { job: "Check, 1 thread", factor: 0.7, others: &["BLAKE3 alone, 1 thread", "reading alone, slices"] },
    Target { job: "Check, threads", factor: 0.7, others: &["BLAKE3 alone, threads", "reading alone, slices"] },
];

/// Prints all of it.
pub(crate) fn print(times: &[Times], len: u64, rounds: usize) {
    println!("\n{} MiB, median of {rounds} rounds, and in parentheses the fastest and the slowest\n", len >> 20);
    println!("| job | Chromium, GB/s | seconds | Firefox, GB/s | seconds |\n| --- | ---: | ---: | ---: | ---: |");
    times.iter().for_each(|times| println!("{}", times.line(len)));
    println!("\nwhat is in the time of each:");
    times.iter().for_each(|times| println!("  {}: {}", times.job.name, times.job.includes));
    println!("\n| promise | Chromium | Firefox |\n| --- | ---: | ---: |");
    for target in &TARGETS {
        let ratios = (0..Kind::MAIN.len()).map(|browser| {
            let of = |name: &str| times.iter().find(|times| times.job.name == name).map(|times| median(&times.seconds[browser]));
            let slowest = target.others.iter().map(|name| of(name)).collect::<Option<Vec<_>>>()?.into_iter().reduce(f64::max)?;
            Some(slowest / of(target.job)?)
        });
        let cells = ratios.map(|ratio| match ratio {
            Some(ratio) if ratio < target.factor => format!("**missed: {ratio:.2}**"),
            Some(ratio) => format!("{ratio:.2}"),
            None => "not measured".into(),
        });
        let (others, cells) = (target.others.join(" or of "), cells.collect::<Vec<_>>().join(" | "));
        println!("| {} is at least {} times as fast as {others} | {cells} |", target.job, target.factor);
    }
}

fn gb(len: u64) -> f64 {
    len as f64 / 1e9
}

fn sorted(seconds: &[f64]) -> Vec<f64> {
    let mut sorted = seconds.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted
}

fn median(seconds: &[f64]) -> f64 {
    sorted(seconds)[seconds.len() / 2]
}
