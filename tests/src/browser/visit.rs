//! A browser at the page, from a server and from a file.

use std::path::Path;

use super::{Browser, Kind, PageServer, Policy, page, wait_for};

/// A page of the same origin that runs nothing, and asks for no icon.
const BESIDE: (&str, &str) = ("beside.html", "<!doctype html><title>beside</title><link rel=\"icon\" href=\"data:,\">");

/// Stands in for the dialog in which a file is chosen to write to, and which WebDriver cannot drive: gives a real file of the browser's own
/// storage. The dialog alone is replaced; to be run before a task is chosen.
pub const PICK: &str = "
    self.showSaveFilePicker = async () =>
        (await navigator.storage.getDirectory()).getFileHandle('picked', { create: true });
";
/// Takes the dialog away: what is left is the browser's storage or, where [`Visit::has_storage`] says that there is none, memory.
pub const NO_PICK: &str = "delete self.showSaveFilePicker; delete Window.prototype.showSaveFilePicker;";

/// Where the page comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A server that sends all headers.
    Server,
    /// The kit, on a disk.
    File,
}

impl Origin {
    const ALL: [Self; 2] = [Self::Server, Self::File];
}

/// A browser at the page.
pub struct Visit {
    /// The browser.
    pub browser: Browser,
    /// Where it has the page from.
    pub origin: Origin,
    server: PageServer,
}

impl Visit {
    /// Does tasks in each of [`Kind::MAIN`], with the page from each origin; with `DBSEAL_QUICK` set, in each from one of them.
    ///
    /// # Panics
    /// If anything was asked of another machine, or of the server what is not the page.
    pub fn each(mut tasks: impl FnMut(&Self)) {
        if std::env::var_os("DBSEAL_QUICK").is_some() {
            return Kind::MAIN.into_iter().zip(Origin::ALL).for_each(|(kind, origin)| Self::once(kind, origin, &mut tasks));
        }
        Kind::MAIN.into_iter().for_each(|kind| Self::both(kind, &mut tasks));
    }

    /// Does tasks in one browser, with the page from each origin.
    ///
    /// # Panics
    /// If anything was asked of another machine, or of the server what is not the page.
    pub fn both(kind: Kind, mut tasks: impl FnMut(&Self)) {
        Origin::ALL.into_iter().for_each(|origin| Self::once(kind, origin, &mut tasks));
    }

    fn once(kind: Kind, origin: Origin, mut tasks: impl FnMut(&Self)) {
        let visit = Self::start(Browser::start(kind), origin);
        tasks(&visit);
        visit.end();
    }

    /// A browser that is about to visit the page.
    #[must_use]
    pub fn start(browser: Browser, origin: Origin) -> Self {
        Self { browser, origin, server: PageServer::start(&page().folder, &[BESIDE], Policy::Full) }
    }

    /// Ends the visit.
    ///
    /// # Panics
    /// If anything was asked of another machine, or of the server what is not the page.
    pub fn end(self) {
        let asked = self.browser.asked_of_others();
        assert!(asked.is_empty(), "{} asked others: {asked:?}", self.name());
        for request in self.server.requests() {
            let path = request.strip_prefix("GET /").unwrap_or("none");
            assert!(path.is_empty() || path == BESIDE.0 || page().folder.join(path).is_file(), "{} asked for {request}", self.name());
        }
    }

    /// Opens the page.
    pub fn open_page(&self) {
        match self.origin {
            Origin::Server => self.browser.open(&self.server.url("")),
            Origin::File => self.browser.open_file(&page().kit),
        }
    }

    /// Opens a page of the same origin which runs nothing.
    pub fn open_beside_page(&self) {
        self.browser.open(&self.server.url(BESIDE.0));
    }

    /// Whether the page has the browser's storage to write to, once the dialog is gone: Chromium gives none to a page from a file.
    #[must_use]
    pub fn has_storage(&self) -> bool {
        self.origin == Origin::Server || self.browser.kind() == Kind::Firefox
    }

    /// Which it is, for messages.
    #[must_use]
    pub fn name(&self) -> String {
        format!("{:?} from a {:?}", self.browser.kind(), self.origin)
    }

    /// Begins a task on a page that was just loaded, and on which this script was run before the task was chosen.
    pub fn begin(&self, task: &str, script: &str) {
        self.open_page();
        let choice = self.browser.wait_for(&format!("#task-{task}"));
        self.browser.run(script, &[]);
        choice.click();
        let _ = self.browser.wait_for("#start");
    }

    /// Chooses a file in a field.
    ///
    /// # Panics
    /// If there is no such field.
    pub fn choose(&self, field: &str, file: &Path) {
        self.browser.find(field).unwrap_or_else(|| panic!("{}: {field}", self.name())).choose(&[file]);
    }

    /// Starts, and waits for the answer: an attribute of it.
    ///
    /// # Panics
    /// If none comes, or it has no such attribute.
    #[must_use]
    pub fn answer(&self, attribute: &str) -> String {
        let start = self.browser.wait_for("#start");
        // Pressed before the page knows where an output can go, it only says so.
        let is_known = || self.browser.find("#output-note").is_none_or(|note| note.attribute("data-output").is_some()).then_some(());
        wait_for(&format!("{}: where the output goes", self.name()), is_known);
        start.click();
        let what = format!("{}: an answer", self.name());
        let answer = wait_for(&what, || self.browser.find("#answer"));
        answer.attribute(attribute).unwrap_or_else(|| panic!("{}: the answer has no {attribute}:\n{}", self.name(), self.browser.text()))
    }
}
