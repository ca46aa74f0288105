//! The vectors that break no rule, but for those that stand beside a broken one.

use super::{Backup, Case, FILE_KEY, NEW_FILE_KEY, PASSED, THREE_GROUPS_LEN, World, change};
use crate::inputs::paint;
use crate::seal_writer::{Key, base64_unpadded, extent, last_hash, proven, unsigned};

pub(super) fn cases(world: &World) -> Vec<Case> {
    [world.answers(), world.unsigned(), world.proofs()].into_iter().flatten().collect()
}

impl World {
    /// Integrity, and which notes count.
    fn answers(&self) -> Vec<Case> {
        let [host, stranger] = [&self.host, &self.stranger].map(Key::vkey);
        let case = |name: &str, comment: &str, seal: String| self.whole_case(name, comment, seal);
        let rewrapped = self.with_rewrapped(&self.custodian);
        let new_key = |notes: &str| {
            let text = self.reencrypted(&last_hash(notes), &self.custodian, &self.shop, &self.reencrypted);
            self.custodian.note(&proven(&text, &NEW_FILE_KEY))
        };
        let failed = "seconds 41\nresult failed\ncheck starts passed\ncheck rows failed\n";
        let reencrypted = format!("{}\n{}", self.first(), new_key(&self.first()));
        let blessed = self.blessed("with words\n");
        let every_kind = format!("{blessed}\n{}", self.drill.note(&self.restored(&last_hash(&blessed), PASSED)));
        let every_kind = format!("{every_kind}\n{}", new_key(&every_kind));
        let strangers = self.stranger.note(&proven(&self.sealed(&self.stranger, &self.shop), &FILE_KEY));
        let strangers_tested = format!("{strangers}\n{}", self.drill.note(&self.restored(&last_hash(&strangers), PASSED)));
        let cosigned = format!("{strangers}{}", self.host.sign(&proven(&self.sealed(&self.stranger, &self.shop), &FILE_KEY)));
        let without_series = self.changed(&format!("series shop {} 1 -", "3c".repeat(16)), "series -");
        let of_others =
            |by: &Key| self.then(|previous| by.note(&proven(&self.rewrapped(previous, by, &self.reencrypted, &self.rewrapped), &FILE_KEY)));
        let restored_other = self.then(|previous| {
            let other = extent("payload", &self.reencrypted.section);
            self.drill.note(&change(&self.restored(previous, PASSED), &extent("payload", &self.shop.section), &other))
        });
        vec![
            case("sealed", "a trusted host made the backup", self.first()),
            case("adopted", "a trusted host saw the backup", self.host.note(&self.adopted(&self.host))),
            case("restored", "a restore test passed", self.tested(PASSED)).answer("intact", 2),
            case("restored-failed", "a restore test failed", self.tested(failed)).answer("intact", 2),
            case("restored-of-another", "a restore test of another payload section does not count", restored_other),
            case("rewrapped", "the recipients changed", rewrapped.clone()).answer("intact", 2).of("shop-rewrapped.age"),
            case("rewrapped-old-file", "the recipients changed, and the file has its old header", rewrapped.clone())
                .answer("header-changed", 2),
            case("rewrapped-without-role", "a rewrap by a key that may not", self.with_rewrapped(&self.host))
                .answer("header-changed", 1)
                .of("shop-rewrapped.age"),
            case("rewrapped-of-another", "a rewrap of another header does not count", of_others(&self.custodian)),
            case("rewrapped-unvouched", "nobody is trusted: the notes are followed as if they counted", rewrapped)
                .answer("unvouched", 0)
                .trust(&[])
                .of("shop-rewrapped.age"),
            case("reencrypted", "a new file key", reencrypted.clone()).answer("intact", 2).of("shop-reencrypted.age"),
            case("reencrypted-old-file", "a new file key, and the file is the old one", reencrypted).answer("damaged", 2),
            case("every-later-kind", "one of an unknown kind counts for nobody", every_kind).answer("intact", 3).of("shop-reencrypted.age"),
            case("unknown-kind", "a later note of an unknown kind, whose signature nobody checks", blessed),
            case("unknown-kind-alone", "a later note of an unknown kind that has no more lines", self.blessed("")),
            case("damaged", "a bit of the payload section is another", self.first()).answer("damaged", 1).of("shop-damaged.age"),
            case("damaged-shorter", "the last byte is missing", self.first()).answer("damaged", 1).of("shop-shorter.age"),
            case("damaged-unvouched", "a bit is another, and nobody is trusted", self.first())
                .answer("damaged", 0)
                .trust(&[])
                .of("shop-damaged.age"),
            case("header-changed", "the header is another", self.first()).answer("header-changed", 1).of("shop-rewrapped.age"),
            case("unvouched", "a stranger signs", strangers.clone()).answer("unvouched", 0),
            case("unvouched-first", "a trusted restore test does not count where the first note does not", strangers_tested)
                .answer("unvouched", 0),
            case("unvouched-cosigned", "a trusted key's signature on a note that names a stranger", cosigned).answer("unvouched", 0),
            case("unvouched-role", "the host's key may not seal", self.first())
                .answer("unvouched", 0)
                .trust(&[format!("{host} may=rewrap,drill")]),
            case("unvouched-series", "the host's key is for another series", self.first())
                .answer("unvouched", 0)
                .trust(&[format!("{host} series=shop?"), format!("{stranger} series=shop")]),
            case("unvouched-without-series", "no series is matched by * alone, and not by **", without_series.clone())
                .answer("unvouched", 0)
                .trust(&[format!("{host} series=**")]),
            case("without-series", "no series is matched by *", without_series).trust(&[format!("{host} series=*")]),
            case("trust-pattern", "a pattern with both kinds of wildcards", self.first())
                .trust(&[format!("{host} may=drill,seal series=s?*p")]),
            case("trust-two-lines", "one of a key's lines has to fit as a whole", self.first())
                .answer("unvouched", 0)
                .trust(&[format!("{host} may=drill series=shop"), format!("{host} may=seal series=other")]),
        ]
    }

    fn unsigned(&self) -> Vec<Case> {
        let whole = unsigned(&[], &self.shop.header);
        let case = |name: &str, comment: &str, unsigned: &[u8]| {
            self.whole_case(&format!("unsigned-{name}"), comment, [self.first().as_bytes(), unsigned].concat())
        };
        let text = String::from_utf8(whole.clone()).expect("a header is text");
        let changed = |from: &str, to: &str| change(&text, from, to).into_bytes();
        let section = paint(THREE_GROUPS_LEN);
        let groups: Vec<String> = section
            .chunks(1 << 20)
            .enumerate()
            .map(|(index, group)| {
                use blake3::hazmat::HasherExt as _;
                base64_unpadded(&blake3::Hasher::new().set_input_offset(index as u64 * (1 << 20)).update(group).finalize_non_root())
            })
            .collect();
        let large = Backup { header: self.shop.header.clone(), section };
        let large_note = self.host.note(&proven(&self.sealed(&self.host, &large), &FILE_KEY));
        let three = |name: &str, comment: &str, groups: &[String]| {
            let seal = [large_note.as_bytes(), &unsigned(groups, &large.header)].concat();
            self.whole_case(&format!("groups-{name}"), comment, seal).of("three-groups.age")
        };
        let swapped = [groups[1].clone(), groups[0].clone(), groups[2].clone()];
        let bits = format!("{}B\n", &groups[0][..42]);
        vec![
            case("usable", "no groups for a section of one group, and the header", &whole).unsigned("usable"),
            case("header-of-another", "the copy is of another header", &unsigned(&[], &self.rewrapped.header)).unsigned("foreign"),
            case("group-of-one", "a section of one group lists none", &unsigned(&[groups[0].clone()], &self.shop.header))
                .unsigned("foreign"),
            case("empty", "nothing after its first line", b"\nunsigned\n").unsigned("unusable"),
            case("carriage-return", "a carriage return", &changed("groups 0\n", "groups 0\r\n")).unsigned("unusable"),
            case("number", "a number with a zero before it", &changed("groups 0", "groups 00")).unsigned("unusable"),
            case("number-too-large", "more groups than there are, beyond 2^63 - 1", &changed("groups 0", "groups 9223372036854775808"))
                .unsigned("unusable"),
            case("groups-missing", "it lists fewer groups than it says", &changed("groups 0", "groups 1")).unsigned("unusable"),
            case("header-cut", "the copy is shorter than it says", &whole[..whole.len() - 1]).unsigned("unusable"),
            case("byte-after", "a byte after the copy", &[&whole[..], b"\n"].concat()).unsigned("unusable"),
            case("hash-padded", "a hash with padding", &unsigned(&[groups[0].replace('\n', "=\n")], &self.shop.header))
                .unsigned("unusable"),
            case("hash-bits", "a hash whose unused bits are not zero", &unsigned(&[bits], &self.shop.header)).unsigned("unusable"),
            three("usable", "three groups", &groups).unsigned("usable"),
            three("swapped", "two groups have changed places: damage is not located, the file is whole", &swapped).unsigned("foreign"),
            three("missing", "a group is missing", &groups[..2]).unsigned("foreign"),
            self.whole_case("groups-absent", "three groups, and none listed", large_note.clone()).of("three-groups.age"),
            self.whole_case("groups-of-another-file", "three groups, and another file", large_note.clone()).answer("damaged", 1),
        ]
    }

    fn proofs(&self) -> Vec<Case> {
        let seen = self.host.note(&proven(&self.sealed(&self.host, &self.shop), &NEW_FILE_KEY));
        let rewrapped = |key: &[u8; 16]| {
            self.then(|previous| self.custodian.note(&proven(&self.rewrapped(previous, &self.custodian, &self.shop, &self.rewrapped), key)))
        };
        let reencrypted = |first: &str| {
            let text = self.reencrypted(&last_hash(first), &self.custodian, &self.shop, &self.reencrypted);
            format!("{first}\n{}", self.custodian.note(&proven(&text, &NEW_FILE_KEY)))
        };
        let case = |name: &str, comment: &str, seal: String| self.whole_case(&format!("proof-{name}"), comment, seal);
        vec![
            case("right", "the signer had the file key", self.first()).proof("right", FILE_KEY),
            case("none", "a note that has no proof is not wrong", self.host.note(&self.adopted(&self.host))).proof("right", FILE_KEY),
            case("wrong", "the signer had another file key: the backup is somebody else's", seen).proof("wrong", FILE_KEY),
            case("rewrapped", "both signers had the file key", rewrapped(&FILE_KEY))
                .answer("intact", 2)
                .of("shop-rewrapped.age")
                .proof("right", FILE_KEY),
            case("rewrapped-wrong", "the second signer had another file key", rewrapped(&NEW_FILE_KEY))
                .answer("intact", 2)
                .of("shop-rewrapped.age")
                .proof("wrong", FILE_KEY),
            case("reencrypted", "the proofs before a new file key are those of the old one", reencrypted(&self.first()))
                .answer("intact", 2)
                .of("shop-reencrypted.age")
                .proof("right", NEW_FILE_KEY),
        ]
    }
}
