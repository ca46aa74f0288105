//! Database servers of a test's own: in a temporary folder that nobody else can enter, reached by a socket only, killed and
//! removed with the value that stands for them, also when the test panics.
//!
//! Servers refuse to run as root, so where the test does, they run as their own user. A server dies with the thread that
//! started it.

pub mod shop;

use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use sha2::{Digest, Sha256};
use tempfile::TempDir;

use crate::cli::is_root;
use crate::tools::tool;

/// After this long a server that does not answer has failed.
const STARTS: Duration = Duration::from_secs(120);

/// A MariaDB server; its administrator is `root`, who needs no password.
pub struct MariaDb {
    // Dropped in this order: first the server, then its files.
    server: Server,
    home: Home,
}

impl MariaDb {
    /// An empty one.
    #[must_use]
    pub fn empty() -> Self {
        let home = Home::new("mysql");
        let mut install = home.as_server(&tool("mariadb-install-db"));
        install.arg("--no-defaults").arg(format!("--datadir={}", home.data().display()));
        output(install.args(["--auth-root-authentication-method=normal", "--skip-test-db", "--skip-name-resolve"]), None);
        Self::start(home)
    }

    /// On the files of another, restored and prepared, which it takes.
    #[must_use]
    pub fn on(restored: &Path) -> Self {
        let home = Home::new("mysql");
        home.take(restored);
        Self::start(home)
    }

    fn start(home: Home) -> Self {
        let mut command = home.as_server(&tool("mariadbd"));
        command.arg("--no-defaults").arg(format!("--datadir={}", home.data().display()));
        command.arg(format!("--socket={}", home.socket().display())).args(["--skip-networking", "--character-set-server=utf8mb4"]);
        // Its binary log is on, as a server's is that can be restored to a point in time. It need not survive a power failure.
        command.args(["--log-bin", "--innodb-flush-log-at-trx-commit=0", "--sync-binlog=0"]);
        let mut this = Self { server: Server::spawn(command, &home), home };
        let client = this.client(&tool("mariadb-admin"), &["ping"]);
        this.server.wait_for(client, &this.home);
        this
    }

    /// Option file `~/.my.cnf` for a user of this server.
    #[must_use]
    pub fn options(&self, user: &str, password: &str) -> String {
        format!(
            "[client]\nsocket = {}\ndefault-character-set = utf8mb4\nuser = {user}\npassword = \"{password}\"\n",
            self.home.socket().display()
        )
    }

    /// A client program, run by the administrator.
    #[must_use]
    pub fn client(&self, program: &Path, args: &[&str]) -> Command {
        let mut command = Command::new(program);
        command.args(["--no-defaults", "--user=root", "--default-character-set=utf8mb4"]);
        command.arg(format!("--socket={}", self.home.socket().display())).args(args);
        command
    }

    /// Runs SQL as the administrator and returns what it selects.
    pub fn sql(&self, sql: &str) -> String {
        output(&mut self.client(&tool("mariadb"), &["--batch", "--skip-column-names"]), Some(sql))
    }

    /// What can be told of a database: the server's own checksums of its tables, and a hash of all rows in order and of all
    /// that is defined.
    #[must_use]
    pub fn describe(&self, database: &str) -> String {
        let tables = format!("SELECT table_name FROM information_schema.tables WHERE table_schema = '{database}' AND table_type <> 'VIEW'");
        let tables: Vec<_> = self.sql(&format!("{tables} ORDER BY 1")).lines().map(|table| format!("{database}.{table}")).collect();
        let sums = self.sql(&format!("CHECKSUM TABLE {}", tables.join(", ")));
        let args = ["--single-transaction", "--routines", "--events", "--skip-comments", "--order-by-primary", "--hex-blob", database];
        format!("{sums}{}", hash(&mut self.client(&tool("mariadb-dump"), &args)))
    }

    /// `kill -9`.
    pub fn kill(&mut self) {
        self.server.end(Signal::KILL);
    }
}

/// A PostgreSQL cluster; its administrator is `postgres`, and whoever reaches the socket is believed to be who they say.
pub struct Postgres {
    server: Server,
    home: Home,
}

impl Postgres {
    /// An empty one.
    #[must_use]
    pub fn empty() -> Self {
        let home = Home::new("postgres");
        let mut init = home.as_server(&postgres_bin().join("initdb"));
        init.arg("--pgdata").arg(home.data()).args(["--username=postgres", "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8"]);
        output(init.arg("--no-sync"), None);
        Self::start(home)
    }

    /// On the files of another, restored, which it takes.
    #[must_use]
    pub fn on(restored: &Path) -> Self {
        let home = Home::new("postgres");
        home.take(restored);
        Self::start(home)
    }

    fn start(home: Home) -> Self {
        let mut command = home.as_server(&postgres_bin().join("postgres"));
        command.arg("-D").arg(home.data()).args(["-c", "listen_addresses=", "-c", "fsync=off"]);
        command.arg("-c").arg(format!("unix_socket_directories={}", home.path.display()));
        let mut this = Self { server: Server::spawn(command, &home), home };
        let client = this.client("psql", &["--no-psqlrc", "--command=SELECT 1", "postgres"]);
        this.server.wait_for(client, &this.home);
        this
    }

    /// The environment of a user of this server.
    #[must_use]
    pub fn env(&self, user: &str) -> [(&'static str, String); 3] {
        [("PGHOST", self.home.path.display().to_string()), ("PGPORT", "5432".into()), ("PGUSER", user.into())]
    }

    /// A client program, run by the administrator.
    #[must_use]
    pub fn client(&self, program: &str, args: &[&str]) -> Command {
        let mut command = Command::new(postgres_bin().join(program));
        command.args(args).env_clear().envs(self.env("postgres"));
        command
    }

    /// Runs SQL as the administrator and returns what it selects.
    pub fn sql(&self, database: &str, sql: &str) -> String {
        let args = ["--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "--set=ON_ERROR_STOP=1", database];
        output(&mut self.client("psql", &args), Some(sql))
    }

    /// What can be told of a database: a hash of all rows in order of each table, and all that is defined.
    #[must_use]
    pub fn describe(&self, database: &str) -> String {
        let tables = "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' ORDER BY 1";
        let mut text = String::new();
        for table in self.sql(database, tables).lines() {
            let copy = format!("--command=COPY (SELECT * FROM {table} ORDER BY 1) TO STDOUT");
            text += &format!("{table} {}\n", hash(&mut self.client("psql", &["--no-psqlrc", &copy, database])));
        }
        let schema = output(&mut self.client("pg_dump", &["--schema-only", database]), None);
        // Newer versions fence a dump with a random word.
        text + &schema.lines().filter(|line| !line.contains("restrict ")).collect::<Vec<_>>().join("\n")
    }

    /// `kill -9` for the process that serves an application.
    pub fn kill_backend(&self, application: &str) {
        let pid = self.sql("postgres", &format!("SELECT pid FROM pg_stat_activity WHERE application_name = '{application}'"));
        let pid = Pid::from_raw(pid.trim().parse().expect("one process serves the application")).expect("not 0");
        kill_process(pid, Signal::KILL).expect("the process can be killed");
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        // An immediate shutdown: it takes its children with it.
        self.server.end(Signal::QUIT);
    }
}

/// Where the programs of PostgreSQL are: the newest version that is installed. Debian has most of them in no `PATH`.
///
/// # Panics
/// If there is none.
#[must_use]
pub fn postgres_bin() -> PathBuf {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten().map(|version| version.path().join("bin"));
    let number = |bin: &PathBuf| bin.components().rev().nth(1).and_then(|version| version.as_os_str().to_str()?.parse::<u32>().ok());
    let installed = versions.filter(|bin| bin.join("postgres").is_file()).max_by_key(number);
    installed.unwrap_or_else(|| tool("postgres").parent().expect("a program is in a folder").into())
}

/// The folder of a server, which only root and its user can enter.
struct Home {
    path: PathBuf,
    user: &'static str,
    _folder: TempDir,
}

impl Home {
    fn new(user: &'static str) -> Self {
        let folder = tempfile::Builder::new().prefix("dbseal-test-").tempdir().expect("a temporary folder");
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o711)).expect("our folder");
        let home = Self { path: folder.path().join("server"), user, _folder: folder };
        fs::create_dir(&home.path).expect("a folder in our folder");
        fs::set_permissions(&home.path, fs::Permissions::from_mode(0o700)).expect("our folder");
        home.own(&home.path);
        home
    }

    fn data(&self) -> PathBuf {
        self.path.join("data")
    }

    fn socket(&self) -> PathBuf {
        self.path.join("socket")
    }

    fn log(&self) -> PathBuf {
        self.path.join("log")
    }

    fn own(&self, path: &Path) {
        if is_root() {
            output(Command::new("chown").args(["-R", &format!("{0}:{0}", self.user)]).arg(path), None);
        }
    }

    fn take(&self, restored: &Path) {
        fs::rename(restored, self.data()).expect("both are temporary folders");
        self.own(&self.data());
    }

    /// A program run as the server's user, and killed when this thread ends.
    fn as_server(&self, program: &Path) -> Command {
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "KILL"]).current_dir(&self.path).env_clear();
        command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
        // A MariaDB that starts removes the temporary tables of every other one that shares its folder for them.
        command.env("TMPDIR", &self.path);
        if is_root() {
            command.args(["--reuid", self.user, "--regid", self.user, "--clear-groups"]);
        }
        command.arg(program);
        command
    }
}

/// A server's process.
struct Server(Child);

impl Server {
    fn spawn(mut command: Command, home: &Home) -> Self {
        let log = fs::File::create(home.log()).expect("a file in our folder");
        let both = (log.try_clone().expect("a second handle"), log);
        Self(command.stdin(Stdio::null()).stdout(both.0).stderr(both.1).spawn().expect("setpriv starts"))
    }

    /// Waits until the client succeeds.
    fn wait_for(&mut self, mut client: Command, home: &Home) {
        client.stdout(Stdio::null()).stderr(Stdio::null());
        let started = Instant::now();
        while !client.status().expect("the client starts").success() {
            let ended = self.0.try_wait().expect("our child").is_some();
            let log = || fs::read_to_string(home.log()).unwrap_or_default();
            assert!(!ended && started.elapsed() < STARTS, "the server does not start:\n{}", log());
            sleep(Duration::from_millis(50));
        }
    }

    fn end(&mut self, signal: Signal) {
        if let Ok(None) = self.0.try_wait() {
            let _ = kill_process(Pid::from_child(&self.0), signal);
        }
        for _ in 0..200 {
            if !matches!(self.0.try_wait(), Ok(None)) {
                return;
            }
            sleep(Duration::from_millis(50));
        }
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.end(Signal::KILL);
    }
}

/// Runs a command that must succeed, and returns what it prints.
fn output(command: &mut Command, stdin: Option<&str>) -> String {
    let input = if stdin.is_some() { Stdio::piped() } else { Stdio::null() };
    let mut child = command.stdin(input).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program starts");
    if let (Some(mut pipe), Some(text)) = (child.stdin.take(), stdin) {
        // One that does not read all of it says why on its standard error.
        let _ = pipe.write_all(text.as_bytes());
    }
    let output = child.wait_with_output().expect("the program ends");
    assert!(output.status.success(), "{command:?}: {}\n{}", output.status, String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text")
}

/// The SHA-256 of what a command prints, of whatever length; it must succeed.
///
/// # Panics
/// If it does not.
#[must_use]
pub fn hash(command: &mut Command) -> String {
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().expect("the program starts");
    let mut stdout = child.stdout.take().expect("it was asked for");
    let (mut sum, mut len) = (Sha256::new(), 0);
    let mut buffer = vec![0; 1 << 18];
    loop {
        match stdout.read(&mut buffer).expect("a pipe can be read") {
            0 => break,
            read_len => {
                sum.update(&buffer[..read_len]);
                len += read_len;
            }
        }
    }
    let status = child.wait().expect("the program ends");
    assert!(status.success(), "{command:?}: {status}");
    let hex: String = sum.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{len} bytes, SHA-256 {hex}")
}
