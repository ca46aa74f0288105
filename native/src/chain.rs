//! Whether the backups that are there are all that there should be: each in its series, none missing, none twice, and nothing
//! gone that was seen before (SEAL.md, "What is answered").

use std::collections::{BTreeMap, BTreeSet};

use dbseal_core::{Judgement, NoteHash, SeriesEnd, SeriesPlace};
use serde::Serialize;

use crate::place::{Place, Places};
use crate::seen::{Seen, epoch_key};
use crate::verify::Verification;

/// What a backup's seal, in notes that count, says of its place.
#[derive(Clone, Debug)]
pub struct Link {
    /// Where in its series.
    pub series: Option<SeriesPlace>,
    /// The hashes of the seal's notes, in order; the first is that of the note that the backup is known by.
    pub notes: Vec<NoteHash>,
    /// That of the last note that counts. Anybody can add one after it.
    pub last: NoteHash,
    /// Where trust in who vouches for it ends.
    pub end: Option<SeriesEnd>,
}

impl Link {
    /// What a seal says; `None` where nobody vouches for it.
    pub(crate) fn of(judgement: &Judgement<'_>) -> Option<Self> {
        let last = judgement.counted().last()?.note.hash();
        Some(Self { series: judgement.series().cloned(), notes: judgement.note_hashes(), last, end: judgement.end() })
    }

    /// Whether this is the hash of one of its notes.
    pub(crate) fn has_note(&self, hash: &str) -> bool {
        self.notes.iter().any(|note| note.to_string() == hash)
    }

    /// The same with only those of the notes that [`place_all`] asks for: a seal may have a thousand. The last one that counts is what
    /// another check may have remembered since.
    pub(crate) fn shortened(mut self, seen: &Seen) -> Self {
        let first = self.notes.first().copied();
        let known = first.and_then(|first| seen.last_note(&first));
        let last = self.last;
        self.notes.retain(|note| Some(*note) == first || *note == last || known.is_some_and(|known| known == note.to_string()));
        self.notes.shrink_to_fit();
        self
    }
}

/// A series of which backups are missing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Missing {
    /// The series.
    pub series: String,
    /// The epoch, in hexadecimal.
    pub epoch: String,
    /// The first number that is missing.
    pub from: u64,
    /// The last number that is missing.
    pub to: u64,
    /// How that shows.
    pub cause: MissingCause,
}

/// How it shows that backups are missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum MissingCause {
    /// A later one is there.
    Gap,
    /// They were seen before.
    RolledBack,
}

impl MissingCause {
    /// What it makes of the place of the backup beside which they are missing.
    #[must_use]
    pub fn place(self) -> Place {
        match self {
            Self::Gap => Place::Gap,
            Self::RolledBack => Place::RolledBack,
        }
    }
}

/// Finds the place of each backup among all of them, where its seal counts and its name is its own, and what is missing. `unread` are
/// there too, though no more is known of them.
#[must_use]
pub fn place_all(answers: &mut [Verification], unread: &[Link], seen: &Seen) -> Vec<Missing> {
    // What is damaged is there all the same: a gap would be another fault.
    let linked = answers.iter_mut().filter_map(|answer| {
        let link = answer.claims.as_ref()?.link.as_ref()?;
        Some((link, &mut answer.places))
    });
    let mut nowhere = vec![Places::from(Place::Unchecked); unread.len()];
    place_linked(linked.chain(unread.iter().zip(&mut nowhere)), seen)
}

/// As [`place_all`], for whatever has a link and places.
pub(crate) fn place_linked<'a>(linked: impl Iterator<Item = (&'a Link, &'a mut Places)>, seen: &Seen) -> Vec<Missing> {
    let (links, mut places): (Vec<&Link>, Vec<&mut Places>) = linked.unzip();
    for (link, places) in links.iter().zip(&mut places) {
        places.add(if link.series.is_some() { Place::InSeries } else { Place::Alone });
    }
    let mut find = |place: Place, indices: &[usize]| indices.iter().for_each(|&index| places[index].add(place));
    let mut missing = Vec::new();
    for history in histories(&links, seen) {
        find(Place::NewEpoch, history.new_start(seen));
        for gap in history.gaps() {
            find(gap.cause.place(), history.copies(gap.to + 1));
            missing.push(gap);
        }
        if let Some(gone) = history.rolled_back(seen) {
            find(gone.cause.place(), history.copies(gone.from - 1));
            missing.push(gone);
        }
        find(Place::Fork, &history.forks(&links, seen));
    }
    let lost = (0..links.len()).filter(|&index| seen.has_lost_notes(links[index]));
    find(Place::RolledBack, &lost.collect::<Vec<_>>());
    missing
}

/// What is here of an epoch of a series.
struct History {
    /// As in [`Seen`].
    key: String,
    numbers: BTreeMap<u64, Copies>,
}

/// The backups of one number that are here.
#[derive(Default)]
struct Copies {
    /// Which of the links they have.
    indices: Vec<usize>,
    /// The hashes of their first notes: a single one, unless there is a fork.
    firsts: BTreeSet<NoteHash>,
}

/// Of each epoch that is here or was seen.
fn histories(links: &[&Link], seen: &Seen) -> Vec<History> {
    let mut epochs: BTreeMap<String, BTreeMap<u64, Copies>> = seen.epochs().map(|key| (key.into(), BTreeMap::new())).collect();
    for (index, link) in links.iter().enumerate() {
        let Some(series) = &link.series else { continue };
        let copies = epochs.entry(epoch_key(series)).or_default().entry(series.number).or_default();
        copies.indices.push(index);
        copies.firsts.extend(link.notes.first());
    }
    epochs.into_iter().map(|(key, numbers)| History { key, numbers }).collect()
}

impl History {
    fn copies(&self, number: u64) -> &[usize] {
        self.numbers.get(&number).map_or(&[], |copies| &copies.indices)
    }

    /// The start of an epoch that was not seen, of a series that was.
    fn new_start(&self, seen: &Seen) -> &[usize] {
        let is_new = seen.knows_series_of(&self.key) && !seen.knows_epoch(&self.key);
        self.numbers.values().next().filter(|_| is_new).map_or(&[], |copies| &copies.indices)
    }

    fn gaps(&self) -> impl Iterator<Item = Missing> {
        let pairs = self.numbers.keys().zip(self.numbers.keys().skip(1));
        pairs.filter(|&(before, next)| next - before > 1).filter_map(|(before, next)| self.missing(before + 1, next - 1, MissingCause::Gap))
    }

    /// What should be there after the last that is here.
    fn rolled_back(&self, seen: &Seen) -> Option<Missing> {
        let newest = self.numbers.keys().next_back().copied().unwrap_or(0);
        let newest_seen = seen.newest(&self.key);
        if newest < newest_seen { self.missing(newest + 1, newest_seen, MissingCause::RolledBack) } else { None }
    }

    fn missing(&self, from: u64, to: u64, cause: MissingCause) -> Option<Missing> {
        let (series, epoch) = self.key.split_once('/')?;
        Some(Missing { series: series.into(), epoch: epoch.into(), from, to, cause })
    }

    /// Those whose number another has here, or had when it was seen, and those that do not follow from any of the number before.
    fn forks(&self, links: &[&Link], seen: &Seen) -> Vec<usize> {
        let mut forks = self.beside_ends(links);
        for (&number, Copies { indices, firsts }) in &self.numbers {
            let before = number.checked_sub(1).and_then(|before| self.numbers.get(&before));
            let known = seen.first_note(&self.key, number);
            let is_fork = |link: &Link| {
                let previous = link.series.as_ref().and_then(|series| series.previous);
                let follows = before.is_none_or(|before| previous.is_some_and(|previous| before.firsts.contains(&previous)));
                // Whoever has the key can write another history, but not make it be the one that was seen.
                let is_known = known.is_none_or(|known| link.notes.first().is_some_and(|first| first.to_string() == known));
                firsts.len() > 1 || !follows || !is_known
            };
            forks.extend(indices.iter().filter(|&&index| is_fork(links[index])));
        }
        forks
    }

    /// Those of a key that has ended that are not what the backup at its end leads back to: whoever has the key now can sign an earlier
    /// number anew, and a number is all that one seal shows.
    fn beside_ends(&self, links: &[&Link]) -> Vec<usize> {
        let indices = self.numbers.values().flat_map(|copies| &copies.indices);
        let ended: Vec<(usize, SeriesEnd)> = indices.filter_map(|&index| Some((index, links[index].end?))).collect();
        // As many as the trust file has lines for the epoch.
        let mut ends: Vec<SeriesEnd> = Vec::new();
        for (_, end) in &ended {
            if !ends.contains(end) {
                ends.push(*end);
            }
        }
        let mut beside = Vec::new();
        for end in ends {
            let firsts = self.led_to_by(end, links);
            let is_beside = |link: &Link| {
                let expected = link.series.as_ref().and_then(|series| firsts.get(&series.number));
                expected.is_some_and(|expected| link.notes.first() != Some(expected))
            };
            beside.extend(ended.iter().filter(|(index, of)| *of == end && is_beside(links[*index])).map(|(index, _)| *index));
        }
        beside
    }

    /// The first note of each number that the chain leads to from an end, as far as its backups are here.
    fn led_to_by(&self, end: SeriesEnd, links: &[&Link]) -> BTreeMap<u64, NoteHash> {
        let mut firsts = BTreeMap::new();
        let (mut number, mut next) = (end.number(), Some(end.note()));
        while let Some(first) = next {
            firsts.insert(number, first);
            let here = self.copies(number).iter().map(|&index| links[index]).find(|link| link.notes.first() == Some(&first));
            next = here.and_then(|link| link.series.as_ref()?.previous);
            // The first of an epoch follows none, and has the number 1.
            number = number.saturating_sub(1);
        }
        firsts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The storage can put a seal with a thousand notes under as many names as it likes.
    #[test]
    fn a_link_is_short() {
        let notes: Vec<NoteHash> = (0..1024).map(|number| format!("{number:064x}").parse().expect("a hash")).collect();
        let (first, last) = (notes[0], notes[700]);
        let link = Link { series: None, notes, last, end: None }.shortened(&Seen::default());
        assert_eq!((link.notes.as_slice(), link.notes.capacity()), ([first, last].as_slice(), 2));
    }
}
