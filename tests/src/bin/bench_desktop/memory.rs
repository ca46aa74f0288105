//! How much memory all processes of the app take together.

use std::collections::BTreeMap;
use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// Between two looks at all of them.
const INTERVAL: Duration = Duration::from_millis(50);

/// Looks at them until it is asked.
pub(crate) struct Sampler {
    ends: Arc<AtomicBool>,
    sampling: JoinHandle<Peak>,
}

/// The most that they took at one time.
#[derive(Clone, Debug, Default)]
pub(crate) struct Peak {
    /// Bytes.
    pub(crate) len: u64,
    /// And of each kind of process at that time.
    pub(crate) parts: BTreeMap<String, u64>,
    /// Whether some told only what is resident, and so what they share more than once.
    pub(crate) is_above: bool,
}

impl Sampler {
    /// Begins, with what `processes` names at each look.
    pub(crate) fn start(processes: impl Fn() -> Vec<u32> + Send + 'static) -> Self {
        let ends = Arc::new(AtomicBool::new(false));
        let is_over = Arc::clone(&ends);
        let sampling = thread::spawn(move || {
            let mut peak = Peak::default();
            while !is_over.load(Ordering::Relaxed) {
                let now = Peak::of(&processes());
                if now.len > peak.len {
                    peak = now;
                }
                thread::sleep(INTERVAL);
            }
            peak
        });
        Self { ends, sampling }
    }

    pub(crate) fn end(self) -> Peak {
        self.ends.store(true, Ordering::Relaxed);
        self.sampling.join().expect("it looks on")
    }
}

impl Peak {
    fn of(processes: &[u32]) -> Self {
        let mut all = Self::default();
        for pid in processes {
            // One that has ended meanwhile.
            let Ok(line) = fs::read(format!("/proc/{pid}/cmdline")) else { continue };
            let Some(kind) = kind_of(&String::from_utf8_lossy(&line)) else { continue };
            let (len, is_above) = match proportional_len(*pid) {
                Some(len) => (len, false),
                None => (resident_len(*pid).unwrap_or_default(), true),
            };
            all.len += len;
            all.is_above |= is_above;
            *all.parts.entry(kind.into()).or_default() += len;
        }
        all
    }
}

/// What a process is of the app by its command line, if it is one of its own and not of the driver's.
fn kind_of(line: &str) -> Option<&'static str> {
    let program = line.split('\0').next()?.rsplit('/').next()?;
    match program {
        "dbseal-desktop" if line.contains("//do-a-job//") => Some("job"),
        "dbseal-desktop" => Some("window"),
        "WebKitWebProcess" => Some("page"),
        "WebKitNetworkProcess" => Some("network"),
        "WebKitGPUProcess" => Some("drawing"),
        _ => None,
    }
}

/// Bytes, of which those that it shares count in part (proc_pid_smaps_rollup(5)). Of a process that lets nobody look into it, only root is
/// told.
fn proportional_len(pid: u32) -> Option<u64> {
    kib_of(&format!("/proc/{pid}/smaps_rollup"), "Pss:")
}

fn resident_len(pid: u32) -> Option<u64> {
    kib_of(&format!("/proc/{pid}/status"), "VmRSS:")
}

fn kib_of(path: &str, word: &str) -> Option<u64> {
    let text = fs::read_to_string(path).ok()?;
    let kib: u64 = text.lines().find_map(|line| line.strip_prefix(word))?.split_whitespace().next()?.parse().ok()?;
    Some(kib * 1024)
}
