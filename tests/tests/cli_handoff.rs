//! The hand-off across an air gap: two machines that share nothing but two texts.
#![cfg(unix)]

use std::fs;

use dbseal_core::{Header, Journal};
use dbseal_tests::cli::Ended;
use dbseal_tests::cli::handoff::{Machines, photograph};
use image::{GrayImage, Luma};

fn grant(machines: &Machines, request: &str, more: &[&str]) -> Ended {
    let _ = fs::remove_file(machines.there.path("grant"));
    machines.there.dbseal(["grant", "-i", "backup.key", "--trust", "t/trust", "-o", "grant", request]).args(more.iter().copied()).run()
}

/// Carries the grant over, and opens a backup with it.
fn open(machines: &Machines, request: &str, backup: &str) -> Ended {
    machines.open(request, &machines.there.read_text("grant"), backup)
}

#[test]
fn a_backup_opens_where_its_key_never_was() {
    for kind in [&[][..], &["--pq"]] {
        let machines = Machines::new(kind);
        let code = machines.request("shop.request", &["b/shop.age"]);
        assert_eq!(machines.here.mode("shop.request.key"), 0o600);
        // Another code is another request.
        grant(&machines, "shop.request", &["--code", "0000-0000-0000-0000"]).ends_with(1, "has another code");
        let said = grant(&machines, "shop.request", &["--code", &code]).succeeds().words();
        assert!(said.contains(&format!("request {code}, signed by nobody whom you trust")), "{said}");
        assert!(said.contains("shop.age: sealed and made by db1, 20"), "{said}");
        assert!(said.contains("granted: 1 of 1; code of the grant: "), "{said}");
        open(&machines, "shop.request", "b/shop.age").succeeds();
        assert!(machines.here.read("out") == machines.here.read("shop.sql"));
        // The key has gone with its use.
        assert!(!machines.here.has("shop.request.key"));
        open(&machines, "shop.request", "b/shop.age").ends_with(2, "shop.request.key, the key of the request, is not there");
    }
}

/// A rotation that the power ended in the middle of the header, with the key elsewhere: without a seal nobody knows which of both keys it takes.
#[test]
fn a_backup_with_a_header_that_is_half_written_is_granted() {
    let machines = Machines::new(&[]);
    let Machines { here, there } = &machines;
    there.dbseal(["keygen", "-o", "new.key"]).run().succeeds();
    let before = here.read("b/shop.age");
    there.write("shop.age", &before);
    there.dbseal(["rewrap", "-i", "backup.key", "-R", "new.pub", "shop.age"]).run().succeeds();
    let after = there.read("shop.age");
    let header = |bytes: &[u8]| Header::parse(bytes).expect("a header").0;
    fs::remove_file(here.path("b/shop.age.seal")).expect("it is there");
    here.write("b/shop.age.journal", Journal::of(header(&before), header(&after)).to_bytes());
    for sector in 1..8 {
        here.write("b/shop.age", [&after[..512 * sector], &before[512 * sector..]].concat());
        for key in ["backup.key", "new.key"] {
            let request = format!("{sector}-{key}.request");
            let code = machines.request(&request, &["b/shop.age"]);
            let asked = here.dbseal(["request", "-o", "again.request", "b/shop.age"]).run().succeeds();
            let warning = "dbseal: warning: b/shop.age: a change of its recipients was stopped: it is asked for ";
            assert!(asked.stderr.contains(warning), "{}", asked.stderr);
            for name in ["again.request", "again.request.key", "grant"].map(|name| [here, there].map(|folder| folder.path(name))).concat() {
                let _ = fs::remove_file(name);
            }
            let granted = there.dbseal(["grant", "-i", key, "--code", &code, "--not-verified", "-o", "grant", &request]).run();
            assert!(granted.words().contains("granted: 1 of "), "{sector} {key}: {}", granted.words());
            open(&machines, &request, "b/shop.age").succeeds();
            assert!(here.read("out") == here.read("shop.sql"), "{sector} {key}");
        }
    }
}

/// By a camera alone: not a file crosses.
#[test]
fn a_camera_carries_both_ways() {
    for (kind, has_one) in [(&[][..], true), (&["--pq"], false)] {
        let Machines { here, there } = Machines::new(kind);
        let asked = here.dbseal(["request", "--qr", "-o", "shop.request", "b/shop.age"]).run().succeeds();
        let request = photograph(&asked.stdout, &there, "request");
        assert_eq!(request.len() == 1, has_one, "{}", request.len());
        let said = String::from_utf8(asked.stdout).expect("text");
        let code = said.split("Code of the request: ").nth(1).and_then(|rest| rest.lines().next()).expect("the code");
        let grant = there.dbseal(["grant", "-i", "backup.key", "--trust", "t/trust", "--qr", "--code", code]);
        let mut grant = grant.args(request.iter().rev().map(String::as_str)).run().succeeds();
        let grants = photograph(&std::mem::take(&mut grant.stdout), &here, "grant");
        if let [_, others @ ..] = &*request
            && !others.is_empty()
        {
            let one = there.dbseal(["grant", "-i", "backup.key"]).args(others.iter().map(String::as_str)).run();
            one.ends_with(1, &format!("of its {} parts these are missing: 1", request.len()));
        }
        let given = grants.iter().flat_map(|name| ["--grant", name.as_str()]);
        here.dbseal(["decrypt", "--request", "shop.request", "-o", "out", "b/shop.age"]).args(given).run().succeeds();
        assert!(here.read("out") == here.read("shop.sql"));
    }
}

#[test]
fn of_what_nobody_vouches_for_nothing_is_shown_as_true() {
    let machines = Machines::new(&[]);
    machines.encrypt("b/bare.age", &[]);
    let code = machines.request("bare.request", &["b/bare.age"]);
    let said = grant(&machines, "bare.request", &["--code", &code]).ends_with(1, "asks for a backup of which nothing is verified").words();
    assert!(said.contains("bare.age: NOT VERIFIED: no seal came with it"), "{said}");
    assert!(!machines.there.has("grant"));
    grant(&machines, "bare.request", &["--code", &code, "--not-verified"]).succeeds();
    open(&machines, "bare.request", "b/bare.age").succeeds();

    // The seal of the one beside the other.
    fs::copy(machines.here.path("b/shop.age.seal"), machines.here.path("b/bare.age.seal")).expect("there is room");
    let code = machines.request("other.request", &["b/bare.age"]);
    let said = grant(&machines, "other.request", &["--code", &code]).ends_with(1, "nothing is verified").words();
    assert!(said.contains("bare.age: NOT VERIFIED: its seal is that of another backup, or of another time"), "{said}");
}

#[test]
fn somebody_has_to_say_yes() {
    let machines = Machines::new(&[]);
    let code = machines.request("shop.request", &["b/shop.age"]);
    grant(&machines, "shop.request", &[]).ends_with(2, "there is no terminal to ask");
    let question = format!("Is the code {code} on the other machine too, and is the backup to be granted? Type yes if that is meant: ");
    let grant = || machines.there.dbseal(["grant", "-i", "backup.key", "--trust", "t/trust", "-o", "grant", "shop.request"]);
    for answer in ["", "y", "no"] {
        grant().run_at_terminal(&[(question.as_str(), answer)]).ends_with(1, "nothing was granted, as the answer was not yes");
        assert!(!machines.there.has("grant"));
    }
    let _ = grant().run_at_terminal(&[(question.as_str(), "yes")]).succeeds();
    open(&machines, "shop.request", "b/shop.age").succeeds();
    // Without whom to trust, the question says so.
    machines
        .there
        .dbseal(["grant", "-i", "backup.key", "-o", "grant2", "shop.request"])
        .run_at_terminal(&[("NOTHING IS VERIFIED", "no")])
        .ends_with(1, "nothing was granted");
}

#[test]
fn many_are_asked_for_together_and_none_opens_another() {
    let machines = Machines::new(&[]);
    machines.there.dbseal(["keygen", "-o", "other.key"]).run().succeeds();
    machines.here.write("other.pub", machines.there.read_text("other.pub"));
    machines.encrypt("b/two.age", &["--sign", "db1.sign.key"]);
    machines.here.dbseal(["encrypt", "-R", "other.pub", "-o", "b/foreign.age", "shop.sql"]).run().succeeds();
    machines.here.dbseal(["keygen", "--sign", "restorer", "-o", "restorer.sign.key"]).run().succeeds();
    let trust = machines.there.read_text("t/trust") + &machines.here.read_text("restorer.sign.pub");
    machines.there.write("t/trust", trust);
    let backups = ["b/shop.age", "b/foreign.age", "b/two.age", "--sign", "restorer.sign.key"];
    let code = machines.request("many.request", &backups);
    let said = grant(&machines, "many.request", &["--code", &code]).succeeds().words();
    assert!(said.contains("signed by restorer") && said.contains("granted: 2 of 3"), "{said}");
    assert!(said.contains("foreign.age: none of the keys opens it; it is not granted"), "{said}");
    for (name, opens) in [("b/two.age", true), ("b/foreign.age", false), ("b/shop.age", true)] {
        assert_eq!(open(&machines, "many.request", name).status.success(), opens, "{name}");
    }
    open(&machines, "many.request", "b/foreign.age").ends_with(1, "the grant does not open b/foreign.age: it is for another backup");
    assert!(machines.here.has("many.request.key"), "others may want it");
    // A grant for one request does not open by another, though the backup is the same.
    let _ = machines.request("again.request", &["b/shop.age"]);
    open(&machines, "again.request", "b/shop.age").ends_with(1, "this is a grant for another request");
}

/// Whoever can write to the storage keeps none of the others from being asked for, and granted.
#[test]
fn one_that_was_altered_is_left_out_alone() {
    let machines = Machines::new(&[]);
    machines.encrypt("b/two.age", &[]);
    let mut bytes = machines.here.read("b/two.age");
    let mac = bytes.windows(5).position(|window| window == b"\n--- ").expect("its MAC") + 5;
    bytes[mac] = if bytes[mac] == b'A' { b'B' } else { b'A' };
    machines.here.write("b/two.age", &bytes);
    machines.here.write("b/evil.age", "not one\n");
    let asked = machines.here.dbseal(["request", "-o", "r", "b"]).run().succeeds();
    let words = asked.words();
    assert!(words.contains("left out: b/evil.age is no age file") && words.contains("asks for shop.age"), "{words}");
    machines.there.write("r", machines.here.read("r"));
    let said = String::from_utf8(asked.stdout).expect("text");
    let code = said.lines().next().and_then(|line| line.strip_prefix("Code of the request: ")).expect("the code");
    // As it was heard.
    let said = grant(&machines, "r", &["--code", &code.to_uppercase().replace('-', " ")]).succeeds().words();
    assert!(said.contains("two.age: the header was altered: its MAC does not match; it is not granted"), "{said}");
    assert!(said.contains("granted: 1 of 2"), "{said}");
    open(&machines, "r", "b/shop.age").succeeds();
    // Nor is the key of a request put where they can read it.
    fs::create_dir(machines.here.path("b/below")).expect("a folder");
    machines.here.dbseal(["request", "-o", "b/below/r", "b"]).run().ends_with(2, "b/below/r would lie where the backups do");
}

#[test]
fn what_cannot_be_asked_for_is_refused() {
    let machines = Machines::new(&[]);
    let here = &machines.here;
    here.write_secret("passphrase", "correct horse\n");
    here.dbseal(["encrypt", "--passphrase-file", "passphrase", "-o", "b/passed.age", "shop.sql"]).run().succeeds();
    here.dbseal(["request", "-o", "r", "b/passed.age"]).run().ends_with(1, "a passphrase opens this backup: nobody else can grant it");
    fs::create_dir(here.path("k")).expect("a folder");
    here.dbseal(["request", "-o", "k/r", "shop.sql"]).run().ends_with(2, "shop.sql is no age file");
    here.dbseal(["request", "-o", "r", "b/gone.age"]).run().ends_with(2, "cannot open b/gone.age");
    // Whoever can read the storage would have the key.
    here.dbseal(["request", "-o", "b/r", "b/shop.age"]).run().ends_with(2, "would lie where the backups do");
    here.dbseal(["request", "-o", "b/r", "b"]).run().ends_with(2, "would lie where the backups do");
    assert!(["r", "r.key", "k/r", "k/r.key", "b/r"].iter().all(|name| !here.has(name)));
    let _ = machines.request("shop.request", &["b/shop.age"]);
    here.dbseal(["request", "-o", "shop.request", "b/shop.age"]).run().fails_with("exists already");
    // A picture of something else, and what is no picture.
    GrayImage::from_pixel(300, 200, Luma([128])).save(machines.there.path("wall.png")).expect("there is room");
    machines.there.dbseal(["grant", "-i", "backup.key", "wall.png"]).run().ends_with(1, "wall.png: no QR code can be read in this picture");
    let png = machines.there.read("wall.png");
    machines.there.write("cut.png", &png[..png.len() / 2]);
    machines.there.dbseal(["grant", "-i", "backup.key", "cut.png"]).run().ends_with(1, "cut.png cannot be read as a picture: ");
    // The one in the place of the other.
    machines.there.dbseal(["grant", "-i", "backup.key", "t/trust"]).run().ends_with(1, "this is neither a request nor a grant of dbseal");
    let text = machines.there.read_text("shop.request");
    machines.there.write("cut.request", &text[..text.len() / 2]);
    machines.there.dbseal(["grant", "-i", "backup.key", "cut.request"]).run().ends_with(1, "its last line is missing");
}
