//! Questions to the person at the terminal, whatever standard input is.

use std::fs::File;
use std::io::{self, BufRead, BufReader, IsTerminal, Read, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use dbseal_core::Passphrase;
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use zeroize::Zeroizing;

use super::ui::printable;
use crate::error::JobError;
use crate::keys::AskPassphrase;

static PAUSING: AtomicBool = AtomicBool::new(false);

/// Bytes in a passphrase, at most: reserved at once, since growing would leave copies behind.
const MAX_PASSPHRASE_LEN: usize = 4096;

/// The person at the terminal.
pub(super) struct Terminal;

impl Terminal {
    pub(super) fn is_there() -> bool {
        io::stdin().is_terminal() && File::open("/dev/tty").is_ok()
    }

    /// Asks whether something is meant; no answer is no.
    pub(super) fn confirm(&self, what: &str) -> Result<bool, JobError> {
        let mut terminal = File::options().read(true).write(true).open("/dev/tty").map_err(|_| JobError::NobodyToAsk)?;
        let failed = |error| JobError::read("the answer from the terminal", error);
        write!(terminal, "{} Type yes if that is meant: ", printable(what)).map_err(failed)?;
        let mut line = String::new();
        BufReader::new(terminal).take(MAX_PASSPHRASE_LEN as u64).read_line(&mut line).map_err(failed)?;
        Ok(line.trim() == "yes")
    }

    /// Waits for Enter. All that was to be written is there by then, and a signal ends the process all the same ([`is_pausing`]).
    pub(super) fn pause(&self, what: &str) -> Result<(), JobError> {
        PAUSING.store(true, Ordering::Release);
        let result = self.wait_for_enter(what);
        PAUSING.store(false, Ordering::Release);
        result
    }

    fn wait_for_enter(&self, what: &str) -> Result<(), JobError> {
        let failed = |error| JobError::read("the answer from the terminal", error);
        let mut terminal = File::options().read(true).write(true).open("/dev/tty").map_err(|_| JobError::NobodyToAsk)?;
        writeln!(terminal, "{what}").map_err(failed)?;
        BufReader::new(terminal).take(MAX_PASSPHRASE_LEN as u64).read_line(&mut String::new()).map_err(failed).map(drop)
    }

    /// Asks twice for a new passphrase; `None` for an empty one.
    pub(super) fn ask_new(&self, what: &str, note: &str) -> Result<Option<Passphrase>, JobError> {
        let first = read_passphrase(&format!("passphrase for {what}{note}"), what)?;
        if first.is_empty() {
            return Ok(None);
        }
        if read_passphrase("the same passphrase again", what)? != first {
            return Err(JobError::PassphrasesDiffer);
        }
        Ok(Some(passphrase(first)))
    }
}

/// Whether somebody is waited for who is shown one thing after the other.
pub(super) fn is_pausing() -> bool {
    PAUSING.load(Ordering::Acquire)
}

impl AskPassphrase for Terminal {
    fn ask(&self, what: &str) -> Result<Passphrase, JobError> {
        let text = read_passphrase(&format!("passphrase for {what}"), what)?;
        if text.is_empty() { Err(JobError::EmptyPassphrase) } else { Ok(passphrase(text)) }
    }
}

/// Asks for the passphrase of `what`.
fn read_passphrase(prompt: &str, what: &str) -> Result<Zeroizing<String>, JobError> {
    let terminal = File::options().read(true).write(true).open("/dev/tty").map_err(|_| JobError::NoTerminal(what.into()))?;
    ask_unseen(terminal, prompt).map_err(|error| JobError::read("the passphrase from the terminal", error))
}

/// Asks with the echo off before the prompt shows: what is typed at the first sight of it is not seen either.
fn ask_unseen(mut terminal: File, prompt: &str) -> io::Result<Zeroizing<String>> {
    let _hidden = HiddenEcho::on(&terminal)?;
    write!(terminal, "{}: ", printable(prompt))?;
    let mut line = Zeroizing::new(String::with_capacity(MAX_PASSPHRASE_LEN));
    let read_len = BufReader::with_capacity(1, &terminal).take(MAX_PASSPHRASE_LEN as u64).read_line(&mut line)?;
    writeln!(terminal)?;
    // Ctrl-D is no answer; taken for an empty line it would leave a key without protection.
    if read_len == 0 {
        return Err(io::Error::other("it was closed"));
    }
    let len = line.trim_end_matches(['\r', '\n']).len();
    line.truncate(len);
    Ok(line)
}

/// What the terminal was like before a question, while one is asked.
static BEFORE: Mutex<Option<(File, Termios)>> = Mutex::new(None);

/// While it lives, the terminal does not show what is typed.
struct HiddenEcho;

impl HiddenEcho {
    fn on(terminal: &File) -> io::Result<Self> {
        let before = tcgetattr(terminal)?;
        let mut hidden = before.clone();
        hidden.local_modes.remove(LocalModes::ECHO);
        *BEFORE.lock().unwrap_or_else(PoisonError::into_inner) = Some((terminal.try_clone()?, before));
        tcsetattr(terminal, OptionalActions::Flush, &hidden)?;
        Ok(Self)
    }
}

impl Drop for HiddenEcho {
    fn drop(&mut self) {
        restore();
    }
}

/// Puts the terminal back as it was before a question; also for whoever ends the process in the middle of one.
pub(super) fn restore() {
    if let Some((terminal, before)) = BEFORE.lock().unwrap_or_else(PoisonError::into_inner).take() {
        let _ = tcsetattr(&terminal, OptionalActions::Now, &before);
    }
}

fn passphrase(mut text: Zeroizing<String>) -> Passphrase {
    Passphrase::new(std::mem::take(&mut *text))
}
