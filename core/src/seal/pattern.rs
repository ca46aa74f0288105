//! What labels of series look like (SEAL.md, "Which notes count").

use alloc::string::String;
use core::fmt;
use core::str::FromStr;

use super::words::Label;

/// What labels of series look like: `*` stands for anything, `?` for one character.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern(String);

/// A text that is no [`Pattern`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a pattern for series has letters, digits, '.', '_', '-', '*' and '?'")]
pub struct PatternError;

impl Pattern {
    /// Whether a backup of this series is one that is meant; one of none is only if all are.
    pub(super) fn covers(&self, series: Option<&Label>) -> bool {
        series.map_or_else(|| *self == Self::any(), |label| self.matches(label))
    }

    pub(super) fn any() -> Self {
        Self("*".into())
    }

    /// The one series that it stands for, if it stands for one alone.
    pub(super) fn label(&self) -> Option<Label> {
        self.0.parse().ok()
    }

    /// The pattern that only this label matches.
    pub(super) fn exactly(label: &Label) -> Self {
        Self(label.as_str().into())
    }

    /// Whether a label looks like this.
    #[must_use]
    pub fn matches(&self, label: &Label) -> bool {
        matches(self.0.as_bytes(), label.as_str().as_bytes())
    }
}

impl FromStr for Pattern {
    type Err = PatternError;

    fn from_str(text: &str) -> Result<Self, PatternError> {
        let is_pattern = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-*?".contains(&byte));
        if is_pattern { Ok(Self(text.into())) } else { Err(PatternError) }
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// In time that grows with the product of the lengths: only the last `*` is ever tried again.
fn matches(pattern: &[u8], text: &[u8]) -> bool {
    let (mut at, mut text_at, mut star) = (0, 0, None);
    while text_at < text.len() {
        match pattern.get(at) {
            Some(b'*') => {
                star = Some((at, text_at));
                at += 1;
            }
            Some(&byte) if byte == b'?' || byte == text[text_at] => (at, text_at) = (at + 1, text_at + 1),
            _ => match star {
                Some((star_at, tried_at)) => {
                    star = Some((star_at, tried_at + 1));
                    (at, text_at) = (star_at + 1, tried_at + 1);
                }
                None => return false,
            },
        }
    }
    pattern[at..].iter().all(|&byte| byte == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns() {
        for (pattern, text, is_match) in [
            ("*", "shop", true),
            ("shop", "shop", true),
            ("shop", "shop2", false),
            ("shop-*", "shop-eu", true),
            ("shop-*", "shop", false),
            ("*-*-x", "a-b-c-x", true),
            ("*a*a*a*b", "aaaaaaaaaaaaaaaaaaaaaaaa", false),
            ("sh?p", "shop", true),
            ("sh?p", "shp", false),
        ] {
            assert_eq!(matches(pattern.as_bytes(), text.as_bytes()), is_match, "{pattern} {text}");
        }
    }
}
