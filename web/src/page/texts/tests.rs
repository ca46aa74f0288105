//! What the page says, in the cases that matter.

use std::iter::once;

use super::*;
use crate::messages::grant::{Asked, AskedFile, Facts, Finding};
use crate::messages::{Checked, Claims, End, Inspected, Opened, Part, Place, Trusted};

pub(super) fn claims() -> Claims {
    Claims {
        vouched_by: Some("db1".into()),
        signer: "db1+23d10702+ARZuj9QubU8KiBOjp7gBCuZUUto9VMAJ8292W/2kY16q".into(),
        trusted: Trusted::Yes,
        made: true,
        proven: None,
        encrypted_anew_by: None,
        time: Some("2026-11-28T01:00:00Z".into()),
        series: Some(("shop".into(), 42)),
        named: Some("shop.age".into()),
        source: Some("command".into()),
        uncounted_notes: 0,
    }
}

fn checked(integrity: &str) -> Checked {
    Checked {
        name: "shop.age".into(),
        file_len: 6 << 30,
        integrity: integrity.into(),
        place: Place::InSeries,
        claims: Some(claims()),
        damage: Vec::new(),
        payload_len: 6 << 30,
        excess_len: 0,
        missing_len: 0,
        has_possible_len: true,
        is_all_other: false,
        perhaps_anew_by: None,
        located: true,
        broken: None,
        other_seal: None,
    }
}

fn stranger() -> Claims {
    Claims { vouched_by: None, trusted: Trusted::Stranger, ..claims() }
}

#[test]
fn intact_is_a_word_for_one_answer_only() {
    let intact = integrity(&checked("intact"));
    assert_eq!((intact.tone, intact.title.as_str()), (Tone::Good, "Intact"));
    assert!(intact.says.contains("db1, whom you trust"));

    let others = ["sampled", "unvouched", "unsealed", "header-changed", "damaged", "broken-seal", "", "Intact", "intact "].map(checked);
    let cut_off = Checked { has_possible_len: false, ..checked("unsealed") };
    assert_eq!((integrity(&cut_off).tone, integrity(&cut_off).title.as_str()), (Tone::Bad, "Not complete"));
    let nobodys = Checked { claims: Some(stranger()), ..checked("intact") };
    let unclaimed = Checked { claims: None, ..checked("intact") };
    for other in others.into_iter().chain([cut_off, nobodys, unclaimed]) {
        let half = integrity(&other);
        assert!(half.tone != Tone::Good, "{other:?}");
        assert!(half.next.is_some(), "{other:?}");
        for text in [half.title, half.says, half.next.unwrap_or_default(), checked_report(&other, "shop.age", "now", &program(false))] {
            assert!(!text.to_lowercase().contains("intact"), "{text}");
        }
    }
}

#[test]
fn nobody_vouches_for_reasons_of_their_own() {
    let says = |trusted| integrity(&Checked { claims: Some(Claims { trusted, ..stranger() }), ..checked("unvouched") });
    assert!(says(Trusted::Stranger).says.contains("nobody whom you trust"));
    assert!(says(Trusted::NotForSealing).next.is_some_and(|next| next.contains("may=")));
    assert!(says(Trusted::NotAnyMore).says.contains("until="));
    assert!(says(Trusted::NotForThisSeries).next.is_some_and(|next| next.contains("series=")));
    assert!(says(Trusted::NotForThisSeries).says.contains("not for this one"));
    let alone = Claims { trusted: Trusted::NotForThisSeries, series: None, ..stranger() };
    assert!(integrity(&Checked { claims: Some(alone), ..checked("unvouched") }).says.contains("this backup is of none"));
}

#[test]
fn damage_is_told_with_its_share() {
    let damaged = Checked { damage: vec![0..1 << 20, 5 << 20..6 << 20], ..checked("damaged") };
    assert_eq!(integrity(&damaged).says, "2.0 MiB of its 6.0 GiB are not as they were sealed (0.033%), in the places below.");
    let nowhere = Checked { located: false, ..damaged.clone() };
    assert!(integrity(&nowhere).says.contains("does not say where"));
    let len = 6 << 30;
    let longer = Checked { damage: once(len..len + 7).collect(), excess_len: 7, ..checked("damaged") };
    assert_eq!(integrity(&longer).says, "Behind the end that it should have there is more: 7 bytes.");
    let cut = Checked { damage: once(len - 7..len).collect(), missing_len: 7, ..checked("damaged") };
    assert!(integrity(&cut).says.ends_with("It was cut off, and lacks 7 bytes at its end."), "{}", integrity(&cut).says);
    let other = Checked { damage: once(0..len).collect(), missing_len: 7, is_all_other: true, ..checked("damaged") };
    assert!(integrity(&other).says.starts_with("Nothing of its 6.0 GiB is as it was sealed."), "{}", integrity(&other).says);
    assert!(integrity(&other).says.ends_with("By that seal it lacks 7 bytes at its end."), "{}", integrity(&other).says);
    assert!(integrity(&other).next.is_some_and(|next| next.starts_with("See that the seal is that of this backup")));
    let anew = integrity(&Checked { perhaps_anew_by: Some("custodian+1".into()), ..other });
    assert!(anew.says.ends_with("It may have been encrypted anew: custodian+1 says so, whom you do not trust with that."), "{}", anew.says);
    assert!(anew.next.is_some_and(|next| next.starts_with("Ask whoever looks after the keys whether they encrypted it anew")));
    let report = checked_report(&damaged, "shop.age", "2026-11-28T16:00:00Z", &program(false));
    assert!(report.contains("bytes 5,242,880 to 6,291,455, 1.0 MiB"), "{report}");
}

#[test]
fn names_cannot_hide_or_turn_anything_around() {
    assert_eq!(visible("a\u{202e}b\u{0}\n\u{200b}ä ⛃"), "a\\u{202e}b\\u{0}\\u{a}\\u{200b}ä ⛃");
    assert_eq!(visible("x\u{fe0f}\u{a0}\u{3000}\u{3164}.age"), "x\\u{fe0f}\\u{a0}\\u{3000}\\u{3164}.age");
    let report = checked_report(&checked("unsealed"), "<b>x</b>\nIntegrity: Intact", "now", &program(false));
    assert!(report.contains("Backup: <b>x</b>\\u{a}Integrity: Intact\n"), "{report}");
    assert!(!report.contains("\nIntegrity: Intact"), "{report}");
}

#[test]
fn places_are_told_by_whom_they_are_known() {
    let says = |kind| place(&Checked { place: kind, ..checked("intact") });
    assert_eq!(says(Place::InSeries).tone, Tone::Plain);
    assert!(says(Place::InSeries).says.contains("number 42 of the series shop"));
    assert_eq!(says(Place::Renamed).tone, Tone::Bad);
    assert_eq!(says(Place::Unknown).tone, Tone::Unsure);
    assert_eq!(says(Place::Alone).tone, Tone::Good);
}

#[test]
fn that_it_opened_says_nothing_of_who_made_it() {
    let opened = Opened {
        written_len: 5000,
        end: End::Known,
        claims: None,
        place: Place::InSeries,
        is_zstd: false,
        lost: Vec::new(),
        unsealed: Vec::new(),
    };
    let facts = opened_facts(&opened, Opening::Whole, "shop.age", Some(("File", "shop")));
    assert!(facts.iter().any(|(name, value)| *name == "Who made it" && value.starts_with("Nobody knows")));
    let proven = Claims { proven: Some(true), ..claims() };
    let anew = Claims { encrypted_anew_by: Some("custodian".into()), ..proven.clone() };
    let says = "db1, whom you trust, and encrypted anew by custodian, who says that it was whole then; the key proves that they did";
    for (claims, words) in [(proven, "db1, whom you trust; the key proves that they made it"), (anew, says)] {
        let opened = Opened { claims: Some(claims), ..opened.clone() };
        let facts = opened_facts(&opened, Opening::Whole, "shop.age", None);
        assert!(facts.iter().any(|(_, value)| value.contains(words)), "{facts:?}");
    }
    let compressed = Opened { is_zstd: true, ..opened.clone() };
    for (opening, words) in [(Opening::Whole, "zstd -d"), (Opening::Range, "and then fails"), (Opening::Salvage, "zstd -d")] {
        let facts = opened_facts(&compressed, opening, "shop.age", None);
        assert!(facts.iter().any(|(name, value)| *name == "Compressed" && value.contains(words)), "{facts:?}");
        assert!(opened_lead(&compressed, opening).ends_with("It is still compressed (zstd)."));
    }
    let renamed = Opened { place: Place::Renamed, claims: Some(claims()), ..opened.clone() };
    assert!(opened_lead(&renamed, Opening::Whole).ends_with("Its seal calls it shop.age: see that it is the backup you want."));
    assert_eq!(opened_title(&opened, Opening::of(&Part::Whole), false), "Opened: now save it");
    let lost = Opened { lost: once(0..1000).collect(), ..opened };
    assert_eq!(opened_title(&lost, Opening::Salvage, true), "Not all of it could be saved");
    assert_eq!(opened_lead(&lost, Opening::Salvage), "The output has 5.9 KiB. 1,000 bytes of it are lost (16.7%) and are zeros.");
    assert!(salvage_report("shop.age", &lost, "now", &program(true)).contains("bytes 0 to 999"));
    assert!(salvage_report("shop.age", &lost, "now", &program(true)).contains("Written: 4.9 KiB (5,000 bytes) of 5.9 KiB (6,000 bytes)"));
    let unsealed = Opened { lost: Vec::new(), unsealed: once(0..1000).collect(), ..lost.clone() };
    assert_eq!(opened_title(&unsealed, Opening::Salvage, true), "All of it opened, not all as it was sealed");
    // Cut off, with nothing lost of what is there.
    let cut = Opened { end: End::Missing, lost: Vec::new(), ..lost };
    assert_eq!(opened_title(&cut, Opening::Salvage, true), "Not all of it could be saved");
    assert_eq!(opened_lead(&cut, Opening::Salvage), "The output has 4.9 KiB. Its end is missing: how much more there was is not known.");
    assert!(salvage_report("shop.age", &cut, "now", &program(true)).contains("how much more there was is not known"));
}

#[test]
fn recipients_are_counted_by_kind() {
    let inspected = Inspected {
        file_len: 5000,
        armored: false,
        header_len: 4096,
        recipients: vec!["X25519".into(), "X25519".into(), "scrypt".into()],
        plaintext_len: None,
        claims: None,
        as_sealed: None,
        broken: None,
    };
    let facts = inspected_facts(&inspected, "shop.age");
    assert!(facts.iter().any(|(_, value)| value == "2 × X25519 key, 1 × passphrase (scrypt)"));
    assert!(facts.iter().any(|(_, value)| value.contains("cut off")));
    // A header of a mebibyte names more kinds than anybody reads.
    let recipients = (0..100_000).map(|index| format!("kind{index}")).collect();
    let facts = inspected_facts(&Inspected { recipients, ..inspected.clone() }, "shop.age");
    assert!(facts.iter().any(|(_, value)| value.ends_with("1 × kind7, and 99992 other kinds")));
    assert_eq!(inspected_title(&inspected), "No seal");
}

#[test]
fn every_failure_has_a_sentence_and_a_next_step() {
    let failures = [
        no_backup(),
        too_many_files(3),
        no_identity(),
        no_key_text(),
        no_passphrase(),
        bad_range(),
        backward_range(),
        trust_file_too_long(),
        unreadable_file(),
        still_reading_trust(),
        trust_lost(),
        still_preparing(),
        no_place_chosen(),
        place_refused("a system file"),
        too_long_for_memory(1 << 30, 256 << 20, false),
        too_long_for_memory(1 << 30, 256 << 20, true),
        no_room(1 << 30, 1),
        no_worker(""),
        worker_failed("out of memory"),
        strange_worker(),
        no_request(),
        two_requests(),
        request_is_folder(),
        not_ticked(),
    ];
    for failure in failures {
        for text in [&failure.what, &failure.next] {
            assert!(text.ends_with('.') && text.starts_with(char::is_uppercase), "{text:?}");
        }
    }
}

#[test]
fn reasons_become_sentences() {
    let sentences = ["the seal is broken", "type it!", "dbseal keygen wrote it", "ä", ""].map(sentence);
    assert_eq!(sentences, ["The seal is broken.", "Type it!", "dbseal keygen wrote it.", "Ä.", ""]);
}

#[test]
fn a_network_that_may_be_there_is_not_called_none() {
    assert_eq!(networks(Some(&[])), None);
    assert!(networks(Some(&["eth0".into(), "wlan0".into()])).is_some_and(|text| text.contains("has a network (eth0, wlan0)")));
    assert!(networks(None).is_some_and(|text| text.contains("could not be found out") && text.contains("pull the cable")));
}

fn asked(findings: &[Finding]) -> Asked {
    let file = |finding: &Finding| AskedFile { name: "shop.age".into(), finding: finding.clone() };
    Asked { code: "k3m9-7qxz-0v2h-t8wd".into(), signed_by: None, files: findings.iter().map(file).collect() }
}

#[test]
fn what_nobody_vouches_for_is_loud() {
    let facts = Facts {
        name: Some("shop.age".into()),
        made_by: "db1".into(),
        series: Some(("shop".into(), 42)),
        time: Some("2026-11-28T01:00:00Z".into()),
    };
    let (verified, bare) = (Finding::Verified(facts.clone()), Finding::NotVerified("no seal came with it".into()));
    let says = |finding: &Finding| asked_file(&asked(std::slice::from_ref(finding)).files[0]);
    let known = "Sealed and made by db1, whom you trust; number 42 of the series shop; 2026-11-28T01:00:00Z by its clock.";
    assert_eq!(says(&verified), ("shop.age".into(), known.into()));
    let other = Finding::Verified(Facts { name: Some("web.age".into()), ..facts });
    assert_eq!(says(&other).0, "web.age");
    assert!(says(&other).1.ends_with(" The request calls it shop.age."), "{:?}", says(&other));
    assert_eq!(says(&bare).1, "NOT VERIFIED: no seal came with it. Its name is what the request says.");
    assert!(says(&Finding::NotOpened).1.starts_with("Not granted"));
    assert!(says(&Finding::Unusable("its MAC does not match".into())).1.starts_with("Not granted: its MAC does not match. "));
    for (findings, title, shouts) in [
        (vec![verified.clone()], "A backup is asked for", None),
        (vec![bare.clone()], "A backup is asked for: NOT VERIFIED", Some("NOTHING IS VERIFIED")),
        (vec![verified.clone(), Finding::Unusable(String::new())], "2 backups are asked for", None),
        (vec![verified, bare, Finding::NotOpened], "3 backups are asked for: NOT all VERIFIED", Some("Of 1 of the 2 that")),
    ] {
        let asked = asked(&findings);
        assert_eq!(asked_title(&asked), title);
        assert!(shouts.is_none_or(|words| asked_lead(&asked).contains(words)), "{}", asked_lead(&asked));
        assert_eq!(shouts.is_none(), !asked_lead(&asked).contains("VERIFIED"), "{}", asked_lead(&asked));
    }
}
