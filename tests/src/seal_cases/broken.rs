//! The vectors that break a rule, and what stands just beside them.

use sha2::{Digest, Sha256};

use super::{Case, FILE_KEY, PASSED, World, change};
use crate::seal_writer::{Key, NEUTRAL, hex, key_id, no_point, noncanonical_point, proven, sign_with_neutral_key, signature_line, vkey};

/// Changes of the note of the vector `sealed` before it is signed: the rule that it breaks, and a name; what is wrong; from; to.
const FIELDS: &str = include_str!("fields.txt");
const NO_HASH: &str = "5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a";

pub(super) fn cases(world: &World) -> Vec<Case> {
    [world.fields(), world.beside_fields(), world.later(), world.structure(), world.signatures(), world.keys()]
        .into_iter()
        .flatten()
        .collect()
}

impl World {
    /// What can be wrong in a note whose signature is good.
    fn fields(&self) -> Vec<Case> {
        let id = hex(&self.host.id());
        let filled = |text: &str| {
            let text = text.trim_start().replace("\\n", "\n").replace("\\r", "\r").replace("\\t", "\t");
            let text = text.replace("{x65}", &"x".repeat(65)).replace("{x256}", &"x".repeat(256)).replace("{hash}", NO_HASH);
            text.replace("{id}", &id).replace("{ID}", &id.to_uppercase())
        };
        let case = |line: &'static str| {
            let [name, comment, from, to] = line.splitn(4, " |").collect::<Vec<_>>()[..] else { panic!("four parts: {line}") };
            self.broken_case(name, "sealed", comment.trim(), self.changed(&filled(from), &filled(to)))
        };
        FIELDS.lines().map(case).collect()
    }

    /// What is as large, as small or as odd as it may be.
    fn beside_fields(&self) -> Vec<Case> {
        let beyond = change(&self.sealed(&self.host, &self.shop), "payload 42", "payload 68719476737");
        let beyond = self.host.note(&proven(&change(&beyond, "group 1048576", "group 2097152"), &FILE_KEY));
        let case = |name: &str, comment: &str, from: &str, to: &str| self.whole_case(name, comment, self.changed(from, to));
        vec![
            case("header-longest", "a header of 1 MiB, not the file's", "\nheader 168", "\nheader 1048576").answer("header-changed", 1),
            case("payload-shortest", "an empty payload, not the file's", "payload 42", "payload 32").answer("damaged", 1),
            case("payload-chunk", "one byte after a full chunk, not the file's", "payload 42", "payload 65585").answer("damaged", 1),
            self.whole_case("group-2-mib", "more than 64 GiB, not the file's", beyond).answer("damaged", 1),
            case("series-second", "number 2 of an epoch", "1 -\n", &format!("2 {NO_HASH}\n")),
            case("time-first", "the first time that there is", "2026-11-24T02:00:13Z", "1970-01-01T00:00:00Z"),
            case("time-last", "the last time that there is", "2026-11-24T02:00:13Z", "9998-12-31T23:59:59Z"),
            case("time-leap-day", "February 29 of a year that has one", "2026-11-24", "2024-02-29"),
            case("file-escaped", "a name with what has to be escaped", "file shop", "file shop%20%C3%A4%0A%FF"),
            case("file-longest", "a name of 255 characters", "file shop.age", &format!("file {}", "x".repeat(255))),
            self.broken_case("grammar/control-character", "sealed", "an escape", self.changed("command 0", "command 0\x1b[2J")),
            self.broken_case("grammar/zero-byte", "sealed", "a zero byte", self.changed("command 0", "command 0\0")),
        ]
    }

    /// What can be wrong in a later note.
    fn later(&self) -> Vec<Case> {
        let first = self.first();
        let eight = format!("{PASSED}{}", "check x passed\n".repeat(7));
        let failed = "result failed\ncheck starts passed\ncheck rows failed\n";
        let number = |number: &str| self.tested(&PASSED.replace("41", number));
        let with_empty_line = hex(&Sha256::digest(&first[..first.find("\n\n").expect("a text") + 2]));
        let after = |hash: &str| self.then(|_| self.drill.note(&self.restored(hash, PASSED)));
        let unknown = |text: &str| format!("{text}\n{}", signature_line("pope", &[7; 68]));
        let of_len = |len: usize| {
            let start_len = format!("dbseal/v1 blessed\nprevious {NO_HASH}\n").len();
            self.blessed(&format!("{}\n", "x".repeat(len - start_len - 1)))
        };
        let tested = |name: &'static str, beside, comment: &str, result: &str| self.broken_case(name, beside, comment, self.tested(result));
        vec![
            self.whole_case("restored-eight-checks", "as many checks as there can be", self.tested(&eight)).answer("intact", 2),
            self.whole_case("number-largest", "2^63 - 1 seconds", number("9223372036854775807")).answer("intact", 2),
            self.whole_case("text-longest", "a text of 1,023 bytes", of_len(1023)),
            self.broken_case("number", "number-largest", "2^63 seconds", number("9223372036854775808")),
            self.broken_case("long-text", "text-longest", "a text of 1,024 bytes", of_len(1024)),
            tested(
                "result",
                "restored-failed",
                "passed, and a check failed",
                &format!("seconds 41\n{}", change(failed, "failed", "passed")),
            ),
            tested("grammar/checks-missing", "restored", "no check", "seconds 41\nresult passed\n"),
            tested("grammar/checks-nine", "restored-eight-checks", "nine checks", &format!("{eight}check x passed\n")),
            tested("grammar/result", "restored", "a result that there is not", &PASSED.replace("result passed", "result skipped")),
            self.broken_case("previous", "restored", "another hash of the note before", after(NO_HASH)),
            self.broken_case("previous/empty-line", "restored", "the hash of the text before with its empty line", after(&with_empty_line)),
            self.broken_case("grammar/unknown-kind-tab", "unknown-kind", "a tab in a note of an unknown kind", self.blessed("a\tb\n")),
            self.broken_case("grammar/unknown-kind-previous", "unknown-kind", "an unknown kind that follows no note", {
                self.then(|_| unknown("dbseal/v1 blessed\nx\n"))
            }),
            self.broken_case("grammar/unknown-kind-first", "unknown-kind", "an unknown kind cannot be first", {
                unknown(&format!("dbseal/v1 blessed\nprevious {NO_HASH}\nx\n"))
            }),
            self.broken_case("signature-missing/unknown-kind", "unknown-kind", "no signature of an unknown kind", {
                self.then(|previous| format!("dbseal/v1 blessed\nprevious {previous}\n\n"))
            }),
            self.broken_case(
                "version/later",
                "unknown-kind",
                "a later note of another version",
                self.then(|_| "dbseal/v2 anything\r\n".into()),
            ),
        ]
    }

    /// What can be wrong between notes and around them.
    fn structure(&self) -> Vec<Case> {
        let (first, tested) = (self.first(), self.tested(PASSED));
        let second = &tested[first.len() + 1..];
        let with = |end: &str| format!("{first}{end}");
        [
            ("version", "a version that is not 1", self.changed("dbseal/v1", "dbseal/v2")),
            ("version/longer", "a version that starts with 1", self.changed("dbseal/v1", "dbseal/v1.1")),
            ("version/only", "nothing but another version", "dbseal/v9\n".into()),
            ("grammar/version-zero", "a version that there is not", self.changed("dbseal/v1", "dbseal/v01")),
            ("grammar/empty", "an empty file", String::new()),
            ("grammar/later-note-first", "a note that cannot be the first", second.into()),
            ("grammar/first-note-twice", "a note that cannot be a later one", with(&format!("\n{first}"))),
            ("grammar/byte-order-mark", "a byte order mark", format!("\u{feff}{first}")),
            ("grammar/line-feed-before", "a line feed before the first note", format!("\n{first}")),
            ("grammar/line-feed-after", "a line feed after the last line", with("\n")),
            ("grammar/carriage-returns", "a carriage return before each line feed", first.replace('\n', "\r\n")),
            ("grammar/cut-in-text", "cut off in a text", first[..200].into()),
            ("grammar/cut-in-signature", "the last line feed is missing", first[..first.len() - 1].into()),
            ("grammar/notes-together", "no empty line between two notes", with(second)),
            ("grammar/notes-apart", "two empty lines between two notes", with(&format!("\n\n{second}"))),
            ("grammar/unsigned-unended", "the line unsigned has no line feed", with("\nunsigned")),
            ("grammar/unsigned-space", "a space after the word unsigned", with("\nunsigned \ngroups 0\n")),
            ("grammar/unsigned-unparted", "no empty line before the line unsigned", with("unsigned\ngroups 0\nheader 0\n")),
            ("grammar/unsigned-first", "no note", "unsigned\ngroups 0\nheader 0\n".into()),
        ]
        .map(|(name, comment, seal)| self.broken_case(name, "sealed", comment, seal))
        .into()
    }

    /// What can be wrong in the lines of signatures, and in signatures.
    fn signatures(&self) -> Vec<Case> {
        let (text, first) = (proven(&self.sealed(&self.host, &self.shop), &FILE_KEY), self.first());
        let (good, other, stranger) = (self.host.sign(&text), self.host.sign("another"), self.stranger.sign(&text));
        let (by, and) = (|signatures: &str| format!("{text}\n{signatures}"), |line: &str| format!("{first}{line}"));
        let line = |name: &str, len: usize| and(&signature_line(name, &vec![7; len]));
        let unpadded = good.trim_end().trim_end_matches('=');
        // Of the last character 4 bits are used: it stands for a multiple of 4, and the letter or digit after it for the number after that.
        let (start, last) = unpadded.split_at(unpadded.len() - 1);
        let next = char::from(last.as_bytes()[0] + 1);
        let of_others = signature_line("host", &[7; 68]);
        let whole = |name: &str, comment: &str, seal: String| self.whole_case(name, comment, seal);
        let broken = |name: &'static str, beside, comment: &str, seal: String| self.broken_case(name, beside, comment, seal);
        let wrong = |name: &'static str, comment: &str, seal: String| self.broken_case(name, "sealed", comment, seal);
        vec![
            whole("signatures-two", "a stranger signs too", and(&stranger)),
            whole("signatures-eight", "as many signatures as there can be", and(&stranger.repeat(7))),
            whole("signature-of-others", "another algorithm's, by a key of the same name", by(&format!("{of_others}{good}"))),
            whole("signature-shortest", "an ID of 4 bytes and one byte, by another key", line("a", 5)),
            whole("signature-name", "a name that no label is", line("example.com/a!", 68)),
            whole("signature-longest", "a line of 16 KiB with its line feed", line("ab", 3 * 4094)),
            broken("long-signature", "signature-longest", "a line of 16 KiB and a byte, with its line feed", line("abc", 3 * 4094)),
            broken("signature-short", "signature-shortest", "an ID of 4 bytes and nothing after it", line("a", 4)),
            broken("signature-short/empty", "signature-shortest", "no bytes at all", line("a", 0)),
            broken("grammar/signatures-nine", "signatures-eight", "nine signatures", and(&stranger.repeat(8))),
            broken("grammar/signature-name-plus", "signature-name", "a plus sign in a name", line("a+b", 68)),
            broken("grammar/signature-name-empty", "signature-name", "no name", line("", 68)),
            broken("grammar/signature-name-not-ascii", "signature-name", "a name that is not ASCII", line("\u{202e}a", 68)),
            broken(
                "grammar/signature-hyphen",
                "signatures-two",
                "a hyphen in the place of a dash",
                and(&stranger.replace('\u{2014}', "-")),
            ),
            broken("grammar/signature-two-spaces", "signatures-two", "two spaces", and(&stranger.replace("stranger ", "stranger  "))),
            broken("grammar/signature-carriage-return", "signatures-two", "a carriage return", and(&stranger.replace('\n', "\r\n"))),
            wrong("grammar/signature-unpadded", "base64 without padding", by(&format!("{unpadded}\n"))),
            wrong("grammar/signature-bits", "base64 whose unused bits are not zero", by(&format!("{start}{next}=\n"))),
            wrong("signature-missing", "no signature at all", by("")),
            wrong("signature-missing/stranger", "a stranger's signature alone", by(&stranger)),
            wrong("signature-missing/other-id", "a signature with the signer's name and another ID", by(&of_others)),
            wrong("signature-wrong", "a signature over another text", by(&other)),
            wrong("signature-wrong/text", "a word of the text was changed after it was signed", change(&first, "command 0", "file")),
            wrong("signature-wrong/after-right", "a wrong signature after the right one", and(&other)),
            wrong("signature-wrong/before-right", "a wrong signature before the right one", by(&format!("{other}{good}"))),
            wrong("signature-wrong/short", "a byte is missing", by(&self.host.cut(&text, 63))),
            wrong("signature-wrong/long", "a byte too many", by(&self.host.cut(&text, 65))),
            wrong("signature-wrong/s-not-reduced", "S is not less than L", by(&self.host.malleated(&text))),
            wrong("signature-wrong/r-small", "R is of small order, and the equation holds", by(&self.host.sign_with_small_r(&text))),
            wrong("signature-wrong/r-mixed", "the equation holds only times 8", by(&self.host.sign_with_mixed_r(&text))),
        ]
    }

    /// What can be wrong with the key of a signer.
    fn keys(&self) -> Vec<Case> {
        let by_key = |vkey: &str, line: &str| {
            let text = change(&self.sealed(&self.host, &self.shop), &self.host.vkey(), vkey);
            format!("{}\n{line}", proven(&text, &FILE_KEY))
        };
        let by_point = |point: &[u8; 32]| {
            let signature = [&key_id("host", point)[..], &[7; 64]].concat();
            by_key(&vkey("host", point), &signature_line("host", &signature))
        };
        let signed = |vkey: &str| {
            let text = change(&self.sealed(&self.host, &self.shop), &self.host.vkey(), vkey);
            self.host.note(&proven(&text, &FILE_KEY))
        };
        let stranger = Key::new("host", 4).vkey();
        let other_id = change(&self.host.vkey(), &hex(&self.host.id()), stranger.split('+').nth(1).expect("an ID"));
        [
            ("key-id", "another ID than name and key give", signed(&other_id)),
            ("key-point", "a coordinate that no point has", by_point(&no_point())),
            ("key-point/not-reduced", "a coordinate that is not less than 2^255 - 19", by_point(&noncanonical_point())),
            ("key-point/small", "a key of small order, and the equation holds over every text", {
                by_key(&vkey("host", &NEUTRAL), &sign_with_neutral_key("host"))
            }),
            ("key-point/other-type", "a key that is not of type 0x01", signed(&change(&self.host.vkey(), "+A", "+B"))),
        ]
        .map(|(name, comment, seal)| self.broken_case(name, "sealed", comment, seal))
        .into()
    }
}
