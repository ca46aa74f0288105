//! The statement by which a signing key is succeeded by another, signed by both (SEAL.md, "Succession").
//!
//! Nothing follows one by itself: whoever has the old key can write as many as they like. What a person puts into their trust file for it,
//! see [`super::Trust::succeeded`].

use alloc::format;
use alloc::string::String;
use core::fmt;

use super::signing::{SigningKey, VerifierKey};
use super::text::Fields;
use super::words::Time;
use super::{DASH, SealError, check_version, parse_signature};

const FIRST_LINE: &str = "dbseal/v1 succession\n";

/// That a signing key is succeeded by another, as the holders of both say. There is none whose signatures were not verified; that either
/// key is trusted it does not say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Succession {
    old: VerifierKey,
    new: VerifierKey,
    time: Time,
    /// The two lines, the old key's first.
    signatures: String,
}

/// One of the two keys of a succession.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Party {
    /// The one that is succeeded.
    Old,
    /// The one that succeeds it.
    New,
}

impl fmt::Display for Party {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Old => "old key",
            Self::New => "new key",
        })
    }
}

impl Succession {
    /// States it. The time is the signers' claim.
    ///
    /// # Errors
    /// [`SuccessionError::SameKey`].
    pub fn sign(old: &SigningKey, new: &SigningKey, time: Time) -> Result<Self, SuccessionError> {
        let text = text_of(old.verifier_key(), new.verifier_key(), time);
        let signatures = old.sign(&text) + &new.sign(&text);
        let succession = Self { old: old.verifier_key().clone(), new: new.verifier_key().clone(), time, signatures };
        succession.between_two()
    }

    /// Parses a statement, and verifies both its signatures.
    ///
    /// # Errors
    /// See [`SuccessionError`].
    pub fn parse(bytes: &[u8]) -> Result<Self, SuccessionError> {
        if !bytes.starts_with(FIRST_LINE.as_bytes()) {
            // A later version's is told first, as in a seal.
            return Err(match check_version(bytes) {
                Err(SealError::NewerVersion) => SuccessionError::NewerVersion,
                _ => SuccessionError::Other,
            });
        }
        let whole = core::str::from_utf8(bytes).map_err(|_| SuccessionError::Malformed("it is not text"))?;
        let (text, _) = whole.split_once("\n\n").ok_or(SuccessionError::Malformed("it is cut off before its signatures"))?;
        let (text, signatures) = (&whole[..=text.len()], &whole[text.len() + 2..]);
        let mut fields = Fields { rest: &text[FIRST_LINE.len()..] };
        let field = |name| move |_: SealError| SuccessionError::Field(name);
        let old: VerifierKey = fields.parse("old", |text| text.parse().ok()).map_err(field("old"))?;
        let new: VerifierKey = fields.parse("new", |text| text.parse().ok()).map_err(field("new"))?;
        let time = fields.parse("time", Time::parse).map_err(field("time"))?;
        // A line too many, and whatever else has another spelling.
        if text_of(&old, &new, time) != text {
            return Err(SuccessionError::Malformed("it is not in its one spelling"));
        }
        let mut rest = signatures.as_bytes();
        check_signature(&mut rest, text, &old, Party::Old)?;
        check_signature(&mut rest, text, &new, Party::New)?;
        if !rest.is_empty() {
            return Err(SuccessionError::Malformed("something follows its two signatures"));
        }
        Self { old, new, time, signatures: signatures.into() }.between_two()
    }

    /// A key under another name is the same one: whoever had it has it still.
    fn between_two(self) -> Result<Self, SuccessionError> {
        if self.old.is_same_point(&self.new) { Err(SuccessionError::SameKey) } else { Ok(self) }
    }

    /// The statement as it stands in a file.
    #[must_use]
    pub fn to_text(&self) -> String {
        text_of(&self.old, &self.new, self.time) + "\n" + &self.signatures
    }

    /// The key that is succeeded.
    #[must_use]
    pub fn old_key(&self) -> &VerifierKey {
        &self.old
    }

    /// The key that succeeds it.
    #[must_use]
    pub fn new_key(&self) -> &VerifierKey {
        &self.new
    }

    /// When, as the signers claim.
    #[must_use]
    pub fn time(&self) -> Time {
        self.time
    }
}

/// The text that both sign.
fn text_of(old: &VerifierKey, new: &VerifierKey, time: Time) -> String {
    format!("{FIRST_LINE}old {old}\nnew {new}\ntime {time}\n")
}

/// Takes the next signature line, which has to be this key's.
fn check_signature(rest: &mut &[u8], text: &str, key: &VerifierKey, party: Party) -> Result<(), SuccessionError> {
    if !rest.starts_with(DASH.as_bytes()) {
        return Err(if rest.is_empty() {
            SuccessionError::NotSigned(party)
        } else {
            SuccessionError::Malformed("a signature is malformed")
        });
    }
    match parse_signature(rest, text, Some(key)) {
        Ok(true) => Ok(()),
        Ok(false) => Err(SuccessionError::NotSigned(party)),
        Err(SealError::WrongSignature) => Err(SuccessionError::WrongSignature(party)),
        Err(_) => Err(SuccessionError::Malformed("a signature is malformed")),
    }
}

/// Why bytes are no succession that anybody states.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SuccessionError {
    /// Something else.
    #[error("this is not the succession of a signing key")]
    Other,
    /// A later version's.
    #[error("this is a succession of a version newer than v1")]
    NewerVersion,
    /// A line is missing, in another place, or not spelled as it should be.
    #[error("there is no well-formed line '{0}' where there should be one")]
    Field(&'static str),
    /// Anything else that the specification does not allow.
    #[error("{0}")]
    Malformed(&'static str),
    /// The same key twice, whatever it is called.
    #[error("a key does not succeed itself, under whatever name")]
    SameKey,
    /// Its signature is missing, or not in its place.
    #[error("the {0} has not signed it")]
    NotSigned(Party),
    /// Its signature is over something else, or is none.
    #[error("the signature of the {0} is wrong: the succession was altered, or forged")]
    WrongSignature(Party),
}

#[cfg(test)]
mod tests {
    use super::*;
    use SuccessionError::{Field, Malformed, NewerVersion, NotSigned, Other, SameKey, WrongSignature};

    fn key(name: &str, seed: u8) -> SigningKey {
        SigningKey::from_seed_for_tests(name, seed)
    }

    fn time() -> Time {
        Time::from_unix(1_795_485_613).unwrap()
    }

    /// From the first year's key to the second's, and its text.
    fn succession() -> (Succession, String) {
        let succession = Succession::sign(&key("db1", 1), &key("db1-2027", 2), time()).unwrap();
        let text = succession.to_text();
        (succession, text)
    }

    #[test]
    fn both_sign_and_it_prints_back() {
        let (succession, text) = succession();
        assert_eq!(Succession::parse(text.as_bytes()).as_ref(), Ok(&succession));
        assert_eq!(
            (succession.old_key(), succession.new_key(), succession.time()),
            (key("db1", 1).verifier_key(), key("db1-2027", 2).verifier_key(), time())
        );
        let lines: alloc::vec::Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 7, "{text}");
        assert!(lines[5].starts_with("\u{2014} db1 ") && lines[6].starts_with("\u{2014} db1-2027 "), "{text}");
        // The name may stay the same.
        let text = Succession::sign(&key("db1", 1), &key("db1", 2), time()).unwrap().to_text();
        assert!(Succession::parse(text.as_bytes()).is_ok());
    }

    #[test]
    fn what_is_not_signed_by_both_is_refused() {
        let (_, text) = succession();
        let (start, signatures) = text.split_once("\n\n").unwrap();
        let (by_old, by_new) = signatures.trim_end().split_once('\n').unwrap();
        let signed = format!("{start}\n");
        let by = |key: &SigningKey| key.sign(&signed);
        let stranger = key("db1-2027", 3);
        let of_another_text = key("db1", 1).sign("dbseal/v1 succession\n");
        for (signatures, error) in [
            (String::new(), NotSigned(Party::Old)),
            (format!("{by_old}\n"), NotSigned(Party::New)),
            (format!("{by_new}\n"), NotSigned(Party::Old)),
            (format!("{by_new}\n{by_old}\n"), NotSigned(Party::Old)),
            (format!("{by_old}\n{by_old}\n"), NotSigned(Party::New)),
            // The name of the new key, and another key.
            (format!("{by_old}\n{}", by(&stranger)), NotSigned(Party::New)),
            (format!("{of_another_text}{by_new}\n"), WrongSignature(Party::Old)),
            (format!("{by_old}\n{by_new}\n{by_new}\n"), Malformed("something follows its two signatures")),
            (format!("{by_old}\n{by_new}"), Malformed("a signature is malformed")),
            (format!("{by_old}\n\n{by_new}\n"), Malformed("a signature is malformed")),
        ] {
            let text = format!("{signed}\n{signatures}");
            assert_eq!(Succession::parse(text.as_bytes()), Err(error), "{text}");
        }
        // A signature of the right name and ID that is not one.
        let (name, encoded) = by_new.rsplit_once(' ').unwrap();
        let swapped = if encoded.as_bytes()[20] == b'A' { "B" } else { "A" };
        let forged = format!("{signed}\n{by_old}\n{name} {}{swapped}{}\n", &encoded[..20], &encoded[21..]);
        assert_eq!(Succession::parse(forged.as_bytes()), Err(WrongSignature(Party::New)));
    }

    #[test]
    fn another_spelling_is_refused() {
        let (_, text) = succession();
        let replaced = |from: &str, to: &str| {
            assert!(text.contains(from), "{from}");
            Succession::parse(text.replacen(from, to, 1).as_bytes()).unwrap_err()
        };
        let other = key("db2", 7);
        let [old, new] = [key("db1", 1), key("db1-2027", 2)].map(|key| format!("{}", key.verifier_key()));
        assert_eq!(replaced(&new, &format!("{}", other.verifier_key())), WrongSignature(Party::Old));
        assert_eq!(replaced("02:00:13Z", "02:00:14Z"), WrongSignature(Party::Old));
        assert_eq!(replaced(&format!("old {old}"), &format!("old {new}")), NotSigned(Party::Old));
        assert_eq!(replaced("\nold ", "\nold  "), Field("old"));
        assert_eq!(replaced("\nnew ", "\nNew "), Field("new"));
        assert_eq!(replaced("\nold ", "\nnew "), Field("old"));
        assert_eq!(replaced("+", "+0"), Field("old"));
        assert_eq!(replaced("02:00:13Z", "02:00:13.0Z"), Field("time"));
        assert_eq!(replaced("13Z\n", "13Z\nnote a line too many\n"), Malformed("it is not in its one spelling"));
        assert_eq!(replaced("\n\n", "\n"), Malformed("it is cut off before its signatures"));
        assert_eq!(replaced("dbseal/v1 succession\n", "dbseal/v1 succession\r\n"), Other);
        assert_eq!(replaced("v1", "v2"), NewerVersion);
        assert_eq!(replaced("v1", "v10"), NewerVersion);
        assert_eq!(replaced("v1", "v0"), Other);
        assert_eq!(replaced("succession", "sealed"), Other);
        assert_eq!(Succession::parse(b""), Err(Other));
        assert_eq!(Succession::parse(&[FIRST_LINE.as_bytes(), b"\xff\n\n"].concat()), Err(Malformed("it is not text")));
        for len in 0..text.len() {
            assert!(Succession::parse(&text.as_bytes()[..len]).is_err(), "{len} bytes");
        }
    }

    #[test]
    fn a_key_does_not_succeed_itself() {
        for name in ["db1", "db2"] {
            assert_eq!(Succession::sign(&key("db1", 1), &key(name, 1), time()), Err(SameKey), "{name}");
        }
        let (old, new) = (key("db1", 1), key("db2", 1));
        let text = text_of(old.verifier_key(), new.verifier_key(), time());
        let forged = format!("{text}\n{}{}", old.sign(&text), new.sign(&text));
        assert_eq!(Succession::parse(forged.as_bytes()), Err(SameKey));
    }

    /// A text that is signed as the one is never one that is signed as the other.
    #[test]
    fn it_is_no_note_of_a_seal() {
        let (_, text) = succession();
        assert!(crate::Seal::parse(text.as_bytes()).is_err());
    }
}
