//! The voice of the command. Questions go to the terminal, data to standard output, everything else to standard error;
//! lower case, no full stop. An error says what happened, a `hint:` what to do. Silence where nobody watches.

use std::io::{self, IsTerminal, Write};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use dbseal_core::{SourceKind, UnwrapError};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::json;
use zeroize::Zeroizing;

use super::advice::{Exit, exit, hint};
use super::answers::signed;
use super::{json_text, salvaged};
use crate::adopt::Adopted;
use crate::decrypt::{DecryptRequest, Decrypted};
use crate::destination::Destination;
use crate::encrypt::{EncryptRequest, Encrypted};
use crate::error::JobError;
use crate::inspect::{InspectedSeal, Inspection, Payload};
use crate::keygen::{Generated, KeygenRequest};
use crate::report::Observer;
use crate::salvage::SalvageReport;
use crate::shares::share_path;

/// How the command speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Voice {
    /// Words, and progress on a terminal.
    Words,
    /// Errors only.
    Quiet,
    /// JSON, one event a line.
    Json,
}

/// Recipients that a person is shown; a machine gets them all.
const MAX_RECIPIENTS: usize = 64;

/// How often progress is told in JSON.
const EVENT_INTERVAL: Duration = Duration::from_secs(1);

pub(super) struct Ui {
    voice: Voice,
    /// The command that runs, once that is known.
    command: Option<&'static str>,
    bar: ProgressBar,
    interrupted: AtomicBool,
    events: Mutex<Events>,
}

struct Events {
    read_len: u64,
    total_len: Option<u64>,
    last: Instant,
}

impl Ui {
    pub(super) fn new(voice: Voice, command: Option<&'static str>) -> Self {
        Self {
            voice,
            command,
            bar: ProgressBar::hidden(),
            interrupted: AtomicBool::new(false),
            events: Mutex::new(Events { read_len: 0, total_len: None, last: Instant::now() }),
        }
    }

    pub(super) fn clear_progress(&self) {
        self.bar.finish_and_clear();
    }

    /// Leaves the last word to [`Ui::interrupted`]: that the dump was killed, since we killed it, is no news.
    pub(super) fn interrupt(&self) {
        self.interrupted.store(true, Ordering::SeqCst);
    }

    pub(super) fn error(&self, error: &JobError) {
        while self.interrupted.load(Ordering::SeqCst) {
            std::thread::park(); // the signal's thread ends the process
        }
        self.failure(&error.to_string(), hint(error, self.command).as_deref(), error.stderr_tail(), exit(error));
    }

    /// What ends the command: a sentence, what to do about it, and the last words of the child that failed.
    pub(super) fn failure(&self, message: &str, hint: Option<&str>, child_stderr: Option<&str>, exit: Exit) {
        match self.voice {
            Voice::Json => self.event(&json!({
                "event": "error", "message": message, "hint": hint, "child_stderr": child_stderr, "exit": exit as i32,
            })),
            Voice::Words | Voice::Quiet => {
                let mut text = format!("dbseal: error: {}\n", printable(message));
                // Where the child's words were passed on as they came, they stand above already.
                if self.voice == Voice::Quiet
                    && let Some(tail) = child_stderr
                {
                    for line in tail.lines() {
                        text += &format!("dbseal:   | {}\n", printable(line));
                    }
                }
                if let Some(hint) = hint {
                    text += &format!("dbseal: hint: {hint}\n");
                }
                self.to_stderr(text.as_bytes());
            }
        }
    }

    /// `hint` is what to make of what there is.
    pub(super) fn interrupted(&self, hint: &str) {
        self.clear_progress();
        self.failure("interrupted", Some(hint), None, Exit::Refused);
    }

    /// # Errors
    /// Where what the job leaves to say cannot be said: a new key that was written nowhere is lost.
    pub(super) fn outcome(&self, outcome: &Outcome, duration: Duration) -> Result<(), JobError> {
        let data = if self.voice == Voice::Json { outcome.json_data.as_deref() } else { outcome.data.as_ref().map(|data| data.as_str()) };
        if let Some(data) = data {
            let mut stdout = io::stdout();
            let written = stdout.write_all(data.as_bytes()).and_then(|()| stdout.flush());
            written.map_err(|error| JobError::write("standard output", error))?;
        }
        match self.voice {
            Voice::Json if outcome.json_data.is_none() => self.event(&json!({
                "event": "done", "read_bytes": outcome.read_len, "written_bytes": outcome.written_len, "seconds": duration.as_secs_f64(),
            })),
            Voice::Words if io::stderr().is_terminal() => {
                if let Some(summary) = &outcome.summary {
                    self.to_stderr(format!("dbseal: {summary}\n").as_bytes());
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// What is lost, for standard error: whoever reads it has to know, terminal or not.
    pub(super) fn salvaged(&self, report: &SalvageReport) {
        match self.voice {
            Voice::Json => self.event(&salvaged::json_event(report)),
            Voice::Words | Voice::Quiet => self.to_stderr(salvaged::words(report).as_bytes()),
        }
    }

    /// An answer for standard output, while the job goes on.
    ///
    /// # Errors
    /// Where it cannot be written: nobody would hear of it.
    pub(super) fn answer(&self, words: &str, json: &str) -> Result<(), JobError> {
        let text = if self.voice == Voice::Json { json } else { words };
        let mut stdout = io::stdout();
        let write = || stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush());
        self.bar.suspend(write).map_err(|error| JobError::write("standard output", error))
    }

    fn event(&self, event: &serde_json::Value) {
        self.to_stderr(json_text::line(event).as_bytes());
    }

    fn to_stderr(&self, bytes: &[u8]) {
        self.bar.suspend(|| {
            let _ = io::stderr().write_all(bytes);
        });
    }
}

impl Observer for Ui {
    fn started(&self, total_len: Option<u64>) {
        // What was read to get here, a header, is not part of the work.
        let mut events = self.events.lock().unwrap_or_else(PoisonError::into_inner);
        *events = Events { read_len: 0, total_len, last: Instant::now() };
        self.bar.reset();
        if self.voice == Voice::Json {
            self.event(&json!({"event": "started", "total_bytes": total_len}));
        }
        if self.voice == Voice::Words && io::stderr().is_terminal() {
            let template = match total_len {
                Some(_) => "{bytes} of {total_bytes}  {percent}%  {bytes_per_sec}  {eta} left",
                None => "{bytes}  {bytes_per_sec}  {elapsed}",
            };
            self.bar.set_style(ProgressStyle::with_template(template).expect("a constant template"));
            self.bar.set_draw_target(ProgressDrawTarget::stderr_with_hz(5));
            if let Some(total_len) = total_len {
                self.bar.set_length(total_len);
            }
            self.bar.enable_steady_tick(Duration::from_millis(200));
        }
    }

    fn advanced(&self, len: u64) {
        self.bar.inc(len);
        if self.voice == Voice::Json {
            let mut events = self.events.lock().unwrap_or_else(PoisonError::into_inner);
            events.read_len += len;
            if events.last.elapsed() >= EVENT_INTERVAL {
                events.last = Instant::now();
                self.event(&json!({"event": "progress", "read_bytes": events.read_len, "total_bytes": events.total_len}));
            }
        }
    }

    fn waiting(&self, program: &str) {
        if self.voice == Voice::Words {
            self.bar.set_style(ProgressStyle::with_template("waiting for {msg} to end  {elapsed}").expect("a constant template"));
            self.bar.set_message(printable(program));
        }
    }

    fn child_stderr(&self, bytes: &[u8]) {
        if self.voice == Voice::Words {
            self.to_stderr(bytes);
        }
    }

    fn compressed(&self) {
        self.warning("what comes out is compressed with zstd: --decompress gives the data itself");
    }

    fn warning(&self, text: &str) {
        match self.voice {
            Voice::Words => self.to_stderr(format!("dbseal: warning: {}\n", printable(text)).as_bytes()),
            Voice::Json => self.event(&json!({"event": "warning", "message": text})),
            Voice::Quiet => {}
        }
    }

    fn note(&self, text: &str) {
        match self.voice {
            Voice::Words => self.to_stderr(format!("dbseal: note: {}\n", printable(text)).as_bytes()),
            Voice::Json => self.event(&json!({"event": "note", "message": text})),
            Voice::Quiet => {}
        }
    }
}

/// A text on one line, with what a terminal would obey, or write from right to left, made visible: a file's name may be chosen
/// by whoever can write to the storage.
pub(super) fn printable(text: &str) -> String {
    let mut printable = String::with_capacity(text.len());
    for character in text.chars() {
        if is_plain(character) { printable.push(character) } else { printable.extend(character.escape_default()) }
    }
    printable
}

/// Whether a terminal shows this, and neither obeys it nor writes from right to left by it.
pub(super) fn is_plain(character: char) -> bool {
    !character.is_control() && !matches!(character, '\u{61c}' | '\u{200e}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// What a job leaves to say.
pub(super) struct Outcome {
    /// Bytes read, for the metrics.
    pub(super) read_len: u64,
    /// Bytes written, for the metrics.
    pub(super) written_len: u64,
    /// For standard output; may be a secret.
    data: Option<Zeroizing<String>>,
    json_data: Option<String>,
    /// For a person at a terminal.
    summary: Option<String>,
    /// What was found is not good.
    pub(super) verdict: Option<JobError>,
}

impl Outcome {
    pub(super) fn encrypted(request: &EncryptRequest, done: Encrypted) -> Self {
        let to = match &request.destination {
            Destination::File { path, .. } => format!(" to {}", printable(&path.display().to_string())),
            _ => String::new(),
        };
        let summary = format!("encrypted {} bytes{to}", done.read_len);
        Self { read_len: done.read_len, written_len: done.written_len, data: None, json_data: None, summary: Some(summary), verdict: None }
    }

    pub(super) fn decrypted(request: &DecryptRequest<'_>, done: Decrypted) -> Self {
        let to = match &request.destination {
            Destination::File { path, .. } => format!(" to {}", printable(&path.display().to_string())),
            _ => String::new(),
        };
        let made_by = done.made_by.map(|name| format!(", made by {name}")).unwrap_or_default();
        let summary = format!("decrypted {} bytes{to}{made_by}", done.written_len);
        Self { read_len: done.read_len, written_len: done.written_len, data: None, json_data: None, summary: Some(summary), verdict: None }
    }

    pub(super) fn inspected(inspection: &Inspection) -> Self {
        let json = json_text::lines(inspection);
        let verdict = match inspection.payload {
            Some(Payload::MarkedFailed { .. } | Payload::CutOff { .. }) => Some(JobError::NotComplete(inspection.file.clone())),
            _ if inspection.lens_that_differ().is_some_and(|(len, sealed_len)| len < sealed_len) => {
                Some(JobError::NotComplete(inspection.file.clone()))
            }
            _ => match inspection.payload_fault {
                Some(error) => Some(JobError::Payload { what: inspection.file.clone(), error }),
                None if inspection.keys_tried && inspection.opened_by.is_none() => {
                    Some(JobError::Unwrap { what: inspection.file.clone(), error: UnwrapError::NoMatch })
                }
                None => None,
            },
        };
        Self { read_len: 0, written_len: 0, data: Some(describe(inspection).into()), json_data: Some(json), summary: None, verdict }
    }

    pub(super) fn generated(request: &KeygenRequest, generated: Generated) -> Self {
        let shown = |path: &Path| printable(&path.display().to_string());
        let recipient = "recipient (public, for the database host)";
        let words = match request {
            KeygenRequest::Signing { path, .. } => path.as_ref().map(|path| {
                (format!("signing key (private, for this host alone): {}", shown(path)), "verifier key (public, for whoever checks)")
            }),
            KeygenRequest::Identity { path, .. } => {
                path.as_ref().map(|path| (format!("identity (private, keep it offline): {}", shown(path)), recipient))
            }
            KeygenRequest::Shares { path, counts, .. } => {
                let [first, last] = [1, counts.count].map(|number| shown(&share_path(path, number)));
                Some((format!("shares (each for somebody else, {} open): {first} to {last}", counts.threshold), recipient))
            }
        };
        let (data, summary) = match (words, &generated.recipient_path) {
            (Some((private, public)), Some(recipient_path)) => {
                let mut summary = format!("{private}\ndbseal: {public}: {}", shown(recipient_path));
                if let Some(path) = &generated.succession_path {
                    summary += &format!("\ndbseal: succession (public, for whoever checks): {}", shown(path));
                }
                (Zeroizing::new(generated.recipient + "\n"), Some(summary))
            }
            _ => (generated.identity_file, None),
        };
        Self { read_len: 0, written_len: 0, data: Some(data), json_data: None, summary, verdict: None }
    }

    pub(super) fn adopted(adopted: &Adopted) -> Self {
        let summary = format!("sealed: {}", printable(&adopted.seal.display().to_string()));
        Self { read_len: adopted.read_len, written_len: 0, data: None, json_data: None, summary: Some(summary), verdict: None }
    }

    pub(super) fn salvaged(report: &SalvageReport) -> Self {
        let verdict = Some(match (report.is_whole(), report.unsealed.is_empty()) {
            (false, _) => JobError::SalvagedInPart,
            (true, false) => JobError::SalvagedUnsealed,
            (true, true) => JobError::SalvagedWhole,
        });
        let (read_len, written_len) = (report.read_len, report.written_len);
        Self { read_len, written_len, data: None, json_data: Some(String::new()), summary: None, verdict }
    }

    /// All was told already.
    pub(super) fn told() -> Self {
        Self::verified(None)
    }

    /// The answers were given already.
    pub(super) fn verified(verdict: Option<JobError>) -> Self {
        Self { read_len: 0, written_len: 0, data: None, json_data: Some(String::new()), summary: None, verdict }
    }

    #[expect(clippy::needless_pass_by_value, reason = "mapped over a result")]
    pub(super) fn public_halves(halves: Vec<String>) -> Self {
        let data: String = halves.iter().map(|half| format!("{half}\n")).collect();
        Self { read_len: 0, written_len: 0, data: Some(data.into()), json_data: None, summary: None, verdict: None }
    }
}

fn source_words(source: SourceKind) -> &'static str {
    match source {
        SourceKind::Command => "a dump that dbseal ran, and that exited with status 0",
        SourceKind::File => "a file",
        SourceKind::Stdin => "standard input",
    }
}

fn describe(inspection: &Inspection) -> String {
    let mut lines = vec![("format", format!("{}{}", inspection.format, if inspection.armored { ", armored" } else { "" }))];
    let strength = if inspection.post_quantum { " (post-quantum)" } else { "" };
    let nobody = match inspection.stanzas_for_nobody {
        0 => String::new(),
        1 => ", and 1 stanza for nobody".into(),
        count => format!(", and {count} stanzas for nobody"),
    };
    let shown = &inspection.recipients[..inspection.recipients.len().min(MAX_RECIPIENTS)];
    let more = match inspection.recipients.len() - shown.len() {
        0 => String::new(),
        count => format!(" and {count} more"),
    };
    lines.push(("recipients", format!("{}: {}{more}{strength}{nobody}", inspection.recipients.len(), shown.join(", "))));
    let padded = if inspection.padded { ", padded: recipients can change in place" } else { "" };
    lines.push(("header", format!("{} bytes{padded}", inspection.header_bytes)));
    match inspection.payload {
        Some(Payload::Plausible { section_bytes, chunks, plaintext_bytes }) => {
            lines.push(("payload", format!("{section_bytes} bytes in {chunks} chunks")));
            lines.push(("plaintext", format!("{plaintext_bytes} bytes, by the file's length: not verified")));
        }
        Some(Payload::MarkedFailed { section_bytes }) => {
            lines.push(("payload", format!("{section_bytes} bytes; NOT COMPLETE: dbseal failed, was stopped, or is still writing it")));
        }
        Some(Payload::CutOff { section_bytes }) => lines.push(("payload", format!("{section_bytes} bytes; NOT COMPLETE: it was cut off"))),
        None => lines.push(("payload", "of a length that only reading all of it would show".into())),
    }
    if let Some((len, sealed_len)) = inspection.lens_that_differ() {
        let what = if len < sealed_len { "NOT COMPLETE" } else { "NOT WHAT WAS SEALED" };
        lines.push(("", format!("{what}: by its seal the payload has {sealed_len} bytes")));
    }
    match &inspection.seal {
        Some(InspectedSeal::Says { first, .. }) => {
            let by = first.signer().map(ToString::to_string).unwrap_or_default();
            lines.push(("seal", format!("NOT CHECKED, dbseal verify does: {}", signed(first, &by))));
            if let Some(source) = first.source() {
                lines.push(("source", format!("{}, by the seal", source_words(source))));
            }
        }
        Some(InspectedSeal::Broken { why }) => lines.push(("seal", format!("BROKEN: {why}"))),
        Some(InspectedSeal::Unreadable { why }) => lines.push(("seal", format!("NOT READ: {why}"))),
        None => {}
    }
    match &inspection.opened_by {
        Some(key) => {
            let fault = inspection.payload_fault.map(|fault| format!(", but its payload DOES NOT OPEN: {fault}")).unwrap_or_default();
            lines.push(("opened by", format!("{key}{fault}")));
        }
        None if inspection.keys_tried => lines.push(("opened by", "none of the given keys".into())),
        None => {}
    }
    lines.iter().map(|(name, value)| format!("{:<12}{}\n", format!("{name}:"), printable(value))).collect()
}
