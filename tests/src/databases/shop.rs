//! A database to back up, and the lines of `README.md` that do it.

use std::time::Duration;

use crate::cli::{Ended, Folder, Run, dbseal};
use crate::databases::{MariaDb, Postgres, postgres_bin};
use crate::readme::block;

/// How much data: 100,000 rows, each with this many times 64 bytes that no index helps with.
#[derive(Clone, Copy)]
pub struct Size(pub u32);

/// Some 25 MiB.
pub const SHORT: Size = Size(2);
/// Some 2.5 GiB.
pub const LONG: Size = Size(384);

impl Size {
    /// How long one command may take with this much.
    #[must_use]
    pub fn limit(self) -> Duration {
        Duration::from_secs(if self.0 > SHORT.0 { 3600 } else { 300 })
    }
}

/// All that a table of MariaDB can trip over, and what only some privilege lets a dump see.
pub fn fill_mariadb(server: &MariaDb, Size(repeats): Size) {
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

/// The same in PostgreSQL.
pub fn fill_postgres(server: &Postgres, Size(repeats): Size) {
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

/// The same in `shop.db`, a SQLite database in the folder.
pub fn fill_sqlite(folder: &Folder, size: Size) {
    let Size(repeats) = size;
    let sql = format!(
        "PRAGMA page_size = 4096;
        CREATE TABLE orders (id INTEGER PRIMARY KEY, city TEXT NOT NULL, note TEXT, price REAL, scan BLOB);
        WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < 100000)
            INSERT INTO orders SELECT n, CASE n % 2 WHEN 0 THEN '東京' ELSE '😀 town' END, CASE WHEN n % 3 THEN 'note ' || n END, n / 7.0,
            randomblob(64 * {repeats}) FROM s;
        CREATE INDEX by_city ON orders (city);
        CREATE VIEW by_note AS SELECT note, count(*) FROM orders GROUP BY note;"
    );
    folder.program("sqlite3").args(["-bail", "shop.db"]).stdin(sql).limit(size.limit()).run().succeeds();
}

/// A folder with a key, whose programs are this server's user `backup` with the privileges of the readme.
#[must_use]
pub fn mariadb_user(server: &MariaDb, recipe: &str) -> Folder {
    server.sql(&block(&format!("sql {recipe}")));
    let folder = Folder::with_key();
    folder.write(".my.cnf", server.options("backup", "..."));
    folder
}

/// A line of the readme, as its reader types it.
///
/// # Panics
/// If the readme has no such line.
pub fn recipe(folder: &Folder, name: &str) -> Run {
    let path = std::env::var("PATH").unwrap_or_default();
    let command = dbseal().parent().expect("a file is in a folder");
    folder.shell(&format!("set -e\n{}", block(&format!("sh {name}")))).env("PATH", format!("{}:{path}", command.display()))
}

/// The same, as a user of this server.
pub fn postgres_recipe(folder: &Folder, server: &Postgres, user: &str, name: &str) -> Run {
    let path = std::env::var("PATH").unwrap_or_default();
    let command = dbseal().parent().expect("a file is in a folder");
    let run = recipe(folder, name).env("PATH", format!("{}:{}:{path}", command.display(), postgres_bin().display()));
    server.env(user).into_iter().fold(run, |run, (name, value)| run.env(name, value))
}

/// Runs a backup that must fail, and shows that it leaves nothing.
///
/// # Panics
/// If it succeeds, says something else, or leaves something.
#[track_caller]
pub fn leaves_no_file(folder: &Folder, backup: Run, words: &str) -> Ended {
    let before = folder.names();
    let ended = backup.run().fails_with(words);
    assert_eq!(folder.names(), before, "{}", ended.words());
    ended
}
