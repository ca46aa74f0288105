//! One seal vector: its text header, and what the core makes of the seal.
//!
//! The form is that of the age vectors; tests/vectors/README.md says it. Pure, no files: compiled to WASM too.

use dbseal_core::{Extent, FileKey, Header, Identity, ProofKey, Seal, SealError, Tree, Trust};

/// The answers about a file and its seal, but for `sampled` and `unsealed`, which are not the seal's.
pub const INTEGRITY: [&str; 5] = ["intact", "unvouched", "header-changed", "damaged", BROKEN];
const BROKEN: &str = "broken-seal";
/// What an unsigned section is worth.
pub const UNSIGNED: [&str; 4] = ["usable", "unusable", "absent", "foreign"];
/// The rules of "Rejected" in the specification, in its order; the line that it starts with in the specification.
pub const REASONS: [(&str, &str); 20] = [
    ("grammar", "it does not follow the grammar"),
    ("too-long", "it is longer than 8 MiB"),
    ("too-many-notes", "it has more than 1,024 notes"),
    ("long-text", "a note's text is 1,024 bytes or longer"),
    ("long-signature", "a line of a signature is longer than 16 KiB"),
    ("previous", "the hash in `previous` is not that of the note before"),
    ("number", "a number is beyond 2^63 - 1"),
    ("header-length", "a `header` or `old-header` is longer than 1 MiB or empty"),
    ("payload-length", "a `payload` or `old-payload` cannot be an age payload"),
    ("group", "`group` is not the length"),
    ("time", "a `time` is none"),
    ("file-name", "a `file` is what no file can be called"),
    ("result", "`restored` says `passed` and a check of it says `failed`"),
    ("series-hash", "a number of an epoch is 0"),
    ("key-id", "a verifier key has another ID"),
    ("key-point", "a verifier key is not the byte 0x01 and"),
    ("signature-short", "a signature is not of an ID"),
    ("signature-wrong", "a signature has the name and ID of the note's `signer` and does not verify"),
    ("signature-missing", "a note has no signature"),
    ("version", "a note starts with `dbseal/v` and another version"),
];

/// A vector, taken apart.
#[derive(Debug, Default)]
pub struct Vector<'a> {
    /// What is answered.
    pub expect: &'a str,
    /// Which rule is broken, where one is.
    pub reason: Option<&'a str>,
    /// The vector that breaks none and else is as this one.
    pub neighbour: Option<&'a str>,
    /// What the unsigned section is worth.
    pub unsigned: Option<&'a str>,
    /// How many notes count.
    pub counted: Option<usize>,
    /// Whom to trust, a line each.
    pub trust: Vec<&'a str>,
    /// The age file that the seal lies beside.
    pub backup: &'a str,
    /// What opens it.
    pub identity: Option<&'a str>,
    /// Its file key, in hexadecimal.
    pub file_key: Option<&'a str>,
    /// Whether its proofs are right, where they are to be checked.
    pub proof: Option<&'a str>,
    /// The seal.
    pub seal: &'a [u8],
}

impl<'a> Vector<'a> {
    /// Reads a vector.
    ///
    /// # Errors
    /// One that is not well formed.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, String> {
        let end = bytes.windows(2).position(|pair| pair == b"\n\n").ok_or("the vector has no empty line")?;
        let header = core::str::from_utf8(&bytes[..end]).map_err(|_| "the vector's header is not text")?;
        let mut vector = Self { seal: &bytes[end + 2..], ..Self::default() };
        for line in header.lines() {
            let (key, value) = line.split_once(": ").ok_or_else(|| format!("the vector's line {line:?} has no key"))?;
            match key {
                "comment" => {}
                "expect" => vector.expect = value,
                "reason" => vector.reason = Some(value),
                "neighbour" => vector.neighbour = Some(value),
                "unsigned" => vector.unsigned = Some(value),
                "counted" => vector.counted = Some(value.parse().map_err(|_| format!("{value:?} is no count"))?),
                "trust" => vector.trust.push(value),
                "backup" => vector.backup = value,
                "identity" => vector.identity = Some(value),
                "file-key" => vector.file_key = Some(value),
                "proof" => vector.proof = Some(value),
                _ => return Err(format!("the vector's {key} is not known here")),
            }
        }
        let is_broken = vector.expect == BROKEN;
        let is_whole = INTEGRITY.contains(&vector.expect)
            && vector.reason.is_some() == is_broken
            && vector.reason.is_none_or(|reason| REASONS.iter().any(|(known, _)| *known == reason))
            && vector.neighbour.is_some() == is_broken
            && vector.counted.is_none() == is_broken
            && vector.unsigned.is_none() == is_broken
            && vector.unsigned.is_none_or(|word| UNSIGNED.contains(&word))
            && vector.proof.is_none_or(|word| ["right", "wrong"].contains(&word))
            && [vector.identity, vector.file_key].iter().all(|key| key.is_some() == vector.proof.is_some());
        if is_whole { Ok(vector) } else { Err(String::from("the vector's header lacks a line, or has one too many")) }
    }

    /// Puts the seal and the age file that it lies beside to the core.
    ///
    /// # Errors
    /// Every deviation from the vector.
    pub fn check(&self, backup: &[u8]) -> Result<(), String> {
        let seal = match (Seal::parse(self.seal), self.reason) {
            (Ok(seal), None) => seal,
            (Err(error), Some(reason)) if is_for(error, reason) => return Ok(()),
            (Ok(_), Some(reason)) => return Err(format!("it parses, in spite of {reason}")),
            (Err(error), reason) => return Err(format!("refused with {error:?}, to be refused for {reason:?}")),
        };
        same("prints back", seal.to_bytes() == self.seal, true)?;
        let trust = match &self.trust[..] {
            [] => Trust::default(),
            lines => Trust::parse(&lines.join("\n")).map_err(|error| error.to_string())?,
        };
        let judgement = seal.judge(&trust);
        let (header, header_len) = Header::parse(backup).map_err(|error| error.to_string())?;
        let tree = Tree::of(&backup[header_len..]);
        let integrity = judgement.integrity(Extent::of(&backup[..header_len]), tree.section_len(), &tree.root());
        same("integrity", integrity.word(), self.expect)?;
        same("counted", Some(judgement.counted().count()), self.counted)?;
        let (has_groups, has_header) = (judgement.groups().is_some(), judgement.header_copy().is_some());
        match self.unsigned {
            Some("usable") => same("groups and header", (has_groups, has_header), (true, true))?,
            Some("foreign") => same("groups and header", has_groups && has_header, false)?,
            _ => same("groups and header", (has_groups, has_header), (false, false))?,
        }
        let Some(identity) = self.identity else { return Ok(()) };
        let identity: Identity = identity.parse().map_err(|_| "the vector's identity is none")?;
        let file_key: FileKey = header.unwrap(&[identity]).map_err(|error| error.to_string())?;
        let is_right = judgement.check_proof(&ProofKey::of(&file_key)).is_ok();
        same("proof", Some(if is_right { "right" } else { "wrong" }), self.proof)
    }
}

/// Whether this is what the core says where that rule is broken; it does not tell all of them apart.
fn is_for(error: SealError, reason: &str) -> bool {
    match reason {
        "grammar" => matches!(error, SealError::NotASeal | SealError::Field(_) | SealError::Malformed(_)),
        "too-long" => error == SealError::TooLong,
        "too-many-notes" => error == SealError::TooManyNotes,
        "previous" => error == SealError::ChainBroken,
        "number" | "header-length" | "payload-length" | "group" | "time" | "file-name" | "series-hash" | "key-id" | "key-point" => {
            matches!(error, SealError::Field(_))
        }
        "long-text" | "long-signature" | "result" | "signature-short" => matches!(error, SealError::Malformed(_)),
        "signature-wrong" => error == SealError::WrongSignature,
        "signature-missing" => error == SealError::NotSigned,
        "version" => error == SealError::NewerVersion,
        _ => false,
    }
}

fn same<T: Copy + PartialEq + core::fmt::Debug>(what: &str, found: T, expected: T) -> Result<(), String> {
    if found == expected { Ok(()) } else { Err(format!("{what}: {found:?} instead of {expected:?}")) }
}
