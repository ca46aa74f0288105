//! What others chose, as it is safe to show.

/// A text with what a screen would not show, or what would turn the text around, made visible: names are chosen by whoever can write to the
/// storage, and two must not look alike.
#[must_use]
pub fn visible(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        if is_plain(character) { shown.push(character) } else { shown.extend(character.escape_unicode()) }
    }
    shown
}

/// Not of the Unicode properties Default_Ignorable_Code_Point and White_Space, but for the space; nor a blank letter, nor a mark of
/// annotations.
fn is_plain(character: char) -> bool {
    (character == ' ' || !character.is_whitespace())
        && !character.is_control()
        && !matches!(character,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}' | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{2800}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}'
            | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e0fff}')
}
