//! The systemd units in `examples/systemd`: their command lines are ones that dbseal takes, and run.

use std::fs;

use dbseal_tests::cli::{Folder, dbseal};
use dbseal_tests::tools::{installed, workspace_dir};

/// The units, and the drop-ins that replace their command line: names and texts.
fn units() -> Vec<(String, String)> {
    let folder = workspace_dir().join("examples/systemd");
    let entries = fs::read_dir(folder).expect("there are examples").map(|entry| entry.expect("an entry").path());
    let units = entries.filter(|path| path.extension().is_some_and(|extension| extension == "service" || extension == "conf"));
    units.map(|path| (path.display().to_string(), fs::read_to_string(path).expect("text"))).collect()
}

/// The commands that a unit starts, as systemd starts them, but for the variables that it fills in.
fn started(unit: &str) -> Vec<Vec<String>> {
    let unit = unit.replace("\\\n", " ");
    let lines = unit.lines().filter_map(|line| line.strip_prefix("ExecStart=")).filter(|line| !line.is_empty());
    lines.map(|line| shell_words::split(&line.replace("%%", "%").replace("$$", "$")).expect("words")).collect()
}

#[test]
fn every_command_line_of_a_unit_parses() {
    let mut count = 0;
    for (name, text) in units() {
        for words in started(&text) {
            assert_eq!(words[0], "/usr/local/bin/dbseal", "{name}");
            let command = [&["dbseal".into()], &words[1..]].concat();
            if let Err(error) = dbseal::cli::definition().try_get_matches_from(&command) {
                panic!("{name}: {command:?}\n{error}");
            }
            count += 1;
        }
    }
    assert!(count >= 2, "only {count} command lines were found");
}

/// With a dump that stands in for that of the database, they make a signed backup that opens.
#[test]
fn every_command_line_of_a_unit_runs() {
    let folder = Folder::with_key();
    fs::create_dir(folder.path("bin")).expect("a folder");
    for dump in ["mariadb-backup", "pg_dump"] {
        folder.write_program(&format!("bin/{dump}"), "#!/bin/sh\necho a dump\n");
    }
    fs::create_dir(folder.path("credentials")).expect("a folder");
    folder.dbseal(["keygen", "--sign", "db1", "-o", "credentials/sign.key"]).run().succeeds();
    fs::rename(folder.path("credentials/sign.key"), folder.path("credentials/dbseal.sign")).expect("a key");
    folder.write("credentials/backup.pub", folder.read("backup.pub"));
    let path = format!("{}:{}", folder.path("bin").display(), std::env::var("PATH").unwrap_or_default());
    for (name, text) in units() {
        for words in started(&text) {
            fs::create_dir(folder.path("state")).expect("a folder");
            // What systemd fills in.
            let here = |word: &String| {
                let word = word.replace("${CREDENTIALS_DIRECTORY}", folder.path("credentials").to_str().expect("text"));
                let word = word.replace("${STATE_DIRECTORY}", folder.path("state").to_str().expect("text"));
                word.replace("/var/lib/prometheus/node-exporter", folder.path("").to_str().expect("text"))
            };
            let run = folder.program(dbseal()).args(words[1..].iter().map(here)).env("PATH", &path);
            let run = run.env("CREDENTIALS_DIRECTORY", folder.path("credentials")).env("STATE_DIRECTORY", folder.path("state"));
            run.run().succeeds();
            let mut entries = folder.path("state").read_dir().expect("a folder").map(|entry| entry.expect("an entry").path());
            let backup = entries.find(|path| path.extension().is_some_and(|extension| extension == "age")).expect(&name);
            let trust = ["--trust", "credentials/sign.pub"];
            let opened = folder.dbseal(["decrypt", "-i", "backup.key"]).args(trust).args([backup]).run().succeeds();
            assert_eq!(opened.stdout, b"a dump\n", "{name}");
            fs::remove_dir_all(folder.path("state")).expect("it is there");
        }
    }
}

/// A unit whose dbseal is the one under test.
fn installed_here(unit: &str) -> String {
    unit.replace("/usr/local/bin/dbseal", dbseal().to_str().expect("text"))
}

/// Where systemd is installed, it has nothing to say against them.
#[test]
fn systemd_understands_the_units() {
    let Some(analyze) = installed("systemd-analyze") else { return };
    let folder = Folder::new();
    let examples = workspace_dir().join("examples/systemd");
    for name in ["dbseal-backup.service", "dbseal-backup.timer"] {
        folder.write(name, installed_here(&fs::read_to_string(examples.join(name)).expect("an example")));
    }
    let verify = || {
        let ended = folder.program(&analyze).args(["verify", "--man=no"]).args(["./dbseal-backup.service", "./dbseal-backup.timer"]).run();
        assert_eq!(ended.succeeds().words().trim(), "");
    };
    verify();
    fs::create_dir(folder.path("dbseal-backup.service.d")).expect("a folder");
    for (path, text) in units().iter().filter(|(path, _)| path.ends_with(".conf")) {
        folder.write("dbseal-backup.service.d/drop-in.conf", installed_here(text));
        println!("{path}");
        verify();
    }
}
