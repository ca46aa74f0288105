//! What is said of many backups at once.

use super::answer::{Tone, integrity, sentence};
use super::claim_facts;
use super::failure;
use super::report::Report;
use crate::messages::Failure;
use crate::messages::catalogue::{Depth, Event, Listed, Missing, Reading, Row, RowSeal, Warning};
use crate::numbers::{short_size, size};

pub(in crate::page) const MANY: (&str, &str, &str) =
    ("Look at many", "All backups of a folder: what is there, what is missing, whether each is whole.", "No key needed");

pub(in crate::page) const MANY_TITLE: &str = "Look at many backups";
pub(in crate::page) const MANY_LEAD: &str =
    "First their seals are read, which takes no time. After that you can check them all, byte for byte. No key is needed.";
pub(in crate::page) const MANY_START: &str = "Show what is there";
pub(in crate::page) const MANY_FILES: &str = "The backups";
pub(in crate::page) const MANY_HINT: &str =
    "A folder, or files; you may also drop them on this window. The seal of each is looked for beside it.";
pub(in crate::page) const MANY_FOLDER: (&str, &str) = ("Choose a folder", "Of all files in it whose names end with .age");
pub(in crate::page) const MANY_SEVERAL: (&str, &str) = ("Choose files", "Several at once");
pub(in crate::page) const CHECK_ALL: &str = "Check them all";
pub(in crate::page) const MANY_READING: &str = "Reading the seals";
pub(in crate::page) const MANY_CHECKING: &str = "Checking them all";
pub(in crate::page) const MANY_FAILED: &str = "That did not work";
pub(in crate::page) const MANY_STOPPED: &str = "Stopped. What was found until then is kept here.";
pub(in crate::page) const MANY_ANOTHER: &str = "Look at others";
pub(in crate::page) const MISSING: &str = "What is missing";
pub(in crate::page) const SERIES: &str = "One square for each backup";
pub(in crate::page) const NO_SERIES: &str = "Of no series";
pub(in crate::page) const TABLE: &str = "The backups";
pub(in crate::page) const COLUMNS: [&str; 7] = ["State", "Series", "When (UTC)", "Size", "By", "History", "Name"];
pub(in crate::page) const HISTORY: &str = "Its history";
pub(in crate::page) const NO_HISTORY: &str = "Nobody whom you trust says what happened to it.";
pub(in crate::page) const INSPECT_THIS: &str = "Inspect this backup";
pub(in crate::page) const STRIP_LEGEND: [(&str, &str); 5] =
    [("plain", "not read yet"), ("good", "intact"), ("unsure", "not known"), ("bad", "not as it should be"), ("gone", "missing")];

/// How many were given from outside.
pub(in crate::page) fn given_many(count: usize) -> String {
    format!("Chosen: {count} files or folders, to be looked at together")
}

/// What stands for more names than are shown.
pub(in crate::page) fn and_more(count: usize) -> String {
    format!("and {count} more")
}

/// That nothing was chosen to look at.
pub(in crate::page) fn no_backups() -> Failure {
    failure("Nothing was chosen yet.", "Choose a folder with backups, or several files.")
}

/// The word for the worst that is known of a backup.
pub(in crate::page) fn row_state(row: &Row) -> (Tone, String) {
    if row.file_len.is_none() {
        return (Tone::Bad, if row.seal == RowSeal::Missing { "Cannot be read" } else { "Missing" }.into());
    }
    let (tone, word) = match &row.reading {
        Reading::Failed(_) => (Tone::Bad, "Cannot be read".into()),
        Reading::Done(checked) => {
            let half = integrity(checked);
            (half.tone, half.title)
        }
        Reading::NotYet => match &row.seal {
            RowSeal::Missing => (Tone::Unsure, "No seal".into()),
            RowSeal::Unreadable(_) => (Tone::Bad, "Its seal cannot be read".into()),
            RowSeal::Broken(_) => (Tone::Bad, "Broken seal".into()),
            RowSeal::Says(claims) if claims.vouched_by.is_none() => (Tone::Unsure, "Nobody vouches for it".into()),
            RowSeal::Says(_) => unread_state(row),
        },
    };
    if tone == Tone::Bad || tone == Tone::Unsure {
        return (tone, word);
    }
    match row.places.iter().find_map(|place| place_words(place)) {
        Some((place, _)) if tone == Tone::Good => (Tone::Bad, format!("{word}, but: {place}")),
        Some((place, _)) => (Tone::Bad, sentence(place).trim_end_matches('.').into()),
        // Nobody says where it belongs: then nobody vouches for it either, and it is not good.
        None if tone == Tone::Good && row.places.iter().any(|place| place == "unknown") => {
            (Tone::Bad, format!("{word}, but: not in its place"))
        }
        None if row.warnings.is_empty() => (tone, word),
        None => (Tone::Unsure, format!("{word}; see what it says")),
    }
}

fn unread_state(row: &Row) -> (Tone, String) {
    let differs = |warning: &Warning| match warning {
        Warning::LenDiffers(_) => Some("Wrong length"),
        Warning::HeaderDiffers => Some("Header changed"),
        Warning::InFuture | Warning::HalfSize(..) => None,
    };
    let differs = row.warnings.iter().find_map(differs);
    differs.map_or_else(|| (Tone::Plain, "Not read yet".into()), |word| (Tone::Bad, word.into()))
}

/// Where a backup lies that does not belong there, in a few words, and what that means.
fn place_words(place: &str) -> Option<(&'static str, &'static str)> {
    Some(match place {
        "renamed" => ("another name", "It may be an older backup in the place of a newer one."),
        "gap" => ("one is missing before it", "The number before it in its series is not here."),
        "fork" => (
            "two histories",
            "Another backup has its number, or it does not follow from the one before: somebody has written another history.",
        ),
        "rolled-back" => ("newer ones are gone", "Something newer was seen before."),
        "new-epoch" => ("a new history begins", "Its host lost count, or somebody writes another history."),
        "in-series" | "alone" | "unchecked" | "unknown" => return None,
        _ => ("not in its place", "This page does not know why."),
    })
}

/// What a person should know of a backup, a sentence each.
pub(in crate::page) fn row_notes(row: &Row) -> Vec<String> {
    let mut notes = Vec::new();
    if row.file_len.is_none() {
        notes.push(match row.seal {
            RowSeal::Missing => "It is no file that can be read, and it has no seal.".into(),
            _ => "Its file is not here, or cannot be read; its seal is here.".into(),
        });
    }
    match &row.reading {
        Reading::NotYet => {}
        Reading::Failed(why) => notes.push(sentence(why)),
        Reading::Done(checked) => {
            let half = integrity(checked);
            notes.push(half.says);
            notes.extend(half.next);
        }
    }
    match &row.seal {
        RowSeal::Unreadable(why) | RowSeal::Broken(why) if !matches!(row.reading, Reading::Done(_)) => notes.push(sentence(why)),
        RowSeal::Says(claims) if row.places.iter().any(|place| place == "renamed") => {
            notes.push(format!("Its seal calls it {}.", claims.named.as_deref().unwrap_or("something else")));
        }
        _ => {}
    }
    notes.extend(row.places.iter().filter_map(|place| Some(place_words(place)?.1.into())));
    notes.extend(row.warnings.iter().map(|warning| warning_words(warning, row)));
    notes
}

fn warning_words(warning: &Warning, row: &Row) -> String {
    match warning {
        Warning::LenDiffers(sealed) => format!("It has {}, and its seal says {}.", size(row.file_len.unwrap_or_default()), size(*sealed)),
        Warning::HeaderDiffers => "Its header is not the one that was signed last.".into(),
        Warning::InFuture => "Its time is in the future: the clock of its host, or of this computer, is wrong.".into(),
        Warning::HalfSize(number, len) => {
            format!("It is smaller than half of number {number} before it, which has {}.", short_size(*len))
        }
    }
}

/// The sign for something that happened to a backup, and the words.
pub(in crate::page) fn event_words(event: &Event) -> (&'static str, String) {
    let (sign, what) = match (event.kind.as_str(), event.passed) {
        ("sealed", _) => ("●", "Sealed"),
        ("adopted", _) => ("○", "Seen"),
        ("rewrapped", _) => ("↻", "Its keys were changed"),
        ("reencrypted", _) => ("↻", "Encrypted again"),
        (_, Some(true)) => ("✓", "Restore test passed"),
        (_, Some(false)) => ("✕", "Restore test failed"),
        (other, None) => ("·", other),
    };
    let when = event.time.as_deref().map(|time| format!(", {time}")).unwrap_or_default();
    (sign, format!("{what} by {}{when}", event.by))
}

/// Who made a backup or saw it; nobody who is not trusted has a name here.
pub(in crate::page) fn row_by(row: &Row) -> String {
    let RowSeal::Says(claims) = &row.seal else { return String::new() };
    claims.vouched_by.clone().unwrap_or_else(|| "not trusted".into())
}

/// When, to the minute.
pub(in crate::page) fn row_time(row: &Row) -> String {
    let RowSeal::Says(claims) = &row.seal else { return String::new() };
    let time = claims.time.as_deref().unwrap_or_default();
    time.chars().take("2026-11-28T01:00".len()).map(|character| if character == 'T' { ' ' } else { character }).collect()
}

/// Where in its series.
pub(in crate::page) fn row_series(row: &Row) -> Option<(&str, u64)> {
    let RowSeal::Says(claims) = &row.seal else { return None };
    claims.series.as_ref().map(|(label, number)| (label.as_str(), *number))
}

/// What its seal says of it, as far as that is there.
pub(in crate::page) fn row_facts(row: &Row) -> Vec<(&'static str, String)> {
    let mut facts = if let RowSeal::Says(claims) = &row.seal { claim_facts(claims) } else { Vec::new() };
    if let Some(len) = row.file_len {
        facts.push(("Length", size(len)));
    }
    if !row.recipients.is_empty() {
        facts.push(("Opens with", row.recipients.join(", ")));
    }
    facts
}

/// That backups are missing.
pub(in crate::page) fn missing_words(missing: &Missing) -> String {
    let Missing { series, from, to } = missing;
    let which = if from == to { format!("number {from} is") } else { format!("numbers {from} to {to} are") };
    format!("{series}: {which} not here, and a later one is.")
}

/// The answer in a line, how good it is, and what it means.
pub(in crate::page) fn listed_words(listed: &Listed) -> (Tone, String, String) {
    let tones: Vec<Tone> = listed.rows.iter().map(|row| row_state(row).0).collect();
    let count = |tone: Tone| tones.iter().filter(|one| **one == tone).count();
    let (all, bad, unsure, unread) = (backups(listed.rows.len()), count(Tone::Bad), count(Tone::Unsure), count(Tone::Plain));
    let mut says = Vec::new();
    let (tone, title) = match (bad, unsure, listed.missing.len()) {
        (0, 0, 0) if count(Tone::Good) == listed.rows.len() => {
            says.push("Every byte of each is as it was sealed, and somebody whom you trust vouches for it.".into());
            (Tone::Good, format!("{all}, all intact"))
        }
        (0, 0, 0) => (Tone::Plain, all),
        (0, 0, _) => (Tone::Bad, format!("{all}, and some are missing")),
        (0, unsure, 0) => (Tone::Unsure, format!("{all}, {unsure} of which nobody vouches for, or which need a look")),
        (0, _, _) => (Tone::Bad, format!("{all}, some are missing, and some need a look")),
        (bad, _, 0) => (Tone::Bad, format!("{all}, {bad} not as they should be")),
        (bad, ..) => (Tone::Bad, format!("{all}, {bad} not as they should be, and some are missing")),
    };
    match listed.depth {
        Depth::Seals => says.push("Only the seals were read, so it is not known yet whether each is whole.".into()),
        Depth::Whole if unread > 0 => says.push(format!("It ended before all was read: {} not.", were(unread))),
        Depth::Whole => {}
    }
    if listed.rows.iter().any(|row| row_series(row).is_some()) {
        says.push(
            "That the newest of a series were taken away, these files alone cannot show: dbseal verify --chain --state remembers what was there."
                .into(),
        );
    }
    (tone, title, says.join(" "))
}

fn backups(count: usize) -> String {
    if count == 1 { "1 backup".into() } else { format!("{count} backups") }
}

fn were(count: usize) -> String {
    if count == 1 { "1 was".into() } else { format!("{count} were") }
}

/// What stands before the squares that are drawn, where there are more.
pub(in crate::page) fn before_these(count: usize) -> String {
    format!("{count} before these")
}

/// What the picture of a series shows, for those who do not see it.
pub(in crate::page) fn strip_label(name: &str, states: &[(Tone, String)], missing: u64) -> String {
    let count = |tone: Tone| states.iter().filter(|(one, _)| *one == tone).count();
    format!(
        "{name}: {}, {} intact, {} not read, {} not known, {} bad, {missing} missing",
        backups(states.len()),
        count(Tone::Good),
        count(Tone::Plain),
        count(Tone::Unsure),
        count(Tone::Bad)
    )
}

/// When backups were looked at, by this computer's clock.
pub(in crate::page) fn looked_at(when: &str) -> String {
    format!("As they were found at {when}.")
}

/// What was found, for the file that is saved; `when` is the time of that by this computer's clock.
pub(in crate::page) fn listed_report(listed: &Listed, folders: &[String], when: &str, program: &str) -> String {
    let (_, title, says) = listed_words(listed);
    let mut report = Report::new("Report of a look at many backups");
    report.fact("Answer", &title);
    report.fact("That is", &says);
    report.fact("When", &format!("{when}, by the clock of the computer that looked"));
    report.fact("With", program);
    if !listed.missing.is_empty() {
        report.heading("Missing");
        listed.missing.iter().for_each(|missing| report.line(&missing_words(missing)));
    }
    for row in &listed.rows {
        report.heading(&row.name);
        if let Some(folder) = folders.get(row.chosen) {
            report.fact("Folder", folder);
        }
        report.fact("State", &row_state(row).1);
        row_notes(row).iter().for_each(|note| report.line(note));
        row_facts(row).iter().for_each(|(name, value)| report.fact(name, value));
        row.history.iter().for_each(|event| report.fact("History", &event_words(event).1));
    }
    report.0
}

#[cfg(test)]
mod tests {
    use super::super::tests::claims;
    use super::*;

    fn row(places: &[&str], warnings: &[Warning]) -> Row {
        Row {
            name: "shop.age".into(),
            raw_name: b"shop.age".into(),
            chosen: 0,
            file_len: Some(5000),
            seal: RowSeal::Says(Box::new(claims())),
            places: places.iter().map(ToString::to_string).collect(),
            recipients: vec!["X25519".into()],
            history: Vec::new(),
            warnings: warnings.to_vec(),
            reading: Reading::NotYet,
        }
    }

    fn listed(rows: Vec<Row>, depth: Depth) -> Listed {
        Listed { rows, missing: Vec::new(), depth }
    }

    /// What was not read is never called good, whatever its seal says.
    #[test]
    fn nothing_is_good_that_was_not_read() {
        let unread = row(&["in-series"], &[]);
        assert_eq!(row_state(&unread), (Tone::Plain, "Not read yet".into()));
        assert_eq!(listed_words(&listed(vec![unread.clone()], Depth::Seals)).0, Tone::Plain);
        let (tone, _, says) = listed_words(&listed(vec![unread.clone()], Depth::Whole));
        assert!(tone == Tone::Plain && says.contains("1 was not"), "{says}");
        let failed = Row { reading: Reading::Failed("the disk is gone".into()), ..unread };
        assert_eq!(row_state(&failed), (Tone::Bad, "Cannot be read".into()));
        assert_eq!(listed_words(&listed(vec![failed], Depth::Whole)).0, Tone::Bad);
    }

    #[test]
    fn what_is_wrong_comes_before_what_is_not_known() {
        assert_eq!(row_state(&row(&["gap", "renamed"], &[])), (Tone::Bad, "One is missing before it".into()));
        assert_eq!(row_state(&row(&["gap"], &[Warning::LenDiffers(6000)])), (Tone::Bad, "Wrong length".into()));
        assert_eq!(row_state(&row(&["in-series"], &[Warning::InFuture])), (Tone::Unsure, "Not read yet; see what it says".into()));
        let gone = Row { file_len: None, ..row(&["unchecked"], &[]) };
        assert_eq!(row_state(&gone), (Tone::Bad, "Missing".into()));
        assert_eq!(row_notes(&gone), ["Its file is not here, or cannot be read; its seal is here."]);
        let bare = Row { seal: RowSeal::Missing, ..row(&["unknown"], &[]) };
        assert_eq!(row_state(&bare), (Tone::Unsure, "No seal".into()));
    }

    /// A place that this page has no words for does not pass for good.
    #[test]
    fn a_place_is_good_by_its_word_alone() {
        assert!(["in-series", "alone", "unchecked"].iter().all(|place| place_words(place).is_none()));
        let [other, fork] = ["of a later version", "fork"].map(|place| place_words(place).expect("not good"));
        assert_ne!(other, fork);
    }

    #[test]
    fn a_report_keeps_names_on_their_lines() {
        let hostile = Row { name: "shop\nState: Intact".into(), ..row(&["in-series"], &[]) };
        let report = listed_report(&listed(vec![hostile], Depth::Seals), &["/back\nState: Intact".into()], "now", "dbseal");
        assert!(report.contains("shop\\u{a}State: Intact") && !report.lines().any(|line| line == "State: Intact"), "{report}");
    }
}
