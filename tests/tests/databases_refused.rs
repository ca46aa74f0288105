//! Dumps of real databases that fail leave no file, and the privileges that the readme asks for are all needed.

use dbseal_tests::cli::Folder;
use dbseal_tests::databases::shop::{
    SHORT, Size, fill_mariadb, fill_postgres, fill_sqlite, leaves_no_file, mariadb_user, postgres_recipe, recipe,
};
use dbseal_tests::databases::{MariaDb, Postgres, postgres_bin};
use dbseal_tests::readme::block;

/// Why the readme has no recipe with `.dump`: half a dump ends with status 0, which nobody can see. Its own recipe fails.
#[test]
fn a_sqlite_database_that_is_damaged_or_locked_gives_no_backup() {
    let folder = Folder::with_key();
    fill_sqlite(&folder, SHORT);
    let dump = || folder.program("sqlite3").args(["shop.db", ".dump"]).run().succeeds();
    let copy_fails = |words: &str| {
        let backup = recipe(&folder, "sqlite").run();
        assert!(!backup.status.success() && backup.words().contains(words), "{}", backup.words());
        assert!(!folder.has("shop.age"));
    };
    let mut locker = folder.program("sqlite3").args(["shop.db"]).silent_stdin().start();
    locker.write(b"BEGIN EXCLUSIVE;\n.shell echo locked >&2\n");
    locker.wait_for_stderr("locked");
    assert!(dump().words().contains("ERROR: (5) database is locked"));
    copy_fails("database is locked");
    locker.close_stdin();
    locker.end().succeeds();

    let mut bytes = folder.read("shop.db");
    let middle = bytes.len() / 2;
    bytes[middle..middle + 9000].fill(0xa5);
    folder.write("shop.db", bytes);
    assert!(dump().stdout.ends_with(b"ROLLBACK; -- due to errors\n"));
    copy_fails("database disk image is malformed");
}

/// The server dies while it is dumped.
#[test]
fn a_server_that_is_killed_leaves_no_backup() {
    let mut server = MariaDb::empty();
    fill_mariadb(&server, SHORT);
    let folder = mariadb_user(&server, "mariadb-dump");
    let names = folder.names();
    // At these rates they take some seconds; the first report comes after one. mariadb-backup sends the system's tables too.
    for (rate, dump, words) in [
        ("4M", &["mariadb-dump", "--single-transaction", "shop"][..], "Lost connection to server during query"),
        ("16M", &["mariadb-backup", "--backup", "--stream=mbstream"], "Server has gone away"),
    ] {
        if dump[0] == "mariadb-backup" {
            server = MariaDb::empty();
            fill_mariadb(&server, SHORT);
            server.sql(&block("sql mariadb-backup"));
            folder.write(".my.cnf", server.options("backup", "..."));
        }
        let encrypt = folder.dbseal(["encrypt", "-R", "backup.pub", "-o", "shop.age", "--json", "--limit-rate", rate, "--"]);
        let backup = encrypt.args(dump.iter().copied()).start();
        backup.wait_for_stderr(r#""event":"progress""#);
        server.kill();
        let ended = backup.end().fails_with(&format!("{} exited with status", dump[0]));
        assert!(ended.words().contains(words), "{}", ended.words());
        assert_eq!(folder.names(), names);
    }
}

/// The kernel kills the process that serves a dump, as it does where memory runs out.
#[test]
fn a_backend_that_is_killed_leaves_no_backup() {
    let server = Postgres::empty();
    fill_postgres(&server, SHORT);
    let folder = Folder::with_key();
    let names = folder.names();
    let run = folder.dbseal(["encrypt", "-R", "backup.pub", "-o", "shop.age", "--json", "--limit-rate", "2M", "--"]);
    let run = run.args([postgres_bin().join("pg_dump").as_os_str()]).args(["--format=custom", "--compress=0", "shop"]);
    let backup = server.env("postgres").into_iter().fold(run, |run, (name, value)| run.env(name, value)).start();
    backup.wait_for_stderr(r#""event":"progress""#);
    server.kill_backend("pg_dump");
    let ended = backup.end().fails_with("pg_dump exited with status 1");
    assert!(ended.words().contains("Dumping the contents of table"), "{}", ended.words());
    assert_eq!(folder.names(), names);
}

/// The privileges in a recipe's SQL, each with what it is granted on: `("SELECT", "ON shop.*")`.
fn privileges(recipe: &str) -> Vec<(String, String)> {
    let sql = block(&format!("sql {recipe}"));
    let grants = sql.lines().filter_map(|line| line.strip_prefix("GRANT ")?.strip_suffix(" TO backup@localhost;")?.split_once(" ON "));
    grants.flat_map(|(names, place)| names.split(", ").map(move |name| (name.to_owned(), format!("ON {place}")))).collect()
}

/// Runs a recipe once without each of its privileges, given with what then fails, or is missing without a word.
fn needs_each_privilege(server: &MariaDb, name: &str, without: &[(&str, &str, Result<&str, &str>)]) {
    let folder = mariadb_user(server, name);
    let mut asked_for = privileges(name);
    asked_for.sort();
    let mut tried: Vec<_> = without.iter().map(|(privilege, place, _)| ((*privilege).to_owned(), (*place).to_owned())).collect();
    tried.sort();
    assert_eq!(tried, asked_for, "the privileges in the readme and here");
    for (privilege, place, consequence) in without {
        server.sql(&format!("REVOKE {privilege} {place} FROM backup@localhost"));
        match consequence {
            Err(words) => drop(leaves_no_file(&folder, recipe(&folder, name), words)),
            Ok(missing) => {
                recipe(&folder, name).run().succeeds();
                let dump = folder.dbseal(["decrypt", "-i", "backup.key", "--decompress", "shop.age"]).run().succeeds();
                assert!(!String::from_utf8_lossy(&dump.stdout).contains(missing), "{missing} without {privilege}");
                std::fs::remove_file(folder.path("shop.age")).expect("it was there");
            }
        }
        server.sql(&format!("GRANT {privilege} {place} TO backup@localhost"));
    }
    recipe(&folder, name).run().succeeds();
}

#[test]
fn mariadb_needs_every_privilege_of_the_readme() {
    let server = MariaDb::empty();
    fill_mariadb(&server, SHORT);
    needs_each_privilege(
        &server,
        "mariadb-backup",
        &[
            ("RELOAD", "ON *.*", Err("missing required privilege RELOAD")),
            ("PROCESS", "ON *.*", Err("missing required privilege PROCESS")),
            ("BINLOG MONITOR", "ON *.*", Err("BINLOG MONITOR privilege(s)")),
        ],
    );
    server.sql("DROP USER backup@localhost");
    needs_each_privilege(
        &server,
        "mariadb-dump",
        &[
            ("SELECT", "ON shop.*", Err("denied to user 'backup'@'localhost'")),
            ("SHOW VIEW", "ON shop.*", Err("SHOW VIEW command denied")),
            ("EVENT", "ON shop.*", Err("Access denied for user 'backup'@'localhost'")),
            ("TRIGGER", "ON shop.*", Ok("TRIGGER `priced`")),
            ("SELECT", "ON mysql.proc", Ok("PROCEDURE `count_orders`")),
        ],
    );
}

/// A user who may see nothing gets a dump of nothing, and status 0. Only `--min-size` notices.
#[test]
fn a_mariadb_dump_of_nothing_is_noticed_by_its_size() {
    let server = MariaDb::empty();
    fill_mariadb(&server, SHORT);
    server.sql("CREATE USER backup@localhost IDENTIFIED BY '...'");
    let folder = Folder::with_key();
    folder.write(".my.cnf", server.options("backup", "..."));
    let encrypt = |args: &[&str]| {
        let run = folder.dbseal(["encrypt", "-R", "backup.pub", "-o", "all.age"]).args(args.iter().copied());
        run.args(["--", "mariadb-dump", "--single-transaction", "--all-databases"])
    };
    leaves_no_file(&folder, encrypt(&["--min-size", "1M"]), "and 1048576 were expected at least");
    encrypt(&[]).run().succeeds();
    assert!(folder.read("all.age").len() < 8192);
}

#[test]
fn postgres_needs_every_privilege_of_the_readme() {
    let server = Postgres::empty();
    fill_postgres(&server, Size(0));
    let folder = Folder::with_key();
    server.sql("postgres", "CREATE ROLE backup LOGIN");
    leaves_no_file(&folder, postgres_recipe(&folder, &server, "backup", "pg_dump"), "permission denied for table");
    let words = "must be superuser or replication role to start walsender";
    leaves_no_file(&folder, postgres_recipe(&folder, &server, "backup", "pg_basebackup"), words);

    // With what the readme asks for, and with what it says is refused.
    server.sql("postgres", &format!("DROP ROLE backup; {}", block("sql pg_dump")));
    postgres_recipe(&folder, &server, "backup", "pg_dump").run().succeeds();
    std::fs::remove_file(folder.path("shop.age")).expect("it was there");
    server.sql("shop", "CREATE TABLE secret (id int); ALTER TABLE secret ENABLE ROW LEVEL SECURITY");
    leaves_no_file(&folder, postgres_recipe(&folder, &server, "backup", "pg_dump"), "would be affected by row-level security policy");
    server.sql("shop", "DROP TABLE secret; SELECT lo_create(0)");
    leaves_no_file(&folder, postgres_recipe(&folder, &server, "backup", "pg_dump"), "permission denied for large object");
}

/// The default of pg_basebackup, to stream the WAL beside the data, is refused to standard output.
#[test]
fn pg_basebackup_refuses_to_stream_the_wal_to_standard_output() {
    let server = Postgres::empty();
    server.sql("postgres", &block("sql pg_basebackup"));
    let folder = Folder::with_key();
    let run = folder.dbseal(["encrypt", "-R", "backup.pub", "-o", "cluster.age", "--"]);
    let run = run.args([postgres_bin().join("pg_basebackup").as_os_str()]).args(["-D", "-", "-Ft"]);
    let run = server.env("backup").into_iter().fold(run, |run, (name, value)| run.env(name, value));
    leaves_no_file(&folder, run, "cannot stream write-ahead logs in tar mode to stdout");
}

/// SQL that is wrong, and SQL that is hostile: a dump is a program.
#[test]
fn a_restore_that_fails_is_a_failure() {
    let server = MariaDb::empty();
    server.sql("CREATE DATABASE shop");
    let folder = Folder::with_key();
    folder.write(".my.cnf", server.options("root", ""));
    let restore = |sql: &str, client: &[&str]| {
        let encrypt = folder.dbseal(["encrypt", "-R", "backup.pub", "-f", "-o", "evil.age"]);
        encrypt.stdin(sql).run().succeeds();
        folder.dbseal(["decrypt", "-i", "backup.key", "evil.age", "--"]).args(client.iter().copied()).run()
    };
    let ended = restore("SELECT 1;\nINSERT INTO nowhere VALUES (1);\n", &["mariadb", "--sandbox", "shop"]);
    let ended = ended.fails_with("dbseal: error: mariadb exited with status 1");
    assert!(ended.words().contains("Table 'shop.nowhere' doesn't exist"), "{}", ended.words());

    // More than a pipe holds, so that the client is gone before it has read everything.
    let long = format!("INSERT INTO nowhere VALUES (1);\n{}", "SELECT 1;\n".repeat(500_000));
    restore(&long, &["mariadb", "--sandbox", "shop"]).fails_with("before it had read all its input");

    let hostile = "SELECT 1;\n\\! touch owned\n";
    restore(hostile, &["mariadb", "--sandbox", "shop"]).fails_with("dbseal: error: mariadb exited with status 1");
    assert!(!folder.has("owned"), "a shell command ran, in the sandbox");
    // What the readme warns of.
    restore(hostile, &["mariadb", "shop"]).succeeds();
    assert!(folder.has("owned"));

    let pg_restore = postgres_bin().join("pg_restore");
    let pg_restore = pg_restore.to_str().expect("a path that is text");
    restore("no dump at all", &[pg_restore, "--list"]).fails_with("exited with status 1");
}
