//! What came of opening and of inspecting.

use std::collections::BTreeMap;

use super::answer::{claim_facts, sentence};
use crate::messages::{End, Inspected, Opened, Part, Place};
use crate::numbers::{grouped, share, short_size, size, total};

/// What is said of a backup that was cut off.
pub(super) const END_MISSING: &str = "Its end is missing: how much more there was is not known.";
/// Kinds of recipients that are named one by one. Whoever makes a header can name a hundred thousand.
const NAMED_KINDS: usize = 8;

/// What was asked for, which the outcome is told by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::page) enum Opening {
    /// All of it.
    Whole,
    /// A range of bytes.
    Range,
    /// What is left.
    Salvage,
}

impl Opening {
    pub(in crate::page) fn of(part: &Part) -> Self {
        match part {
            Part::Whole => Self::Whole,
            Part::Bytes(..) => Self::Range,
            Part::Salvage => Self::Salvage,
        }
    }
}

/// The headline; `saved` where the output is already in its file.
pub(in crate::page) fn opened_title(opened: &Opened, opening: Opening, saved: bool) -> &'static str {
    match (opening, saved) {
        (Opening::Salvage, _) if opened.is_complete() => "Everything could be saved",
        (Opening::Salvage, _) if opened.end == End::Known && opened.lost.is_empty() => "All of it opened, not all as it was sealed",
        (Opening::Salvage, _) => "Not all of it could be saved",
        (_, true) => "Opened",
        (_, false) => "Opened: now save it",
    }
}

/// What was written, and what that means.
pub(in crate::page) fn opened_lead(opened: &Opened, opening: Opening) -> String {
    let named = opened.claims.as_ref().and_then(|claims| claims.named.as_deref());
    let compressed = opened.is_zstd.then(|| STILL_COMPRESSED.to_owned());
    let renamed = named.filter(|_| opened.place == Place::Renamed);
    let renamed = renamed.map(|named| format!("Its seal calls it {named}: see that it is the backup you want."));
    [Some(written_lead(opened, opening)), compressed, renamed].into_iter().flatten().collect::<Vec<_>>().join(" ")
}

/// What is easily taken for a dump that is ready.
const STILL_COMPRESSED: &str = "It is still compressed (zstd).";

fn written_lead(opened: &Opened, opening: Opening) -> String {
    let written = short_size(opened.written_len);
    match opening {
        Opening::Whole => format!("All {written} of it were decrypted, {}.", unchanged(opened)),
        Opening::Range => format!("{written} were decrypted, {}.", unchanged(opened)),
        Opening::Salvage => {
            let lost = total(&opened.lost);
            let lost = match lost {
                0 if opened.end == End::Known => "Nothing in it is lost.".into(),
                0 => String::new(),
                lost => format!("{} of it are lost ({}) and are zeros.", short_size(lost), share(lost, output_len(opened))),
            };
            let end = if opened.end == End::Missing { END_MISSING } else { "" };
            let says = [&*lost, end].join(" ");
            format!("The output has {}. {}", short_size(output_len(opened)), says.trim())
        }
    }
}

/// Bytes of the output: what was lost is in there, as zeros.
pub(super) fn output_len(opened: &Opened) -> u64 {
    opened.written_len + total(&opened.lost)
}

/// What of the output was decrypted.
pub(super) fn written(opened: &Opened) -> String {
    match output_len(opened) {
        len if len == opened.written_len => size(len),
        len => format!("{} of {}", size(opened.written_len), size(len)),
    }
}

/// What opening alone shows is less than it seems: anybody who has the public key can make what it opens.
fn unchanged(opened: &Opened) -> &'static str {
    if opened.is_vouched() { "and every byte is authentic" } else { "and none of it was changed since somebody encrypted it" }
}

/// Where it went, who made it, and what else is known.
pub(in crate::page) fn opened_facts(
    opened: &Opened,
    opening: Opening,
    path: &str,
    went_to: Option<(&'static str, &str)>,
) -> Vec<(&'static str, String)> {
    let mut facts = vec![("Backup", path.to_owned()), ("Written", written(opened))];
    facts.extend(went_to.map(|(kind, name)| (kind, name.to_owned())));
    if opened.is_zstd {
        let is_all = opening != Opening::Range && opened.end == End::Known && opened.lost.is_empty();
        let words = if is_all {
            "with zstd: zstd -dc FILE > OUTPUT unpacks it; the desktop app and dbseal decrypt --decompress do so as they open it"
        } else {
            "with zstd: zstd -dc FILE > OUTPUT unpacks it up to the first byte that is not there, and then fails"
        };
        facts.push(("Compressed", words.into()));
    }
    match &opened.claims {
        Some(claims) => facts.extend(claim_facts(claims)),
        None => facts.push((
            "Who made it",
            "Nobody knows: no seal speaks for it. That it opened does not show who made it, since anybody who has the public key, or the \
             passphrase, can make a backup that opens just so."
                .into(),
        )),
    }
    facts
}

/// What is known of a file from its beginning.
pub(in crate::page) fn inspected_facts(inspected: &Inspected, path: &str) -> Vec<(&'static str, String)> {
    let form = if inspected.armored { "an age file as text (armor)" } else { "an age file" };
    let mut facts = vec![("Name", path.to_owned()), ("Form", form.into()), ("Length", size(inspected.file_len))];
    facts.push(("Header", format!("{} bytes", grouped(inspected.header_len))));
    if let Some(len) = inspected.plaintext_len {
        facts.push(("What is in it", format!("{}; only a key can confirm it", size(len))));
    } else if !inspected.armored {
        facts.push(("What is in it", "No complete age file has this length: it was cut off, or something was added.".into()));
    }
    facts.push(("Who can open it", recipients(&inspected.recipients)));
    facts
}

/// A kind of recipient in words, with its name in the header.
fn recipient(kind: &str) -> String {
    match kind {
        "X25519" => "X25519 key".into(),
        "mlkem768x25519" => "post-quantum key (mlkem768x25519)".into(),
        "scrypt" => "passphrase (scrypt)".into(),
        other => other.into(),
    }
}

/// How many of each kind, in the order in which they come.
fn recipients(kinds: &[String]) -> String {
    let mut counts: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    for (index, kind) in kinds.iter().enumerate() {
        counts.entry(kind).or_insert((index, 0)).1 += 1;
    }
    let mut counts: Vec<_> = counts.into_iter().map(|(kind, (first, count))| (first, format!("{count} × {}", recipient(kind)))).collect();
    counts.sort_unstable();
    let more = counts.len().saturating_sub(NAMED_KINDS);
    let mut words: Vec<_> = counts.into_iter().take(NAMED_KINDS).map(|(_, words)| words).collect();
    if more > 0 {
        words.push(format!("and {more} other kinds"));
    }
    if words.is_empty() { "nobody: it names no recipient".into() } else { words.join(", ") }
}

/// The headline.
pub(in crate::page) fn inspected_title(inspected: &Inspected) -> &'static str {
    match (&inspected.broken, inspected.as_sealed) {
        (Some(_), _) => "Broken seal",
        (None, Some(true)) if !inspected.is_vouched() => "As its seal says, but nobody you trust vouches for it",
        (None, Some(true)) => "Header and length are as sealed",
        (None, Some(false)) => "Not as it was sealed",
        (None, None) => "No seal",
    }
}

/// What the seal says of header and length.
pub(in crate::page) fn inspected_note(inspected: &Inspected) -> String {
    match (&inspected.broken, inspected.as_sealed) {
        (Some(why), _) => format!("The seal cannot be used. {}", sentence(why)),
        (None, Some(true)) if !inspected.is_vouched() => {
            "Header and length are those of its seal, which anybody can have made. The data itself was not read: Check does that.".into()
        }
        (None, Some(true)) => "The data itself was not read: Check does that.".into(),
        (None, Some(false)) => "Header or length are not those that the seal says: the backup was changed or cut off.".into(),
        (None, None) => "This is what the file says of itself. Without a seal and without a key, nobody vouches for any of it.".into(),
    }
}
