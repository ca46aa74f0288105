//! Measures how fast small backups get other recipients, all in one call, beside a loop that decrypts and encrypts each with age:
//! `./x bench rewrap [COUNT] [ROUNDS]`.
//!
//! The backups, of 4 KiB for an X25519 key, lie in memory (`/dev/shm`); dbseal calls fsync as ever, age never does. The medians are printed.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use dbseal_core::{Batch, FileKey, Header, HeaderPadding, PayloadNonce, Recipient, Sealer, Spread};
use dbseal_tests::inputs::Replay;

type Failure = Box<dyn std::error::Error>;

/// Bytes in a backup's plaintext.
const PLAIN_LEN: usize = 4096;
/// The loop takes one of so many: it is that much slower.
const LOOP_SHARE: usize = 20;

fn main() -> Result<(), Failure> {
    let mut args = std::env::args().skip(1).map(|text| text.parse::<usize>());
    let count = args.next().unwrap_or(Ok(10_000))?.max(LOOP_SHARE);
    let rounds = args.next().unwrap_or(Ok(5))?.max(1);
    let dbseal = std::env::current_exe()?.with_file_name("dbseal").display().to_string();
    let folder = tempfile::Builder::new().prefix("dbseal-bench").tempdir_in("/dev/shm")?;
    let folder = folder.path();
    for name in ["old", "new"] {
        run(folder, &format!("{dbseal} keygen -o {name}.key"))?;
    }
    std::fs::create_dir(folder.join("all"))?;
    let recipient: Recipient = std::fs::read_to_string(folder.join("old.pub"))?.trim().parse()?;
    for index in 0..count {
        std::fs::write(folder.join(format!("all/{index:06}.age")), backup(&recipient, index as u64)?)?;
    }
    run(folder, &format!("mkdir few && ls all | head -n {} | while read name; do cp all/$name few; done", count / LOOP_SHARE))?;
    let rewrap = format!("{dbseal} rewrap -i old.key -R new.pub --without-seal");
    let each = "for name in b/*; do age -d -i old.key $name | age -R new.pub -o t && mv t $name || exit 1; done";
    let rows = [
        ("dbseal rewrap", "all", count, format!("{rewrap} b")),
        ("dbseal rewrap --copy", "all", count, format!("{rewrap} --copy b")),
        ("age twice, in a loop", "few", count / LOOP_SHARE, each.to_owned()),
    ];
    let mut times: Vec<Vec<f64>> = vec![Vec::new(); rows.len()];
    for _ in 0..rounds {
        for ((_, from, _, command), times) in rows.iter().zip(&mut times) {
            run(folder, &format!("rm -rf b && cp -r {from} b"))?;
            let start = Instant::now();
            run(folder, command)?;
            times.push(start.elapsed().as_secs_f64());
        }
    }
    run(folder, "age -d -i old.key b/000000.age >/dev/null 2>&1 && exit 1 || age -d -i new.key b/000000.age >/dev/null")?;
    println!(
        "backups of {PLAIN_LEN} bytes in memory, median of {rounds} runs\n\n| | backups | seconds | a second |\n| --- | ---: | ---: | ---: |"
    );
    for ((name, _, count, _), times) in rows.iter().zip(&mut times) {
        times.sort_by(f64::total_cmp);
        let seconds = times[times.len() / 2];
        println!("| {name} | {count} | {seconds:.2} | {:.0} |", *count as f64 / seconds);
    }
    Ok(())
}

fn backup(recipient: &Recipient, seed: u64) -> Result<Vec<u8>, Failure> {
    let rng = &mut Replay(seed);
    let (file_key, nonce) = (FileKey::generate(rng), PayloadNonce::generate(rng));
    let header = Header::wrap(&file_key, std::slice::from_ref(recipient), HeaderPadding::Fixed, rng)?;
    let mut batch = Batch::with_chunks(1);
    batch.set_plaintext_len(PLAIN_LEN);
    Sealer::new(&file_key, &nonce).finish(&mut batch, Spread::Serial);
    Ok([&header.to_bytes(), &nonce.as_bytes()[..], batch.sealed_bytes()].concat())
}

/// Runs a shell command.
fn run(folder: &Path, command: &str) -> Result<(), Failure> {
    let mut shell = Command::new("sh");
    shell.args(["-c", command]).current_dir(folder).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let status = shell.status()?;
    if status.success() { Ok(()) } else { Err(format!("this failed: {command}").into()) }
}
