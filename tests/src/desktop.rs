//! The desktop app as its package installs it, in a window on a display that nobody sees: driven by WebDriver, and its dialogs by the
//! keyboard, as a person does.

mod display;
mod memory;
mod package;

use std::path::Path;
use std::time::Duration;

use serde_json::json;

use crate::browser::{Browser, Kind, wait_for};
use crate::cli::Folder;
use crate::tools::workspace_dir;
pub use display::Display;
pub use memory::memory_has;
pub use package::{Package, package};

/// The app that runs until this is dropped, with a home of its own.
pub struct Desktop {
    /// Its window.
    pub browser: Browser,
    display: Display,
    /// Its settings, its data, and what is left of it.
    pub home: Folder,
}

impl Desktop {
    /// Starts the app with these arguments.
    ///
    /// # Panics
    /// If it does not start.
    #[must_use]
    pub fn start(arguments: &[&Path]) -> Self {
        let (home, display) = (Folder::new(), Display::start());
        let program = package().program("dbseal-desktop");
        let arguments: Vec<_> = arguments.iter().map(|path| path.to_str().expect("text")).collect();
        let settings = json!({
            "binary": program,
            "args": arguments,
            "environment": {
                "DISPLAY": display.name(),
                "GDK_BACKEND": "x11",
                "HOME": home.path(""),
                "XDG_CONFIG_HOME": home.path("config"),
                "XDG_DATA_HOME": home.path("data"),
                "XDG_CACHE_HOME": home.path("cache"),
                "XDG_RUNTIME_DIR": home.path(""),
                // Tauri lets nobody drive its window who does not say so beforehand.
                "TAURI_AUTOMATION": "true",
                "TAURI_WEBVIEW_AUTOMATION": "true",
            },
        });
        let browser = Browser::start_with(Kind::Desktop, &settings);
        let _ = browser.wait_for("#task-check");
        Self { browser, display, home }
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

    /// The answer, once there is one.
    #[must_use]
    pub fn answer(&self) -> String {
        let answer = self.browser.wait_for("#answer");
        let kind = answer.attribute("data-answer").unwrap_or_default();
        wait_for("the answer is read", || (!answer.text().is_empty()).then_some(()));
        kind
    }

    /// A picture of the window among those that people look at.
    pub fn screenshot(&self, name: &str) {
        // What is there already may not have been drawn yet.
        std::thread::sleep(Duration::from_millis(300));
        let folder = workspace_dir().join("target/screens");
        std::fs::create_dir_all(&folder).expect("a folder for pictures");
        self.browser.screenshot(&folder.join(format!("desktop-{name}.png")));
    }
}
