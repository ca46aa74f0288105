//! Measures the desktop app beside the command of the same package, in turn, in one run: `./x bench desktop [MIB [ROUNDS]]`.
//!
//! A backup without a seal is opened into a file, by the app in its window and by `dbseal decrypt -o`. Files lie in memory (`/dev/shm`),
//! where neither waits for a disk, nor for a host to give memory. What the app takes is told by its page, from when it begins the job,
//! after the dialogs, to the answer; of the command it is the whole process. In rounds of their own, since both take time, clicks and
//! memory are looked at: the clicks inside the page, so that no driver's time is in them, the memory every 50 ms, as the sum over all
//! processes of the app of what each has, shared pages counted in proportion (PSS). For comparison the same is clicked while the app is
//! idle, alone and beside the command: a machine that keeps a click waiting then does so whatever the app does.
#![cfg(unix)]

mod memory;

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use dbseal_tests::browser::wait_within;
use dbseal_tests::cli::Folder;
use dbseal_tests::desktop::{Desktop, Package};
use rustix::fs::statvfs;
use serde_json::{Value, json};

use self::memory::{Peak, Sampler};

const USAGE: &str = "usage: ./x bench desktop [MIB [ROUNDS]], with 64 MiB and 1 round at least";
const WATCH: &str = include_str!("page.js");
/// How long a job may take: a bound for a broken build.
const HANGS: Duration = Duration::from_secs(3600);
/// How long the app's dialog takes before its job begins. The command waits as long, so that both begin on a machine that was as idle.
const DIALOG: Duration = Duration::from_millis(2400);
/// Bytes by which what is free has to fall until a job is seen to write: the app's page takes a few MiB there for what it draws.
const BEGINNING: u64 = 32 << 20;

/// What is wanted: times of the command, milliseconds, bytes.
const MOST_TIMES: f64 = 1.1;
const MOST_WAIT: f64 = 100.0;
const MOST_LEN: u64 = 400 << 20;

/// What the app has shown while somebody pressed and looked, which takes time of its own.
struct Watched {
    clicks: Vec<Click>,
    calls: Vec<f64>,
    peak: Peak,
    /// Seconds.
    took: f64,
}

struct Click {
    /// Milliseconds from when it is due until a frame shows what it did.
    wait: f64,
    /// Seconds since the job began.
    at: f64,
}

impl Click {
    fn all(found: &Value) -> Vec<Self> {
        let clicks = found.as_array().into_iter().flatten();
        clicks.map(|click| Self { wait: click[0].as_f64().unwrap_or(f64::INFINITY), at: click[1].as_f64().unwrap_or_default() }).collect()
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    // Its programs are started in another folder.
    let deb = PathBuf::from(args.next().ok_or("the package is named first")?).canonicalize()?;
    let mib: u64 = args.next().map_or(Ok(4096), |text| text.parse()).map_err(|_| USAGE)?;
    let rounds: usize = args.next().map_or(Ok(5), |text| text.parse()).map_err(|_| USAGE)?;
    if rounds == 0 || mib < 64 {
        return Err(USAGE.into());
    }
    let package = Package::install(&deb, &deb.with_extension("root"));
    tempfile::env::override_temp_dir(Path::new("/dev/shm")).map_err(|_| "temporary files lie elsewhere already")?;
    let bench = Bench::prepare(&package, mib)?;
    print_machine();

    let (mut app, mut command) = (Vec::new(), Vec::new());
    // In turn, so that a machine whose speed drifts is as unfair to both; the first round only warms.
    for round in 0..=rounds {
        let (by_command, by_app) = (bench.by_command()?, bench.by_app()?);
        eprintln!("round {round}: the command {by_command:.2} s, the app {by_app:.2} s");
        if round > 0 {
            command.push(by_command);
            app.push(by_app);
        }
    }
    let watched = (0..rounds).map(|_| bench.watched()).collect::<Result<Vec<_>, _>>()?;
    let as_long = Duration::from_secs_f64(middle(&command));
    let alone = bench.idle(rounds, || {
        thread::sleep(as_long);
        Ok(())
    })?;
    let beside = bench.idle(rounds, || bench.dbseal(&["decrypt", "-i", "backup.key", "-o", "opened", "big.age"]))?;
    print(mib, &app, &command, &watched, &[("app and machine idle", alone), ("app idle, the command at work", beside)], bench.stop()?);
    Ok(())
}

/// What is pressed while the app is at work.
#[derive(Clone, Copy)]
enum Presses {
    None,
    /// Clicks that change nothing but the page.
    Aside,
    /// And Stop, from so many percent on.
    Stop {
        at: u32,
    },
    /// The same clicks while it is not.
    Idle,
}

/// The package, and a backup to open.
struct Bench<'a> {
    package: &'a Package,
    folder: Folder,
    len: u64,
}

impl<'a> Bench<'a> {
    fn prepare(package: &'a Package, mib: u64) -> Result<Self, Box<dyn Error>> {
        let bench = Self { package, folder: Folder::new(), len: mib << 20 };
        bench.dbseal(&["keygen", "-o", "backup.key"])?;
        let len = bench.len.to_string();
        bench.dbseal(&["encrypt", "-R", "backup.pub", "-o", "big.age", "--", "head", "-c", &len, "/dev/urandom"])?;
        Ok(bench)
    }

    fn dbseal(&self, args: &[&str]) -> Result<(), Box<dyn Error>> {
        let mut command = Command::new(self.package.program("dbseal"));
        let output = command.args(args).current_dir(self.folder.path("")).stdin(Stdio::null()).output()?;
        if output.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&output.stderr).into()) }
    }

    /// Takes the output away, all of it being there.
    fn take_output(&self) -> Result<(), Box<dyn Error>> {
        let path = self.folder.path("opened");
        if path.metadata()?.len() != self.len {
            return Err("the output is not as long as what was backed up".into());
        }
        Ok(fs::remove_file(path)?)
    }

    /// Holds as much memory as the output takes, until a job has begun to write it. A virtual machine gives memory that has been free for
    /// two seconds back to its host, and who takes it then waits for the host, more or less long: little else would be measured. Letting go
    /// of it keeps a core busy, so this is for jobs that are timed, not for those that are watched.
    fn hold_memory(&self) -> Result<(), Box<dyn Error>> {
        let memory = vec![1_u8; usize::try_from(self.len)?];
        // The output has no name before it is whole.
        let folder = self.folder.path("");
        let free_len = move || statvfs(&folder).map(|system| system.f_bfree * system.f_frsize);
        let idle = free_len()?;
        thread::spawn(move || {
            while free_len().is_ok_and(|free| free + BEGINNING > idle) {
                thread::sleep(Duration::from_millis(1));
            }
            drop(memory);
        });
        Ok(())
    }

    /// Seconds.
    fn by_command(&self) -> Result<f64, Box<dyn Error>> {
        self.hold_memory()?;
        thread::sleep(DIALOG);
        let start = Instant::now();
        self.dbseal(&["decrypt", "-i", "backup.key", "-o", "opened", "big.age"])?;
        let seconds = start.elapsed().as_secs_f64();
        self.take_output()?;
        Ok(seconds)
    }

    /// Seconds.
    fn by_app(&self) -> Result<f64, Box<dyn Error>> {
        let found = self.opened(&self.form(), Presses::None)?;
        Ok(found["seconds"].as_f64().ok_or("a number of seconds")?)
    }

    fn watched(&self) -> Result<Watched, Box<dyn Error>> {
        let desktop = self.form();
        let sampler = Sampler::start(desktop.browser.pids());
        let found = self.opened(&desktop, Presses::Aside)?;
        let peak = sampler.end();
        let numbers = |name: &str| found[name].as_array().into_iter().flatten().filter_map(Value::as_f64).collect();
        let took = found["seconds"].as_f64().ok_or("a number of seconds")?;
        Ok(Watched { clicks: Click::all(&found["clicks"]), calls: numbers("calls"), peak, took })
    }

    /// How long clicks take, in milliseconds, while the app is idle and this is done, so many times.
    fn idle(&self, rounds: usize, work: impl Fn() -> Result<(), Box<dyn Error>>) -> Result<Vec<f64>, Box<dyn Error>> {
        let mut clicks = Vec::new();
        for _ in 0..rounds {
            let desktop = self.form();
            self.begin(&desktop, Presses::Idle)?;
            work()?;
            let found = desktop.browser.run("self.bench.over = true; return self.bench.clicks", &[]);
            clicks.extend(Click::all(&found).iter().map(|click| click.wait));
            // Where there is one.
            let _ = fs::remove_file(self.folder.path("opened"));
        }
        Ok(clicks)
    }

    /// What the page has found by the end of a job that has opened all of it.
    fn opened(&self, desktop: &Desktop, presses: Presses) -> Result<Value, Box<dyn Error>> {
        self.begin(desktop, presses)?;
        let found = wait_within(HANGS, "the answer", || self.found(desktop, "seconds"));
        if let Some(text) = found["failed"].as_str() {
            return Err(text.to_owned().into());
        }
        self.take_output()?;
        Ok(found)
    }

    /// Milliseconds from a press on Stop, in the middle of a job, until the form is there again.
    fn stop(&self) -> Result<f64, Box<dyn Error>> {
        let desktop = self.form();
        self.begin(&desktop, Presses::Stop { at: 30 })?;
        let found = wait_within(HANGS, "the end of the job", || self.found(&desktop, "stopped"));
        Ok(found["stopped"].as_f64().ok_or("a number of milliseconds")?)
    }

    /// The app with the form of Open, a backup and a key chosen.
    fn form(&self) -> Desktop {
        let desktop = Desktop::start_from(self.package, &[&self.folder.path("big.age")]);
        desktop.begin("open");
        desktop.choose("#identity-file", "Choose the key file", &self.folder.path("backup.key"));
        desktop
    }

    fn begin(&self, desktop: &Desktop, presses: Presses) -> Result<(), Box<dyn Error>> {
        let arguments = match presses {
            Presses::None => [json!(false), json!(0), json!(false)],
            Presses::Aside => [json!(true), json!(0), json!(false)],
            Presses::Stop { at } => [json!(true), json!(at), json!(false)],
            Presses::Idle => [json!(true), json!(0), json!(true)],
        };
        desktop.browser.run(WATCH, &arguments);
        if let Presses::Idle = presses {
            return Ok(());
        }
        if let Presses::None = presses {
            self.hold_memory()?;
        }
        desktop.choose("#start", "Where should it go?", &self.folder.path("opened"));
        Ok(())
    }

    /// What the page has found, once it has this.
    fn found(&self, desktop: &Desktop, name: &str) -> Option<Value> {
        // Seldom: each look takes the page's time.
        thread::sleep(Duration::from_secs(2));
        let is_there = desktop.browser.run("return self.bench[arguments[0]] !== null || self.bench.failed !== null", &[json!(name)]);
        (is_there == json!(true)).then(|| desktop.browser.run("return self.bench", &[]))
    }
}

fn print(mib: u64, app: &[f64], command: &[f64], watched: &[Watched], idle: &[(&str, Vec<f64>)], stopped: f64) {
    let gb = mib as f64 * 1048576.0 / 1e9;
    println!("\n{mib} MiB of random bytes, median of {} rounds, and in parentheses the fastest and the slowest\n", command.len());
    println!("| opening into a file | GB/s | seconds |\n| --- | ---: | ---: |");
    for (name, seconds) in [("the app", app), ("dbseal decrypt -o", command)] {
        let sorted = sorted(seconds.iter().copied());
        let median = sorted[sorted.len() / 2];
        println!("| {name} | {:.2} | {median:.2} ({:.2} to {:.2}) |", gb / median, sorted[0], sorted[sorted.len() - 1]);
    }
    println!("\n| while the app is at work, milliseconds | samples | median | the worst |\n| --- | ---: | ---: | ---: |");
    let clicks = sorted(watched.iter().flat_map(|round| &round.clicks).map(|click| click.wait));
    let calls = sorted(watched.iter().flat_map(|round| &round.calls).copied());
    assert!(!clicks.is_empty() && !calls.is_empty(), "the job had ended before anything was pressed: take a larger size");
    for (name, waits) in
        [("from when a click is due until a frame shows what it did", &clicks), ("a question of the page to the app", &calls)]
    {
        println!("| {name} | {} | {:.1} | {:.1} |", waits.len(), waits[waits.len() / 2], waits[waits.len() - 1]);
    }
    for (while_what, clicks) in idle {
        let waits = sorted(clicks.iter().copied());
        assert!(waits.len() >= watched.len(), "nothing was pressed while the app was idle");
        println!(
            "| the first, for comparison: {while_what} | {} | {:.1} | {:.1} |",
            waits.len(),
            waits[waits.len() / 2],
            waits[waits.len() - 1]
        );
    }
    println!("| from a press on Stop until the form is back | 1 | {stopped:.1} | {stopped:.1} |");
    let slowest = watched.iter().flat_map(|round| round.clicks.iter().map(|click| (click, round.took)));
    if let Some((click, took)) = slowest.max_by(|a, b| a.0.wait.total_cmp(&b.0.wait)) {
        println!("\nthe slowest click was due {:.2} s into a job of {took:.2} s", click.at);
    }

    let peak = watched.iter().map(|round| &round.peak).max_by_key(|peak| peak.len).expect("a round");
    let parts: Vec<_> = peak.parts.iter().map(|(kind, len)| format!("{kind} {}", len >> 20)).collect();
    let above = if peak.is_above { "; run by root it would be less, as only root is told what processes share" } else { "" };
    println!("\nmemory of the app's processes together, at most: {} MiB ({}){above}", peak.len >> 20, parts.join(", "));

    let times = middle(app) / middle(command);
    // The page says so of a Stop that did nothing.
    let stopped = if stopped < 0.0 { f64::INFINITY } else { stopped };
    let worst = clicks.last().copied().unwrap_or_default().max(stopped);
    println!("\n| wanted | found |\n| --- | ---: |");
    let found = |is_kept: bool, text: String| if is_kept { text } else { format!("**missed: {text}**") };
    println!("| at most {MOST_TIMES} times as long as the command | {} |", found(times <= MOST_TIMES, format!("{times:.2}")));
    println!("| each click answered within {MOST_WAIT} ms | {} |", found((0.0..=MOST_WAIT).contains(&worst), format!("{worst:.0} ms")));
    println!("| at most {} MiB | {} |", MOST_LEN >> 20, found(peak.len <= MOST_LEN, format!("{} MiB", peak.len >> 20)));
}

fn middle(seconds: &[f64]) -> f64 {
    sorted(seconds.iter().copied())[seconds.len() / 2]
}

fn sorted(numbers: impl Iterator<Item = f64>) -> Vec<f64> {
    let mut sorted: Vec<_> = numbers.collect();
    sorted.sort_by(f64::total_cmp);
    sorted
}

fn print_machine() {
    let _ = Command::new("sh").args(["-c", "grep -m1 'model name' /proc/cpuinfo; echo \"$(nproc) cores\"; uname -r"]).status();
}
