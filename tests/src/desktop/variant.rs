//! Values of D-Bus as `gdbus` prints them (GVariant's text format).

/// The strings and paths in a value, in order.
#[must_use]
pub(super) fn strings(text: &str) -> Vec<String> {
    let (mut found, mut rest) = (Vec::new(), text.chars());
    while let Some(quote) = rest.find(|character| ['\'', '"'].contains(character)) {
        let mut string = String::new();
        while let Some(character) = rest.next().filter(|character| *character != quote) {
            string.push(if character == '\\' { escaped(&mut rest) } else { character });
        }
        found.push(string);
    }
    found
}

/// The numbers in a value, in order, but for those in the names of their types (`uint32`).
#[must_use]
pub(super) fn numbers(text: &str) -> Vec<u32> {
    text.split(|character: char| !character.is_ascii_alphanumeric()).filter_map(|word| word.parse().ok()).collect()
}

fn escaped(rest: &mut impl Iterator<Item = char>) -> char {
    match rest.next() {
        Some('n') => '\n',
        Some('t') => '\t',
        Some('u') => {
            let digits: String = rest.by_ref().take(4).collect();
            u32::from_str_radix(&digits, 16).ok().and_then(char::from_u32).unwrap_or(char::REPLACEMENT_CHARACTER)
        }
        other => other.unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_are_found_as_they_were() {
        assert_eq!(strings(r#"([(':1.0', objectpath '/a/b'), (':1.2', '/c')],)"#), [":1.0", "/a/b", ":1.2", "/c"]);
        assert_eq!(strings(r#"(<"it's \"there\"">,)"#), [r#"it's "there""#]);
        assert_eq!(strings(r"('two\nlines \u00e9 \\',)"), ["two\nlines é \\"]);
        assert_eq!(strings("(@a(so) [],)"), [""; 0]);
    }

    #[test]
    fn numbers_are_found_but_not_those_of_types() {
        assert_eq!(numbers("([uint32 1124073728, 0],)"), [1_124_073_728, 0]);
    }
}
