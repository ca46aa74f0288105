//! Measures dbseal beside its peers, each command a whole process, in turn, in one run: `./x bench [MIB] [ROUNDS] [JOB]`, where
//! JOB is a part of the name of those jobs that are wanted, such as `check`.
//!
//! Files lie in memory (`/dev/shm`), but for what is written to the disk that the folder `target` is on. Each output is removed before
//! the next run, so that all write to pages that were just freed. But a virtual machine may give memory that is free back to its host, and
//! who takes it then waits for the host: where `cat` is far slower than memory, take fewer MIB, until it is not. The medians are printed:
//! wall time, CPU-seconds for each GB and the peak of resident memory, as GNU time reports them, and how many times as fast as age, or
//! b3sum, the same job was done. A peer that is missing ends the run: a table without it would mislead. Memory is then measured once more,
//! over four times the data; and in the end the cipher alone.

use std::fs::File;
use std::hint::black_box;
use std::io::{Read, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use dbseal_kernel::{Backend, InOutBuf, Key};
use rustix::time::{ClockId, clock_gettime};

type Failure = Box<dyn std::error::Error>;

/// What a command took.
#[derive(Clone, Copy)]
struct Run {
    seconds: f64,
    cpu_seconds: f64,
    peak_kib: f64,
}

fn main() -> Result<(), Failure> {
    let mut args = std::env::args().skip(1).peekable();
    if args.next_if_eq(BARE).is_some() {
        return seal_nothing_else(&args.collect::<Vec<_>>());
    }
    let mib: u64 = args.next().map_or(Ok(2048), |text| text.parse())?;
    let rounds: usize = args.next().map_or(Ok(5), |text| text.parse())?;
    let dbseal = std::env::current_exe()?.with_file_name("dbseal").display().to_string();
    let folder = tempfile::Builder::new().prefix("dbseal-bench").tempdir_in("/dev/shm")?;
    let disk = tempfile::Builder::new().prefix("bench").tempdir_in("target")?;
    std::os::unix::fs::symlink(disk.path().canonicalize()?, folder.path().join("disk"))?;
    prepare(folder.path(), &dbseal, mib)?;
    print_machine();

    let job = args.next().unwrap_or_default();
    let mut rows = rows(&dbseal);
    // Whether sealing waits for reading and writing.
    for backend in [Backend::all().next(), Backend::all().last()].into_iter().flatten() {
        let job = "one thread seals, file to null";
        rows.push((job, format!("{} {BARE} {} {mib}", std::env::current_exe()?.display(), backend.name())));
        rows.push((job, format!("{dbseal} encrypt --threads 1 --cipher-backend {} -f -R k.pub -o /dev/null in", backend.name())));
    }
    rows.retain(|row| row.0.contains(&job));
    let mut runs: Vec<Vec<Run>> = vec![Vec::new(); rows.len()];
    // In turn, so that a machine whose speed drifts is as unfair to all of them; the first round only warms.
    for round in 0..=rounds {
        for ((_, command), runs) in rows.iter().zip(&mut runs) {
            for output in ["out.cat", "out.age", "out.age.seal", "out.seal", "out.gpg", "out.enc", "out.plain"] {
                let _ = std::fs::remove_file(folder.path().join(output));
                let _ = std::fs::remove_file(disk.path().join(output));
            }
            let run = time(folder.path(), command)?;
            if round > 0 {
                runs.push(run);
            }
        }
    }
    let gb = mib as f64 * 1048576.0 / 1e9;
    println!("\n{mib} MiB of random bytes, median of {rounds} runs\n");
    println!(
        "| job | command | seconds | GB/s | times age, b3sum | CPU s/GB | peak MiB |\n| --- | --- | ---: | ---: | ---: | ---: | ---: |"
    );
    for ((job, command), own) in rows.iter().zip(&runs) {
        let run = median(own);
        let standard =
            rows.iter().zip(&runs).find(|((other, command), _)| other == job && is_standard(command)).map(|(_, runs)| median(runs));
        let ratio = standard.map_or(String::new(), |standard| format!("{:.2}", standard.seconds / run.seconds));
        let shown = command
            .replace(&format!("{} {BARE}", std::env::current_exe()?.display()), "the bare cipher,")
            .replace(&dbseal, "dbseal")
            .replace(GPG, "gpg")
            .replace('|', "\\|");
        let (speed, cpu, peak) = (gb / run.seconds, run.cpu_seconds / gb, run.peak_kib / 1024.0);
        println!("| {job} | `{}` | {:.2} | {speed:.2} | {ratio} | {cpu:.2} | {peak:.0} |", shown.trim(), run.seconds);
    }
    println!("\ngpg is: {GPG}");
    print_memory(folder.path(), &dbseal, 4 * mib)?;
    bare_cipher()
}

/// What the others of a job are compared with.
fn is_standard(command: &str) -> bool {
    command.split(' ').any(|word| word == "age") || command.starts_with("b3sum s")
}

fn median(runs: &[Run]) -> Run {
    let of = |field: fn(&Run) -> f64| {
        let mut values: Vec<f64> = runs.iter().map(field).collect();
        values.sort_by(f64::total_cmp);
        values[values.len() / 2]
    };
    Run { seconds: of(|run| run.seconds), cpu_seconds: of(|run| run.cpu_seconds), peak_kib: of(|run| run.peak_kib) }
}

/// Memory does not grow with the file: over zeros, of which a file takes no room.
fn print_memory(folder: &Path, dbseal: &str, mib: u64) -> Result<(), Failure> {
    println!("\n{mib} MiB of zeros with 2 threads\n\n| job | peak MiB |\n| --- | ---: |");
    std::fs::remove_file(folder.join("in"))?;
    File::create(folder.join("in"))?.set_len(mib << 20)?;
    for (job, command) in [
        ("encrypt, file to null", format!("{dbseal} encrypt --threads 2 -R k.pub -f -o /dev/null in")),
        ("encrypt, file to file, signed", format!("{dbseal} encrypt --threads 2 -R k.pub --sign sign.key -o out.age in")),
        ("encrypt, pipe to null", format!("cat in | {dbseal} encrypt --threads 2 -R k.pub >/dev/null")),
        ("decrypt, file to null", format!("{dbseal} decrypt --threads 2 -i k.key -f -o /dev/null out.age")),
        (
            "decrypt, file to pipe, trusted",
            format!("{dbseal} decrypt --threads 2 --trust trusted/sign.pub -i k.key out.age | cat >/dev/null"),
        ),
        ("decrypt, pipe to null", format!("cat out.age | {dbseal} decrypt --threads 2 -i k.key >/dev/null")),
        ("verify", format!("{dbseal} verify --threads 2 --trust trusted/sign.pub out.age")),
    ] {
        println!("| {job} | {:.1} |", time(folder, &command)?.peak_kib / 1024.0);
    }
    Ok(())
}

/// What makes of this program one that only seals the same text over and over: `bare BACKEND MIB`.
const BARE: &str = "bare";

fn seal_nothing_else(args: &[String]) -> Result<(), Failure> {
    let [backend, mib] = args else { return Err("usage: bench bare BACKEND MIB".into()) };
    let backend = Backend::all().find(|known| known.name() == backend).ok_or("this machine has no such backend")?;
    let key = Key::new(&[7; 32], backend);
    let mut text = vec![0; TEXT_LEN];
    for _ in 0..(mib.parse::<usize>()? << 20) / TEXT_LEN {
        black_box(key.seal(&[0; 12], text.as_mut_slice().into()));
    }
    Ok(())
}

/// The cipher alone, on one core: each backend of this machine, and OpenSSL, as it is and as it is where its fastest is missing.
fn bare_cipher() -> Result<(), Failure> {
    type Measure = Box<dyn Fn() -> Result<f64, Failure>>;
    let mut rows: Vec<(String, Measure)> = Vec::new();
    for backend in Backend::all() {
        rows.push((format!("dbseal, {}, seals", backend.name()), Box::new(move || Ok(sealing(backend)))));
        rows.push((format!("dbseal, {}, opens", backend.name()), Box::new(move || Ok(opening(backend)))));
    }
    // Bits of EBX of leaf 7 of CPUID: 21 is IFMA; 16, 17, 28, 30 and 31 are F, DQ, CD, BW and VL.
    for (name, hidden) in [("", None), (" without IFMA", Some(":~0x200000")), (" without AVX-512", Some(":~0xd0230000"))] {
        if hidden.is_none() || cfg!(target_arch = "x86_64") {
            rows.push((format!("OpenSSL{name}, seals"), Box::new(move || openssl(hidden))));
        }
    }
    let mut best = vec![0.0_f64; rows.len()];
    for _ in 0..3 {
        for ((_, measure), best) in rows.iter().zip(&mut best) {
            *best = best.max(measure()?);
        }
    }
    println!("\nthe bare cipher, one core, 64 KiB in memory, best of three seconds\n\n| cipher | GB/s |\n| --- | ---: |");
    rows.iter().zip(best).for_each(|((name, _), best)| println!("| {name} | {best:.2} |"));
    Ok(())
}

const TEXT_LEN: usize = 65536;

fn sealing(backend: Backend) -> f64 {
    let key = Key::new(&[7; 32], backend);
    let mut text = vec![0; TEXT_LEN];
    a_second_of(|| key.seal(&[0; 12], text.as_mut_slice().into()))
}

fn opening(backend: Backend) -> f64 {
    let key = Key::new(&[7; 32], backend);
    let [mut sealed, mut opened] = [vec![0; TEXT_LEN], vec![0; TEXT_LEN]];
    let tag = key.seal(&[0; 12], sealed.as_mut_slice().into());
    a_second_of(|| {
        let text = InOutBuf::new(&sealed, &mut opened).expect("two of one length");
        key.open(&[0; 12], text, &tag).expect("what was sealed");
    })
}

/// GB/s of work on one text after the other, in a second of this thread's own, as OpenSSL measures it.
fn a_second_of<T>(mut work: impl FnMut() -> T) -> f64 {
    let spent = || Duration::try_from(clock_gettime(ClockId::ThreadCPUTime)).expect("a time after none");
    let started = spent();
    let mut len = 0;
    loop {
        for _ in 0..16 {
            black_box(work());
            len += TEXT_LEN;
        }
        let seconds = (spent() - started).as_secs_f64();
        if seconds >= 1.0 {
            return len as f64 / 1e9 / seconds;
        }
    }
}

/// GB/s of OpenSSL where these features of the processor are hidden from it.
fn openssl(hidden: Option<&str>) -> Result<f64, Failure> {
    let output = Command::new("openssl")
        .args(["speed", "-mr", "-seconds", "1", "-bytes", "65536", "-evp", "chacha20-poly1305"])
        .envs(hidden.map(|features| ("OPENSSL_ia32cap", features)))
        .output()?;
    // +F:25:ChaCha20-Poly1305:2918809600.00
    let text = String::from_utf8(output.stdout)?;
    let bytes = text.lines().find(|line| line.starts_with("+F")).and_then(|line| line.rsplit(':').next());
    Ok(bytes.ok_or("openssl speed reported nothing")?.parse::<f64>()? / 1e9)
}

const GPG: &str = "gpg --homedir gpg --batch --yes --trust-model always --compress-algo none -r bench@example.org";

/// Checking without a key: the peer only hashes.
const CHECK: &str = "check";

/// The jobs, peers side by side. Every pipe is fed by `cat`, so what it costs is in all of those rows.
fn rows(dbseal: &str) -> Vec<(&'static str, String)> {
    let mut rows = vec![("copy, file to file", "cat in >out.cat".to_owned())];
    for (job, output, input) in [
        ("encrypt, file to null", "-o /dev/null", "in"),
        ("encrypt, file to file", "-o out.age", "in"),
        ("encrypt, pipe to null", ">/dev/null", ""),
    ] {
        let pipe = if input.is_empty() { "cat in | " } else { "" };
        let force = if output.starts_with("-o") { "-f " } else { "" };
        rows.push((job, format!("{pipe}{dbseal} encrypt {force}-R k.pub {output} {input}")));
        rows.push((job, format!("{pipe}{dbseal} encrypt --sign sign.key --seal-to out.seal {force}-R k.pub {output} {input}")));
        rows.push((job, format!("{pipe}{dbseal} encrypt --threads 1 {force}-R k.pub {output} {input}")));
        rows.push((job, format!("{pipe}age -R k.pub {output} {input}")));
        rows.push((job, format!("{pipe}rage -R k.pub {output} {input}")));
        rows.push((job, format!("{pipe}{GPG} {} -e {input}", output.replace(".age", ".gpg"))));
        let target = output.replace("-o ", ">").replace(".age", ".enc");
        let source = if input.is_empty() { String::new() } else { format!("-in {input} ") };
        rows.push((job, format!("{pipe}openssl enc -aes-256-ctr -pbkdf2 -pass file:pass {source}{target}")));
    }
    // Whoever does not sync what they wrote is made to.
    const TO_DISK: &str = "encrypt, file to disk";
    rows.push((TO_DISK, "cat in >disk/out.cat && sync disk/out.cat".into()));
    rows.push((TO_DISK, format!("{dbseal} encrypt -R k.pub -o disk/out.age in")));
    rows.push((TO_DISK, format!("{dbseal} encrypt --sign sign.key -R k.pub -o disk/out.age in")));
    rows.push((TO_DISK, "age -R k.pub -o disk/out.age in && sync disk/out.age".into()));
    for (job, output) in [("decrypt, file to null", "-o /dev/null"), ("decrypt, file to file", "-o out.plain")] {
        rows.push((job, format!("{dbseal} decrypt -f -i k.key {output} sealed.age")));
        rows.push((job, format!("{dbseal} decrypt --threads 1 -f -i k.key {output} sealed.age")));
        rows.push((job, format!("{dbseal} decrypt --trust trusted/sign.pub -f -i k.key {output} signed.age")));
        rows.push((job, format!("age -d -i k.key {output} sealed.age")));
        rows.push((job, format!("rage -d -i k.key {output} sealed.age")));
    }
    rows.push((CHECK, format!("{dbseal} verify --trust trusted/sign.pub signed.age")));
    rows.push((CHECK, format!("{dbseal} verify --threads 1 --trust trusted/sign.pub signed.age")));
    rows.push((CHECK, "b3sum signed.age".into()));
    rows.push((CHECK, "b3sum --num-threads 1 signed.age".into()));
    rows
}

/// The input, keys for all, and a file to decrypt.
fn prepare(folder: &Path, dbseal: &str, mib: u64) -> Result<(), Failure> {
    let mut random = File::open("/dev/urandom")?.take(mib << 20);
    std::io::copy(&mut random, &mut File::create(folder.join("in"))?)?;
    File::create(folder.join("pass"))?.write_all(b"a passphrase\n")?;
    std::fs::create_dir(folder.join("gpg"))?;
    for command in [
        "chmod 700 gpg",
        "age-keygen -o k.key 2>/dev/null",
        "age-keygen -y k.key >k.pub",
        "gpg --homedir gpg --batch --quiet --passphrase '' --quick-gen-key bench@example.org rsa3072 encrypt never",
        "age -R k.pub -o sealed.age in",
        &format!("{dbseal} keygen --sign bench -o sign.key && mkdir trusted && mv sign.pub trusted/"),
        &format!("{dbseal} encrypt -R k.pub --sign sign.key -o signed.age in"),
    ] {
        let status = Command::new("sh").args(["-c", command]).current_dir(folder).stdin(Stdio::null()).status()?;
        if !status.success() {
            return Err(format!("this failed: {command}").into());
        }
    }
    Ok(())
}

fn print_machine() {
    let script = "grep -m1 'model name' /proc/cpuinfo; nproc; grep -om1 avx512f /proc/cpuinfo || echo 'no AVX-512'; \
         age --version; rage --version; b3sum --version; gpg --version | head -n1; openssl version";
    let _ = Command::new("sh").args(["-c", script]).status();
}

/// Runs a shell command under GNU time.
fn time(folder: &Path, command: &str) -> Result<Run, Failure> {
    let report = folder.join("time");
    let status = Command::new("/usr/bin/time")
        .arg("-f")
        .arg("%e %U %S %M")
        .arg("-o")
        .arg(&report)
        .args(["sh", "-c", command])
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()?;
    if !status.success() {
        return Err(format!("this failed: {command}").into());
    }
    let text = std::fs::read_to_string(&report)?;
    let mut numbers = text.split_whitespace().map(str::parse::<f64>);
    let mut next = || numbers.next().ok_or("GNU time reported too little");
    let (seconds, user, system, peak_kib) = (next()??, next()??, next()??, next()??);
    Ok(Run { seconds, cpu_seconds: user + system, peak_kib })
}
