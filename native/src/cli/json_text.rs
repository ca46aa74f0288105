//! JSON for standard output and standard error. A person may look at it too, so that what a terminal would obey is escaped in it.

use std::fmt::Write;

use serde::Serialize;

use super::ui::is_plain;

/// One line.
pub(super) fn line(value: &impl Serialize) -> String {
    shown(&serde_json::to_string(value).expect("plain data"))
}

/// Several lines, for a person.
pub(super) fn lines(value: &impl Serialize) -> String {
    shown(&serde_json::to_string_pretty(value).expect("plain data"))
}

fn shown(json: &str) -> String {
    let mut shown = String::with_capacity(json.len() + 1);
    for character in json.chars() {
        // In a string a line feed is escaped already: this one is between values.
        if is_plain(character) || character == '\n' {
            shown.push(character);
        } else {
            character.encode_utf16(&mut [0; 2]).iter().for_each(|unit| write!(shown, "\\u{unit:04x}").expect("a string takes it"));
        }
    }
    shown.push('\n');
    shown
}
