//! The answer to a check: two halves, each with what it means and what to do next.

use dbseal_core::Integrity;

use crate::messages::{Checked, Claims, Place, Trusted};
use crate::numbers::{share, short_size, size, total};

/// How good a piece of news is. Never told by a colour alone: each has a sign and a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::page) enum Tone {
    /// All is well.
    Good,
    /// Neither good nor bad.
    Plain,
    /// Nothing is wrong, but something is not known.
    Unsure,
    /// Something is wrong.
    Bad,
}

/// One half of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::page) struct Half {
    pub(in crate::page) tone: Tone,
    pub(in crate::page) title: String,
    pub(in crate::page) says: String,
    pub(in crate::page) next: Option<String>,
}

impl Half {
    fn new(tone: Tone, title: &str, says: impl Into<String>, next: impl Into<Option<String>>) -> Self {
        Self { tone, title: title.into(), says: says.into(), next: next.into() }
    }
}

const OTHER_COPY: &str = "Fetch the backup and its seal again from another copy, and check that.";

/// Whether the backup is what was sealed.
pub(in crate::page) fn integrity(checked: &Checked) -> Half {
    let half = by_its_seal(checked);
    match &checked.other_seal {
        Some(seal) => {
            let next = format!("First look at {seal} beside it: that may be its seal. {}", half.next.unwrap_or_default());
            Half { next: Some(next.trim_end().into()), ..half }
        }
        None => half,
    }
}

fn by_its_seal(checked: &Checked) -> Half {
    let by = checked.claims.as_ref().and_then(|claims| claims.vouched_by.as_deref());
    match (Integrity::from_word(&checked.integrity), by) {
        (Some(Integrity::Intact), Some(by)) => {
            let says = format!("Every byte is as it was sealed, and {by}, whom you trust, vouches for it.");
            Half::new(Tone::Good, "Intact", says, None)
        }
        (Some(Integrity::Unvouched), _) => unvouched(checked.claims.as_ref()),
        (Some(Integrity::Unsealed), _) if !checked.has_possible_len => Half::new(
            Tone::Bad,
            "Not complete",
            "No complete backup has this length: it was cut off, or something was added, or the backup failed while it was written. No seal \
             was chosen that would say more.",
            format!(
                "Fetch it again, and {}.seal too. If it is no longer there, or failed when it was made, take another backup.",
                checked.name
            ),
        ),
        (Some(Integrity::Unsealed), _) => Half::new(
            Tone::Unsure,
            "No seal",
            "Without a seal, and without a key, nothing can be said about this backup.",
            format!("Fetch {}.seal too: it lies where the backup lies, if the backup was sealed.", checked.name),
        ),
        (Some(Integrity::HeaderChanged), by) => {
            let nobody = if by.is_none() { " Nobody whom you trust has signed this seal." } else { "" };
            Half::new(
                Tone::Bad,
                "Header changed",
                format!(
                    "The data is whole, but the header before it is not the one that was signed last: it was altered, put back to an \
                     older one, or a change of its keys was not finished. It may not open.{nobody}"
                ),
                "Ask whoever looks after the keys whether they changed this backup. The header can be had from another copy; the seal \
                 has one too, which Open uses when you choose to save what is left."
                    .to_owned(),
            )
        }
        (Some(Integrity::Damaged), _) => damaged(checked),
        (Some(Integrity::BrokenSeal), _) => {
            let why = checked.broken.as_deref().map(sentence).unwrap_or_default();
            Half::new(
                Tone::Bad,
                "Broken seal",
                format!("The seal itself cannot be used, so it says nothing. {why}").trim(),
                OTHER_COPY.to_owned(),
            )
        }
        // Nothing but the whole answer may ever look like it.
        (Some(Integrity::Intact | Integrity::Sampled) | None, _) => Half::new(
            Tone::Bad,
            "No answer",
            "This page does not understand the answer.",
            "Use the newest version of this page.".to_owned(),
        ),
    }
}

/// Why nobody vouches. A key with the name of one that is trusted is a stranger's all the same.
fn unvouched(claims: Option<&Claims>) -> Half {
    let matches = "The backup is as its seal says, but";
    let (says, next) = match claims.map(|claims| claims.trusted) {
        Some(Trusted::NotAnyMore) => (
            format!("{matches} the key that signed the seal is one that you trust only up to the backup that until= names."),
            "Whoever has that key now may have made this one: ask its host. If the end was set too early, move it in the line of the key.",
        ),
        Some(Trusted::NotForSealing) => (
            format!("{matches} the key that signed the seal is one that you trust for other things, not to seal backups."),
            "If it may seal them, add seal to may= in its line where you say whom you trust.",
        ),
        Some(Trusted::NotForThisSeries) if claims.is_some_and(|claims| claims.series.is_none()) => (
            format!("{matches} the key that signed the seal is one that you trust for some series, and this backup is of none."),
            "Ask its host why. Only series=* lets a key seal backups of no series, and it lets it seal those of every series too.",
        ),
        Some(Trusted::NotForThisSeries) => (
            format!("{matches} the key that signed the seal is one that you trust for other series, not for this one."),
            "If it may seal this series too, let series= in its line match the name of the series.",
        ),
        _ => (
            format!(
                "{matches} nobody whom you trust has signed that seal. Whoever can replace the backup can replace such a seal with it."
            ),
            "Get the verifier key of the database host from somebody you know, not from where the backups lie, and say that you trust it.",
        ),
    };
    Half::new(Tone::Unsure, "Nobody vouches for it", says, next.to_owned())
}

fn damaged(checked: &Checked) -> Half {
    let excess = checked.excess_len;
    let damaged_len = total(&checked.damage);
    let len = damaged_len.saturating_sub(excess).min(checked.payload_len);
    let mut says = Vec::new();
    if checked.file_len == 0 {
        says.push("There is nothing in it.".to_owned());
    } else if !checked.located {
        says.push("It is not what was sealed, and its seal does not say where the damage is.".to_owned());
    } else if len > 0 && len == checked.payload_len {
        says.push(format!("Nothing of its {} is as it was sealed.", short_size(len)));
    } else if len > 0 {
        let share = share(len, checked.payload_len);
        let lies = if checked.damage.len() == 1 { "in one place" } else { "in the places below" };
        says.push(format!("{} of its {} are not as they were sealed ({share}), {lies}.", short_size(len), short_size(checked.payload_len)));
    }
    if checked.missing_len > 0 {
        let but = if checked.is_all_other { "By that seal it" } else { "It was cut off, and" };
        says.push(format!("{but} lacks {} at its end.", size(checked.missing_len)));
    }
    if excess > 0 {
        says.push(format!("Behind the end that it should have there is more: {}.", size(excess)));
    }
    if says.is_empty() {
        says.push("It is not what was sealed.".into());
    }
    let next = if let Some(signer) = &checked.perhaps_anew_by {
        says.push(format!("It may have been encrypted anew: {signer} says so, whom you do not trust with that."));
        "Ask whoever looks after the keys whether they encrypted it anew, and whether that is their key. If it is, add it to those whom you \
         trust, as one that may change recipients (may=rewrap), and check again. If not, fetch the backup again from another copy."
    } else if checked.is_all_other {
        "See that the seal is that of this backup: neither the header nor the data is what that seal says. If it is the right one, fetch the \
         backup again from another copy; if there is none, Open can save what is left of it."
    } else {
        "Fetch it again from another copy. If there is none, Open can save what is left of it."
    };
    Half::new(Tone::Bad, "Damaged", says.join(" "), next.to_owned())
}

/// Whether the backup is where it belongs.
pub(in crate::page) fn place(checked: &Checked) -> Half {
    let claims = checked.claims.as_ref();
    let only_this = "Whether the others of the series are there, and whether a newer one was taken away, a single file cannot show.";
    match checked.place {
        Place::Unknown => Half::new(
            Tone::Unsure,
            "Place not known",
            "Nobody whom you trust says what this backup should be called or which series it is of.",
            None,
        ),
        Place::Renamed => {
            let named = claims.and_then(|claims| claims.named.as_deref()).unwrap_or("something else");
            Half::new(
                Tone::Bad,
                "Another name",
                format!(
                    "Its seal calls it {named}, here it is called {}. It may be an older backup in the place of a newer one.",
                    checked.name
                ),
                "See whether it was renamed on purpose, and whether it is the backup you want.".to_owned(),
            )
        }
        Place::InSeries => {
            let number = claims.and_then(|claims| claims.series.as_ref());
            let says = number
                .map_or_else(String::new, |(label, number)| format!("It has its own name, and is number {number} of the series {label}. "));
            let next = "To check a whole series: dbseal verify --chain --state FILE FOLDER".to_owned();
            Half::new(Tone::Plain, "Its series was not checked", format!("{says}{only_this}"), next)
        }
        Place::Alone => Half::new(
            Tone::Good,
            "Under its own name",
            "It has the name that its seal gives it, and is of no series, so nothing can be said of what came before or after it.",
            None,
        ),
    }
}

/// Both halves in a line, for those who hear the answer.
pub(in crate::page) fn spoken(integrity: &Half, place: &Half) -> String {
    format!("{}. {} {}. {}", integrity.title, integrity.says, place.title, place.says)
}

/// What a seal says, each with a name. All of it is a claim of whoever signed.
pub(in crate::page) fn claim_facts(claims: &Claims) -> Vec<(&'static str, String)> {
    let mut facts = vec![(if claims.made { "Sealed by" } else { "Seen by" }, who(claims))];
    if let Some(time) = &claims.time {
        facts.push(("When", format!("{time}, by the clock of its signer")));
    }
    if let Some((label, number)) = &claims.series {
        facts.push(("Series", format!("{label}, number {number}")));
    }
    if let Some(named) = &claims.named {
        facts.push(("Name in the seal", named.clone()));
    }
    if let Some(source) = &claims.source {
        facts.push(("Source", source_words(source)));
    }
    facts.push(("Key of its signer", claims.signer.clone()));
    match claims.uncounted_notes {
        0 => {}
        1 => facts.push(("Other notes", "1 note in the seal counts for nothing, by whom you trust.".into())),
        count => facts.push(("Other notes", format!("{count} notes in the seal count for nothing, by whom you trust."))),
    }
    facts
}

fn who(claims: &Claims) -> String {
    match (&claims.vouched_by, claims.trusted) {
        (Some(name), _) => match claims.proven {
            // The proof is theirs.
            proven if claims.encrypted_anew_by.is_some() => {
                let other = claims.encrypted_anew_by.as_deref().unwrap_or_default();
                let proof = if proven == Some(true) { "the key proves that they did" } else { "that they did, only the key can prove" };
                format!("{name}, whom you trust, and encrypted anew by {other}, who says that it was whole then; {proof}")
            }
            Some(true) => format!("{name}, whom you trust; the key proves that they made it"),
            _ if claims.made => format!("{name}, whom you trust; that they made it too, only the key can prove"),
            _ => format!("{name}, whom you trust, who did not make it"),
        },
        (None, Trusted::NotAnyMore) => "a key that you trust, but only up to an earlier backup, or another of its number".into(),
        (None, Trusted::NotForSealing) => "a key that you trust, but not to seal backups".into(),
        (None, Trusted::NotForThisSeries) if claims.series.is_none() => "a key that you trust, but not for a backup of no series".into(),
        (None, Trusted::NotForThisSeries) => "a key that you trust, but not for this series".into(),
        (None, Trusted::Yes | Trusted::Stranger) => "somebody whom you do not trust; the name in the key is their own choice".into(),
    }
}

fn source_words(source: &str) -> String {
    match source {
        "command" => "a command that dbseal ran, and that ended well".into(),
        "file" => "a file".into(),
        "stdin" => "a pipe; nobody saw whether the dump before it ended well".into(),
        other => other.into(),
    }
}

/// Makes a sentence of a text that begins small and has no full stop. A command at its beginning stays as it is typed.
pub(in crate::page) fn sentence(text: &str) -> String {
    let stop = if text.ends_with(['.', '!', '?']) || text.is_empty() { "" } else { "." };
    let mut characters = text.chars();
    match characters.next() {
        Some(first) if !text.starts_with("dbseal ") => format!("{}{}{stop}", first.to_uppercase(), characters.as_str()),
        _ => format!("{text}{stop}"),
    }
}
