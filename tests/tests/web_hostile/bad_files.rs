//! What the fuzzer is fed and what it found, and real files that were mutated: dropped as backup, seal and identity on each task.

use std::fs;
use std::io::Write as _;

use base64ct::{Base64, Encoding};
use dbseal_tests::browser::{NO_PICK, Visit};
use dbseal_tests::cli::seals;
use dbseal_tests::fuzz_seeds::{corpus_dir, seeds};
use dbseal_tests::inputs::{Replay, paint};
use serde_json::{Value, json};

/// Jobs that one script does, so that none of them takes as long as a script may.
const JOBS_AT_ONCE: usize = 20;
const PLAIN_LEN: usize = 150_000;
/// Files of each kind that the short tier drops.
const SHORT_COUNT: usize = 6;
/// Begins the part of a seal that nobody signs.
const UNSIGNED: &[u8] = b"\nunsigned\n";

/// Does jobs one after the other, as a person does who never loads the page again; says of each what the page said in the end.
const DO_JOBS: &str = "
    const [jobs, milliseconds] = arguments;
    const at = (id) => document.getElementById(id);
    const until = async (look) => {
        for (const end = performance.now() + milliseconds; performance.now() < end;) {
            const found = look();
            if (found) return found;
            await new Promise((resolve) => setTimeout(resolve, 5));
        }
    };
    const choose = (id, name, text) => {
        const chosen = new DataTransfer();
        chosen.items.add(new File([Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0))], name));
        at(id).files = chosen.files;
        at(id).dispatchEvent(new Event('change'));
    };
    const answers = [];
    for (const { task, backup, seal, identity, trust } of jobs) {
        at('back')?.click();
        at(`task-${task}`).click();
        for (const id of ['backup-remove', 'seal-remove']) if (!at(id).hidden) at(id).click();
        choose('backup-file', 'shop.age', backup);
        if (seal !== undefined) choose('seal-file', 'shop.age.seal', seal);
        at('trust').value = trust;
        at('trust').dispatchEvent(new Event('input'));
        if (task === 'open') {
            choose('identity-file', 'backup.key', identity);
            at('passphrase').value = 'x';
            await until(() => at('output-note').dataset.output);
        }
        at('start').click();
        if (!await until(() => at('answer') || at('failure-what'))) return [...answers, null];
        const text = (selector) => [...document.querySelectorAll(selector)].map((element) => element.textContent).join(' ');
        answers.push({
            answer: at('answer')?.dataset.answer ?? 'failed',
            integrity: at('answer')?.dataset.integrity ?? null,
            says: text('.says, #failure-what'),
            next: text('.next, #failure-next'),
            offers: at('save-output') !== null,
        });
    }
    return answers;
";

/// How much is dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Tier {
    /// A few of the seeds: the same on every machine.
    Short,
    /// All of them, and what the fuzzer found on this machine.
    Long,
}

/// What is dropped, and what is known of it.
struct Job {
    name: String,
    /// The task and the files, for the script.
    job: Value,
    /// Whether what is dropped is not as it was sealed, or not what the key opens.
    is_changed: bool,
}

#[test]
fn what_the_fuzzer_knows_ends_in_a_sentence() {
    all_end_in_a_sentence(Tier::Short);
}

#[test]
#[ignore = "not run here: long tier (20 minutes)"]
fn all_that_the_fuzzer_knows_ends_in_a_sentence() {
    all_end_in_a_sentence(Tier::Long);
}

fn all_end_in_a_sentence(tier: Tier) {
    let jobs = jobs(tier);
    Visit::each(|visit| {
        visit.open_page();
        let _ = visit.browser.wait_for("#task-check");
        visit.browser.run(NO_PICK, &[]);
        let mut ends = std::collections::BTreeMap::new();
        for jobs in jobs.chunks(JOBS_AT_ONCE) {
            let given = jobs.iter().map(|job| job.job.clone()).collect();
            // A sixth of the time that all of them have: one that hangs is named.
            let answers = visit.browser.run_async(DO_JOBS, &[Value::Array(given), json!(20_000)]);
            for (job, answer) in jobs.iter().zip(answers.as_array().expect("a list")) {
                let place = format!("{} with {} in {}: {answer}", job.job["task"], job.name, visit.name());
                assert!(!answer.is_null(), "it hangs: {place}");
                assert_ends_well(job, answer, &place);
                *ends.entry(answer["answer"].to_string()).or_insert(0) += 1;
            }
        }
        writeln!(std::io::stderr(), "{}: {} jobs, {ends:?}", visit.name(), jobs.len()).expect("stderr");
    });
}

fn assert_ends_well(job: &Job, answer: &Value, place: &str) {
    let words = |name: &str| answer[name].as_str().unwrap_or_default().to_owned();
    assert!(words("says").len() > 10 && words("says").contains('.'), "no sentence: {place}");
    match answer["answer"].as_str().expect("a word") {
        "failed" => assert!(words("next").len() > 10, "no next step: {place}"),
        "checked" if answer["integrity"] == "intact" => assert!(!job.is_changed, "it is not intact: {place}"),
        "checked" => assert!(words("next").len() > 10, "no next step: {place}"),
        "opened" => assert!(!job.is_changed, "it was opened: {place}"),
        "inspected" => {}
        other => panic!("{other}: {place}"),
    }
    assert_eq!(answer["offers"], json!(answer["answer"] == "opened"), "a file is offered only where there is one: {place}");
}

fn jobs(tier: Tier) -> Vec<Job> {
    let folder = seals::folder();
    folder.write("plain", paint(PLAIN_LEN));
    seals::encrypt(&folder, &["-o", "b/shop.age", "plain"]).run().succeeds();
    let (backup, seal, identity) = (folder.read("b/shop.age"), folder.read("b/shop.age.seal"), folder.read("backup.key"));
    let trust = folder.read_text("trust");
    let mut jobs = Vec::new();
    let mut add = |name: String, task: &str, backup: &[u8], seal: Option<&[u8]>, identity: &[u8], is_changed: bool| {
        let mut job = json!({ "task": task, "backup": base64(backup), "identity": base64(identity), "trust": &trust });
        if let Some(seal) = seal {
            job["seal"] = base64(seal).into();
        }
        jobs.push(Job { name, job, is_changed });
    };
    // Each on one of the tasks, in turn.
    let tasks = || ["check", "open", "inspect"].into_iter().cycle();
    for (target, skip_len) in [("header", 0), ("armor", 1)] {
        for ((name, bytes), task) in known(target, tier).iter().zip(tasks()) {
            add(format!("{target} {name}"), task, bytes.get(skip_len..).unwrap_or_default(), None, &identity, true);
        }
    }
    for ((name, bytes), task) in known("seal", tier).iter().zip(tasks()) {
        let Some((len, rest)) = bytes.split_first_chunk() else { continue };
        let (seal, section) = rest.split_at(usize::from(u16::from_be_bytes(*len)).min(rest.len()));
        add(format!("seal {name}"), task, &[b"a header", section].concat(), Some(seal), &identity, true);
    }
    for ((name, bytes), task) in known("note", tier).iter().zip(tasks()) {
        add(format!("note {name}"), task, &backup, Some(bytes), &identity, true);
    }
    for (name, bytes) in known("keys", tier) {
        // Opened without its seal, it says only what the key says.
        add(format!("keys {name}"), "open", &backup, Some(&seal), &bytes, true);
    }
    let mut rng = Replay(4);
    // Before the part that nobody signs.
    let signed_len = seal.windows(UNSIGNED.len()).position(|bytes| bytes == UNSIGNED).expect("a part that nobody signs");
    let count = if tier == Tier::Short { SHORT_COUNT } else { 200 };
    for (number, task) in (0..count).zip(tasks()) {
        let mutated = mutated(&backup, &mut rng);
        add(format!("backup {number}"), task, &mutated, Some(&seal), &identity, mutated != backup);
        // A seal whose unsigned part alone was changed still vouches.
        let mutated = self::mutated(&seal, &mut rng);
        add(format!("mutated seal {number}"), task, &backup, Some(&mutated), &identity, !mutated.starts_with(&seal[..signed_len]));
        // An identity file whose comment was changed still opens.
        add(format!("identity {number}"), "open", &backup, Some(&seal), &self::mutated(&identity, &mut rng), false);
    }
    // What nothing was done to shows that the others are refused for what they are.
    add("nothing changed".into(), "check", &backup, Some(&seal), &identity, false);
    add("nothing changed".into(), "open", &backup, Some(&seal), &identity, false);
    jobs
}

/// Seeds of a target and, in the long tier, what the fuzzer found from them, if it ran: from all over.
fn known(target: &str, tier: Tier) -> Vec<(String, Vec<u8>)> {
    let mut known: Vec<_> = seeds().into_iter().filter(|seed| seed.0 == target).map(|(_, name, bytes)| (name, bytes)).collect();
    if tier == Tier::Long {
        let found = fs::read_dir(corpus_dir(target)).into_iter().flatten().flatten();
        known.extend(found.filter_map(|entry| Some((entry.file_name().to_string_lossy().into_owned(), fs::read(entry.path()).ok()?))));
    }
    assert!(!known.is_empty(), "no seed for {target}");
    known.sort();
    known.dedup();
    let mut chosen = Replay(5).shuffled(known);
    chosen.truncate(if tier == Tier::Short { SHORT_COUNT } else { 500 });
    chosen
}

/// A file with up to four things done to it.
fn mutated(bytes: &[u8], rng: &mut Replay) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for _ in 0..=rng.below(4) {
        let at = rng.below(bytes.len() + 1);
        let end = (at + rng.below(200)).min(bytes.len());
        match rng.below(7) {
            0 => bytes.truncate(at),
            1 => drop(bytes.drain(at..end)),
            2 => {
                let doubled = bytes[at..end].to_vec();
                bytes.splice(at..at, doubled);
            }
            3 => drop(bytes.splice(at..end, *b"\n99999999999999999999 \xff\0")),
            4 => bytes[at..end].fill(0),
            _ if at < bytes.len() => bytes[at] ^= 1 << rng.below(8),
            _ => bytes.push(b'\n'),
        }
    }
    bytes
}

fn base64(bytes: &[u8]) -> String {
    Base64::encode_string(bytes)
}
