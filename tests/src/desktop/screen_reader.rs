//! What a screen reader reads of the app: every word in its window and its dialogs, and where the keyboard is (AT-SPI, over D-Bus).
//!
//! For when WebDriver cannot be asked: it opens sockets of the network in the app, and leaves an app whose page has died.

use std::path::Path;
use std::process::{Command, Stdio};

use super::variant::{numbers, strings};
use crate::tools::tool;

/// Where GTK and WebKit keep what there is to read.
const GTK_ROOT: (&str, &str) = ("org.a11y.atspi.Registry", "/org/a11y/atspi/accessible/root");
const PAGES: &str = "/org/a11y/webkit/accessible";
/// In the name by which a process with a page is known on the bus.
const PAGE_PROCESS: &str = "WebProcess";
/// The bit of what has the keyboard (`ATSPI_STATE_FOCUSED`).
const FOCUSED: u32 = 1 << 12;
/// As deep as anything lies that is ours.
const MAX_DEPTH: usize = 40;

/// A reader of one session.
pub struct ScreenReader {
    /// Of the bus that is for this.
    bus: String,
}

/// What a thing is, by its number (`AtspiRole`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// A button.
    Button = 43,
    /// One of several that can be chosen.
    Choice = 44,
    /// A field for text.
    Field = 79,
    /// A heading.
    Heading = 83,
}

/// Something on the screen.
#[derive(Clone, Debug)]
pub struct Thing {
    process: String,
    path: String,
    role: u32,
    /// What is read of it.
    pub words: String,
}

impl ScreenReader {
    /// Begins to read, in the session whose bus has this address.
    ///
    /// # Panics
    /// If nobody can read there.
    #[must_use]
    pub fn start(session: &str) -> Self {
        let asked = call(session, "org.a11y.Bus", "/org/a11y/bus", "org.a11y.Bus.GetAddress", &[]);
        let answer = asked.unwrap_or_else(|| panic!("nobody can read the screen: is at-spi2-core installed?"));
        Self { bus: strings(&answer).pop().expect("an address") }
    }

    /// All that there is to read now, in order: of the page, and of dialogs.
    ///
    /// # Panics
    /// If what asks the bus is not installed.
    #[must_use]
    pub fn things(&self) -> Vec<Thing> {
        let mut things = Vec::new();
        let names = call(&self.bus, "org.freedesktop.DBus", "/", "org.freedesktop.DBus.ListNames", &[]).unwrap_or_default();
        for name in strings(&names).iter().filter(|name| name.contains(PAGE_PROCESS)) {
            for root in self.children_of_node(name, PAGES) {
                self.walk((name, &root), 0, &mut things);
            }
        }
        // Last: a dialog that is about to go has an Open of its own.
        self.walk(GTK_ROOT, 0, &mut things);
        things
    }

    /// All that is read, a line for each thing.
    ///
    /// # Panics
    /// If what asks the bus is not installed.
    #[must_use]
    pub fn text(&self) -> String {
        let words = self.things().into_iter().map(|thing| thing.words).filter(|words| !words.is_empty());
        words.collect::<Vec<_>>().join("\n")
    }

    /// What has this role, and words that begin so.
    ///
    /// # Panics
    /// If what asks the bus is not installed.
    #[must_use]
    pub fn find(&self, role: Role, words: &str) -> Option<Thing> {
        self.things().into_iter().find(|thing| thing.role == role as u32 && thing.words.starts_with(words))
    }

    /// Whether the keyboard is there.
    ///
    /// # Panics
    /// If what asks the bus is not installed.
    #[must_use]
    pub fn has_keyboard(&self, thing: &Thing) -> bool {
        let state = self.ask((&thing.process, &thing.path), "GetState", &[]).unwrap_or_default();
        numbers(&state).first().is_some_and(|state| state & FOCUSED != 0)
    }

    fn walk(&self, place: (&str, &str), depth: usize, things: &mut Vec<Thing>) {
        // One that is gone meanwhile says nothing.
        let (Some(role), Some(name)) = (self.ask(place, "GetRole", &[]), self.name(place)) else { return };
        let words = if name.is_empty() { self.prose(place).unwrap_or_default() } else { name };
        // What stands in a text for what is no text.
        let words = words.replace('\u{fffc}', " ").trim().to_owned();
        let role = numbers(&role).pop().unwrap_or_default();
        things.push(Thing { process: place.0.into(), path: place.1.into(), role, words });
        if depth < MAX_DEPTH {
            let children = strings(&self.ask(place, "GetChildren", &[]).unwrap_or_default());
            for child in children.chunks_exact(2) {
                self.walk((&child[0], &child[1]), depth + 1, things);
            }
        }
    }

    fn name(&self, (process, path): (&str, &str)) -> Option<String> {
        let get = "org.freedesktop.DBus.Properties.Get";
        let name = call(&self.bus, process, path, get, &["org.a11y.atspi.Accessible", "Name"])?;
        Some(strings(&name).pop().unwrap_or_default())
    }

    fn prose(&self, (process, path): (&str, &str)) -> Option<String> {
        let text = call(&self.bus, process, path, "org.a11y.atspi.Text.GetText", &["0", "--", "-1"])?;
        strings(&text).pop()
    }

    fn ask(&self, (process, path): (&str, &str), method: &str, arguments: &[&str]) -> Option<String> {
        call(&self.bus, process, path, &format!("org.a11y.atspi.Accessible.{method}"), arguments)
    }

    fn children_of_node(&self, process: &str, path: &str) -> Vec<String> {
        let mut command = gdbus("introspect", &self.bus, process, path);
        let said = command.arg("--xml").output().expect("gdbus runs");
        let said = String::from_utf8_lossy(&said.stdout).into_owned();
        let names = said.split("<node name=\"").skip(1).filter_map(|rest| rest.split('"').next());
        names.filter(|name| !name.starts_with('/')).map(|name| Path::new(path).join(name).display().to_string()).collect()
    }
}

/// What an object answers; nothing where it is gone, or does not know the method.
fn call(bus: &str, process: &str, path: &str, method: &str, arguments: &[&str]) -> Option<String> {
    let mut command = gdbus("call", bus, process, path);
    let answer = command.args(["--method", method]).args(arguments).output().expect("gdbus runs");
    answer.status.success().then(|| String::from_utf8_lossy(&answer.stdout).into_owned())
}

fn gdbus(verb: &str, bus: &str, process: &str, path: &str) -> Command {
    let mut command = Command::new(tool("gdbus"));
    command.args([verb, "--address", bus, "--dest", process, "--object-path", path]);
    command.stdin(Stdio::null()).stderr(Stdio::null());
    command
}
