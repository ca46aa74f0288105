//! What a job leaves for a monitoring system.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use crate::destination::{Destination, Overwrite};
use crate::error::JobError;
use crate::output::PendingFile;

/// A file in the Prometheus text format, for the textfile collector of node_exporter.
#[derive(Clone, Debug)]
pub struct Metrics {
    path: PathBuf,
}

/// How a file of our metrics starts.
const START: &[u8] = b"# HELP dbseal_";
/// Bytes of a file of metrics that are read, at most.
const MAX_LEN: u64 = 64 << 10;
const LAST_SUCCESS: &str = "dbseal_last_success_timestamp_seconds";

impl Metrics {
    /// Metrics that go to `path`, which the collector expects to end in `.prom`.
    #[must_use]
    pub fn new(path: &Path) -> Self {
        Self { path: path.into() }
    }

    /// Replaces the file, at once and as a whole. `command` is what ran, such as `encrypt`; `done` is how many bytes were read
    /// and written if it succeeded. A failure keeps the time of the last success, so that an alert on its age fires.
    ///
    /// The file's own name, without its extension, tells its series from those of the other backups of the host. (The label
    /// `job` is Prometheus' own.)
    ///
    /// # Errors
    /// Where the file cannot be written.
    pub fn write(&self, command: &str, duration: Duration, done: Option<(u64, u64)>) -> Result<(), JobError> {
        self.check()?;
        let name = self.path.file_stem().unwrap_or_default().to_string_lossy();
        let name = name.replace('\\', r"\\").replace('"', r#"\""#).replace('\n', r"\n");
        let labels = format!("{{command=\"{command}\",name=\"{name}\"}}");
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs();
        let last_success = if done.is_some() { Some(now.to_string()) } else { self.last_success(&labels) };
        let mut text = String::new();
        let mut gauge = |name: &str, help: &str, value: &str| {
            let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} gauge\n{name}{labels} {value}");
        };
        gauge("dbseal_success", "Whether the last run succeeded.", if done.is_some() { "1" } else { "0" });
        gauge("dbseal_last_run_timestamp_seconds", "When the last run ended.", &now.to_string());
        if let Some(last_success) = last_success {
            gauge(LAST_SUCCESS, "When the last successful run ended.", &last_success);
        }
        gauge("dbseal_duration_seconds", "How long the last run took.", &format!("{:.3}", duration.as_secs_f64()));
        if let Some((read_len, written_len)) = done {
            gauge("dbseal_read_bytes", "Bytes that the last run read.", &read_len.to_string());
            gauge("dbseal_written_bytes", "Bytes that the last run wrote.", &written_len.to_string());
        }
        let mut file = PendingFile::create_report(&self.path)?;
        file.write_all(text.as_bytes())?;
        file.commit()
    }

    /// Refuses, before the job starts, a name under which no metrics can be written, or where something else lies: a mistyped
    /// name must not cost a backup.
    ///
    /// # Errors
    /// A folder, a device, a folder that is missing, a file that holds no metrics of ours.
    pub fn check(&self) -> Result<(), JobError> {
        Destination::check_file(&self.path, Overwrite::Allowed)?;
        let mut start = Vec::new();
        match File::open(&self.path).and_then(|file| file.take(START.len() as u64).read_to_end(&mut start)) {
            Ok(0) => Ok(()),
            Ok(_) if start == START => Ok(()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Ok(_) => Err(JobError::NotMetrics(self.path.clone())),
            Err(error) => Err(JobError::open(&self.path, error)),
        }
    }

    fn last_success(&self, labels: &str) -> Option<String> {
        let mut text = String::new();
        File::open(&self.path).ok()?.take(MAX_LEN).read_to_string(&mut text).ok()?;
        let value = text.lines().find_map(|line| line.strip_prefix(LAST_SUCCESS)?.strip_prefix(labels))?.trim();
        value.parse::<u64>().ok().map(|seconds| seconds.to_string())
    }
}
