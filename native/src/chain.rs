//! Whether the backups that are there are all that there should be: each in its series, none missing, none twice, and nothing
//! gone that was seen before (SEAL.md, "What is answered").

use std::collections::BTreeMap;

use dbseal_core::{NoteHash, SeriesPlace};
use serde::Serialize;

use crate::place::Place;
use crate::seen::Seen;
use crate::verify::Verification;

/// What a backup's seal, in notes that count, says of its place.
#[derive(Clone, Debug)]
pub struct Link {
    /// Where in its series.
    pub series: Option<SeriesPlace>,
    /// The hashes of the seal's notes, in order; the first is that of the `sealed` note.
    pub notes: Vec<NoteHash>,
}

impl Link {
    /// The same with only those of the notes that [`place_all`] asks for: a seal may have a thousand.
    pub(crate) fn shortened(mut self, seen: &Seen) -> Self {
        let (first, last) = (self.notes.first().copied(), self.notes.last().copied());
        let known = first.and_then(|first| seen.backups.get(&first.to_string()));
        self.notes.retain(|note| Some(*note) == first || Some(*note) == last || known.is_some_and(|known| *known == note.to_string()));
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
}

/// Finds the place of each backup among all of them, where its seal counts and its name is its own, and what is missing. `seen` learns
/// what is there.
#[must_use]
pub fn place_all(answers: &mut [Verification], seen: &mut Seen) -> Vec<Missing> {
    // What is damaged is there all the same: a gap would be another fault.
    let linked = answers.iter_mut().filter_map(|answer| {
        let link = answer.claims.as_ref()?.link.as_ref()?;
        Some((link, &mut answer.place))
    });
    place_linked(linked, seen)
}

/// As [`place_all`], for whatever has a link and a place.
pub(crate) fn place_linked<'a>(linked: impl Iterator<Item = (&'a Link, &'a mut Place)>, seen: &mut Seen) -> Vec<Missing> {
    let (links, known): (Vec<&Link>, Vec<&mut Place>) = linked.unzip();
    let (places, missing) = places(&links, seen);
    for (known, place) in known.into_iter().zip(places) {
        // A backup under another's name would hide that one's absence.
        if *known != Place::Renamed || matches!(place, Place::RolledBack | Place::Fork) {
            *known = place;
        }
    }
    missing
}

/// The place of each of `links`, in their order, and what is missing.
fn places(links: &[&Link], seen: &mut Seen) -> (Vec<Place>, Vec<Missing>) {
    let mut places: Vec<Place> = links.iter().map(|link| if link.series.is_some() { Place::InSeries } else { Place::Alone }).collect();
    let mut missing = Vec::new();
    let mut epochs: BTreeMap<(String, String), Vec<(u64, usize)>> = BTreeMap::new();
    for (index, link) in links.iter().enumerate() {
        if let Some(series) = &link.series {
            epochs.entry((series.label.to_string(), series.epoch.to_string())).or_default().push((series.number, index));
        }
    }
    for key in seen.series.keys().filter_map(|key| key.split_once('/')) {
        epochs.entry((key.0.into(), key.1.into())).or_default();
    }
    let known_labels: Vec<String> = seen.series().map(ToString::to_string).collect();
    for ((label, epoch), mut members) in epochs {
        members.sort_unstable();
        let is_new = !seen.series.contains_key(&format!("{label}/{epoch}"));
        if let Some((_, index)) = members.first().filter(|_| is_new && known_labels.contains(&label)) {
            places[*index] = Place::NewEpoch;
        }
        for pair in members.windows(2) {
            let ((number, index), (next_number, next_index)) = (pair[0], pair[1]);
            let (hash, next_hash) = (links[index].notes.first(), links[next_index].notes.first());
            let previous = links[next_index].series.as_ref().and_then(|series| series.previous);
            if next_number == number && next_hash != hash {
                (places[index], places[next_index]) = (Place::Fork, Place::Fork);
            } else if next_number == number + 1 && previous.as_ref() != hash {
                places[next_index] = Place::Fork;
            } else if next_number > number + 1 {
                places[next_index] = Place::Gap;
                missing.push(Missing { series: label.clone(), epoch: epoch.clone(), from: number + 1, to: next_number - 1 });
            }
        }
        let newest = members.last().map_or(0, |(number, _)| *number);
        let numbers = seen.series.entry(format!("{label}/{epoch}")).or_default();
        let newest_seen = numbers.keys().next_back().copied().unwrap_or(0);
        if newest < newest_seen {
            missing.push(Missing { series: label, epoch, from: newest + 1, to: newest_seen });
            if let Some((_, index)) = members.last() {
                places[*index] = Place::RolledBack;
            }
        }
        for (number, index) in members {
            let Some(first) = links[index].notes.first().map(ToString::to_string) else { continue };
            // Whoever has the key can write another history, but not make it be the one that was seen.
            if *numbers.entry(number).or_insert_with(|| first.clone()) != first {
                places[index] = Place::Fork;
            }
        }
    }
    for (link, place) in links.iter().zip(&mut places) {
        let (Some(first), Some(last)) = (link.notes.first(), link.notes.last()) else { continue };
        let last_seen = seen.backups.get(&first.to_string());
        if last_seen.is_some_and(|last_seen| link.notes.iter().all(|note| note.to_string() != *last_seen)) {
            *place = Place::RolledBack;
        } else {
            seen.backups.insert(first.to_string(), last.to_string());
        }
    }
    (places, missing)
}
