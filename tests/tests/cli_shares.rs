//! Keys in shares, as a custodian has them: made, printed, typed, and put together where a key is wanted.
#![cfg(unix)]

use std::fs;

use dbseal_tests::cli::Folder;
use dbseal_tests::readme::block;
use dbseal_tests::tools::npm_dir;

/// A key in five shares, three of which open it, and a backup for it.
fn shared_key(kind: &[&str]) -> Folder {
    let folder = Folder::new();
    folder.dbseal(["keygen", "--shares", "3/5", "-o", "backup.key"]).args(kind.iter().copied()).run().succeeds();
    folder.write("shop.sql", "a dump");
    folder.dbseal(["encrypt", "-R", "backup.pub", "-o", "shop.age", "shop.sql"]).run().succeeds();
    folder
}

fn share(number: u8) -> String {
    format!("backup.{number}.share")
}

/// The arguments that give these.
fn given(numbers: &[u8]) -> Vec<String> {
    numbers.iter().flat_map(|number| ["-i".into(), share(*number)]).collect()
}

#[test]
fn any_three_of_five_open_and_no_two() {
    for kind in [&[][..], &["--pq"]] {
        let folder = shared_key(kind);
        assert!(!folder.has("backup.key"), "the key itself is nowhere");
        assert_eq!(folder.mode(&share(1)), 0o600);
        let text = folder.read_text(&share(2));
        assert!(text.contains("\nshare 2 of 5, 3 needed, set ") && text.contains("\nrecipient "), "{text}");
        for one in 1..=5_u8 {
            for two in one + 1..=5 {
                let few = folder.dbseal(["decrypt", "-o", "few", "shop.age"]).args(given(&[one, two])).run();
                few.ends_with(1, "3 shares open this set, and 2 of it were given");
                for three in two + 1..=5 {
                    let _ = folder.dbseal(["decrypt", "-f", "-o", "out", "shop.age"]).args(given(&[two, three, one])).run().succeeds();
                    assert_eq!(folder.read_text("out"), "a dump");
                    fs::remove_file(folder.path("out")).expect("it is there");
                }
            }
        }
        assert!(!folder.has("few"));
        // More than are needed have to fit.
        folder.dbseal(["decrypt", "-o", "out", "shop.age"]).args(given(&[1, 2, 3, 4, 5])).run().succeeds();
    }
}

/// As in a rotation that is run again: the old key and the new one.
#[test]
fn two_keys_in_shares_open_together() {
    let folder = shared_key(&[]);
    folder.dbseal(["keygen", "--shares", "2/2", "-o", "new.key"]).run().succeeds();
    let new = ["-i", "new.1.share", "-i", "new.2.share"];
    let rewrap = |old: &[u8]| folder.dbseal(["rewrap", "-R", "new.pub", "shop.age"]).args(given(old)).args(new).run();
    rewrap(&[1, 2]).ends_with(1, "backup.1.share, backup.2.share: 3 shares open this set, and 2 of it were given");
    rewrap(&[1, 2, 3]).succeeds();
    let again = rewrap(&[1, 2, 3]).succeeds();
    assert_eq!(String::from_utf8_lossy(&again.stdout), "shop.age: it has these recipients already\n");
    // One of another set among too few of this is the one that is named.
    let stray = folder.dbseal(["decrypt", "shop.age", "-i", "new.1.share"]).args(given(&[1, 2])).run();
    stray.ends_with(1, "new.1.share: this share is of another set than the first");
    let public = folder.dbseal(["keygen", "-y", "backup.1.share", "-y", "backup.2.share", "-y", "backup.5.share"]).run().succeeds();
    assert_eq!(String::from_utf8_lossy(&public.stdout), folder.read_text("backup.pub"));
}

#[test]
fn a_share_that_is_wrong_is_named() {
    let folder = shared_key(&[]);
    let decrypt = |numbers: &[u8]| folder.dbseal(["decrypt", "-o", "out", "shop.age"]).args(given(numbers)).run();
    let text = folder.read_text(&share(2));
    let last = text.split_whitespace().last().expect("a word").to_owned();
    let instead = |words: &str| folder.write_secret(&share(2), text.trim_end().strip_suffix(&last).expect("its end").to_owned() + words);
    instead(if last == "academic" { "acid" } else { "academic" });
    decrypt(&[1, 2, 3]).ends_with(1, "backup.2.share: a word of the share is mistyped or in the wrong place");
    instead("acadmic");
    decrypt(&[1, 2, 3]).ends_with(1, "backup.2.share: word 33 of the share is not in the word list of SLIP-39");
    instead("");
    decrypt(&[1, 2, 3]).ends_with(1, "backup.2.share: ");
    // As somebody types it who has it on paper.
    let typed: String = text.lines().filter(|line| !line.starts_with('#')).map(|line| format!("  {} \r\n", line.to_uppercase())).collect();
    let typed = typed.replacen("DBSEAL/V1 SHARE", "dbseal/v1 share", 1).replacen("RECIPIENT", "recipient", 1).replacen(
        "SHARE 2 OF",
        "share 2 of",
        1,
    );
    folder.write_secret(&share(2), typed);
    decrypt(&[1, 2, 3]).succeeds();

    let other = shared_key(&[]);
    folder.write_secret(&share(4), other.read_text(&share(4)));
    fs::remove_file(folder.path("out")).expect("it is there");
    decrypt(&[1, 4, 3]).ends_with(1, "backup.4.share: this share is of another set than the first");
    assert!(!folder.has("out"));
}

#[test]
fn shares_stand_wherever_a_key_does() {
    let folder = shared_key(&[]);
    folder.dbseal(["keygen", "-o", "new.key"]).run().succeeds();
    folder.dbseal(["inspect", "shop.age"]).args(given(&[1, 2, 3])).run().ends_with(0, "");
    fs::create_dir(folder.path("k")).expect("a folder");
    folder.dbseal(["request", "-o", "k/r", "shop.age"]).run().succeeds();
    let code = folder.dbseal(["grant", "--code", "x", "k/r"]).args(given(&[1, 3, 5])).run().ends_with(1, "has another code").words();
    let code = code.split("request ").nth(1).and_then(|rest| rest.split(',').next()).expect("the code").to_owned();
    folder.dbseal(["grant", "--code", &code, "--not-verified", "-o", "g", "k/r"]).args(given(&[1, 3, 5])).run().succeeds();
    folder.dbseal(["rewrap", "-R", "new.pub", "shop.age"]).args(given(&[5, 4, 1])).run().succeeds();
    folder.dbseal(["decrypt", "-i", "new.key", "-o", "out", "shop.age"]).run().succeeds();
}

#[test]
fn what_cannot_be_shared_is_refused() {
    let folder = Folder::new();
    for counts in ["1/5", "6/5", "3", "2/17", "0/0", "a/b"] {
        let said = folder.dbseal(["keygen", "--shares", counts, "-o", "k.key"]).run().ends_with(2, "such as 3/5").words();
        assert!(!said.contains("panicked"), "{said}");
    }
    folder.dbseal(["keygen", "--shares", "2/3"]).run().ends_with(2, "");
    folder.dbseal(["keygen", "--shares", "2/3", "-o", "k.key"]).run().succeeds();
    folder.dbseal(["keygen", "--shares", "2/3", "-o", "k.key"]).run().fails_with("exists already");
    assert_eq!(folder.names(), ["k.1.share", "k.2.share", "k.3.share", "k.pub"]);
}

/// In ten years, by programs of others alone.
#[test]
fn a_key_is_put_together_without_dbseal() {
    for (kind, prefix) in [(&[][..], "AGE-SECRET-KEY-"), (&["--pq"], "AGE-SECRET-KEY-PQ-")] {
        let folder = shared_key(kind);
        fs::remove_file(folder.path("shop.sql")).expect("it is there");
        let recover = block("sh shares recover").replace("AGE-SECRET-KEY-", prefix);
        // age opens post-quantum ones from 1.3 on.
        let recover = if kind.is_empty() { recover } else { recover.replace("\nage ", "\n: age ") };
        let modules = npm_dir("slip39").join("node_modules");
        folder.shell(&format!("set -e\n{recover}")).env("NODE_PATH", modules).run().succeeds();
        let made = folder.dbseal(["keygen", "-y", "backup.key"]).run().succeeds().stdout;
        assert_eq!(made, folder.read("backup.pub"));
        assert!(!kind.is_empty() || folder.read_text("shop.sql") == "a dump");
    }
}

#[test]
fn what_is_typed_from_paper_says_what_it_lacks() {
    let folder = shared_key(&[]);
    let text = folder.read_text(&share(2));
    let words = text.lines().skip_while(|line| !line.starts_with("share ")).skip(1).collect::<Vec<_>>().join("\n");
    let open = |text: &str| {
        folder.write_secret("typed.share", text);
        folder.dbseal(["decrypt", "-o", "few", "-i", "typed.share", "shop.age"]).args(given(&[1, 3])).run()
    };
    open(&words).ends_with(1, "the lines above its words are missing, from dbseal/v1 share on");
    let (fewer, _) = text.trim_end().rsplit_once(' ').expect("words");
    open(fewer).ends_with(1, "a share of a key has 33 words, and this one has 32");
    let both = format!("{text}\n{words}");
    open(&both).ends_with(1, "a share of a key has 33 words, and this one has 66");
}
