//! Samples: what `verify` reads of a backup of which a share is enough, and what it says then.

use std::collections::BTreeSet;

use dbseal_tests::cli::seals::answers;
use dbseal_tests::cli::store::{Made, Store, made};

/// Bytes in the section of what is sampled: 40 groups, the last one shorter.
const SAMPLED_LEN: usize = 16 + 39 * (1 << 20) + 16 * (39 * 16);

/// Only the share that was asked for is read, and the header; the answer says what that is worth.
#[test]
fn a_sample_reads_its_share() {
    let store = Store::new();
    store.make(&Made { section_len: SAMPLED_LEN, ..made("shop.age") });
    for (share, group_count) in [("5%", 2_u64), ("0.5%", 1), ("50%", 20)] {
        let run = store.verify(&["--threads", "1", "--sample", share, "backups/shop.age"]);
        let ended = run.traced(&["-e", "trace=pread64,read"]).run().succeeds_in_silence();
        let words = ended.words();
        assert!(
            words.contains(&format!(": sampled {group_count} of 40 groups, none damaged; damage to 1 group is missed with ")),
            "{words}"
        );
        assert!(!words.contains("intact") && words.contains("; sealed by db1 (its clock said "), "{words}");
        let trace = store.folder.read_text("trace");
        let calls = trace.lines().filter(|line| line.contains("shop.age>"));
        let read: u64 = calls.filter_map(|call| call.rsplit_once(" = ")?.1.trim().parse::<u64>().ok()).sum();
        // The last group is shorter; the header is 4 KiB; that it did not grow takes a byte.
        assert!(read <= (group_count << 20) + 5000 && read > ((group_count - 1) << 20), "{share}: {read} bytes");
    }
    let words = store.verify(&["--sample", "5%", "backups/shop.age"]).run().succeeds_in_silence().words();
    // 38/40, and of 36 groups 4/40 * 3/39 < 1%.
    assert!(words.contains("missed with probability 95.0%, to 36 with 0.77%; sealed"), "{words}");
    let row = &answers(&store.verify(&["--json", "--sample", "5%", "backups/shop.age"]).run().succeeds())[0];
    assert_eq!((&row["integrity"], &row["sample"]["groups_read"], &row["sample"]["groups"]), (&"sampled".into(), &2.into(), &40.into()));
    assert_eq!(row["sample"]["hardly_missed_groups"], 36);
    for refused in ["0%", "100.1%", "5", "-5%", "0.0%", "%"] {
        store.verify(&[&format!("--sample={refused}"), "backups/shop.age"]).run().ends_with(2, "a share is ");
    }
}

/// What is damaged in a group that is read is found, and so is what is wrong with the header and the length, whatever is read.
#[test]
fn a_sample_finds_what_it_reads() {
    let store = Store::new();
    store.make(&Made { section_len: SAMPLED_LEN, ..made("shop.age") });
    let whole = store.folder.read("backups/shop.age");
    let all = store.verify(&["--sample", "100%", "backups/shop.age"]).run().succeeds_in_silence().words();
    assert!(all.contains("sampled 40 of 40 groups, none damaged; damage to 1 group is missed with probability 0%; sealed"), "{all}");
    assert!(!all.contains("intact"), "{all}");

    let mut damaged = whole.clone();
    damaged[4096 + (7 << 20) + 5] ^= 1;
    store.folder.write("backups/shop.age", &damaged);
    let row = answers(&store.verify(&["--json", "--sample", "100%", "backups/shop.age"]).run().fails_with("not intact"));
    assert_eq!((&row[0]["integrity"], &row[0]["damage"]), (&"damaged".into(), &serde_json::json!([[4096 + (7 << 20), 4096 + (8 << 20)]])));
    // Half of the groups are damaged, so about half of the ten that are read; that ten samples find less than 25, or more than 75, happens
    // less than once in a million times, and that two are the same never.
    damaged = whole.clone();
    (0..20).for_each(|group| damaged[4096 + (group << 21)] ^= 1);
    store.folder.write("backups/shop.age", &damaged);
    let found: Vec<_> = (0..10)
        .map(|_| {
            let row = &answers(&store.verify(&["--json", "--sample", "25%", "backups/shop.age"]).run())[0];
            row["damage"].as_array().expect("ranges").iter().map(ToString::to_string).collect::<Vec<_>>()
        })
        .collect();
    let found_count: usize = found.iter().map(Vec::len).sum();
    assert!((25..=75).contains(&found_count), "{found:?}");
    assert!(found.iter().collect::<BTreeSet<_>>().len() > 5, "each sample is drawn anew: {found:?}");

    for (bytes, integrity) in [
        (whole[..whole.len() - 1].to_vec(), "damaged"),
        (whole[..5 << 20].to_vec(), "damaged"),
        ([&whole[..], b"!"].concat(), "damaged"),
        ([&whole[..100], b"!", &whole[101..]].concat(), "header-changed"),
    ] {
        store.folder.write("backups/shop.age", bytes);
        let row = &answers(&store.verify(&["--json", "--sample", "0.5%", "backups/shop.age"]).run().fails_with("not intact"))[0];
        assert_eq!(row["integrity"], integrity);
    }
    // Nobody vouches.
    store.folder.write("backups/shop.age", &whole);
    let ended = store.folder.dbseal(["verify", "--sample", "5%", "backups/shop.age"]).run();
    let words = ended.fails_with("NOT VOUCHED FOR: nobody whom you trust has signed its seal, which names db1+").words();
    assert!(words.contains("; sampled 2 of 40 groups, none damaged") && !words.contains("it is what that says"), "{words}");
    // Without hashes that belong to the root, a sample says nothing.
    let seal = store.folder.read_text("backups/shop.age.seal");
    let (signed, _) = seal.split_once("\nunsigned\n").expect("an unsigned section");
    store.folder.write("backups/shop.age.seal", signed);
    store.verify(&["--sample", "5%", "backups/shop.age"]).run().fails_with("shop.age cannot be sampled: its seal has no hashes of parts");
    store.verify(&["backups/shop.age"]).run().succeeds_in_silence();
}

/// Without the hashes of groups nobody knows where damage is, whatever is too much at the end.
#[test]
fn damage_that_is_not_located() {
    let store = Store::new();
    store.make(&made("shop.age"));
    let seal = store.folder.read_text("backups/shop.age.seal");
    let (signed, _) = seal.split_once("\nunsigned\n").expect("an unsigned section");
    store.folder.write("backups/shop.age.seal", signed);
    let whole = store.folder.read("backups/shop.age");
    let mut other = whole.clone();
    other[4096 + 500] ^= 1;
    for (bytes, end) in [
        (other.clone(), whole.len()),
        ([&other[..], b"!"].concat(), whole.len() + 1),
        ([&whole[..], b"!"].concat(), whole.len() + 1),
        (whole[..whole.len() - 1].to_vec(), whole.len()),
    ] {
        store.folder.write("backups/shop.age", bytes);
        let row = &answers(&store.verify(&["--json", "backups/shop.age"]).run().fails_with("not intact"))[0];
        assert_eq!((&row["integrity"], &row["damage_located"]), (&"damaged".into(), &false.into()), "{row}");
        assert_eq!(row["damage"], serde_json::json!([[4096, end]]));
    }
    store.verify(&["backups/shop.age"]).run().fails_with("DAMAGED: it is not what was sealed, and its seal does not say where");
}
