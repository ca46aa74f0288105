//! A terminal, and a person at it.

use std::fs;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::process::Stdio;

use rustix::fs::OFlags;
use rustix::pty::OpenptFlags;

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
        let pty = rustix::pty::openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).expect("a terminal");
        rustix::pty::grantpt(&pty).and_then(|()| rustix::pty::unlockpt(&pty)).expect("a terminal");
        let name = rustix::pty::ptsname(&pty, Vec::new()).expect("a terminal").into_string().expect("ASCII");
        let side = || -> Stdio {
            let no_tty = OFlags::NOCTTY.bits().cast_signed();
            fs::File::options().read(true).write(true).custom_flags(no_tty).open(&name).expect("the terminal's other end").into()
        };
        // setsid, of util-linux, makes it the controlling terminal, which is what a program finds at `/dev/tty`.
        let args = [&["--ctty".into(), "--wait".into(), self.program.clone()], &self.args[..]].concat();
        let mut command = self.command("setsid".as_ref(), &args);
        let mut child = command.stdin(side()).stdout(side()).stderr(side()).spawn().expect("setsid starts");
        // It holds the other end, and the screen would wait for that to close.
        drop(command);
        let mut keyboard = fs::File::from(pty.try_clone().expect("a second handle"));
        let screen = Collected::from(fs::File::from(pty));
        let mut read_len = 0;
        for (question, answer) in answers {
            read_len = screen.wait_for(question, read_len);
            keyboard.write_all(format!("{answer}\n").as_bytes()).expect("the terminal takes it");
        }
        let status = wait(&mut child);
        Ended { status, stdout: screen.end(), stderr: String::new() }
    }
}
