//! Many backups on the screen: a picture of each series, and a table whose rows open.

use std::rc::Rc;

use wasm_bindgen_futures::spawn_local;

use super::check::CHECK;
use super::elements::{Tag, button, div, facts, paragraph};
use super::files::{Picked, in_app};
use super::inspect::INSPECT;
use super::texts::{self, Tone};
use super::{Page, answer, job, open};
use crate::messages::catalogue::{Listed, Missing, Reading, Row};

/// Squares of a series that are shown: the last.
const MAX_SQUARES: usize = 400;
/// Squares in place of many numbers that are missing.
const MAX_GONE: u64 = 12;
/// Events of a row that are shown before it is opened: the last.
const MAX_EVENTS: usize = 6;

/// The table and its pictures.
pub(super) struct Table {
    tag: Tag,
    /// The cell of each row that says how it is.
    states: Vec<Tag>,
    /// The square of each backup.
    squares: Vec<Tag>,
}

impl Table {
    /// Of what was found; rows open where it is known what they were chosen from.
    pub(super) fn new(listed: &Listed, opens: Option<(&Page, &[Picked])>) -> Self {
        let squares: Vec<Tag> = listed.rows.iter().map(square).collect();
        let states: Vec<Tag> = listed.rows.iter().map(state).collect();
        let columns = texts::COLUMNS.iter().map(|title| Tag::new("th").attr("scope", "col").text(title));
        let head = Tag::new("thead").child(Tag::new("tr").children(columns));
        let rows = listed.rows.iter().zip(&states).enumerate().flat_map(|(index, (row, state))| {
            let (name, below) = match opens {
                Some((page, chosen)) => opening(page, chosen.get(row.chosen), index, row),
                None => (Tag::new("span").text(&row.name), None),
            };
            [Some(line(row, state, name)), below].into_iter().flatten()
        });
        let table = Tag::new("table").id("rows").child(head).child(Tag::new("tbody").children(rows));
        let legend = texts::STRIP_LEGEND
            .iter()
            .map(|(class, text)| Tag::new("li").child(Tag::new("i").class(&format!("square {class}"))).child(Tag::new("span").text(text)));
        let pictures = job::section(texts::SERIES)
            .id("series")
            .children(strips(listed, &squares))
            .child(Tag::new("ul").class("legend").attr("aria-hidden", "true").children(legend));
        if opens.is_none() {
            // It changes while it is looked at; what is read aloud then is how far the job is.
            pictures.set("aria-hidden", "true");
        }
        let table = div("table").attr("role", "region").attr("aria-label", texts::TABLE).attr("tabindex", "0").child(table);
        let table = job::section(texts::TABLE).child(table);
        Self { tag: Tag::new("div").child(pictures).child(table), states, squares }
    }

    pub(super) fn tag(&self) -> Tag {
        self.tag.clone()
    }

    /// Shows what is known of a backup now.
    pub(super) fn update(&self, index: usize, row: &Row) {
        if let (Some(cell), Some(square)) = (self.states.get(index), self.squares.get(index)) {
            let (tone, word) = texts::row_state(row);
            cell.replace([answer::sign(tone), Tag::new("span").text(&word)]);
            square.set_class(square_class(row));
        }
    }
}

fn state(row: &Row) -> Tag {
    let (tone, word) = texts::row_state(row);
    Tag::new("td").class("state").child(answer::sign(tone)).child(Tag::new("span").text(&word))
}

fn line(row: &Row, state: &Tag, name: Tag) -> Tag {
    let cell = |text: &str| Tag::new("td").text(text);
    let series = texts::row_series(row).map(|(label, number)| format!("{label}, {number}")).unwrap_or_default();
    let size = row.file_len.map(texts::short_size).unwrap_or_default();
    let events = row.history[row.history.len().saturating_sub(MAX_EVENTS)..].iter().map(|event| {
        let (sign, words) = texts::event_words(event);
        Tag::new("span").attr("role", "img").attr("aria-label", &words).attr("title", &texts::visible(&words)).text(sign)
    });
    Tag::new("tr")
        .attr("data-name", &row.name)
        .child(state.clone())
        .child(cell(&series))
        .child(cell(&texts::row_time(row)).class("number"))
        .child(cell(&size).class("number"))
        .child(cell(&texts::row_by(row)))
        .child(Tag::new("td").class("events").children(events))
        .child(Tag::new("th").attr("scope", "row").child(name))
}

/// The name, which opens what is below the row: all that is known of a backup, and what can be done with it.
fn opening(page: &Page, chosen: Option<&Picked>, index: usize, row: &Row) -> (Tag, Option<Tag>) {
    let below_id = format!("below-{index}");
    let content = Tag::new("td").attr("colspan", &texts::COLUMNS.len().to_string());
    let below = Tag::new("tr").class("below").id(&below_id).child(content.clone());
    below.show(false);
    let name = button(&format!("row-{index}"), "link", &row.name, |_| {}).attr("aria-expanded", "false").attr("aria-controls", &below_id);
    let name = name.clone().on("click", {
        let (page, chosen, row, below) = (page.clone(), chosen.cloned(), row.clone(), below.clone());
        let mut is_open = false;
        move |_| {
            is_open = !is_open;
            if is_open {
                // Made when it is asked for: of thousands of rows few are opened.
                content.replace(details(&page, chosen.as_ref(), index, &row));
            }
            below.show(is_open);
            name.set("aria-expanded", if is_open { "true" } else { "false" });
        }
    });
    (name, Some(below))
}

fn details(page: &Page, chosen: Option<&Picked>, index: usize, row: &Row) -> Vec<Tag> {
    let notes = texts::row_notes(row).into_iter().map(|note| paragraph("says", &note));
    let damage = if let Reading::Done(checked) = &row.reading {
        answer::ranges(&format!("damage-{index}"), texts::DAMAGE, &checked.damage)
    } else {
        None
    };
    let events = row.history.iter().map(|event| {
        let (sign, words) = texts::event_words(event);
        Tag::new("li").child(Tag::new("span").class("event").attr("aria-hidden", "true").text(sign)).child(Tag::new("span").text(&words))
    });
    let history = div("history").child(Tag::new("h3").text(texts::HISTORY));
    let history = if row.history.is_empty() {
        history.child(paragraph("hint", texts::NO_HISTORY))
    } else {
        history.child(Tag::new("ol").class("names").children(events))
    };
    let task = |id: &str, text: &str, show: fn(&Page)| {
        let (page, chosen, name) = (page.clone(), chosen.cloned(), row.raw_name.clone());
        button(&format!("{id}-{index}"), "secondary", text, move |_| choose(&page, chosen.as_ref(), &name, show))
    };
    let actions = (row.file_len.is_some()).then(|| {
        div("actions")
            .child(task("check-this", texts::CHECK_THIS, |page| CHECK.show(page, None)))
            .child(task("open-this", texts::OPEN_THIS, |page| open::show(page, &open::Form::default())))
            .child(task("inspect-this", texts::INSPECT_THIS, |page| INSPECT.show(page, None)))
    });
    notes.chain(damage).chain([history, facts(texts::row_facts(row))]).chain(actions).collect()
}

/// Begins a task with one of the backups.
fn choose(page: &Page, chosen: Option<&Picked>, name: &[u8], show: fn(&Page)) {
    let (Some(app), Some(number)) = (page.app(), chosen.and_then(Picked::in_app)) else { return };
    let (page, app, name) = (page.clone(), Rc::clone(&app), name.to_owned());
    spawn_local(async move {
        let files = in_app(app.choose_in(number, &name).await);
        page.0.files.take();
        // What is gone meanwhile is missing on the form.
        let _ = page.0.files.borrow_mut().take(&files);
        show(&page);
    });
}

fn square_class(row: &Row) -> &'static str {
    match texts::row_state(row).0 {
        _ if row.file_len.is_none() => "square gone",
        Tone::Good => "square good",
        Tone::Plain => "square plain",
        Tone::Unsure => "square unsure",
        Tone::Bad => "square bad",
    }
}

fn square(row: &Row) -> Tag {
    Tag::new("i").class(square_class(row)).attr("title", &texts::visible(&row.name))
}

/// A picture of each series: a square for each backup, and for what is missing between them.
fn strips(listed: &Listed, squares: &[Tag]) -> Vec<Tag> {
    let label = |row: &Row| texts::row_series(row).map(|(label, _)| label.to_owned());
    let (mut strips, mut start) = (Vec::new(), 0);
    for part in listed.rows.chunk_by(|one, next| label(one) == label(next)) {
        let squares = &squares[start..start + part.len()];
        start += part.len();
        let name = label(&part[0]);
        let missing: Vec<&Missing> = listed.missing.iter().filter(|missing| Some(&missing.series) == name.as_ref()).collect();
        let hidden = part.len().saturating_sub(MAX_SQUARES);
        let mut line = Vec::new();
        for (row, square) in part.iter().zip(squares).skip(hidden) {
            // Found by who knows whose seals count, and not by the numbers here, which anybody can write.
            let before = missing.iter().find(|missing| is_gap_before(row, missing));
            let gone = before.map_or(0, |missing| missing.count() - known_in(part, missing));
            line.extend((0..gone.min(MAX_GONE)).map(|_| Tag::new("i").class("square gone")));
            line.push(square.clone());
        }
        let name = name.as_deref().unwrap_or(texts::NO_SERIES);
        let states: Vec<_> = part.iter().map(texts::row_state).collect();
        let missing_count = missing.iter().fold(0, |sum: u64, missing| sum.saturating_add(missing.count()));
        let picture =
            div("strip").attr("role", "img").attr("aria-label", &texts::visible(&texts::strip_label(name, &states, missing_count)));
        let before = (hidden > 0).then(|| Tag::new("span").class("hint").text(&texts::before_these(hidden)));
        let name = Tag::new("span").class("strip-name").text(name);
        strips.push(div("strip-row").child(name).child(picture.child(before).children(line)));
    }
    strips
}

/// Whether this is the backup that shows that others are missing.
fn is_gap_before(row: &Row, missing: &Missing) -> bool {
    let number = texts::row_series(row).map(|(_, number)| number);
    number.and_then(|number| number.checked_sub(1)) == Some(missing.to) && row.places.iter().any(|place| place == "gap")
}

/// How many of those that are missing have a row all the same: that of their seal.
fn known_in(part: &[Row], missing: &Missing) -> u64 {
    let is_known = |number: u64| (missing.from..=missing.to).contains(&number);
    let known = part.iter().filter(|row| row.file_len.is_none() && texts::row_series(row).is_some_and(|(_, number)| is_known(number)));
    (known.count() as u64).min(missing.count())
}
