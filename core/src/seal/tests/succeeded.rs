//! What a trust says where a key has ended, and where it has a successor (SEAL.md, "Which notes count", "Succession").

use super::*;

const EPOCH: u8 = 0x3c;

fn place(label: &str, epoch: u8, number: u64, previous: Option<NoteHash>) -> Option<SeriesPlace> {
    let previous = previous.or_else(|| (number > 1).then(|| "0".repeat(64).parse().unwrap()));
    Some(SeriesPlace { label: label.parse().unwrap(), epoch: Epoch::from_bytes([epoch; 16]), number, previous })
}

/// The seal of a backup, of which nothing but its place matters.
fn seal_of(by: &SigningKey, series: Option<SeriesPlace>) -> Seal {
    let tree = tree(10, 0);
    Seal::new(sealed(by, series, &tree), by, &tree, HEADER)
}

fn trust(text: &str) -> Trust {
    Trust::parse(text).unwrap()
}

fn vkey(name: &str) -> String {
    key(name).verifier_key().to_string()
}

/// Where somebody with this trust places it.
fn placed(seal: &Seal, trust: &Trust) -> VouchedPlace {
    seal.judge(trust).verified().unwrap().place().unwrap()
}

fn lines(lines: &[TrustLine]) -> Vec<String> {
    lines.iter().map(ToString::to_string).collect()
}

fn end_of(seal: &Seal, number: u64) -> String {
    format!("until={}:{number}:{}", Epoch::from_bytes([EPOCH; 16]), seal.first_hash())
}

#[test]
fn a_key_that_has_ended_counts_up_to_a_backup() {
    let host = key("host");
    let last = seal_of(&host, place("shop", EPOCH, 5, None));
    let trust = trust(&format!("{} series=shop {}", vkey("host"), end_of(&last, 5)));
    let anew = seal_of(&host, place("shop", EPOCH, 5, Some(last.first_hash())));
    for (seal, counts) in [
        (&last, true),
        (&seal_of(&host, place("shop", EPOCH, 1, None)), true),
        // What one seal alone does not show.
        (&seal_of(&host, place("shop", EPOCH, 4, Some(last.first_hash()))), true),
        (&anew, false),
        (&seal_of(&host, place("shop", EPOCH, 6, Some(last.first_hash()))), false),
        (&seal_of(&host, place("shop", EPOCH + 1, 1, None)), false),
        (&seal_of(&host, place("web", EPOCH, 1, None)), false),
        (&seal_of(&host, None), false),
    ] {
        let judgement = seal.judge(&trust);
        assert_eq!(judgement.vouched_by().is_some(), counts, "{:?}", judgement.series());
        assert_eq!(judgement.end().map(|end| end.number()), counts.then_some(5));
    }
    assert_eq!(anew.judge(&trust).standing(), Standing::Ended);
    // Before it is trusted at all, it has no end.
    assert_eq!(last.judge(&Trust::default()).end(), None);
}

/// Whatever a key states about a backup, it ends with the backup.
#[test]
fn all_roles_end_at_the_same_backup() {
    let (host, custodian) = (key("host"), key("custodian"));
    let rewrapped_of = |number| {
        let mut seal = seal_of(&host, place("shop", EPOCH, number, None));
        seal.append(rewrapped(&seal, &custodian, HEADER, b"another"), &custodian).unwrap();
        seal
    };
    let (last, next) = (rewrapped_of(5), rewrapped_of(6));
    let trust = trust(&format!("{}\n{} may=rewrap series=shop {}", vkey("host"), vkey("custodian"), end_of(&last, 5)));
    let counted = |seal: &Seal| seal.judge(&trust).counted().count();
    assert_eq!((counted(&last), counted(&next)), (2, 1));
    // Where the host's own key has no end, the backup has none.
    assert_eq!(last.judge(&trust).end(), None);
}

#[test]
fn a_successor_has_the_roles_and_the_series_of_the_old_key() {
    let (old, new) = (key("host"), SigningKey::from_seed_for_tests("host2", 9));
    let succession = Succession::sign(&old, &new, time()).unwrap();
    let trusting = format!("{} may=seal,rewrap series=shop*\n{} may=drill\n{}\n", vkey("host"), vkey("host"), vkey("drill"));
    let trust = trust(&trusting);
    let new = new.verifier_key();
    let of_new = [format!("{new} may=seal,rewrap series=shop*"), format!("{new} may=drill series=*")];
    // Without a backup there is nothing at which the old key could end.
    let found = trust.succeeded(&succession, &[]).unwrap();
    let of_old = [format!("{} may=seal,rewrap series=shop*", vkey("host")), format!("{} may=drill series=*", vkey("host"))];
    assert_eq!((lines(&found.new), lines(&found.old)), (of_new.to_vec(), of_old.to_vec()));
    assert!(found.endless.is_empty());

    let seals = [
        seal_of(&old, place("shop", EPOCH, 4, None)),
        seal_of(&old, place("shop", EPOCH, 5, None)),
        seal_of(&old, place("shop", EPOCH, 3, None)),
        seal_of(&old, place("shop-eu", EPOCH + 1, 1, None)),
        seal_of(&key("drill"), place("shop", EPOCH, 6, None)),
    ];
    let last: Vec<_> = seals.iter().map(|seal| placed(seal, &trust)).collect();
    let found = trust.succeeded(&succession, &last).unwrap();
    let end = |at: usize, epoch: u8, number| format!("until={}:{number}:{}", Epoch::from_bytes([epoch; 16]), seals[at].first_hash());
    let (host, shop_eu) = (vkey("host"), end(3, EPOCH + 1, 1));
    let ended = [format!("{host} may=seal series=shop {}", end(1, EPOCH, 5)), format!("{host} may=seal series=shop-eu {shop_eu}")];
    assert_eq!((lines(&found.new), lines(&found.old)), (of_new.to_vec(), ended.to_vec()));
    // When a later note was added no seal shows, so that no backup is the last one for these.
    assert_eq!(lines(&found.lasting), [format!("{host} may=rewrap series=shop*"), format!("{host} may=drill series=*")]);
    assert!(found.endless.is_empty());
    // As a trust file they let the same backups count as before, and no more.
    let text = lines(&found.old).join("\n");
    let after = Trust::parse(&text).unwrap();
    assert!(seals[..4].iter().all(|seal| seal.judge(&after).vouched_by().is_some()));
    assert!(seal_of(&old, place("shop", EPOCH, 6, None)).judge(&after).vouched_by().is_none());
    // Of web there is no backup.
    let of_web = Trust::parse(&format!("{trusting}{host} series=web")).unwrap();
    assert_eq!(lines(&of_web.succeeded(&succession, &last).unwrap().endless), [format!("{host} may=seal series=web")]);
}

#[test]
fn only_a_key_that_is_trusted_now_has_a_successor() {
    let (old, new) = (key("host"), key("new"));
    let succession = Succession::sign(&old, &new, time()).unwrap();
    let last = seal_of(&old, place("shop", EPOCH, 5, None));
    let refused = |text: &str| trust(text).succeeded(&succession, &[]).unwrap_err();
    let stranger = SuccessorError::Stranger(Box::new(old.verifier_key().clone()));
    assert_eq!(refused(&vkey("drill")), stranger);
    assert_eq!(refused(&vkey("new")), stranger);
    assert_eq!(Trust::default().succeeded(&succession, &[]), Err(stranger.clone()));
    // The same name, and another key.
    let other = SigningKey::from_seed_for_tests("host", 9);
    assert_eq!(refused(&other.verifier_key().to_string()), stranger);
    let ended = format!("{} series=shop {}", vkey("host"), end_of(&last, 5));
    assert_eq!(refused(&ended), SuccessorError::Ended(label("host")));
    // A line that goes on is passed on, and nothing of one that has ended.
    let found = trust(&format!("{ended}\n{} may=drill", vkey("host"))).succeeded(&succession, &[]).unwrap();
    assert_eq!(lines(&found.new), [format!("{} may=drill series=*", vkey("new"))]);
}

/// A number that somebody made up would lift the end beyond all that they may still sign.
#[test]
fn a_last_number_that_stands_alone_ends_nothing() {
    let (old, new) = (key("host"), key("new"));
    let succession = Succession::sign(&old, &new, time()).unwrap();
    let trust = trust(&vkey("host"));
    let last = [3, 9].map(|number| placed(&seal_of(&old, place("shop", EPOCH, number, None)), &trust));
    let refused = SuccessorError::Gap { series: label("shop"), number: 9, before: 3 };
    assert_eq!(trust.succeeded(&succession, &last), Err(refused));
    // The first that is there may have any.
    assert_eq!(trust.succeeded(&succession, &last[1..]).unwrap().old.len(), 1);
}

/// Which of two histories is believed is for a person to say.
#[test]
fn two_backups_of_one_number_end_nothing() {
    let (old, new) = (key("host"), key("new"));
    let succession = Succession::sign(&old, &new, time()).unwrap();
    let trust = trust(&vkey("host"));
    let five = seal_of(&old, place("shop", EPOCH, 5, None));
    let anew = seal_of(&old, place("shop", EPOCH, 5, Some(five.first_hash())));
    let six = seal_of(&old, place("shop", EPOCH, 6, Some(five.first_hash())));
    let [five, anew, six] = [&five, &anew, &six].map(|seal| placed(seal, &trust));
    let both = [five.clone(), anew.clone()];
    let refused = SuccessorError::TwoLast { series: label("shop"), number: 5 };
    assert_eq!(trust.succeeded(&succession, &both), Err(refused));
    for last in [&[five.clone(), five.clone()][..], core::slice::from_ref(&anew), &[five, anew.clone(), six]] {
        assert_eq!(trust.succeeded(&succession, last).unwrap().old.len(), 1);
    }
}
