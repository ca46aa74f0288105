//! The desktop app as its package installs it, in a window on a display that nobody sees: driven by WebDriver, and its dialogs by the
//! keyboard, as a person does.

mod by_hand;
mod close_request;
mod disk;
mod display;
pub mod forms;
mod package;
mod processes;
mod screen_reader;
mod variant;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::time::Duration;

use serde_json::json;

use crate::browser::{Browser, Kind, wait_for};
use crate::cli::Folder;
pub use crate::memory::memory_has;
use crate::tools::workspace_dir;
pub use by_hand::ByHand;
pub use disk::{MemoryDisk, UsbDisk};
pub use display::Display;
pub use package::{Package, package};
pub use processes::{Held, JOB_ARGUMENT, Processes, held_before, kill, wait_for_end};
pub use screen_reader::{Role, ScreenReader, Thing};

/// Bytes: more than a picture takes that has nothing in it.
const BLANK_LEN: u64 = 8192;

/// The app that runs until this is dropped, with a home of its own.
pub struct Desktop {
    /// Its window.
    pub browser: Browser,
    /// Where it is.
    pub display: Display,
    /// Its settings, its data, and what is left of it.
    pub home: Folder,
    program: PathBuf,
}

impl Desktop {
    /// Starts the app with these arguments.
    ///
    /// # Panics
    /// If it does not start.
    #[must_use]
    pub fn start(arguments: &[&Path]) -> Self {
        Self::start_at_home(Folder::new(), arguments)
    }

    /// The same, with what is in this home.
    ///
    /// # Panics
    /// If it does not start.
    #[must_use]
    pub fn start_at_home(home: Folder, arguments: &[&Path]) -> Self {
        // Without what stands in for a graphics card, the driver waits for ever for a frame when it is to take a picture after a dialog.
        Self::start_with(home, package(), arguments, &[("WEBKIT_DISABLE_COMPOSITING_MODE", "0")])
    }

    /// The same, of this package, and drawn as for a person: no pictures are taken of it.
    ///
    /// # Panics
    /// If it does not start.
    #[must_use]
    pub fn start_from(package: &Package, arguments: &[&Path]) -> Self {
        Self::start_with(Folder::new(), package, arguments, &[])
    }

    fn start_with(home: Folder, package: &Package, arguments: &[&Path], added: &[(&'static str, &str)]) -> Self {
        let display = Display::start();
        let program = package.program("dbseal-desktop");
        fs::create_dir_all(home.path("config")).expect("a folder for settings");
        home.write("config/user-dirs.dirs", "XDG_DOWNLOAD_DIR=\"$HOME/Downloads\"\n");
        let arguments: Vec<_> = arguments.iter().map(|path| path.to_str().expect("text")).collect();
        let mut environment: BTreeMap<_, _> = environment(&display, &home).into();
        // Tauri lets nobody drive its window who does not say so beforehand.
        environment.extend(["TAURI_AUTOMATION", "TAURI_WEBVIEW_AUTOMATION"].map(|name| (name, "true".into())));
        environment.extend(added.iter().map(|(name, value)| (*name, (*value).into())));
        let settings = json!({ "binary": program, "args": arguments, "environment": environment });
        let browser = Browser::start_with(Kind::Desktop, &settings);
        let _ = browser.wait_for("#task-check");
        Self { browser, display, home, program }
    }

    /// Starts the program once more, beside the window; a second start, with these arguments. How it ended.
    ///
    /// # Panics
    /// If it cannot be started.
    #[must_use]
    pub fn start_again(&self, arguments: &[&Path]) -> ExitStatus {
        let mut command = Command::new(&self.program);
        command.envs(environment(&self.display, &self.home)).args(arguments).stdin(Stdio::null()).status().expect("it starts")
    }

    /// The folder that downloads go to; perhaps not there yet.
    #[must_use]
    pub fn downloads(&self) -> PathBuf {
        self.home.path("Downloads")
    }

    /// Lets the page itself do the work, by the button that offers it.
    pub fn use_page(&self) {
        self.browser.wait_for("#change-engine").click();
        self.display.press_return("Let the page itself do the work?");
        let _ = self.browser.wait_for("#by-itself");
        let _ = self.browser.wait_for("main[data-worker=ready]");
    }

    /// Its processes.
    #[must_use]
    pub fn processes(&self) -> Processes {
        Processes(self.browser.driver_pid())
    }

    /// Begins a task on the first screen.
    pub fn begin(&self, task: &str) {
        self.browser.wait_for(&format!("#task-{task}")).click();
        let _ = self.browser.wait_for("#start");
    }

    /// Presses a button that opens a dialog, and chooses a file in that.
    ///
    /// # Panics
    /// If there is no such button, or no dialog comes.
    pub fn choose(&self, button: &str, title: &str, path: &Path) {
        // It may be an invisible one over its words.
        wait_for(button, || self.browser.find(button)).click();
        self.display.answer_dialog(title, path);
    }

    /// Trusts whom a file says, by the dialog for it.
    ///
    /// # Panics
    /// If no key arrives on the form.
    pub fn trust(&self, path: &Path) {
        self.choose("#trust-file", "Whom do you trust?", path);
        let area = self.browser.wait_for("#trust");
        wait_for("the trust file is read", || area.property("value").as_str().is_some_and(|text| text.contains("db1+")).then_some(()));
    }

    /// The answer, once there is one.
    #[must_use]
    pub fn answer(&self) -> String {
        let answer = self.browser.wait_for("#answer");
        let kind = answer.attribute("data-answer").unwrap_or_default();
        wait_for("the answer is read", || (!answer.text().is_empty()).then_some(()));
        kind
    }

    /// A picture of the window among those that people look at.
    ///
    /// # Panics
    /// If there is nothing in the window.
    pub fn screenshot(&self, name: &str) {
        // What is there already may not have been drawn yet.
        std::thread::sleep(Duration::from_millis(300));
        let folder = workspace_dir().join("target/screens");
        fs::create_dir_all(&folder).expect("a folder for pictures");
        let picture = folder.join(format!("desktop-{name}.png"));
        wait_for("the window is drawn", || {
            self.browser.screenshot(&picture);
            (picture.metadata().ok()?.len() > BLANK_LEN).then_some(())
        });
    }
}

/// What the app needs to know of its session.
fn environment(display: &Display, home: &Folder) -> [(&'static str, String); 7] {
    let folder = |name: &str| home.path(name).display().to_string();
    [
        ("DISPLAY", display.name()),
        ("GDK_BACKEND", "x11".into()),
        ("HOME", folder("")),
        ("XDG_CONFIG_HOME", folder("config")),
        ("XDG_DATA_HOME", folder("data")),
        ("XDG_CACHE_HOME", folder("cache")),
        ("XDG_RUNTIME_DIR", folder("")),
    ]
}
