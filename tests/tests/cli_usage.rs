//! Promises 7 and 8: whatever is wrong stops before the first byte, in one clear sentence and a documented exit code.
//!
//! `cli_usage/refused.txt` holds what is typed, what is said and `[how it ends]`, word for word: it is to be read as a tired
//! person reads it.

use std::fmt::Write as _;

use dbseal_core::{Backend, Header};
use dbseal_tests::cli::{Folder, Run, dbseal, is_root};
use dbseal_tests::tools::tool;

const REFUSED: &str = include_str!("cli_usage/refused.txt");

/// A folder with one of everything that the transcripts name.
fn folder() -> Folder {
    let folder = Folder::with_key();
    folder.write("plain", "a dump\n");
    folder.write("empty", "");
    folder.write_secret("secret", "correct horse\n");
    folder.write_secret("wrong", "battery staple\n");
    folder.write("broken.pub", "# the host's\nage1broken\n");
    folder.write("comments.pub", "# nothing but this\n");
    std::fs::create_dir(folder.path("folder")).expect("a folder");
    std::fs::create_dir(folder.path("kept")).expect("a folder");
    folder.write("kept/plain", "a dump\n");
    folder.write("kept/newer", r#"{"version": 2, "all": []}"#);
    folder.write("orphan.age.seal", "the seal of what is gone\n");
    for args in [
        "keygen -o other.key",
        "keygen --pq -o pq.key",
        "keygen --passphrase-file secret -o protected.key",
        "encrypt -R backup.pub -o shop.age plain",
        "encrypt -R backup.pub --armor -o armored.age plain",
        "encrypt --passphrase-file secret -o pass.age plain",
        "keygen --sign db1 -o sign.key",
        "encrypt -R backup.pub --sign sign.key -o sealed.age plain",
    ] {
        folder.dbseal(args.split(' ')).run().succeeds();
    }
    for name in ["plain", "empty"] {
        folder.set_mode(name, 0o600);
    }
    add_trust(&folder);
    add_asked(&folder);
    add_damaged(&folder);
    let newer = folder.read("shop.age");
    folder.write("newer.age", [b"age-encryption.org/v2", &newer[21..]].concat());
    folder
}

/// Whom to trust, and what says it wrongly, where the storage cannot write to.
fn add_trust(folder: &Folder) {
    std::fs::create_dir(folder.path("trusted")).expect("a folder");
    let (public, private) = (folder.read_text("sign.pub"), folder.read_text("sign.key"));
    let (public, private) = (public.trim(), private.lines().last().expect("a key"));
    let identity = folder.read_text("backup.key");
    for (name, text) in [
        ("trust", public),
        ("drill", format!("{public} may=drill").as_str()),
        ("web", format!("{public} series=web").as_str()),
        ("role", format!("# the host\n{public} may=all").as_str()),
        ("word", format!("{public} for=ever").as_str()),
        ("until", format!("{public} series=* until=never").as_str()),
        ("nobody", "# nobody yet"),
        ("private", private),
        ("identity", identity.lines().last().expect("a key")),
        ("recipient", folder.read_text("backup.pub").as_str()),
        ("mistyped", public.replacen("db1", "db2", 1).as_str()),
        ("shop.series", "not the state of one"),
    ] {
        folder.write(&format!("trusted/{name}"), text);
    }
    folder.write_secret("several", format!("{private}\n{private}\n"));
    folder.write_secret("mistyped", private.replacen("db1", "db2", 1));
    folder.write_secret("plugin", "AGE-PLUGIN-YUBIKEY-1QQQ\n");
    folder.write_secret("binary", [0xff, 0xfe]);
}

/// Requests and a succession, whole and cut off.
fn add_asked(folder: &Folder) {
    for args in [
        "request -o trusted/open.request shop.age",
        "request --rewrap -R other.pub -o trusted/rewrap.request shop.age",
        "keygen --sign db1-2027 --succeeds sign.key -o trusted/next.key",
        "keygen --sign db2 -o trusted/stranger.key",
    ] {
        folder.dbseal(args.split(' ')).run().succeeds();
    }
    folder.write("trusted/stranger", folder.read_text("trusted/stranger.pub"));
    let request = folder.read_text("trusted/open.request");
    folder.write("trusted/cut.request", &request[..100]);
    folder.write("trusted/line.request", "dbseal/v1 request\nrecipient nobody\n");
    folder.write("trusted/cut.succession", &folder.read("trusted/next.succession")[..100]);
}

/// Backups and seals that are wrong in one way each.
fn add_damaged(folder: &Folder) {
    let backup = folder.read("shop.age");
    let header_len = Header::parse(&backup).expect("a header").1;
    let mut changed = backup.clone();
    let mac = header_len - 10;
    changed[mac] = if changed[mac] == b'A' { b'B' } else { b'A' };
    folder.write("changed.age", changed);
    folder.write("long.age", [&backup[..22], &vec![b'A'; 1 << 20]].concat());
    folder.write("malformed.age", [&backup[..22], b"- X25519\n"].concat());
    folder.write("cut-header.age", &backup[..100]);
    folder.write("cut-nonce.age", &backup[..header_len + 10]);
    folder.write("cut.age", &backup[..backup.len() - 1]);
    folder.write("extended.age", [&backup[..], b"\n"].concat());
    let armor = folder.read("armored.age");
    folder.write("cut-armor.age", &armor[..armor.len() - 20]);
    let costly = folder.read("pass.age").windows(4).position(|window| window == b" 18\n").expect("a work factor");
    folder.write("costly.age", [&folder.read("pass.age")[..costly], b" 23\n", &folder.read("pass.age")[costly + 4..]].concat());

    let seal = folder.read_text("sealed.age.seal");
    folder.write("newer.seal", seal.replacen("dbseal/v1", "dbseal/v2", 1));
    folder.write("long.seal", vec![b'A'; (8 << 20) + 1]);
    folder.write("field.seal", seal.replacen("\ntime ", "\ntime: ", 1));
    folder.write("changed.seal", seal.replacen("source file", "source stdin", 1));
    folder.write("bare.seal", seal.split_once("\nunsigned\n").expect("an unsigned section").0);
    folder.write("renamed.age", folder.read("sealed.age"));
    folder.write("renamed.age.seal", &seal);
}

/// A command as it is typed, in a session without a terminal.
fn typed(folder: &Folder, line: &str) -> Run {
    let path = format!("{}:/usr/local/bin:/usr/bin:/bin", dbseal().parent().expect("a folder").display());
    folder.program(tool("setsid")).args(["--wait", "sh", "-c", line]).env("PATH", path)
}

/// A line of what was said, where it names a key that was made for this test.
fn without_key(line: &str) -> &str {
    const NEW: &str = "dbseal: note: new recipient CODE, AGE1";
    if line.starts_with(NEW.split("CODE").next().unwrap_or_default()) { NEW } else { line }
}

/// Every file in the folder, with what is in it.
fn contents(folder: &Folder) -> Vec<(String, Option<Vec<u8>>)> {
    folder.names().into_iter().map(|name| (name.clone(), std::fs::read(folder.path(&name)).ok())).collect()
}

/// Everything that is refused, word for word. Nothing is left, altered or written to standard output by any of it.
#[test]
fn refused_with_these_words() {
    let folder = folder();
    let before = contents(&folder);
    let mut said = String::new();
    for paragraph in REFUSED.trim_end().split("\n\n") {
        if paragraph.starts_with('#') {
            let _ = writeln!(said, "{paragraph}\n");
            continue;
        }
        for line in paragraph.lines().filter_map(|line| line.strip_prefix("$ ")) {
            let ended = typed(&folder, line).run();
            let words = ended.stderr.lines().filter(|line| !line.is_empty()).map(|line| format!("{}\n", without_key(line)));
            let _ = write!(said, "$ {line}\n{}[{}]\n", words.collect::<String>(), ended.code());
            assert!(ended.stdout.is_empty(), "{line}: something was written to standard output");
            assert!(contents(&folder) == before, "{line}: something was left, or altered: {:?}", folder.names());
        }
        said += "\n";
    }
    if said.trim_end() != REFUSED.trim_end() {
        let difference = said.lines().zip(REFUSED.lines()).find(|(said, wanted)| said != wanted);
        // All of it, so that it can be read, and replace the transcript where it is better.
        panic!("{said}\nThe first difference: {difference:?}");
    }
}

/// The file of metrics is replaced at every run; so it must not be the backup, what it is made of, or what opens it.
#[test]
fn metrics_replace_nothing_else() {
    let folder = folder();
    let before = contents(&folder);
    for line in [
        "encrypt -R backup.pub -o x.age --metrics x.age plain",
        "encrypt -R backup.pub -o x.age --metrics ./x.age plain",
        "encrypt -R backup.pub -o x.age --metrics plain plain",
        "decrypt -i backup.key -o x --metrics shop.age shop.age",
        "decrypt -i backup.key -o x --metrics x shop.age",
        "decrypt -i backup.key -o x --metrics backup.key shop.age",
        "encrypt -R backup.pub -o x.age --metrics backup.pub plain",
        "encrypt --passphrase-file secret -o x.age --metrics secret plain",
    ] {
        folder.dbseal(line.split(' ')).run().ends_with(2, "dbseal: error: ");
        assert!(contents(&folder) == before, "{line}");
    }
}

/// For people who measure, and in no help, page or completion.
#[test]
fn a_cipher_backend_is_one_that_the_machine_has() {
    let folder = folder();
    let names: Vec<&str> = Backend::all().map(Backend::name).collect();
    for name in &names {
        folder.dbseal(["--cipher-backend", name, "encrypt", "-R", "backup.pub", "-o", "x.age", "plain"]).run().succeeds();
        folder.dbseal(["decrypt", "--cipher-backend", name, "-f", "-i", "backup.key", "-o", "x", "x.age"]).run().succeeds();
        assert_eq!(folder.read("x"), folder.read("plain"));
        std::fs::remove_file(folder.path("x.age")).expect("removed");
    }
    let ended = folder.dbseal(["encrypt", "--cipher-backend", "abacus", "-R", "backup.pub", "-o", "x.age", "plain"]).run();
    let words = format!("dbseal: error: there is no cipher backend 'abacus' here: this machine has {}\n", names.join(", "));
    assert_eq!((ended.code(), ended.stderr), (2, words));
    assert!(!folder.has("x.age"));

    for args in [&["--help"][..], &["encrypt", "--help"], &["decrypt", "-h"], &["help", "encrypt"]] {
        assert!(!folder.dbseal(args.iter().copied()).run().words().contains("cipher"), "{args:?}");
    }
    // Pages and completions come from this.
    let definition = dbseal::cli::definition();
    let mut options = definition.get_subcommands().chain([&definition]).flat_map(|command| command.get_opts());
    assert!(options.all(|option| option.get_long() != Some("cipher-backend")));
}

/// "No secret in logs, in error messages": a private key that was put in a wrong place is never repeated.
#[test]
fn a_misplaced_private_key_is_not_repeated() {
    let folder = folder();
    let text = folder.read_text("backup.key");
    let secret = text.lines().find(|line| line.starts_with("AGE-SECRET-KEY-")).expect("a key");
    folder.write("recipients", secret);
    for line in [
        "encrypt -r KEY -o x.age plain",
        "encrypt -R recipients -o x.age plain",
        "encrypt -R KEY -o x.age plain",
        "encrypt -RKEY -o x.age plain",
        "decrypt -iKEY -o x shop.age",
        "encrypt KEY -o x.age",
        "encrypt -R backup.pub plain KEY",
        "decrypt -i KEY shop.age",
        "decrypt -i KEY -o x shop.age",
        "decrypt KEY shop.age",
        "decrypt -i backup.key KEY",
        "inspect -i KEY shop.age",
        "keygen -y KEY",
        "KEY",
    ] {
        let args = line.split(' ').map(|word| word.replace("KEY", secret));
        let ended = folder.dbseal(args).run().ends_with(2, "");
        assert!(!ended.words().contains(&secret[20..]), "{line}: {}", ended.words());
    }
}

/// No permission is exit 2, as for any other user who has none: root without the powers that make it root.
#[test]
fn no_permission() {
    let folder = folder();
    for (name, mode) in [("plain", 0o000), ("backup.key", 0o000), ("backup.pub", 0o000), ("shop.age", 0o444), ("folder", 0o500)] {
        folder.set_mode(name, mode);
    }
    let run = |args: &str| {
        if is_root() {
            let powers = "-dac_override,-dac_read_search";
            folder
                .program(tool("setpriv"))
                .args(["--bounding-set", powers, "--inh-caps", powers])
                .args([dbseal()])
                .args(args.split(' '))
                .run()
        } else {
            folder.dbseal(args.split(' ')).run()
        }
    };
    let before = folder.names();
    for (args, words) in [
        ("encrypt -R other.pub -o x.age plain", "dbseal: error: cannot open plain: permission denied\n"),
        ("encrypt -R backup.pub -o x.age secret", "dbseal: error: cannot open backup.pub: permission denied\n"),
        ("decrypt -i backup.key shop.age", "dbseal: error: cannot open backup.key: permission denied\n"),
        ("encrypt -R other.pub -o folder/x.age secret", "dbseal: error: cannot create folder/x.age: permission denied\n"),
        ("keygen -o folder/x.key", "dbseal: error: cannot create folder/x.key: permission denied\n"),
        ("rewrap -i other.key -R other.pub shop.age", "dbseal: error: cannot write shop.age: permission denied\n"),
        ("rewrap -i other.key -R other.pub --dry-run shop.age", "dbseal: error: cannot write shop.age: permission denied\n"),
    ] {
        run(args).ends_with(2, words);
        assert_eq!(folder.names(), before, "{args}");
    }
    assert_eq!(std::fs::read_dir(folder.path("folder")).expect("a folder").count(), 0);
    folder.set_mode("folder", 0o700);
}

/// An identity file that others can read is used all the same, with a warning that says what to do.
#[test]
fn an_identity_that_others_can_read() {
    let folder = folder();
    for mode in [0o644, 0o640, 0o604] {
        folder.set_mode("backup.key", mode);
        let ended = folder.dbseal(["decrypt", "-i", "backup.key", "shop.age"]).run().succeeds();
        let warning = "dbseal: warning: backup.key can be read by others than its owner: take that from them with chmod 600\n";
        assert_eq!((ended.stdout.as_slice(), ended.stderr.as_str()), (&b"a dump\n"[..], warning), "{mode:o}");
    }
    folder.set_mode("backup.key", 0o400);
    folder.dbseal(["decrypt", "-i", "backup.key", "shop.age"]).run().succeeds_in_silence();
}

/// At a terminal: bytes are not thrown at it unless asked for; questions are asked there, and not echoed.
#[test]
fn at_a_terminal() {
    let folder = folder();
    let before = folder.names();
    let at = |args: &str, answers: &[(&str, &str)]| folder.dbseal(args.split(' ')).run_at_terminal(answers);
    for line in ["encrypt -R backup.pub plain", "encrypt -R backup.pub -- cat plain", "decrypt -i backup.key shop.age"] {
        let said =
            at(line, &[]).ends_with(2, "dbseal: error: standard output is a terminal\r\ndbseal: hint: name a file with -o FILE; -o - ");
        assert!(!said.words().contains("age-encryption.org"), "{line}");
    }
    at("encrypt -R backup.pub -o - plain", &[]).ends_with(0, "age-encryption.org/v1");
    at("encrypt -R backup.pub --armor plain", &[]).ends_with(0, "-----BEGIN AGE ENCRYPTED FILE-----");
    at("decrypt -i backup.key -o - shop.age", &[]).ends_with(0, "a dump");

    let first = "passphrase for the backup: ";
    let again = "the same passphrase again: ";
    at("encrypt -p -o x.age plain", &[(first, "one"), (again, "two")]).ends_with(2, "dbseal: error: the two passphrases are not the same");
    at("encrypt -p -o x.age plain", &[(first, "")]).ends_with(2, "dbseal: error: the passphrase is empty");
    at("decrypt pass.age -o x", &[("passphrase for pass.age: ", "")]).ends_with(2, "dbseal: error: the passphrase is empty");
    at("decrypt pass.age -o x", &[("passphrase for pass.age: ", "battery staple")])
        .fails_with("dbseal: error: the passphrase does not open pass.age");
    // Nobody is asked for a passphrase to hear then that the output exists.
    at("encrypt -p -o shop.age plain", &[]).fails_with("dbseal: error: shop.age exists already");
    assert_eq!(folder.names(), before);

    let said =
        at("encrypt -R backup.pub -o typed.age", &[("reading the backup from the terminal; end with ctrl-d", "a short dump\n\u{4}")]);
    said.succeeds();
    let opened = folder.dbseal(["decrypt", "-i", "backup.key", "typed.age"]).run().succeeds_in_silence();
    assert_eq!(opened.stdout, b"a short dump\n");
}

/// Standard input that is a backup can go along with a passphrase that is typed.
#[test]
fn a_pipe_and_a_terminal() {
    let folder = folder();
    let line = "exec \"$DBSEAL\" decrypt <pass.age >out";
    folder.shell(line).run_at_terminal(&[("passphrase for standard input: ", "correct horse")]).succeeds();
    assert_eq!(folder.read("out"), b"a dump\n");
}

/// Help, the version and the manual say what the exit codes are, and that of a pipe nobody can tell.
#[test]
fn help() {
    let folder = Folder::new();
    let help = folder.dbseal(["--help"]).run().succeeds_in_silence().words();
    assert!(help.contains("0  done\n  1  refused, failed or not authentic\n  2  could not run"), "{help}");
    let help = folder.dbseal(["encrypt", "--help"]).run().succeeds_in_silence().words();
    assert!(help.contains("nobody can tell whether the dump before the pipe failed"), "{help}");
    assert!(folder.dbseal(["--version"]).run().succeeds_in_silence().words().starts_with("dbseal "));
    folder.dbseal([""; 0]).run().ends_with(2, "Usage: dbseal <COMMAND>");
    folder.dbseal(["encrypt", "--help"]).run_at_terminal(&[]).ends_with(0, "Examples:");
}
