//! A table for people: aligned columns in as many characters as a line has.

/// Between two columns.
const GAP: &str = "  ";
/// Characters that a text keeps as long as there is another column to leave out.
const FAIR_WIDTH: usize = 10;
/// Characters that it keeps in any case.
const MIN_WIDTH: usize = 6;
/// In place of what is cut out.
const CUT: char = '\u{2026}';
/// A cell without content.
pub(super) const NOTHING: &str = "-";
/// Before what a person should look at.
const NOTE: &str = "  ! ";

/// How a column behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// May be cut short.
    Text,
    /// Stays as it is.
    Fixed,
    /// Stays as it is, and ends at the right.
    Number,
    /// Left out where there is no room, the last one first.
    Optional,
}

pub(super) struct Column {
    title: &'static str,
    kind: Kind,
}

/// A line of cells, and lines below it.
pub(super) struct Row {
    pub(super) cells: Vec<String>,
    pub(super) notes: Vec<String>,
}

/// Cells hold no line feeds: what comes from elsewhere was made printable before.
pub(super) struct Table {
    pub(super) columns: Vec<Column>,
    pub(super) rows: Vec<Row>,
}

impl Row {
    /// What the row is about: its last cell.
    fn name(&self) -> &str {
        self.cells.last().map(String::as_str).unwrap_or_default()
    }
}

impl Column {
    pub(super) fn text(title: &'static str) -> Self {
        Self { title, kind: Kind::Text }
    }

    pub(super) fn fixed(title: &'static str) -> Self {
        Self { title, kind: Kind::Fixed }
    }

    pub(super) fn number(title: &'static str) -> Self {
        Self { title, kind: Kind::Number }
    }

    pub(super) fn optional(title: &'static str) -> Self {
        Self { title, kind: Kind::Optional }
    }
}

impl Table {
    /// In lines of `width` characters, if it can be done. Where the last column, the name, is left out, it takes the place of a first
    /// cell that says nothing, or stands before the notes.
    pub(super) fn to_text(&self, width: usize) -> String {
        let mut firsts: Vec<&str> = self.rows.iter().map(|row| row.cells[0].as_str()).collect();
        let mut widths = self.widths(&firsts, width);
        let is_whole = widths.last().is_some_and(|width| *width > 0);
        if !is_whole {
            for (first, row) in firsts.iter_mut().zip(&self.rows).filter(|(first, _)| **first == NOTHING) {
                *first = row.name();
            }
            widths = self.widths(&firsts, width);
        }
        let titles: Vec<&str> = self.columns.iter().map(|column| column.title).collect();
        let mut text = self.line(&titles, &widths);
        for (first, row) in firsts.iter().zip(&self.rows) {
            let rest = row.cells[1..].iter().map(String::as_str);
            text += &self.line(&[*first].into_iter().chain(rest).collect::<Vec<_>>(), &widths);
            let is_named = is_whole || (*first == row.name() && first.chars().count() <= widths[0]);
            let mut notes = row.notes.iter();
            if !is_named {
                match notes.next() {
                    Some(note) => text += &format!("{NOTE}{}: {note}\n", row.name()),
                    None if *first == row.name() => text += &format!("    {}\n", row.name()),
                    None => {}
                }
            }
            notes.for_each(|note| text += &format!("{NOTE}{note}\n"));
        }
        text
    }

    /// The width of each column, 0 for those that are left out, with these as the first cells.
    fn widths(&self, firsts: &[&str], width: usize) -> Vec<usize> {
        let natural = |(index, column): (usize, &Column)| {
            let first = |(first, _): (&&str, &Row)| first.chars().count();
            let other = |(_, row): (&&str, &Row)| row.cells[index].chars().count();
            let rows = firsts.iter().zip(&self.rows);
            let longest = if index == 0 { rows.map(first).max() } else { rows.map(other).max() };
            longest.unwrap_or(0).max(column.title.len())
        };
        let mut widths: Vec<usize> = self.columns.iter().enumerate().map(natural).collect();
        let total = |widths: &[usize]| {
            let shown = widths.iter().filter(|width| **width > 0);
            shown.map(|width| width + GAP.len()).sum::<usize>().saturating_sub(GAP.len())
        };
        if total(&widths) <= width {
            return widths;
        }
        // A text of which little is left says less than no text.
        let fair_total = |widths: &[usize]| {
            let is_text = |index: usize| self.columns[index].kind == Kind::Text;
            let fair = widths.iter().enumerate().map(|(index, width)| if is_text(index) { FAIR_WIDTH.min(*width) } else { *width });
            total(&fair.collect::<Vec<_>>())
        };
        for index in (0..widths.len()).rev().filter(|index| self.columns[*index].kind == Kind::Optional) {
            widths[index] = 0;
            if fair_total(&widths) <= width {
                break;
            }
        }
        while total(&widths) > width {
            let texts = self.columns.iter().zip(&mut widths).filter(|(column, width)| column.kind == Kind::Text && **width > MIN_WIDTH);
            let Some((_, widest)) = texts.max_by_key(|(_, width)| **width) else { break };
            *widest -= 1;
        }
        widths
    }

    fn line(&self, cells: &[&str], widths: &[usize]) -> String {
        let mut line = String::new();
        for ((column, cell), &width) in self.columns.iter().zip(cells).zip(widths).filter(|(_, width)| **width > 0) {
            if !line.is_empty() {
                line += GAP;
            }
            let cell = cut(cell, width);
            line += &if column.kind == Kind::Number { format!("{cell:>width$}") } else { format!("{cell:<width$}") };
        }
        line.truncate(line.trim_end().len());
        line.push('\n');
        line
    }
}

/// A text in at most `width` characters, its start and its end.
fn cut(text: &str, width: usize) -> String {
    let len = text.chars().count();
    if len <= width {
        return text.into();
    }
    let end_len = (width - 1) / 2;
    let start_len = width - 1 - end_len;
    text.chars().take(start_len).chain([CUT]).chain(text.chars().skip(len - end_len)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table {
        let row = |cells: [&str; 4], note: &str| Row {
            cells: cells.map(String::from).into(),
            notes: if note.is_empty() { Vec::new() } else { vec![note.into()] },
        };
        Table {
            columns: vec![Column::text("NAME"), Column::number("NO"), Column::fixed("STATE"), Column::optional("FILE")],
            rows: vec![
                row(["a-very-long-name", "1", "good", "one.age"], ""),
                row(["short", "12", "bad", "two.age"], "look"),
                row(["-", "-", "bad", "three.age"], ""),
            ],
        }
    }

    #[test]
    fn all_where_there_is_room() {
        let text = "NAME              NO  STATE  FILE\n\
                    a-very-long-name   1  good   one.age\n\
                    short             12  bad    two.age\n  ! look\n\
                    -                  -  bad    three.age\n";
        assert_eq!(table().to_text(usize::MAX), text);
        assert_eq!(table().to_text(38), text);
    }

    #[test]
    fn less_where_there_is_not() {
        let text = "NAME             NO  STATE\n\
                    a-very-…ng-name   1  good\n\
                    short            12  bad\n  ! two.age: look\n\
                    three.age         -  bad\n";
        assert_eq!(table().to_text(26), text);
        assert!(table().to_text(1).contains("a-v…me   1"), "{}", table().to_text(1));
    }
}
