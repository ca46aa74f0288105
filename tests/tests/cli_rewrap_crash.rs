//! Other recipients for backups that exist, when the process is killed or the power goes: they open all the time, with the old key or the
//! new one, and a key brings the change to its end.
#![cfg(unix)]

use std::fs;
use std::time::{Duration, Instant};

use dbseal_core::{Header, Journal};
use dbseal_tests::cli::power_loss::{Files, Recording, TRACED};
use dbseal_tests::cli::rewraps::{age_opens, files_in, folder, lay, names_in, verify};
use dbseal_tests::cli::{Folder, Run};
use dbseal_tests::inputs::Replay;
use rustix::process::Signal;

const BACKUP: &str = "b/shop.age";
const SIGNED: &[&str] = &["--trust", "t/trust", "--sign", "custodian.sign.key"];
const SIGNED_COPY: &[&str] = &["--copy", "--trust", "t/trust", "--sign", "custodian.sign.key"];
/// What lies beside the backups between two tries.
const BEFORE: [&str; 2] = ["shop.age", "shop.age.seal"];

/// A change of recipients, and what lies in the folder when it begins.
struct Scene {
    what: String,
    args: &'static [&'static str],
    files: Files,
    /// Whether a seal stays all the time.
    is_sealed: bool,
}

impl Scene {
    fn new(what: &str, args: &'static [&'static str], files: &Files, is_sealed: bool) -> Self {
        let mut files = files.clone();
        // Without one, unless it is to be dropped.
        if !is_sealed && !args.contains(&"--drop-seal") {
            files.remove("shop.age.seal");
        }
        Self { what: what.into(), args, files, is_sealed }
    }

    /// The four in which nothing was stopped before.
    fn fresh(files: &Files) -> [Self; 4] {
        [
            Self::new("in place", SIGNED, files, true),
            Self::new("in place, no seal", &[], files, false),
            Self::new("by a copy", SIGNED_COPY, files, true),
            Self::new("by a copy, no seal", &["--copy"], files, false),
        ]
    }

    fn rewrap(&self, folder: &Folder, keys: &[&str]) -> Run {
        let keys = keys.iter().flat_map(|key| ["-i".to_owned(), format!("{key}.key")]);
        folder.dbseal(["rewrap"]).args(keys).args(self.args.iter().copied()).args(["-R", "new.pub", BACKUP])
    }

    /// Whether dbseal opens it with this key. What it then gives is all of the dump.
    fn opens(&self, folder: &Folder, key: &str) -> Result<bool, String> {
        let _ = fs::remove_file(folder.path("out"));
        let trust: &[&str] = if self.is_sealed { &["--trust", "t/trust"] } else { &[] };
        let decrypt = folder.dbseal(["decrypt", "-i", &format!("{key}.key"), "-o", "out", BACKUP]);
        let is_opened = decrypt.args(trust.iter().copied()).run().status.success();
        if is_opened && folder.read("out") != folder.read("shop.sql") {
            return Err(format!("{key} opens another dump"));
        }
        Ok(is_opened)
    }

    /// Judges what a crash has left, and what one more command makes of it.
    fn judge(&self, folder: &Folder) -> Result<(), String> {
        let [old, new, escrow] = ["old", "new", "escrow"].map(|key| self.opens(folder, key));
        let (old, new) = (old?, new?);
        let is_left = folder.has("b/shop.age.journal");
        check(old || new, "neither key opens it")?;
        check(!(old && new) || !self.is_sealed && is_left, "both keys open it")?;
        check(escrow?, "who stays does not open it")?;
        if self.is_sealed {
            let said = verify(folder, BACKUP);
            check(is_left || said.contains("b/shop.age: intact"), &said)?;
        }
        if self.args.contains(&"--copy") && !self.files.contains_key("shop.age.journal") {
            // Other programs read no journal, and need none here.
            check(age_opens(folder, "old", BACKUP) != age_opens(folder, "new", BACKUP), "age does not open it")?;
        }
        // One key is enough. Where both open it, no seal says which header it has, and it gets the new one.
        let ended = self.rewrap(folder, &[if new { "new" } else { "old" }]).run();
        check(ended.status.success(), &format!("it is not finished: {}", ended.words()))?;
        let holders = ["old", "new", "escrow"].map(|key| age_opens(folder, key, BACKUP));
        check(holders == [false, true, true], &format!("age opens it then: {holders:?}"))?;
        let names = names_in(folder);
        // A file that had its temporary name at that moment may keep it; nobody takes it for the backup.
        let mut whole = names.iter().filter(|name| !(name.starts_with(".shop.age.") && name.ends_with(".dbseal-partial")));
        let wanted = if self.is_sealed { &BEFORE[..] } else { &BEFORE[..1] };
        check(whole.by_ref().eq(wanted), &format!("{names:?} are left"))?;
        if self.is_sealed {
            let said = verify(folder, BACKUP);
            check(said.contains("b/shop.age: intact"), &format!("then {said}"))?;
        }
        Ok(())
    }
}

fn check(is_so: bool, words: &str) -> Result<(), String> {
    if is_so { Ok(()) } else { Err(words.into()) }
}

fn micros(time: Duration) -> usize {
    usize::try_from(time.as_micros()).expect("not that long")
}

/// Kills rewraps with the one signal that they cannot see: some at any moment of their work and a little beyond, the others at any moment
/// after the journal has its name, and before it is removed, as far as that can be hit.
fn killed_at_any_moment(wanted_count: usize) {
    // Several batches, and a part of one.
    let folder = folder((3 << 20) + 17);
    let scenes = Scene::fresh(&files_in(&folder));
    let journal = folder.path("b/shop.age.journal");
    let seed = wanted_count as u64;
    let mut rng = Replay(seed);
    // How long a rewrap takes, and how long its journal is there.
    let measure = |scene: &Scene| {
        lay(&folder, &scene.files);
        let (began, mut running) = (Instant::now(), scene.rewrap(&folder, &["old"]).start());
        let mut seen: Option<(Instant, Instant)> = None;
        while !running.has_ended() {
            if journal.exists() {
                let now = Instant::now();
                seen = Some((seen.map_or(now, |(first, _)| first), now));
            }
        }
        let job_len = micros(began.elapsed());
        let _ = running.end().succeeds();
        (job_len, seen.map_or(0, |(first, last)| micros(last - first)))
    };
    // The shortest of three: what a busy machine adds comes now, and not then.
    let lens = scenes.each_ref().map(|scene| (0..3).map(|_| measure(scene)).min().expect("three"));
    let (mut killed_count, mut old_count, mut left_count, mut torn_count) = (0, 0, 0, 0);
    let mut round = 0;
    // Some end before, and on a machine that is busy all of a few may come too early or too late.
    let is_enough = |counts: [usize; 3]| counts[0] >= wanted_count && counts[1..].iter().all(|count| *count > 0);
    while !is_enough([killed_count, old_count, left_count]) && round < 20 * wanted_count {
        let (scene, (job_len, journal_len)) = (&scenes[round % 4], lens[round % 4]);
        lay(&folder, &scene.files);
        let mut running = scene.rewrap(&folder, &["old"]).start();
        if journal_len > 0 && round / 4 % 2 == 1 {
            while !journal.exists() && !running.has_ended() {}
            let moment = Duration::from_micros(rng.below(journal_len + journal_len / 4 + 1) as u64);
            let began = Instant::now();
            // To sleep takes longer than some of what is to be hit.
            while began.elapsed() < moment {}
        } else {
            std::thread::sleep(Duration::from_micros(rng.below(job_len + job_len / 4) as u64));
        }
        if !running.has_ended() {
            running.signal(Signal::KILL);
        }
        let is_killed = running.end().status.code().is_none();
        killed_count += usize::from(is_killed);
        let left = files_in(&folder);
        old_count += usize::from(is_killed && left == scene.files);
        left_count += usize::from(left.contains_key("shop.age.journal"));
        torn_count += usize::from(left.keys().any(|name| name.starts_with('.')));
        if let Err(words) = scene.judge(&folder) {
            panic!("{words}: round {round}, seed {seed}, {}: {:?}", scene.what, left.keys());
        }
        round += 1;
    }
    println!("{round} rounds, {killed_count} killed: nothing was done {old_count} times, a journal left {left_count} times");
    println!("and a temporary name {torn_count} times; job and journal, in microseconds: {lens:?}");
    assert!(is_enough([killed_count, old_count, left_count]), "dbseal was always killed too early, or too late");
}

/// Under `kill -9`.
#[test]
fn killed_at_twelve_moments() {
    killed_at_any_moment(12);
}

/// Under `kill -9`, more often.
#[test]
#[ignore = "not run here: long tier (2 minutes)"]
fn killed_at_two_hundred_moments() {
    killed_at_any_moment(200);
}

/// What `dbseal rewrap` does with the files of a scene, call by call.
fn recorded(folder: &Folder, scene: &Scene) -> Recording {
    lay(folder, &scene.files);
    // With both keys: of what was stopped before, either may be the one.
    let _ = scene.rewrap(folder, &["old", "new"]).traced(&TRACED).run().succeeds();
    let recording = Recording::of(&folder.read_text("trace"), &folder.path("b"), &scene.files);
    let first = recording.states(&mut Replay(0)).into_iter().next().expect("a state");
    assert!(first == [scene.files.clone()], "what was there is what was laid there");
    // What comes out in the end is what is there: no call was missed.
    assert!(recording.end() == files_in(folder) && recording.len() >= 4, "{}: {} calls", scene.what, recording.len());
    recording
}

/// The power goes at every step of every kind of change: of what was not synced then, any part is on the disk.
#[test]
fn the_power_goes_at_each_step() {
    let folder = folder((2 << 16) + 17);
    let fresh = files_in(&folder);
    let mut scenes = Vec::from(Scene::fresh(&fresh));
    scenes.push(Scene::new("in place, the seal goes", &["--drop-seal"], &fresh, false));
    scenes.push(Scene::new("by a copy, the seal goes", &["--drop-seal", "--copy"], &fresh, false));
    // The power goes once more while what it has left is finished.
    lay(&folder, &fresh);
    let _ = scenes[0].rewrap(&folder, &["old"]).run().succeeds();
    let done = files_in(&folder);
    let header = |files: &Files| Header::parse(&files["shop.age"]).expect("a header").0;
    let mut torn = fresh.clone();
    torn.insert("shop.age".into(), [&done["shop.age"][..1536], &fresh["shop.age"][1536..]].concat());
    torn.insert("shop.age.journal".into(), Journal::of(header(&fresh), header(&done)).to_bytes());
    scenes.push(Scene::new("half written, old seal", SIGNED, &torn, true));
    scenes.push(Scene::new("half written, no seal", &[], &torn, false));
    torn.insert("shop.age.seal".into(), done["shop.age.seal"].clone());
    scenes.push(Scene::new("half written, new seal", SIGNED, &torn, true));
    scenes.push(Scene::new("half written, new seal, by a copy", SIGNED_COPY, &torn, true));
    let mut rng = Replay(1);
    for scene in &scenes {
        let recording = recorded(&folder, scene);
        let mut state_count = 0;
        for (step, states) in recording.states(&mut rng).into_iter().enumerate() {
            for state in states {
                lay(&folder, &state);
                state_count += 1;
                if let Err(words) = scene.judge(&folder) {
                    let lens: Vec<_> = state.iter().map(|(name, bytes)| (name, bytes.len())).collect();
                    panic!("{words}: {}, step {step} of {}: {lens:?}", scene.what, recording.len());
                }
            }
        }
        println!("{}: {} calls, {state_count} states", scene.what, recording.len());
        assert!(state_count >= 3, "{}", scene.what);
    }
}

/// The same judge finds what is wrong with a change that syncs nothing: what is left of one that does says something.
#[test]
fn without_syncs_a_backup_is_lost() {
    let folder = folder((2 << 16) + 17);
    for scene in Scene::fresh(&files_in(&folder)).into_iter().take(2) {
        let mut rng = Replay(1);
        let states = recorded(&folder, &scene).without_syncs().states(&mut rng);
        let mut states = rng.shuffled(states.concat()).into_iter().take(200);
        let is_lost = states.any(|state| {
            lay(&folder, &state);
            scene.judge(&folder).is_err()
        });
        assert!(is_lost, "{}", scene.what);
    }
}
