//! Real databases, backed up and restored by the very lines of `README.md`: the rows are the same afterwards.
//!
//! xtrabackup and MySQL are not run here: Debian has neither.

use std::path::Path;

use dbseal_tests::cli::{Folder, dbseal};
use dbseal_tests::databases::shop::{LONG, SHORT, Size, fill_mariadb, fill_postgres, fill_sqlite, mariadb_user, postgres_recipe, recipe};
use dbseal_tests::databases::{MariaDb, Postgres, hash};
use dbseal_tests::readme::block;
use dbseal_tests::tools::tool;

/// age alone gives the same bytes.
fn age_agrees(folder: &Folder, file: &str) {
    let open = |program: &Path, args: &[&str]| {
        let mut command = std::process::Command::new(program);
        hash(command.args(args).args(["-i", "backup.key", file]).current_dir(folder.path("")))
    };
    assert_eq!(open(&tool("age"), &["--decrypt"]), open(dbseal(), &["decrypt"]), "{file}");
}

fn mariadb_backup_comes_back(size: Size) {
    let server = MariaDb::empty();
    fill_mariadb(&server, size);
    let folder = mariadb_user(&server, "mariadb-backup");
    let before = server.describe("shop");
    recipe(&folder, "mariadb-backup").limit(size.limit()).run().succeeds();
    drop(server);
    age_agrees(&folder, "shop.age");
    let _ = recipe(&folder, "mariadb-backup restore").limit(size.limit()).run().succeeds();
    assert_eq!(MariaDb::on(&folder.path("restore")).describe("shop"), before);
}

#[test]
fn mariadb_backup_comes_back_in_a_fresh_server() {
    mariadb_backup_comes_back(SHORT);
}

#[test]
#[ignore = "not run here: long tier (4 minutes)"]
fn gigabytes_of_mariadb_backup_come_back_in_a_fresh_server() {
    mariadb_backup_comes_back(LONG);
}

fn mariadb_dump_comes_back(size: Size) {
    let server = MariaDb::empty();
    fill_mariadb(&server, size);
    let folder = mariadb_user(&server, "mariadb-dump");
    let before = server.describe("shop");
    recipe(&folder, "mariadb-dump").limit(size.limit()).run().succeeds();
    folder
        .dbseal(["encrypt", "-R", "backup.pub", "-o", "plain.age", "--", "mariadb-dump", "--single-transaction", "shop"])
        .limit(size.limit())
        .run()
        .succeeds();
    drop(server);
    age_agrees(&folder, "plain.age");

    let fresh = MariaDb::empty();
    folder.write(".my.cnf", fresh.options("root", ""));
    recipe(&folder, "mariadb-dump restore").limit(size.limit()).run().succeeds();
    assert_eq!(fresh.describe("shop"), before);
    // The same without compression, and without what --routines and --events add.
    fresh.sql("DROP DATABASE shop; CREATE DATABASE shop CHARACTER SET utf8mb4");
    folder.dbseal(["decrypt", "-i", "backup.key", "plain.age", "--", "mariadb", "--sandbox", "shop"]).limit(size.limit()).run().succeeds();
    let tables = |text: &str| text.lines().take(3).map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(tables(&fresh.describe("shop")), tables(&before));
}

#[test]
fn a_mariadb_dump_comes_back_in_a_fresh_server() {
    mariadb_dump_comes_back(SHORT);
}

#[test]
#[ignore = "not run here: long tier (10 minutes)"]
fn gigabytes_of_mariadb_dump_come_back_in_a_fresh_server() {
    mariadb_dump_comes_back(LONG);
}

fn pg_dump_comes_back(size: Size) {
    let server = Postgres::empty();
    fill_postgres(&server, size);
    server.sql("postgres", &block("sql pg_dump"));
    let folder = Folder::with_key();
    let before = server.describe("shop");
    postgres_recipe(&folder, &server, "backup", "pg_dump").limit(size.limit()).run().succeeds();
    drop(server);
    age_agrees(&folder, "shop.age");
    let fresh = Postgres::empty();
    postgres_recipe(&folder, &fresh, "postgres", "pg_dump restore").limit(size.limit()).run().succeeds();
    assert_eq!(fresh.describe("shop"), before);
}

#[test]
fn a_pg_dump_comes_back_in_a_fresh_cluster() {
    pg_dump_comes_back(SHORT);
}

#[test]
#[ignore = "not run here: long tier (3 minutes)"]
fn gigabytes_of_pg_dump_come_back_in_a_fresh_cluster() {
    pg_dump_comes_back(LONG);
}

fn pg_basebackup_comes_back(size: Size) {
    let server = Postgres::empty();
    fill_postgres(&server, size);
    server.sql("postgres", &block("sql pg_basebackup"));
    let folder = Folder::with_key();
    let before = server.describe("shop");
    postgres_recipe(&folder, &server, "backup", "pg_basebackup").limit(size.limit()).run().succeeds();
    age_agrees(&folder, "cluster.age");
    postgres_recipe(&folder, &server, "backup", "pg_basebackup restore").limit(size.limit()).run().succeeds();
    drop(server);
    assert_eq!(Postgres::on(&folder.path("restore")).describe("shop"), before);
}

#[test]
fn a_pg_basebackup_comes_back_in_a_fresh_server() {
    pg_basebackup_comes_back(SHORT);
}

#[test]
#[ignore = "not run here: long tier (2 minutes)"]
fn gigabytes_of_pg_basebackup_come_back_in_a_fresh_server() {
    pg_basebackup_comes_back(LONG);
}

fn sqlite_comes_back(size: Size) {
    let folder = Folder::with_key();
    fill_sqlite(&folder, size);
    recipe(&folder, "sqlite").limit(size.limit()).run().succeeds();
    let ended = recipe(&folder, "sqlite restore").limit(size.limit()).run().succeeds();
    assert_eq!(ended.stdout, b"ok\n");
    let dump = |file: &str| hash(std::process::Command::new("sqlite3").args([file, ".dump"]).current_dir(folder.path("")));
    assert_eq!(dump("restored.db"), dump("shop.db"));
    age_agrees(&folder, "shop.age");

    // As SQL, where it is known that nobody locks the database.
    folder
        .dbseal(["encrypt", "-R", "backup.pub", "-o", "sql.age", "--", "sqlite3", "shop.db", ".dump"])
        .limit(size.limit())
        .run()
        .succeeds();
    folder.dbseal(["decrypt", "-i", "backup.key", "sql.age", "--", "sqlite3", "-bail", "from_sql.db"]).limit(size.limit()).run().succeeds();
    assert_eq!(dump("from_sql.db"), dump("shop.db"));
}

#[test]
fn sqlite_comes_back_whole() {
    sqlite_comes_back(SHORT);
}

#[test]
#[ignore = "not run here: long tier (3 minutes)"]
fn gigabytes_of_sqlite_come_back_whole() {
    sqlite_comes_back(LONG);
}
