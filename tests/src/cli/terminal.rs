//! A terminal, and a person at it.

use std::ffi::OsString;
use std::fs::File;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::process::{Child, Stdio};
use std::time::Duration;

use rustix::fs::OFlags;
use rustix::pty::OpenptFlags;
use rustix::termios::{LocalModes, tcgetattr};

use super::run::Run;
use super::running::{Collected, Ended, wait};

impl Run {
    /// Runs it at a terminal of its own, where a person answers questions: when the first text of a pair is on the screen,
    /// the second is typed. Standard input, output and error are that terminal. What is on the screen is in
    /// [`Ended::stdout`].
    ///
    /// # Panics
    /// If there is no terminal to be had, or a question does not come.
    #[must_use]
    pub fn run_at_terminal(self, answers: &[(&str, &str)]) -> Ended {
        let mut running = self.start_at_terminal();
        for (question, answer) in answers {
            running.wait_for(question);
            running.enter(&format!("{answer}\n"));
        }
        running.end()
    }

    /// Starts it at such a terminal.
    ///
    /// # Panics
    /// If there is none to be had.
    #[must_use]
    pub fn start_at_terminal(self) -> AtTerminal {
        let pty = rustix::pty::openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).expect("a terminal");
        rustix::pty::grantpt(&pty).and_then(|()| rustix::pty::unlockpt(&pty)).expect("a terminal");
        let name = rustix::pty::ptsname(&pty, Vec::new()).expect("a terminal").into_string().expect("ASCII");
        let side = || -> Stdio {
            let no_tty = OFlags::NOCTTY.bits().cast_signed();
            File::options().read(true).write(true).custom_flags(no_tty).open(&name).expect("the terminal's other end").into()
        };
        // setsid, of util-linux, makes it the controlling terminal, which is what a program finds at `/dev/tty`.
        // Where the tests run in the background, a shell had Ctrl-C ignored; env, of coreutils, undoes that.
        let start = ["--ctty", "--wait", "env", "--default-signal"].map(OsString::from);
        let args = [&start[..], std::slice::from_ref(&self.program), &self.args].concat();
        let mut command = self.command("setsid".as_ref(), &args);
        let child = command.stdin(side()).stdout(side()).stderr(side()).spawn().expect("setsid starts");
        // It holds the other end, and the screen would wait for that to close.
        drop(command);
        let keyboard = File::from(pty.try_clone().expect("a second handle"));
        AtTerminal { child, keyboard, screen: Collected::from(File::from(pty)), read_len: 0, limit: self.limit }
    }
}

/// A program that runs at a terminal.
pub struct AtTerminal {
    child: Child,
    keyboard: File,
    screen: Collected,
    /// Bytes of the screen that were waited for.
    read_len: usize,
    limit: Duration,
}

impl AtTerminal {
    /// Waits until this is on the screen, after what was waited for before.
    pub fn wait_for(&mut self, text: &str) {
        self.read_len = self.screen.wait_for(text, self.read_len);
    }

    /// Presses these keys; Ctrl-C is `"\x03"`.
    ///
    /// # Panics
    /// If the terminal does not take them.
    pub fn enter(&mut self, keys: &str) {
        self.keyboard.write_all(keys.as_bytes()).expect("the terminal takes it");
    }

    /// Whether the terminal shows what is typed.
    ///
    /// # Panics
    /// If that cannot be told.
    #[must_use]
    pub fn has_echo(&self) -> bool {
        tcgetattr(&self.keyboard).expect("it is a terminal").local_modes.contains(LocalModes::ECHO)
    }

    /// Waits until it has ended, and leaves the terminal as it is.
    pub fn wait_for_end(&mut self) {
        let _ = wait(&mut self.child, self.limit);
    }

    /// Waits for its end.
    #[must_use]
    pub fn end(mut self) -> Ended {
        let status = wait(&mut self.child, self.limit);
        Ended { status, stdout: self.screen.end(), stderr: String::new() }
    }
}
