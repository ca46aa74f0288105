//! A second reader of seals, in the plainest Rust, written from core/SEAL.md: no code of the core's, and no type of it.
//!
//! It goes on after a rule is broken where it can, and says all that are: a vector has to break one alone.

use base64ct::{Base64, Base64Unpadded, Encoding};
use blake3::hazmat::{Mode, merge_subtrees_non_root, merge_subtrees_root};
use ed25519_dalek::{Signature, Verifier as _, VerifyingKey};
use sha2::{Digest, Sha256};

use crate::seal_writer::{extent, hex, key_id, proven};

const HEX: &[u8] = b"0123456789abcdef";
const MIB: u64 = 1 << 20;

/// The fields of each kind; those of `check` come from 1 to 8 times.
const KINDS: [(&str, &[&str]); 5] = [
    ("sealed", &["signer", "series", "file", "time", "source", "process", "header", "payload", "group", "proof"]),
    ("adopted", &["signer", "file", "time", "header", "payload", "group"]),
    ("rewrapped", &["previous", "signer", "time", "old-header", "header", "proof"]),
    ("reencrypted", &["previous", "signer", "time", "old-header", "header", "old-payload", "payload", "group", "proof"]),
    ("restored", &["previous", "signer", "time", "payload", "seconds", "result", "check"]),
];

/// What a vector says of a seal that is not broken.
#[derive(Debug, PartialEq, Eq)]
pub struct Answer {
    /// The word of the specification.
    pub integrity: &'static str,
    /// How many notes count.
    pub counted: usize,
    /// What the unsigned section is worth.
    pub unsigned: &'static str,
    /// Whether no proof is wrong, if there is a file key to check them with.
    pub proven: Option<bool>,
}

/// What a seal says of a backup to somebody with these trust lines.
///
/// # Errors
/// The rules that it breaks, in the words of the vectors.
///
/// # Panics
/// If the backup is no age file, or a trust line is none.
pub fn judge(seal: &[u8], trust: &[&str], backup: &[u8], file_key: Option<&[u8; 16]>) -> Result<Answer, Vec<&'static str>> {
    let (notes, unsigned) = read(seal)?;
    let header_len = backup.windows(5).position(|bytes| bytes == b"\n--- ").expect("a MAC") + 1;
    let header_len = header_len + backup[header_len..].iter().position(|&byte| byte == b'\n').expect("its end") + 1;
    let vouched = notes[0].is_trusted(trust, &notes[0]);
    let followed = follow(&notes, |note| !vouched || note.is_trusted(trust, &notes[0]));
    let current = |name: &str| followed.iter().rev().find_map(|note| note.field(name)).expect("the first note has it");
    let is = |name: &str, bytes: &[u8]| extent("", bytes).trim() == current(name);
    let integrity = match (is("header", &backup[..header_len]), is("payload", &backup[header_len..])) {
        (_, false) => "damaged",
        (false, true) => "header-changed",
        (true, true) => {
            if vouched {
                "intact"
            } else {
                "unvouched"
            }
        }
    };
    let unsigned = match unsigned.map(read_unsigned) {
        None => "absent",
        Some(None) => "unusable",
        Some(Some((groups, header))) => {
            if is("header", header) && merge(&groups, current("payload")) {
                "usable"
            } else {
                "foreign"
            }
        }
    };
    let proven = file_key.map(|file_key| {
        let start = followed.iter().rposition(|note| note.kind == "reencrypted").unwrap_or(0);
        followed[start..].iter().all(|note| match note.text.find("\nproof ") {
            Some(at) => proven(&note.text[..=at], file_key) == note.text,
            None => true,
        })
    });
    Ok(Answer { integrity, counted: if vouched { followed.len() } else { 0 }, unsigned, proven })
}

struct Note<'a> {
    kind: &'a str,
    text: &'a str,
}

impl<'a> Note<'a> {
    fn field(&self, name: &str) -> Option<&'a str> {
        let lines = self.text.lines().skip(1).filter(|_| KINDS.iter().any(|(kind, _)| *kind == self.kind));
        lines.filter_map(|line| line.split_once(' ')).find_map(|(found, value)| (found == name).then_some(value))
    }

    /// `first` is the first note of its seal.
    fn is_trusted(&self, trust: &[&str], first: &Note<'_>) -> bool {
        let place: Vec<&str> =
            first.field("series").filter(|series| *series != "-").into_iter().flat_map(|series| series.split(' ')).collect();
        let role = match self.kind {
            "sealed" | "adopted" => "seal",
            "rewrapped" | "reencrypted" => "rewrap",
            "restored" => "drill",
            _ => return false,
        };
        trust.iter().any(|line| {
            let mut words = line.split(' ');
            let mut is_meant = words.next() == self.field("signer");
            let (mut may, mut series, mut until) = ("seal", "*", None);
            for word in words {
                match word.split_once('=') {
                    Some(("may", roles)) => may = roles,
                    Some(("series", pattern)) => series = pattern,
                    Some(("until", end)) => until = Some(end.split(':').collect::<Vec<_>>()),
                    _ => panic!("no trust line: {line}"),
                }
            }
            is_meant &= may.split(',').any(|may| may == role);
            if let Some(end) = until {
                let (number, last): (u64, u64) = (place[2].parse().expect("a number"), end[1].parse().expect("a number"));
                is_meant &= place[1] == end[0] && (number < last || number == last && hex(&Sha256::digest(first.text)) == end[2]);
            }
            is_meant && place.first().map_or(series == "*", |label| matches(series.as_bytes(), label.as_bytes()))
        })
    }
}

fn matches(pattern: &[u8], text: &[u8]) -> bool {
    match (pattern, text) {
        ([], _) => text.is_empty(),
        ([b'*', rest @ ..], _) => (0..=text.len()).any(|at| matches(rest, &text[at..])),
        ([one, pattern @ ..], [byte, text @ ..]) => (*one == b'?' || one == byte) && matches(pattern, text),
        (_, []) => false,
    }
}

/// Rule 5 of which notes count, and what the others say of a note.
fn follow<'n, 'a>(notes: &'n [Note<'a>], believed: impl Fn(&Note<'a>) -> bool) -> Vec<&'n Note<'a>> {
    let mut followed: Vec<&Note<'_>> = vec![&notes[0]];
    for note in &notes[1..] {
        let is_current = |name: &str, of: &str| {
            let current = followed.iter().rev().find_map(|note| note.field(of));
            note.field(name) == current
        };
        let fits = match note.kind {
            "rewrapped" => is_current("old-header", "header"),
            "reencrypted" => is_current("old-header", "header") && is_current("old-payload", "payload"),
            "restored" => is_current("payload", "payload"),
            _ => false,
        };
        if fits && believed(note) {
            followed.push(note);
        }
    }
    followed
}

type Read<'a> = (Vec<Note<'a>>, Option<&'a [u8]>);

fn read(seal: &[u8]) -> Result<Read<'_>, Vec<&'static str>> {
    if seal.len() > 8 << 20 {
        return Err(vec!["too-long"]);
    }
    let mut broken = Vec::new();
    let (mut notes, mut rest): (Vec<Note<'_>>, _) = (Vec::new(), seal);
    let unsigned = loop {
        if notes.len() == 1024 {
            return Err(vec!["too-many-notes"]);
        }
        let Some(note) = read_note(&mut rest, &mut broken) else { return Err(broken) };
        let is_first = ["sealed", "adopted"].contains(&note.kind);
        if is_first != notes.is_empty() {
            broken.push("grammar");
        } else if let Some(before) = notes.last() {
            let previous = note.text.lines().nth(1).and_then(|line| line.strip_prefix("previous "));
            if previous != Some(hex(&Sha256::digest(before.text)).as_str()) {
                broken.push("previous");
            }
        }
        notes.push(note);
        match rest {
            [] => break None,
            [b'\n', after @ ..] if after.starts_with(b"unsigned\n") => break Some(&after["unsigned\n".len()..]),
            [b'\n', after @ ..] => rest = after,
            _ => return Err([broken, vec!["grammar"]].concat()),
        }
    };
    if broken.is_empty() { Ok((notes, unsigned)) } else { Err(broken) }
}

/// `None` where nothing can be read any more.
fn read_note<'a>(rest: &mut &'a [u8], broken: &mut Vec<&'static str>) -> Option<Note<'a>> {
    let version = rest.strip_prefix(b"dbseal/v").map(|rest| rest.split(|byte| b" \n".contains(byte)).next().unwrap_or_default());
    if version != Some(b"1") {
        broken.push(if version.is_some_and(|version| matches!(version, [b'1'..=b'9', ..])) { "version" } else { "grammar" });
        return None;
    }
    let end = rest.windows(2).position(|pair| pair == b"\n\n");
    let text = end.and_then(|end| std::str::from_utf8(&rest[..=end]).ok());
    let Some(text) = text.filter(|text| text.bytes().all(|byte| matches!(byte, b'\n' | b' '..=b'~'))) else {
        broken.push("grammar");
        return None;
    };
    *rest = &rest[text.len() + 1..];
    if text.len() >= 1024 {
        broken.push("long-text");
    }
    let before = broken.len();
    let kind = read_text(text, broken);
    let Some(kind) = kind else {
        broken.push("grammar");
        return None;
    };
    let note = Note { kind, text };
    // A key that is broken has no signature to ask for.
    let signer = note.field("signer");
    let is_asked = signer.is_some() && !broken[before..].iter().any(|slug| slug.starts_with("key-"));
    let (mut count, mut signed) = (0, false);
    while rest.starts_with("\u{2014} ".as_bytes()) {
        count += 1;
        let Some(len) = rest.iter().position(|&byte| byte == b'\n') else {
            broken.push("grammar");
            return None;
        };
        let line = std::str::from_utf8(&rest["\u{2014} ".len()..len]).ok().and_then(|line| line.split_once(' '));
        *rest = &rest[len + 1..];
        if len + 1 > 16 << 10 {
            broken.push("long-signature");
        }
        let is_name = |name: &str| !name.is_empty() && name.bytes().all(|byte| byte != b'+' && byte.is_ascii_graphic());
        let Some((name, bytes)) = line.filter(|line| is_name(line.0)).and_then(|(name, text)| Some((name, base64(text)?))) else {
            broken.push("grammar");
            return None;
        };
        if bytes.len() < 5 {
            broken.push("signature-short");
            continue;
        }
        let key = signer.filter(|_| is_asked).and_then(|vkey| vkey_parts(vkey));
        let key = key.filter(|(signer, key)| *signer == name && bytes[..4] == key_id(name, key));
        if let Some((_, key)) = key {
            signed = true;
            broken.extend((!is_signature(&key, text, &bytes[4..])).then_some("signature-wrong"));
        }
    }
    broken.extend((count > 8).then_some("grammar"));
    broken.extend((count == 0 || is_asked && !signed).then_some("signature-missing"));
    Some(note)
}

/// The kind of a text; `None` where it does not follow the grammar.
fn read_text<'a>(text: &'a str, broken: &mut Vec<&'static str>) -> Option<&'a str> {
    let mut lines = text.strip_suffix('\n')?.split('\n');
    let kind = lines.next()?.strip_prefix("dbseal/v1 ").filter(|kind| is_label(kind))?;
    let Some((_, fields)) = KINDS.iter().find(|(known, _)| *known == kind) else {
        let previous = lines.next()?.strip_prefix("previous ")?;
        return (is_of(previous, 64, HEX) && lines.all(|line| !line.is_empty())).then_some(kind);
    };
    let (mut payload, mut passed) = (0, false);
    let mut checks = 0;
    let mut fields = fields.iter();
    for line in lines {
        let field = if checks > 0 { "check" } else { fields.next().copied()? };
        let value = line.strip_prefix(field)?.strip_prefix(' ')?;
        let words: Vec<&str> = value.split(' ').collect();
        match (field, &words[..]) {
            ("previous" | "proof", [hash]) if is_of(hash, 64, HEX) => {}
            ("signer", [vkey]) => broken.extend(check_vkey(vkey)?),
            ("series", ["-"]) => {}
            ("series", [label, epoch, number, previous]) if is_label(label) && is_of(epoch, 32, HEX) => {
                let number = read_number(number, broken)?;
                let has_hash = is_of(previous, 64, HEX);
                let fits = has_hash == (number > 1) && number > 0;
                broken.extend((!fits).then_some("series-hash"));
                (has_hash || *previous == "-").then_some(())?;
            }
            ("file", [name]) => broken.extend((!check_name(name)?).then_some("file-name")),
            ("time", [time]) => broken.extend((!check_time(time)?).then_some("time")),
            ("source", ["command", "0"] | ["file"] | ["stdin"]) => {}
            ("process", [tool, preset, compression]) => {
                let (tool, version) = tool.split_once('/')?;
                [tool, version, *preset, *compression].iter().all(|word| is_label(word)).then_some(())?;
            }
            ("header" | "old-header", [len, hash]) if is_of(hash, 64, HEX) => {
                let len = read_number(len, broken)?;
                broken.extend((len == 0 || len > MIB).then_some("header-length"));
            }
            ("payload" | "old-payload", [len, hash]) if is_of(hash, 64, HEX) => {
                let len = read_number(len, broken)?;
                // A nonce and chunks of 65,536 bytes with their tags of 16; only the first may be empty.
                let fits = len == 32 || len > 32 && ((len - 16) % 65_552 == 0 || (len - 16) % 65_552 > 16);
                broken.extend((!fits && len < 1 << 63).then_some("payload-length"));
                payload = len;
            }
            ("group", [len]) => {
                let mut group = MIB;
                while payload.div_ceil(group) > 65_536 {
                    group *= 2;
                }
                let fits = read_number(len, broken)? == group || payload >= 1 << 63;
                broken.extend((!fits).then_some("group"));
            }
            ("seconds", [seconds]) => {
                read_number(seconds, broken)?;
            }
            ("result", [result @ ("passed" | "failed")]) => passed = *result == "passed",
            ("check", [label, result @ ("passed" | "failed")]) if is_label(label) => {
                checks += 1;
                broken.extend((passed && *result == "failed").then_some("result"));
            }
            _ => return None,
        }
    }
    (fields.next().is_none() && checks <= 8).then_some(kind)
}

/// The digits of a number; those beyond 2^63 - 1 break a rule of their own.
fn read_number(text: &str, broken: &mut Vec<&'static str>) -> Option<u64> {
    let is_number = text == "0" || !text.starts_with('0') && text.len() <= 19 && is_of(text, text.len(), &HEX[..10]);
    let number = text.parse().ok().filter(|_| is_number)?;
    broken.extend((number >= 1 << 63).then_some("number"));
    Some(number)
}

fn is_of(text: &str, len: usize, of: &[u8]) -> bool {
    text.len() == len && len > 0 && text.bytes().all(|byte| of.contains(&byte))
}

fn is_label(text: &str) -> bool {
    let is_inner = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    text.len() <= 64 && text.bytes().next().is_some_and(|first| first.is_ascii_alphanumeric()) && text.bytes().all(is_inner)
}

fn base64(text: &str) -> Option<Vec<u8>> {
    Base64::decode_vec(text).ok().filter(|bytes| Base64::encode_string(bytes) == text)
}

/// Name and public key.
fn vkey_parts(vkey: &str) -> Option<(&str, [u8; 32])> {
    let (name, rest) = vkey.split_once('+')?;
    let bytes = base64(rest.split_once('+')?.1)?;
    Some((name, bytes.get(1..)?.try_into().ok()?))
}

/// `None` where it does not follow the grammar; the rule that it breaks otherwise, if any.
fn check_vkey(vkey: &str) -> Option<Option<&'static str>> {
    let (name, rest) = vkey.split_once('+')?;
    let (id, text) = rest.split_once('+')?;
    let bytes = base64(text).filter(|_| is_label(name) && is_of(id, 8, HEX))?;
    let Some((name, key)) = vkey_parts(vkey).filter(|_| bytes[0] == 1) else { return Some(Some("key-point")) };
    Some(if hex(&key_id(name, &key)) != id { Some("key-id") } else { (!is_point(&key)).then_some("key-point") })
}

/// Whether these bytes are the one spelling of a point that is not of small order.
fn is_point(bytes: &[u8; 32]) -> bool {
    let mut coordinate = *bytes;
    coordinate[31] &= 0x7f;
    // 2^255 - 19, the lowest byte first.
    let is_reduced = coordinate[31] < 0x7f || coordinate[1..31] != [0xff; 30] || coordinate[0] < 0xed;
    is_reduced && VerifyingKey::from_bytes(bytes).is_ok_and(|point| !point.is_weak())
}

/// Strictly, a rule at a time; the equation is the library's.
fn is_signature(key: &[u8; 32], text: &str, bytes: &[u8]) -> bool {
    /// L, the order of the base point, the lowest byte first.
    const ORDER: &[u8; 32] = b"\xed\xd3\xf5\x5c\x1a\x63\x12\x58\xd6\x9c\xf7\xa2\xde\xf9\xde\x14\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x10";
    let Ok(bytes) = <&[u8; 64]>::try_from(bytes) else { return false };
    let is_reduced = bytes[32..].iter().rev().lt(ORDER.iter().rev());
    let nonce: [u8; 32] = bytes[..32].try_into().expect("32 bytes");
    let holds = |key: VerifyingKey| key.verify(text.as_bytes(), &Signature::from_bytes(bytes)).is_ok();
    is_reduced && is_point(&nonce) && VerifyingKey::from_bytes(key).is_ok_and(holds)
}

/// `None` where it does not follow the grammar; else whether a file can have this name, and has no other spelling.
fn check_name(text: &str) -> Option<bool> {
    let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"._-~".contains(byte);
    let (mut bytes, mut fits) = (text.bytes(), ![".", ".."].contains(&text));
    while let Some(byte) = bytes.next() {
        if byte == b'%' {
            let digit = |byte: Option<u8>| b"0123456789ABCDEF".iter().position(|&digit| Some(digit) == byte);
            let value = u8::try_from(16 * digit(bytes.next())? + digit(bytes.next())?).expect("two digits");
            fits &= !is_plain(&value) && value != b'/' && value != 0;
        } else if !is_plain(&byte) {
            return None;
        }
    }
    (!text.is_empty() && text.len() <= 255).then_some(fits)
}

/// `None` where it does not follow the grammar; else whether there is such a time, of 1970 to 9998.
fn check_time(text: &str) -> Option<bool> {
    let shape: String = text.chars().map(|character| if character.is_ascii_digit() { '0' } else { character }).collect();
    (shape == "0000-00-00T00:00:00Z").then_some(())?;
    let number = |at: usize, len: usize| text[at..at + len].parse::<usize>().expect("digits");
    let (year, month, day) = (number(0, 4), number(5, 2), number(8, 2));
    let leap = usize::from(year % 4 == 0 && (year % 100 != 0 || year % 400 == 0));
    let days = [31, 28 + leap, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let is_day = (1..=12).contains(&month) && (1..=days[(month - 1).min(11)]).contains(&day);
    Some((1970..9999).contains(&year) && is_day && number(11, 2) < 24 && number(14, 2) < 60 && number(17, 2) < 60)
}

/// The groups and the copy of the header; `None` where the section is unusable.
fn read_unsigned(mut rest: &[u8]) -> Option<(Vec<[u8; 32]>, &[u8])> {
    let mut line = || {
        let len = rest.iter().position(|&byte| byte == b'\n')?;
        let line = std::str::from_utf8(&rest[..len]).ok()?;
        rest = &rest[len + 1..];
        Some(line)
    };
    let number = |text| read_number(text, &mut Vec::new()).filter(|&number| number < 1 << 63);
    let count = number(line()?.strip_prefix("groups ")?).filter(|&count| count <= 65_536)?;
    let hash = |text: &str| {
        let bytes: [u8; 32] = Base64Unpadded::decode_vec(text).ok()?.try_into().ok()?;
        (Base64Unpadded::encode_string(&bytes) == text).then_some(bytes)
    };
    let groups = (0..count).map(|_| hash(line()?)).collect::<Option<_>>()?;
    let len = number(line()?.strip_prefix("header ")?)?;
    (rest.len() as u64 == len).then_some((groups, rest))
}

/// Whether the groups merge to the hash of this payload, `LENGTH HASH`.
fn merge(groups: &[[u8; 32]], payload: &str) -> bool {
    fn value(groups: &[[u8; 32]]) -> [u8; 32] {
        if let [only] = groups {
            return *only;
        }
        let (left, right) = groups.split_at(groups.len().next_power_of_two() / 2);
        merge_subtrees_non_root(&value(left), &value(right), Mode::Hash)
    }
    let (len, hash) = payload.split_once(' ').expect("two words");
    let len: u64 = len.parse().expect("a length");
    // None of the vectors is about a payload whose groups are longer.
    if len <= MIB {
        return groups.is_empty();
    }
    if groups.len() as u64 != len.div_ceil(MIB) {
        return false;
    }
    let (left, right) = groups.split_at(groups.len().next_power_of_two() / 2);
    merge_subtrees_root(&value(left), &value(right), Mode::Hash).to_hex().as_str() == hash
}
