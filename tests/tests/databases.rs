//! Real databases, backed up and restored by the very lines of `README.md`: the rows are the same afterwards, a dump that fails
//! leaves no file, and the privileges that are asked for are all needed.
//!
//! xtrabackup and MySQL are not run here: Debian has neither.

use std::path::Path;

use dbseal_tests::cli::{Ended, Folder, Run, dbseal};
use dbseal_tests::databases::{MariaDb, Postgres, hash, postgres_bin};
use dbseal_tests::readme::block;
use dbseal_tests::tools::tool;

/// How much data: 100,000 rows, each with this many times 64 bytes that no index helps with.
#[derive(Clone, Copy)]
struct Size(u32);

/// Some 25 MiB.
const SHORT: Size = Size(2);
/// Some 2.5 GiB.
const LONG: Size = Size(384);

/// All that a table of MariaDB can trip over, and what only some privilege lets a dump see.
fn fill_mariadb(server: &MariaDb, Size(repeats): Size) {
    server.sql("CREATE DATABASE shop CHARACTER SET utf8mb4");
    server.sql(&format!(
        r#"USE shop;
        CREATE TABLE orders (id INT UNSIGNED PRIMARY KEY, customer BIGINT NOT NULL, city VARCHAR(40) NOT NULL, note TEXT,
            price DECIMAL(12, 2) NOT NULL, placed DATETIME(6) NOT NULL, day DATE, scan MEDIUMBLOB NOT NULL, KEY by_customer (customer));
        INSERT INTO orders SELECT seq, CAST(seq * 7919 % 4999 AS SIGNED) - 2000, ELT(1 + seq % 5, 'Zürich', '東京', 'Łódź', 'O''Fallon', '😀 town'),
            IF(seq % 3 = 0, NULL, CONCAT('note\n\t\\"', seq)), seq / 7, '2024-02-29 23:59:59.999999' + INTERVAL seq SECOND,
            IF(seq % 4 = 0, NULL, '1999-12-31' + INTERVAL seq % 9000 DAY), REPEAT(UNHEX(SHA2(seq, 512)), {repeats}) FROM seq_1_to_100000;
        CREATE TABLE edges (id BIGINT PRIMARY KEY, text LONGTEXT, bytes LONGBLOB);
        INSERT INTO edges VALUES (-9223372036854775808, '', ''), (9223372036854775807, NULL, NULL),
            (0, REPEAT('👩‍👩‍👧', 100000), (SELECT GROUP_CONCAT(CHAR(seq) ORDER BY seq SEPARATOR '') FROM seq_0_to_255));
        CREATE TABLE log (id INT PRIMARY KEY, line VARCHAR(80)) ENGINE=Aria;
        INSERT INTO log SELECT seq, CONCAT('line ', seq) FROM seq_1_to_5000;
        CREATE VIEW by_city AS SELECT city, COUNT(*) AS orders, SUM(price) AS total FROM orders GROUP BY city;
        CREATE TRIGGER priced BEFORE UPDATE ON orders FOR EACH ROW SET NEW.price = ABS(NEW.price);
        CREATE PROCEDURE count_orders() SELECT COUNT(*) FROM orders;
        CREATE EVENT nightly ON SCHEDULE EVERY 1 DAY DISABLE DO DELETE FROM log WHERE id < 0;"#
    ));
}

fn fill_postgres(server: &Postgres, Size(repeats): Size) {
    server.sql("postgres", "CREATE DATABASE shop");
    server.sql(
        "shop",
        &format!(
            r"CREATE TABLE orders (id int PRIMARY KEY, customer bigint NOT NULL, city text NOT NULL, note text, price numeric(12, 2) NOT NULL,
            placed timestamptz NOT NULL, day date, scan bytea NOT NULL);
        ALTER TABLE orders ALTER scan SET STORAGE EXTERNAL;
        INSERT INTO orders SELECT n, n * 7919::bigint % 4999 - 2000, (ARRAY['Zürich', '東京', 'Łódź', 'O''Fallon', '😀 town'])[1 + n % 5],
            CASE WHEN n % 3 <> 0 THEN E'note\n\t\\' || n END, n / 7.0, '2024-02-29 23:59:59.999999+00'::timestamptz + n * interval '1 s',
            CASE WHEN n % 4 <> 0 THEN '1999-12-31'::date + n % 9000 END,
            decode(repeat(encode(sha512(n::text::bytea), 'hex'), {repeats}), 'hex') FROM generate_series(1, 100000) AS s(n);
        CREATE INDEX by_customer ON orders (customer);
        CREATE TABLE edges (id bigint PRIMARY KEY, text text, bytes bytea, dates date[]);
        INSERT INTO edges VALUES (-9223372036854775808, '', '', '{{}}'), (9223372036854775807, NULL, NULL, NULL),
            (0, repeat('👩‍👩‍👧', 100000), (SELECT string_agg(decode(lpad(to_hex(n), 2, '0'), 'hex'), '' ORDER BY n) FROM generate_series(0, 255) AS s(n)),
            '{{infinity,-infinity,4713-01-01 BC}}');
        CREATE VIEW by_city AS SELECT city, count(*) AS orders, sum(price) AS total FROM orders GROUP BY city;
        CREATE FUNCTION count_orders() RETURNS bigint LANGUAGE sql AS 'SELECT count(*) FROM orders';
        CHECKPOINT;"
        ),
    );
}

/// A folder with a key, whose programs are this server's user `backup` with the privileges of the readme.
fn mariadb_user(server: &MariaDb, recipe: &str) -> Folder {
    server.sql(&block(&format!("sql {recipe}")));
    let folder = Folder::with_key();
    folder.write(".my.cnf", server.options("backup", "..."));
    folder
}

/// A line of the readme, as its reader types it.
fn recipe(folder: &Folder, name: &str) -> Run {
    let path = std::env::var("PATH").unwrap_or_default();
    let command = dbseal().parent().expect("a file is in a folder");
    folder.shell(&format!("set -e\n{}", block(&format!("sh {name}")))).env("PATH", format!("{}:{path}", command.display()))
}

fn postgres_recipe(folder: &Folder, server: &Postgres, user: &str, name: &str) -> Run {
    let path = std::env::var("PATH").unwrap_or_default();
    let command = dbseal().parent().expect("a file is in a folder");
    let run = recipe(folder, name).env("PATH", format!("{}:{}:{path}", command.display(), postgres_bin().display()));
    server.env(user).into_iter().fold(run, |run, (name, value)| run.env(name, value))
}

/// Runs a backup that must fail, and shows that it leaves nothing.
fn leaves_no_file(folder: &Folder, backup: Run, words: &str) -> Ended {
    let before = folder.names();
    let ended = backup.run().fails_with(words);
    assert_eq!(folder.names(), before, "{}", ended.words());
    ended
}

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
    recipe(&folder, "mariadb-backup").run().succeeds();
    drop(server);
    age_agrees(&folder, "shop.age");
    let _ = recipe(&folder, "mariadb-backup restore").run().succeeds();
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
    recipe(&folder, "mariadb-dump").run().succeeds();
    folder
        .dbseal(["encrypt", "-R", "backup.pub", "-o", "plain.age", "--", "mariadb-dump", "--single-transaction", "shop"])
        .run()
        .succeeds();
    drop(server);
    age_agrees(&folder, "plain.age");

    let fresh = MariaDb::empty();
    folder.write(".my.cnf", fresh.options("root", ""));
    recipe(&folder, "mariadb-dump restore").run().succeeds();
    assert_eq!(fresh.describe("shop"), before);
    // The same without compression, and without what --routines and --events add.
    fresh.sql("DROP DATABASE shop; CREATE DATABASE shop CHARACTER SET utf8mb4");
    folder.dbseal(["decrypt", "-i", "backup.key", "plain.age", "--", "mariadb", "--sandbox", "shop"]).run().succeeds();
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
    postgres_recipe(&folder, &server, "backup", "pg_dump").run().succeeds();
    drop(server);
    age_agrees(&folder, "shop.age");
    let fresh = Postgres::empty();
    postgres_recipe(&folder, &fresh, "postgres", "pg_dump restore").run().succeeds();
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
    postgres_recipe(&folder, &server, "backup", "pg_basebackup").run().succeeds();
    age_agrees(&folder, "cluster.age");
    postgres_recipe(&folder, &server, "backup", "pg_basebackup restore").run().succeeds();
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

fn fill_sqlite(folder: &Folder, Size(repeats): Size) {
    let sql = format!(
        "PRAGMA page_size = 4096;
        CREATE TABLE orders (id INTEGER PRIMARY KEY, city TEXT NOT NULL, note TEXT, price REAL, scan BLOB);
        WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < 100000)
            INSERT INTO orders SELECT n, CASE n % 2 WHEN 0 THEN '東京' ELSE '😀 town' END, CASE WHEN n % 3 THEN 'note ' || n END, n / 7.0,
            randomblob(64 * {repeats}) FROM s;
        CREATE INDEX by_city ON orders (city);
        CREATE VIEW by_note AS SELECT note, count(*) FROM orders GROUP BY note;"
    );
    folder.program("sqlite3").args(["-bail", "shop.db"]).stdin(sql).run().succeeds();
}

fn sqlite_comes_back(size: Size) {
    let folder = Folder::with_key();
    fill_sqlite(&folder, size);
    recipe(&folder, "sqlite").run().succeeds();
    let ended = recipe(&folder, "sqlite restore").run().succeeds();
    assert_eq!(ended.stdout, b"ok\n");
    let dump = |file: &str| hash(std::process::Command::new("sqlite3").args([file, ".dump"]).current_dir(folder.path("")));
    assert_eq!(dump("restored.db"), dump("shop.db"));
    age_agrees(&folder, "shop.age");

    // As SQL, where it is known that nobody locks the database.
    folder.dbseal(["encrypt", "-R", "backup.pub", "-o", "sql.age", "--", "sqlite3", "shop.db", ".dump"]).run().succeeds();
    folder.dbseal(["decrypt", "-i", "backup.key", "sql.age", "--", "sqlite3", "-bail", "from_sql.db"]).run().succeeds();
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
    leaves_no_file(&folder, encrypt(&["--min-size", "1M"]), "fewer than the 1048576 that are expected at least");
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
