//! The app as a person has it, whom nothing drives from inside: worked by the keyboard, and read by a screen reader.

use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};

use super::forms::TRUST;
use super::screen_reader::{Role, ScreenReader, Thing};
use super::{Display, Processes, environment, package};
use crate::browser::wait_for;
use crate::cli::Folder;
use crate::tools::tool;

/// How often Tab is pressed, at most, to get from anywhere to anywhere.
const MAX_TABS: usize = 80;
/// How long the focus takes to move.
const MOVES: Duration = Duration::from_millis(60);

/// A session with the app in it. Dropped, it ends.
pub struct ByHand {
    session: Child,
    display: Display,
    reader: ScreenReader,
    /// Its settings, its data, and what is left of it.
    pub home: Folder,
}

impl ByHand {
    /// Starts the app with these arguments.
    ///
    /// # Panics
    /// As [`ByHand::start_by`].
    #[must_use]
    pub fn start(arguments: &[&Path]) -> Self {
        let program = package().program("dbseal-desktop");
        Self::start_by(Folder::new(), |_, command| {
            command.arg(program).args(arguments);
        })
    }

    /// Starts a session with this home, and in it what `add` adds to the command: the app by itself, or somebody who starts it.
    ///
    /// # Panics
    /// If it does not start, or the app shows no window.
    #[must_use]
    pub fn start_by(home: Folder, add: impl FnOnce(&Folder, &mut Command)) -> Self {
        let display = Display::start();
        let mut command = Command::new(tool("dbus-run-session"));
        command.args(["--", "sh", "-c", "echo \"$DBUS_SESSION_BUS_ADDRESS\"; exec \"$@\"", "sh"]);
        command.envs(environment(&display, &home));
        add(&home, &mut command);
        command.process_group(0).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut session = command.spawn().expect("a session starts");
        let (mut address, mut said) = (String::new(), BufReader::new(session.stdout.take().expect("a pipe")));
        said.read_line(&mut address).expect("the session says its address");
        // Who says something nobody listens to would be stopped by that.
        std::thread::spawn(move || said.lines().map_while(Result::ok).for_each(drop));
        let this = Self { session, display, reader: ScreenReader::start(address.trim()), home };
        let _ = this.wait_for(Role::Button, "Check");
        this
    }

    /// Its processes.
    #[must_use]
    pub fn processes(&self) -> Processes {
        Processes(self.session.id())
    }

    /// All that there is to read.
    ///
    /// # Panics
    /// If nobody can read there.
    #[must_use]
    pub fn text(&self) -> String {
        self.reader.text()
    }

    /// Waits until there is something with this role, and words that begin so.
    ///
    /// # Panics
    /// If there is not.
    #[track_caller]
    #[must_use]
    pub fn wait_for(&self, role: Role, words: &str) -> Thing {
        wait_for(&format!("{role:?} {words:?} on the screen"), || self.reader.find(role, words))
    }

    /// Waits until these words are read somewhere; gives all of that.
    ///
    /// # Panics
    /// If they are not.
    #[track_caller]
    #[must_use]
    pub fn wait_for_words(&self, words: &str) -> String {
        let read = || self.reader.things().into_iter().find(|thing| thing.words.contains(words));
        wait_for(&format!("{words:?} on the screen"), read).words
    }

    /// Presses a button: Tab until the keyboard is there, and then Enter.
    ///
    /// # Panics
    /// If it does not get there.
    #[track_caller]
    pub fn press(&self, words: &str) {
        self.press_at(Role::Button, words, "Return");
    }

    /// Presses Tab until the keyboard is there, and then a key.
    ///
    /// # Panics
    /// If it does not get there.
    #[track_caller]
    pub fn press_at(&self, role: Role, words: &str, key: &str) {
        let thing = self.wait_for(role, words);
        self.display.focus(".*dbseal");
        for _ in 0..MAX_TABS {
            if self.reader.has_keyboard(&thing) {
                return self.display.keyboard(&["key", key]);
            }
            self.display.keyboard(&["key", "Tab"]);
            sleep(MOVES);
        }
        panic!("Tab does not lead to {thing:?}:\n{}", self.text());
    }

    /// Types where the keyboard is.
    ///
    /// # Panics
    /// If the display is gone.
    pub fn type_text(&self, text: &str) {
        self.display.keyboard(&["type", "--delay", "12", text]);
    }

    /// Presses a button that opens a dialog, and chooses a file in that.
    ///
    /// # Panics
    /// If there is no such button, or no dialog comes.
    pub fn choose(&self, button: &str, title: &str, path: &Path) {
        self.press(button);
        self.display.answer_dialog(title, path);
    }

    /// Opens a backup of a folder that [`super::forms::signed_backup`] made into a program, from the first screen.
    ///
    /// # Panics
    /// If the form does not let it.
    pub fn open_into(&self, folder: &Folder, line: &str) {
        self.press("Open");
        self.choose("Key file", "Choose the key file", &folder.path("backup.key"));
        self.choose("Read them from a file", "Whom do you trust?", &folder.path(TRUST));
        self.press_at(Role::Choice, "Into a file", "Down");
        self.press_at(Role::Field, "The command", "End");
        self.type_text(line);
        self.press("Open");
        self.display.press_return("Run this program?");
    }

    /// Presses Enter in a dialog without a title of its own, which lies over the window.
    ///
    /// # Panics
    /// If there is none.
    pub fn accept_dialog(&self) {
        self.display.focus(".*dbseal");
        self.display.keyboard(&["key", "Return"]);
    }
}

impl Drop for ByHand {
    fn drop(&mut self) {
        let _ = kill_process_group(Pid::from_child(&self.session), Signal::KILL);
        let _ = self.session.wait();
    }
}
