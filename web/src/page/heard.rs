//! What a job says beside how far it is: what to know of it, and what the program prints that its output goes to.

use std::cell::RefCell;
use std::rc::Rc;

use super::elements::Tag;
use super::{job, texts};

/// Bytes of what a program prints that are kept: the last.
const PRINTED_LEN: usize = 64 << 10;
/// Lines of it that are shown.
const SHOWN_LINES: usize = 500;

/// All of it so far, shared by who hears and who shows.
#[derive(Clone, Default)]
pub(super) struct Heard(Rc<RefCell<Words>>);

#[derive(Default)]
struct Words {
    said: Vec<String>,
    printed: String,
}

impl Heard {
    pub(super) fn say(&self, text: String) {
        self.0.borrow_mut().said.push(text);
    }

    pub(super) fn print(&self, text: &str) {
        let printed = &mut self.0.borrow_mut().printed;
        printed.push_str(text);
        let cut = printed.len().saturating_sub(PRINTED_LEN);
        let cut = (cut..=printed.len()).find(|&index| printed.is_char_boundary(index)).unwrap_or_default();
        printed.drain(..cut);
    }

    /// The last lines that were printed, each an element.
    pub(super) fn lines(&self) -> Vec<Tag> {
        let words = self.0.borrow();
        let mut lines: Vec<_> = words.printed.lines().rev().take(SHOWN_LINES).map(|line| Tag::new("div").text(line)).collect();
        lines.reverse();
        lines
    }

    /// The parts of an answer that show it.
    pub(super) fn sections(&self) -> impl Iterator<Item = Tag> {
        let words = self.0.borrow();
        let items = words.said.iter().map(|said| Tag::new("li").text(&texts::sentence(said)));
        let said = (!words.said.is_empty()).then(|| job::section(texts::TO_KNOW).id("said").child(Tag::new("ul").children(items)));
        let printed = (!words.printed.is_empty()).then(|| {
            let lines = Tag::new("div").class("printed").id("printed").attr("tabindex", "0").children(self.lines());
            job::section(texts::PRINTED).child(lines)
        });
        [said, printed].into_iter().flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_of_what_is_printed_is_kept() {
        let heard = Heard::default();
        heard.print("begins");
        heard.print(&"ü".repeat(PRINTED_LEN));
        heard.print("\nends");
        let words = heard.0.borrow();
        assert!(words.printed.len() <= PRINTED_LEN && words.printed.starts_with('ü') && words.printed.ends_with("ü\nends"));
    }
}
