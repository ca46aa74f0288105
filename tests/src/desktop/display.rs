//! A display that nobody sees, and the keyboard in front of it.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use super::close_request::ask_to_close;
use crate::browser::wait_for;
use crate::tools::tool;

/// How often it is looked whether a dialog has gone before Enter is pressed once more.
const LOOKS_BEFORE_AGAIN: u32 = 20;
/// How long a dialog may take to show what a key has done.
const SETTLES: Duration = Duration::from_millis(500);

/// An X server of its own.
pub struct Display {
    server: Child,
    number: String,
}

impl Display {
    /// Starts one.
    ///
    /// # Panics
    /// If it does not start.
    #[must_use]
    pub fn start() -> Self {
        let mut command = Command::new(tool("Xvfb"));
        command.args(["-displayfd", "1", "-screen", "0", "1280x1024x24", "-nolisten", "tcp"]);
        let mut server = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("Xvfb starts");
        let mut number = String::new();
        BufReader::new(server.stdout.take().expect("a pipe")).read_line(&mut number).expect("Xvfb says its number");
        Self { server, number: number.trim().to_owned() }
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> String {
        format!(":{}", self.number)
    }

    /// Types the path of a file into the dialog with this title, once it is there, and presses Enter; waits until it is gone.
    ///
    /// # Panics
    /// If it does not come, or stays.
    pub fn answer_dialog(&self, title: &str, path: &Path) {
        let window = wait_for(&format!("the dialog {title:?}"), || self.windows(title).pop());
        let path = path.to_str().expect("text");
        let answer = || {
            // There is no window manager, which would give it the keyboard. Then the field for a path; what is typed before it is there is lost.
            for keys in [&["windowfocus", "--sync", &*window][..], &["key", "ctrl+l"], &["key", "ctrl+a"], &["type", "--delay", "12", path]]
            {
                // It may be going away just now: the window behind it must not get the keys.
                if self.windows(title).is_empty() || !self.command(keys).status().expect("xdotool runs").success() {
                    return;
                }
                std::thread::sleep(SETTLES);
            }
            self.keyboard(&["key", "Return"]);
        };
        answer();
        let mut looks = 0;
        wait_for(&format!("the end of the dialog {title:?}"), || {
            looks += 1;
            let is_again = looks == LOOKS_BEFORE_AGAIN || looks % (10 * LOOKS_BEFORE_AGAIN) == 0;
            if is_again && !self.windows(title).is_empty() {
                // The first may only have taken what the dialog proposed for the rest of the path; or all of it was typed too early, where
                // the app is traced and slow.
                if looks == LOOKS_BEFORE_AGAIN { self.keyboard(&["key", "Return"]) } else { answer() }
            }
            self.windows(title).is_empty().then_some(())
        });
    }

    /// Presses Enter in the window with this title, once it is there; waits until it is gone.
    ///
    /// # Panics
    /// If it does not come, or stays.
    pub fn press_return(&self, title: &str) {
        let window = wait_for(&format!("the message {title:?}"), || self.windows(title).pop());
        self.keyboard(&["windowfocus", "--sync", &window]);
        std::thread::sleep(SETTLES);
        self.keyboard(&["key", "Return"]);
        wait_for(&format!("the end of the message {title:?}"), || self.windows(title).is_empty().then_some(()));
    }

    /// Asks the window with this title to close, as its X does.
    ///
    /// # Panics
    /// If there is none.
    pub fn close(&self, title: &str) {
        let window = wait_for(&format!("the window {title:?}"), || self.windows(title).pop());
        ask_to_close(&self.number, window.parse().expect("a number")).expect("the display answers");
    }

    /// Gives the keyboard to the window with this title, the one that came last.
    ///
    /// # Panics
    /// If there is none.
    pub fn focus(&self, title: &str) {
        let window = wait_for(&format!("the window {title:?}"), || self.windows(title).pop());
        self.keyboard(&["windowfocus", "--sync", &window]);
    }

    /// The windows with this title, by the numbers that the display has for them.
    ///
    /// # Panics
    /// If the display is gone.
    #[must_use]
    pub fn windows(&self, title: &str) -> Vec<String> {
        let found = self.command(&["search", "--onlyvisible", "--name", &format!("^{}$", title.replace('?', "\\?"))]).output();
        let found = found.expect("xdotool runs");
        String::from_utf8_lossy(&found.stdout).lines().map(Into::into).collect()
    }

    /// Calls what presses keys.
    ///
    /// # Panics
    /// If it cannot.
    pub fn keyboard(&self, words: &[&str]) {
        let status = self.command(words).status().expect("xdotool runs");
        assert!(status.success(), "xdotool {words:?}: {status}");
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(tool("xdotool"));
        command.args(words).env("DISPLAY", self.name()).stdin(Stdio::null()).stderr(Stdio::null());
        command
    }
}

impl Drop for Display {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}
