//! What of a backup is wanted: all of it, a part, or what is left of it.

use super::elements::{Tag, choice, div, paragraph};
use super::texts;
use crate::messages::{Failure, Part};

/// The part of a form that says so.
#[derive(Clone)]
pub(super) struct PartSection {
    pub(super) tag: Tag,
    range: Tag,
    salvage: Tag,
    start: Tag,
    end: Tag,
}

impl PartSection {
    pub(super) fn new(part: &Part) -> Self {
        let option = |id: &str, (label, hint): (&str, &str)| choice("radio", "part", id, label, hint);
        let (whole_row, whole) = option("part-whole", texts::PART_WHOLE);
        let (range_row, range) = option("part-range", texts::PART_RANGE);
        let (salvage_row, salvage) = option("part-salvage", texts::PART_SALVAGE);
        let place = |id: &str, label: &str| {
            let input = Tag::new("input").id(id).attr("type", "text").attr("autocomplete", "off").attr("spellcheck", "false");
            let input = input.attr("aria-describedby", "part-range-hint");
            (div("field").child(Tag::new("label").class("label").attr("for", id).text(label)).child(input.clone()), input)
        };
        let (start_row, start) = place("part-range-start", texts::RANGE_START);
        let (end_row, end) = place("part-range-end", texts::RANGE_END);
        match part {
            Part::Whole => whole.input().set_checked(true),
            Part::Salvage => salvage.input().set_checked(true),
            Part::Bytes(from, to) => {
                range.input().set_checked(true);
                start.input().set_value(&from.to_string());
                end.input().set_value(&to.map(|to| to.to_string()).unwrap_or_default());
            }
        }
        let fields = div("nested").child(div("row").child(start_row).child(end_row));
        let fields = fields.child(paragraph("hint", texts::RANGE_HINT).id("part-range-hint"));
        let update = {
            let (fields, range) = (fields.clone(), range.clone());
            move || fields.show(range.input().checked())
        };
        update();
        let rows = Tag::new("fieldset").class("choices").child(Tag::new("legend").class("visually-hidden").text(texts::PART));
        let rows = rows.child(whole_row).child(range_row).child(fields).child(salvage_row).on("change", move |_| update());
        Self { tag: super::job::section(texts::PART).child(rows), range, salvage, start, end }
    }

    /// What was chosen, or what is wrong with it.
    pub(super) fn chosen(&self) -> Result<Part, (Failure, &'static str)> {
        if self.salvage.input().checked() {
            return Ok(Part::Salvage);
        }
        if !self.range.input().checked() {
            return Ok(Part::Whole);
        }
        range(&self.start.input().value(), &self.end.input().value())
    }
}

/// What was typed as a range.
fn range(start: &str, end: &str) -> Result<Part, (Failure, &'static str)> {
    let (start, end) = (start.trim(), end.trim());
    let start = if start.is_empty() { Some(0) } else { texts::parse_size(start) };
    let start = start.ok_or_else(|| (texts::bad_range(), "part-range-start"))?;
    if end.is_empty() {
        return Ok(Part::Bytes(start, None));
    }
    let end = texts::parse_size(end).ok_or_else(|| (texts::bad_range(), "part-range-end"))?;
    if end < start { Err((texts::backward_range(), "part-range-end")) } else { Ok(Part::Bytes(start, Some(end))) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_understood_or_refused() {
        assert_eq!(range("", ""), Ok(Part::Bytes(0, None)));
        assert_eq!(range(" 1K ", "2 K"), Ok(Part::Bytes(1024, Some(2048))));
        assert_eq!(range("5", ""), Ok(Part::Bytes(5, None)));
        assert_eq!(range("x", "").map_err(|(_, id)| id), Err("part-range-start"));
        assert_eq!(range("1", "-2").map_err(|(_, id)| id), Err("part-range-end"));
        assert_eq!(range("2", "1").map_err(|(_, id)| id), Err("part-range-end"));
    }
}
