//! How much memory the process took that a page runs in.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use super::{Browser, Kind};

impl Browser {
    /// The most bytes of resident memory that any process had so far in which this browser runs pages and their workers, its program
    /// and what it shares with others included.
    ///
    /// # Panics
    /// If there is no such process.
    #[must_use]
    pub fn renderer_peak(&self) -> u64 {
        let peaks = self.renderers().into_iter().filter_map(peak_of);
        peaks.max().unwrap_or_else(|| panic!("{:?} has a process for its page", self.kind()))
    }

    /// The processes in which this browser runs pages and their workers.
    #[must_use]
    pub fn renderers(&self) -> Vec<u32> {
        descendants(self.driver_pid()).into_iter().filter(|pid| self.runs_pages(*pid)).collect()
    }

    /// What names all processes of this browser each time, its driver's among them.
    pub fn pids(&self) -> impl Fn() -> Vec<u32> + Send + use<> {
        let driver = self.driver_pid();
        move || descendants(driver)
    }

    fn runs_pages(&self, pid: u32) -> bool {
        let Ok(line) = fs::read(format!("/proc/{pid}/cmdline")) else { return false };
        // Chromium writes its arguments as one, with spaces, and Firefox says in the last one what a process is for.
        let line = String::from_utf8_lossy(&line).replace('\0', " ");
        match self.kind() {
            Kind::Chromium => line.contains("--type=renderer"),
            Kind::Firefox => line.contains("-contentproc") && line.trim_end().ends_with(" tab"),
            Kind::WebKit | Kind::Desktop => line.contains("WebKitWebProcess"),
        }
    }
}

/// All processes below one, and itself.
///
/// # Panics
/// If the processes cannot be listed.
#[must_use]
pub fn descendants(root: u32) -> Vec<u32> {
    let mut children: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
    let names = fs::read_dir("/proc").expect("processes").flatten().map(|entry| entry.file_name());
    for pid in names.filter_map(|name| name.to_str()?.parse().ok()) {
        if let Some(parent) = status(pid, "PPid:").and_then(|parent| u32::try_from(parent).ok()) {
            children.entry(parent).or_default().push(pid);
        }
    }
    let (mut found, mut next) = (Vec::new(), vec![root]);
    while let Some(pid) = next.pop() {
        next.extend(children.get(&pid).into_iter().flatten());
        found.push(pid);
    }
    found
}

/// Bytes.
fn peak_of(pid: u32) -> Option<u64> {
    status(pid, "VmHWM:").map(|kib| kib * 1024)
}

/// The number behind a word in what the kernel says of a process.
fn status(pid: u32, word: &str) -> Option<u64> {
    let status = fs::read_to_string(Path::new("/proc").join(pid.to_string()).join("status")).ok()?;
    status.lines().find_map(|line| line.strip_prefix(word))?.split_whitespace().next()?.parse().ok()
}
