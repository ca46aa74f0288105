//! Other recipients for backups whose private key is behind an air gap: a request, new headers, and what is put before the backups.
#![cfg(unix)]

use std::fs;

use dbseal_core::{Header, Journal};
use dbseal_tests::cli::rewraps::{Injected, injected};
use dbseal_tests::cli::{Ended, Folder};
use dbseal_tests::inputs::paint;
use dbseal_tests::tools::tool;

const PLAIN_LEN: usize = (1 << 20) + 17;

/// The machine with the backups, and the one with the private key.
struct Machines {
    here: Folder,
    there: Folder,
}

impl Machines {
    /// Two backups in a folder, one of them sealed, for a custodian and the escrow.
    fn new() -> Self {
        let (here, there) = (Folder::new(), Folder::new());
        for key in ["old", "new", "escrow"] {
            there.dbseal(["keygen", "-o", &format!("{key}.key")]).run().succeeds();
            here.write(&format!("{key}.pub"), there.read_text(&format!("{key}.pub")));
        }
        there.dbseal(["keygen", "--sign", "custodian", "-o", "custodian.sign.key"]).run().succeeds();
        here.dbseal(["keygen", "--sign", "db1", "-o", "db1.sign.key"]).run().succeeds();
        here.write("shop.sql", paint(PLAIN_LEN));
        for folder in ["b", "t"] {
            fs::create_dir(here.path(folder)).expect("a folder");
            fs::create_dir(there.path(folder)).expect("a folder");
        }
        let (host, custodian) = (here.read_text("db1.sign.pub"), there.read_text("custodian.sign.pub"));
        let trust = format!("{}\n{} may=rewrap\n", host.trim(), custodian.trim());
        here.write("t/trust", &trust);
        there.write("t/trust", &trust);
        let encrypt = |name: &str| here.dbseal(["encrypt", "-R", "old.pub", "-R", "escrow.pub", "-o", name, "shop.sql"]);
        encrypt("b/shop.age").args(["--sign", "db1.sign.key"]).run().succeeds();
        encrypt("b/bare.age").run().succeeds();
        Self { here, there }
    }

    /// Asks for the new key in the place of the old one; the code.
    fn request(&self, backups: &[&str]) -> String {
        let _ = fs::remove_file(self.here.path("request"));
        let asked =
            self.here.dbseal(["request", "--rewrap", "-R", "new.pub", "-o", "request"]).args(backups.iter().copied()).run().succeeds();
        self.there.write("request", self.here.read_text("request"));
        let said = String::from_utf8(asked.stdout).expect("text");
        said.lines().next().and_then(|line| line.strip_prefix("Code of the request: ")).expect("the code").to_owned()
    }

    /// Answers; the code of the answer.
    fn grant(&self, code: &str, more: &[&str]) -> Ended {
        let _ = fs::remove_file(self.there.path("answer"));
        let grant = ["grant", "-i", "old.key", "--trust", "t/trust", "-o", "answer", "--code", code, "request"];
        self.there.dbseal(grant).args(more.iter().copied()).run()
    }

    fn apply(&self, more: &[&str]) -> Ended {
        if self.there.has("answer") {
            self.here.write("answer", self.there.read_text("answer"));
        }
        self.here.dbseal(["rewrap", "--apply", "answer", "--request", "request"]).args(more.iter().copied()).run()
    }

    /// Which of the three keys opens a backup, as age does.
    fn holders(&self, backup: &str) -> [bool; 3] {
        self.there.write("carried.age", self.here.read(backup));
        ["old", "new", "escrow"].map(|key| {
            let age = self.there.program(tool("age")).args(["-d", "-i", &format!("{key}.key"), "carried.age"]).run();
            age.status.success() && age.stdout == self.here.read("shop.sql")
        })
    }
}

fn code_of_answer(said: &str) -> String {
    said.split("code of the answer: ").nth(1).and_then(|rest| rest.split_whitespace().next()).expect("the code").to_owned()
}

#[test]
fn recipients_change_where_no_key_is() {
    let machines = Machines::new();
    let payload = |name: &str| {
        let bytes = machines.here.read(name);
        let len = Header::parse(&bytes).expect("a header").1;
        bytes[len..].to_vec()
    };
    let before = ["b/shop.age", "b/bare.age"].map(payload);
    let code = machines.request(&["b"]);
    assert!(!machines.here.has("request.key"), "nothing here opens anything");
    machines.grant(&code, &["--not-verified"]).ends_with(1, "has a seal, and what changes its recipients has to be signed");
    machines.grant(&code, &["--sign", "custodian.sign.key"]).ends_with(1, "nothing is verified");
    let said = machines.grant(&code, &["--sign", "custodian.sign.key", "--not-verified"]).succeeds().words();
    let new = machines.there.read_text("new.pub");
    assert!(said.contains(new.trim()) && said.contains("new headers: 2 of 2"), "{said}");
    let answer = code_of_answer(&said);

    // The sealed one needs nobody's word but the custodian's; the other somebody who has looked.
    let trust = ["--trust", "t/trust"];
    machines.apply(&[&trust[..], &["--dry-run", "b/shop.age"]].concat()).succeeds();
    assert_eq!(machines.holders("b/shop.age"), [true, false, true]);
    machines.apply(&[&trust[..], &["b/shop.age"]].concat()).succeeds();
    machines.apply(&["b/bare.age"]).ends_with(1, "nobody whom you trust with changes of recipients has signed this answer");
    machines.apply(&["b/bare.age", "--code", "0000-0000-0000-0000"]).ends_with(1, "has another code");
    let done = machines.apply(&["b/bare.age", "--code", &answer]).succeeds();
    assert_eq!(String::from_utf8_lossy(&done.stdout), "b/bare.age: done: 1 left, 1 came\n");
    for name in ["b/shop.age", "b/bare.age"] {
        assert_eq!(machines.holders(name), [false, true, true], "{name}");
    }
    assert!(["b/shop.age", "b/bare.age"].map(payload) == before);
    let verified = machines.here.dbseal(["verify", "--trust", "t/trust", "b/shop.age"]).run().succeeds();
    assert!(String::from_utf8_lossy(&verified.stdout).contains("b/shop.age: intact"));
    // Once more says so, and does nothing.
    let again = machines.apply(&["b", "--code", &answer]).succeeds();
    assert_eq!(String::from_utf8_lossy(&again.stdout).matches("it has these recipients already").count(), 2);
    assert_eq!(fs::read_dir(machines.here.path("b")).expect("a folder").count(), 3);
}

#[test]
fn what_is_not_the_answer_is_not_installed() {
    let machines = Machines::new();
    let trust = ["--trust", "t/trust"];
    let code = machines.request(&["b/shop.age"]);
    machines.there.dbseal(["keygen", "--sign", "stranger", "-o", "stranger.sign.key"]).run().succeeds();
    machines.grant(&code, &["--sign", "custodian.sign.key"]).succeeds();
    machines.apply(&[&trust[..], &["b/bare.age"]].concat()).ends_with(1, "is none of the backups of this request");
    // By somebody whom nobody trusts: the answer is none, and with its code the note in the seal is.
    let said = machines.grant(&code, &["--sign", "stranger.sign.key"]).succeeds().words();
    machines.apply(&[&trust[..], &["b/shop.age"]].concat()).ends_with(1, "nobody whom you trust with changes of recipients has signed");
    let its_code = code_of_answer(&said);
    let compared = ["--code", &its_code, "b/shop.age"];
    machines
        .apply(&[&trust[..], &compared].concat())
        .ends_with(1, "nobody whom you trust with changes of recipients (may=rewrap) has signed its new header");
    // By one who may not change recipients.
    machines.there.write_secret("db1.sign.key", machines.here.read("db1.sign.key"));
    machines.grant(&code, &["--sign", "db1.sign.key"]).succeeds();
    machines.apply(&[&trust[..], &["b/shop.age"]].concat()).ends_with(1, "nobody whom you trust with changes of recipients has signed");
    machines.grant(&code, &["--sign", "custodian.sign.key"]).succeeds();
    // An answer to another request.
    let answer = machines.there.read_text("answer");
    machines.here.write("first", machines.here.read_text("request"));
    let _ = machines.request(&["b"]);
    machines.apply(&[&trust[..], &["b/shop.age"]].concat()).ends_with(1, "this is an answer with new headers for another request");
    fs::rename(machines.here.path("first"), machines.here.path("request")).expect("it is there");
    // A note that came meanwhile, to the same header; then a header that came meanwhile.
    let files = ["b/shop.age", "b/shop.age.seal"].map(|name| (name, machines.here.read(name)));
    let put_back = || files.iter().for_each(|(name, bytes)| machines.here.write(name, bytes));
    machines.here.write_secret("old.key", machines.there.read("old.key"));
    let add = ["rewrap", "-i", "old.key", "--add", "-R", "new.pub", "--sign", "db1.sign.key", "--accept", "unvouched", "b/shop.age"];
    machines.here.dbseal(add).run().succeeds();
    machines.apply(&[&trust[..], &["b/shop.age"]].concat()).ends_with(1, "or has got another header since");
    machines.here.write("b/shop.age", &files[0].1);
    machines.apply(&[&trust[..], &["b/shop.age"]].concat()).ends_with(1, "its seal is not the one that it had");
    put_back();
    // Altered on its way: whatever of it, nothing is put there.
    for at in (0..answer.len()).step_by(97).filter(|at| answer.as_bytes()[*at] != b'\n') {
        let mut bytes = answer.clone().into_bytes();
        bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
        machines.there.write("answer", &bytes);
        let done = machines.apply(&[&trust[..], &["b/shop.age"]].concat());
        assert_ne!(done.status.code(), Some(0), "byte {at}");
        assert!(machines.here.read("b/shop.age") == files[0].1, "byte {at}");
    }
    // A grant in its place, and the other way round.
    machines.there.write("answer", &answer);
    machines.here.dbseal(["request", "-o", "open.request", "b/shop.age"]).run().succeeds();
    let asked = machines.here.read_text("open.request");
    machines.there.write("open.request", asked);
    machines.here.write("answer", &answer);
    let open = ["decrypt", "--request", "open.request", "--grant", "answer", "-o", "out", "b/shop.age"];
    machines.here.dbseal(open).run().ends_with(1, "this is an answer with new headers, and not a grant");
    let grant = ["grant", "-i", "old.key", "-o", "grant", "--not-verified", "--code", "x", "open.request"];
    let said = machines.there.dbseal(grant).run().ends_with(1, "has another code").words();
    // What would say nothing there is refused, before anybody has compared anything.
    for option in [&["--sign", "custodian.sign.key"][..], &["--allow-weaker"]] {
        let words = format!("{} is for a request of other recipients, and this one asks to open backups", option[0]);
        machines.there.dbseal(grant).args(option.iter().copied()).run().ends_with(2, &words);
    }
    let code = said.split("request ").nth(1).and_then(|rest| rest.split(',').next()).expect("the code").to_owned();
    machines.there.dbseal(grant.map(|word| if word == "x" { code.as_str() } else { word })).run().succeeds();
    machines.there.write("answer", machines.there.read_text("grant"));
    machines.apply(&["b/shop.age"]).ends_with(1, "this is a grant, and not an answer with new headers");
    // And the right one is put there after all that.
    machines.there.write("answer", &answer);
    machines.apply(&[&trust[..], &["b/shop.age"]].concat()).succeeds();
}

/// What whoever can write to the storage can put beside a backup, or have said of one.
#[test]
fn what_lies_beside_a_backup_keeps_no_header_from_it() {
    let machines = Machines::new();
    let code = machines.request(&["b"]);
    let said = machines.grant(&code, &["--sign", "custodian.sign.key", "--not-verified"]).succeeds().words();
    let header = |name: &str| Header::parse(&machines.here.read(name)).expect("a header").0;
    // As if another change had been made, and as if it had been begun.
    for [before, after] in [["b/shop.age", "b/bare.age"], ["b/bare.age", "b/shop.age"]] {
        machines.here.write("b/bare.age.journal", Journal::of(header(before), header(after)).to_bytes());
        machines.apply(&["--trust", "t/trust", "--dry-run", "b/bare.age"]).succeeds();
    }
    // Without a seal nothing says of which series it is: whom one trusts for one alone has no say.
    let host = machines.here.read_text("db1.sign.pub");
    let custodian = machines.there.read_text("custodian.sign.pub");
    machines.here.write("t/few", format!("{host}{} may=rewrap series=shop\n", custodian.trim()));
    machines.apply(&["--trust", "t/few", "b/bare.age"]).ends_with(1, "has signed its new header");
    machines.apply(&["--trust", "t/trust", "b/bare.age"]).succeeds();
    assert_eq!(machines.holders("b/bare.age"), [false, true, true]);
    assert!(!machines.here.has("b/bare.age.journal"));
    // The new header of the one is none of the other's.
    let (bare, mut shop) = (machines.here.read("b/bare.age"), machines.here.read("b/shop.age"));
    shop[..4096].copy_from_slice(&bare[..4096]);
    fs::remove_file(machines.here.path("b/shop.age.seal")).expect("it is there");
    machines.here.write("b/shop.age", &shop);
    let answer = code_of_answer(&said);
    machines.apply(&["--code", &answer, "b/shop.age"]).ends_with(1, "is none of the backups of this request");
    // The request and its answer are not believed where they can be exchanged.
    for name in ["request", "answer"] {
        fs::copy(machines.here.path(name), machines.here.path(&format!("b/{name}"))).expect("there is room");
    }
    let apply = ["rewrap", "--apply", "b/answer", "--request", "b/request", "--code", &answer, "b/bare.age"];
    machines.here.dbseal(apply).run().ends_with(2, "b/request lies where the backups do");
}

/// At every step that changes something on the disk, the process is killed; done again, the change comes to its end.
#[test]
fn each_step_may_be_the_last() {
    let machines = Machines::new();
    let files = ["b/shop.age", "b/shop.age.seal"].map(|name| machines.here.read(name));
    let code = machines.request(&["b/shop.age"]);
    machines.grant(&code, &["--sign", "custodian.sign.key"]).succeeds();
    machines.here.write("answer", machines.there.read_text("answer"));
    let mut killed_count = 0;
    for way in [&[][..], &["--copy"]] {
        for call in ["pwrite64", "write", "fsync", "fdatasync", "linkat", "renameat,renameat2,rename", "unlinkat"] {
            for step in 1..20 {
                machines.here.write("b/shop.age", &files[0]);
                machines.here.write("b/shop.age.seal", &files[1]);
                let apply = ["rewrap", "--apply", "answer", "--request", "request", "--trust", "t/trust", "b/shop.age"];
                let inject = format!("inject={call}:signal=SIGKILL:when={step}");
                let run = machines.here.dbseal(apply).args(way.iter().copied());
                if injected(&machines.here, run, &inject) == Injected::NeverCame {
                    break;
                }
                killed_count += 1;
                for key in ["old", "new", "escrow"] {
                    machines.here.write_secret(&format!("{key}.key"), machines.there.read(&format!("{key}.key")));
                }
                let opens = ["old", "new", "escrow"].map(|key| {
                    let decrypt = ["decrypt", "-f", "-i", &format!("{key}.key"), "--trust", "t/trust", "-o", "out", "b/shop.age"];
                    machines.here.dbseal(decrypt).run().status.success()
                });
                assert!(opens == [true, false, true] || opens == [false, true, true], "{inject} {way:?}: {opens:?}");
                machines.here.dbseal(apply).args(way.iter().copied()).run().succeeds();
                assert_eq!(machines.holders("b/shop.age"), [false, true, true], "{inject} {way:?}");
                let verified = machines.here.dbseal(["verify", "--trust", "t/trust", "b/shop.age"]).run().succeeds();
                assert!(String::from_utf8_lossy(&verified.stdout).contains("b/shop.age: intact"), "{inject} {way:?}");
                assert!(!machines.here.has("b/shop.age.journal"), "{inject} {way:?}");
            }
        }
    }
    assert!(killed_count > 10, "{killed_count}");
}

/// Without a key nobody opens the final chunk: its length shows what became of it, and a file of next to nothing is not copied for years.
#[test]
fn what_has_another_length_gets_no_header() {
    let machines = Machines::new();
    let code = machines.request(&["b"]);
    let said = machines.grant(&code, &["--sign", "custodian.sign.key", "--not-verified"]).succeeds().words();
    let answer = code_of_answer(&said);
    let whole = machines.here.read("b/shop.age");
    let sparse_len = 1 << 40;
    for len in [whole.len() as u64 - 1, whole.len() as u64 + 1, sparse_len] {
        machines.here.write("b/shop.age", &whole);
        let file = fs::File::options().write(true).open(machines.here.path("b/shop.age")).expect("it is there");
        file.set_len(len).expect("there is room");
        for way in [&[][..], &["--copy"]] {
            let apply = [&["--trust", "t/trust", "b/shop.age"], way].concat();
            machines.apply(&apply).ends_with(1, "b/shop.age is not what its seal says, in bytes ");
        }
    }
    let file = fs::File::options().write(true).open(machines.here.path("b/bare.age")).expect("it is there");
    file.set_len(sparse_len).expect("there is room");
    machines.apply(&["--copy", "--code", &answer, "b/bare.age"]).ends_with(1, "b/bare.age is not read: it is a sparse file of ");
}
