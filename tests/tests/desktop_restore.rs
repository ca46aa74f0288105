//! Real databases, restored from the window of the desktop app: into the programs that restore them, with the rows that they had.
#![cfg(unix)]

use std::time::Duration;

use dbseal_tests::browser::wait_within;
use dbseal_tests::cli::Folder;
use dbseal_tests::databases::shop::{SHORT, fill_mariadb, fill_postgres, mariadb_user};
use dbseal_tests::databases::{MariaDb, Postgres, postgres_bin};
use dbseal_tests::desktop::Desktop;
use dbseal_tests::desktop::forms::{make_signing_key, open_into};
use dbseal_tests::tools::tool;
use rustix::fs::Mode;

/// After this long a restore hangs.
const RESTORED: Duration = Duration::from_secs(300);

/// Backs up what `dump` writes, signed, into `shop.age`.
fn back_up<'a>(folder: &Folder, dump: impl IntoIterator<Item = &'a str>, environment: &[(&str, String)]) {
    make_signing_key(folder);
    let run = folder.dbseal(["encrypt", "-R", "backup.pub", "--sign", "db1.sign.key", "-o", "shop.age", "--"]).args(dump);
    environment.iter().fold(run, |run, (name, value)| run.env(name, value)).run().succeeds();
}

/// Opens that backup into a program, in the window.
fn restore(folder: &Folder, line: &str, picture: &str) {
    let desktop = Desktop::start(&[&folder.path("shop.age")]);
    desktop.begin("open");
    open_into(&desktop, folder, line);
    let answer = wait_within(RESTORED, "the restore ends", || desktop.browser.find("#answer")?.attribute("data-answer"));
    assert_eq!(answer, "opened", "{}", desktop.browser.text());
    assert!(desktop.browser.text().contains("Restored: the program has ended well"), "{}", desktop.browser.text());
    desktop.screenshot(picture);
}

#[test]
#[ignore = "not run here: long tier (two minutes, behind what builds the app)"]
fn a_mariadb_backup_is_restored_from_the_window() {
    let server = MariaDb::empty();
    fill_mariadb(&server, SHORT);
    let folder = mariadb_user(&server, "mariadb-backup");
    let before = server.describe("shop");
    back_up(&folder, ["mariadb-backup", "--backup", "--stream=mbstream"], &[]);
    drop(server);
    rustix::fs::mkdir(folder.path("restore"), Mode::RWXU).expect("a folder");
    restore(&folder, &format!("mbstream -x -C {}", folder.path("restore").display()), "restored-mariadb");
    folder.program(tool("mariadb-backup")).args(["--prepare", "--target-dir=restore"]).run().succeeds();
    assert_eq!(MariaDb::on(&folder.path("restore")).describe("shop"), before);
}

#[test]
#[ignore = "not run here: long tier (a minute, behind what builds the app)"]
fn a_pg_dump_is_restored_from_the_window() {
    let server = Postgres::empty();
    fill_postgres(&server, SHORT);
    let folder = Folder::with_key();
    let before = server.describe("shop");
    let program = |name: &str| postgres_bin().join(name).display().to_string();
    back_up(&folder, [&*program("pg_dump"), "-Fc", "shop"], &server.env("postgres"));
    drop(server);
    let fresh = Postgres::empty();
    fresh.sql("postgres", "CREATE DATABASE shop");
    let [(_, host), (_, port), _] = fresh.env("postgres");
    let database = format!("host={host} port={port} user=postgres dbname=shop");
    restore(&folder, &format!("{} --exit-on-error -d '{database}'", program("pg_restore")), "restored-postgres");
    assert_eq!(fresh.describe("shop"), before);
}
