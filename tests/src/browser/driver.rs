//! A browser and the driver in front of it, with a profile that nobody used before.

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::TcpStream;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::Duration;

use base64ct::{Base64, Encoding};
use rustix::process::{Pid, Signal, kill_process_group};
use serde_json::{Value, json};
use tempfile::TempDir;
use ureq::Agent;

use super::{Element, HANGS, Kind, Listener, wait_for};

/// The key under which WebDriver names an element.
pub(super) const ELEMENT_KEY: &str = "element-6066-11e4-a52e-4f735466cecf";

/// How often a browser is started that does not come up, and how long each time is waited: a driver and its browser now and then miss
/// each other on a busy machine, WebKit's most of all. It says nothing of the page.
const STARTS: usize = 3;
const STARTED: Duration = Duration::from_secs(45);

/// A browser that runs until this is dropped.
pub struct Browser {
    kind: Kind,
    driver: Child,
    agent: Agent,
    /// The address of the session.
    session: String,
    /// Where all requests go that are for another machine.
    proxy: Listener,
    profile: TempDir,
}

impl Browser {
    /// Starts a browser without a window, for pages and connections of this machine alone.
    ///
    /// # Panics
    /// If it or its driver is missing, or does not start.
    #[must_use]
    pub fn start(kind: Kind) -> Self {
        Self::start_with(kind, &json!({}))
    }

    /// The same, with further preferences of the browser's own.
    ///
    /// # Panics
    /// If it or its driver is missing, or does not start.
    #[must_use]
    pub fn start_with(kind: Kind, prefs: &Value) -> Self {
        let again = (1..STARTS).find_map(|_| Self::try_start(kind, prefs).ok());
        again.unwrap_or_else(|| Self::try_start(kind, prefs).unwrap_or_else(|error| panic!("{kind:?} does not start: {error}")))
    }

    fn try_start(kind: Kind, prefs: &Value) -> Result<Self, String> {
        let profile = tempfile::tempdir().expect("a temporary folder");
        fs::create_dir(profile.path().join("downloads")).expect("a folder for downloads");
        let proxy = Listener::deaf();
        let (mut command, port) = kind.driver(profile.path(), prefs);
        // Its own group, so that the browser ends with it however the test ends.
        command.process_group(0).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut driver = command.spawn().expect("the driver starts");
        let port = match port {
            Some(port) => {
                await_listener(port);
                port
            }
            None => port_of(&mut driver)?,
        };
        let session = format!("http://127.0.0.1:{port}/session");
        let capabilities = kind.capabilities(profile.path(), proxy.address(), prefs);
        let mut browser = Self { kind, driver, agent: agent(STARTED), session, proxy, profile };
        let answer = browser.try_call("POST", "", &json!({ "capabilities": { "alwaysMatch": capabilities } }))?;
        browser.session = format!("{}/{}", browser.session, answer["sessionId"].as_str().ok_or("a session has a name")?);
        browser.agent = agent(HANGS);
        browser.call("POST", "/timeouts", &json!({ "script": HANGS.as_millis(), "pageLoad": HANGS.as_millis() }));
        Ok(browser)
    }

    /// Which it is.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The folder that downloads go to.
    #[must_use]
    pub fn downloads(&self) -> PathBuf {
        self.profile.path().join("downloads")
    }

    /// The file that was downloaded, once the browser is done with it: while it works, there is another beside it, under a hidden name or
    /// with an ending of the browser's own, which then takes the name of the first.
    ///
    /// # Panics
    /// If the folder cannot be read.
    #[must_use]
    pub fn downloaded(&self) -> Option<PathBuf> {
        let entries = fs::read_dir(self.downloads()).expect("the folder for downloads is there");
        let names: Vec<_> = entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
        let is_partial = |name: &String| name.starts_with('.') || name.ends_with(".crdownload") || name.ends_with(".part");
        match &*names {
            [name] if !is_partial(name) => Some(self.downloads().join(name)),
            _ => None,
        }
    }

    /// The process number of the driver, whose children are the browser's processes.
    pub(crate) fn driver_pid(&self) -> u32 {
        self.driver.id()
    }

    /// What was asked of other machines so far, method and address: by the page or by the browser itself, which is told to ask nobody. A
    /// connection on which nothing was said counts too, as an empty line. Nothing of it left this machine.
    #[must_use]
    pub fn asked_of_others(&self) -> Vec<String> {
        // What was begun just now is said a moment later.
        std::thread::sleep(Duration::from_millis(300));
        self.proxy.heard()
    }

    /// Opens an address.
    ///
    /// # Panics
    /// If it cannot.
    pub fn open(&self, url: &str) {
        self.call("POST", "/url", &json!({ "url": url }));
    }

    /// Opens a file.
    ///
    /// # Panics
    /// If it cannot.
    pub fn open_file(&self, path: &Path) {
        self.open(&format!("file://{}", path.display()));
    }

    /// The first element that a selector names, if there is one now.
    #[must_use]
    pub fn find(&self, css: &str) -> Option<Element<'_>> {
        self.find_all(css).into_iter().next()
    }

    /// All elements that a selector names.
    ///
    /// # Panics
    /// If it is no selector.
    #[must_use]
    pub fn find_all(&self, css: &str) -> Vec<Element<'_>> {
        let found = self.try_call("POST", "/elements", &json!({ "using": "css selector", "value": css }));
        let found = match found {
            // WebKit's driver says so of one that the page has replaced while it was being named.
            Err(error) if error.contains("Stale element") => return Vec::new(),
            found => found.unwrap_or_else(|error| panic!("{:?}: {css}: {error}", self.kind)),
        };
        let ids = found.as_array().expect("a list of elements").iter().filter_map(|element| element[ELEMENT_KEY].as_str());
        ids.map(|id| Element { browser: self, id: id.to_owned() }).collect()
    }

    /// The first element that a selector names and that is shown, once there is one.
    ///
    /// # Panics
    /// If there is none in time.
    #[track_caller]
    #[must_use]
    pub fn wait_for(&self, css: &str) -> Element<'_> {
        let shown = || self.find_all(css).into_iter().find(Element::is_shown);
        wait_for(&format!("{css} in {:?}", self.kind), shown)
    }

    /// All text that the page shows.
    #[must_use]
    pub fn text(&self) -> String {
        self.run("return document.body.innerText", &[]).as_str().unwrap_or_default().to_owned()
    }

    /// Runs the body of a function in the page, with `arguments`, and gives what it returns.
    ///
    /// # Panics
    /// If it throws.
    pub fn run(&self, script: &str, arguments: &[Value]) -> Value {
        self.call("POST", "/execute/sync", &json!({ "script": script, "args": arguments }))
    }

    /// Runs the body of an async function in the page, with `arguments`, and gives what it returns.
    ///
    /// # Panics
    /// If it throws, or hangs.
    pub fn run_async(&self, script: &str, arguments: &[Value]) -> Value {
        let script = format!(
            "const done = arguments[arguments.length - 1];
            (async (...arguments) => {{ {script} }})(...[...arguments].slice(0, -1))
                .then((value) => done({{ value }}), (error) => done({{ error: String(error) }}))"
        );
        let mut answer = self.call("POST", "/execute/async", &json!({ "script": script, "args": arguments }));
        assert!(answer["error"].is_null(), "the script threw in {:?}: {}", self.kind, answer["error"]);
        answer["value"].take()
    }

    /// Sets the size of the window, in pixels.
    ///
    /// # Panics
    /// If it cannot.
    pub fn resize(&self, width: u32, height: u32) {
        self.call("POST", "/window/rect", &json!({ "width": width, "height": height }));
    }

    /// Writes a picture of the window, as PNG.
    ///
    /// # Panics
    /// If it cannot be taken or written.
    pub fn screenshot(&self, path: &Path) {
        let picture = self.call("GET", "/screenshot", &Value::Null);
        let picture = Base64::decode_vec(picture.as_str().expect("a picture")).expect("base 64");
        fs::write(path, picture).expect("the picture can be written");
    }

    /// The question that the browser asks now, if it asks one.
    #[must_use]
    pub fn question(&self) -> Option<String> {
        self.try_call("GET", "/alert/text", &Value::Null).ok()?.as_str().map(Into::into)
    }

    /// Says yes, or no, to the question that the browser asks.
    ///
    /// # Panics
    /// If it asks none.
    pub fn reply(&self, yes: bool) {
        self.call("POST", if yes { "/alert/accept" } else { "/alert/dismiss" }, &json!({}));
    }

    /// Opens a tab, which is the current one from then on.
    ///
    /// # Panics
    /// If it cannot.
    pub fn open_tab(&self) {
        let tab = self.call("POST", "/window/new", &json!({ "type": "tab" }));
        self.call("POST", "/window", &json!({ "handle": tab["handle"] }));
    }

    /// Closes the current tab, without asking; another is the current one from then on.
    ///
    /// # Panics
    /// If it is the last.
    pub fn close_tab(&self) {
        let left = self.call("DELETE", "/window", &Value::Null);
        self.call("POST", "/window", &json!({ "handle": left[0] }));
    }

    /// Goes to a tab, by its number in the order in which they were opened.
    ///
    /// # Panics
    /// If there is none.
    pub fn switch_tab(&self, index: usize) {
        let tabs = self.call("GET", "/window/handles", &Value::Null);
        self.call("POST", "/window", &json!({ "handle": tabs[index] }));
    }

    /// Asks Chromium's own protocol for what WebDriver has not.
    ///
    /// # Panics
    /// If it refuses, or is another browser.
    pub fn cdp(&self, command: &str, parameters: &Value) -> Value {
        self.call("POST", "/goog/cdp/execute", &json!({ "cmd": command, "params": parameters }))
    }

    /// What the console has shown since the last call. Chromium only: the other drivers do not tell.
    #[must_use]
    pub fn console(&self) -> Vec<String> {
        let entries = match self.kind {
            Kind::Chromium => self.call("POST", "/se/log", &json!({ "type": "browser" })),
            Kind::Firefox | Kind::WebKit | Kind::Desktop => Value::Null,
        };
        entries.as_array().into_iter().flatten().map(|entry| entry["message"].to_string()).collect()
    }

    /// One call of WebDriver.
    ///
    /// # Panics
    /// If the driver refuses.
    #[track_caller]
    pub(super) fn call(&self, method: &str, path: &str, body: &Value) -> Value {
        self.try_call(method, path, body).unwrap_or_else(|error| panic!("{:?}: {method} {path}: {error}", self.kind))
    }

    pub(super) fn try_call(&self, method: &str, path: &str, body: &Value) -> Result<Value, String> {
        let url = format!("{}{path}", self.session);
        let answer = match method {
            "GET" => self.agent.get(url).call(),
            "DELETE" => self.agent.delete(url).call(),
            _ => self.agent.post(url).content_type("application/json").send(body.to_string()),
        };
        let mut answer = answer.map_err(|error| error.to_string())?;
        // A picture of a long page is some megabytes.
        let text = answer.body_mut().with_config().limit(256 << 20).read_to_string().map_err(|error| error.to_string())?;
        let mut text: Value = serde_json::from_str(&text).map_err(|error| format!("{error}: {text}"))?;
        if answer.status().is_success() { Ok(text["value"].take()) } else { Err(text["value"]["message"].to_string()) }
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // In order if it can be, also when a test has failed; whatever is left of the group then ends at once.
        let _ = self.try_call("DELETE", "", &Value::Null);
        let _ = kill_process_group(Pid::from_child(&self.driver), Signal::KILL);
        let _ = self.driver.wait();
    }
}

/// Who calls the driver, and waits so long for an answer.
fn agent(timeout: Duration) -> Agent {
    Agent::config_builder().timeout_global(Some(timeout)).http_status_as_error(false).proxy(None).build().into()
}

/// Waits for a driver that was told its port.
fn await_listener(port: u16) {
    wait_for("the driver listens", || TcpStream::connect(("127.0.0.1", port)).ok());
}

/// The port that a driver chose: it says so, in a sentence.
fn port_of(driver: &mut Child) -> Result<u16, String> {
    let mut said = BufReader::new(driver.stdout.take().expect("a pipe")).lines();
    let port = said.by_ref().map_while(Result::ok).find_map(|line| {
        let (_, port) = line.split_once("successfully on port ").or_else(|| line.split_once("Listening on 127.0.0.1:"))?;
        port.trim_end_matches('.').parse().ok()
    });
    // A driver whose output nobody reads stops when the pipe is full.
    std::thread::spawn(move || said.for_each(drop));
    port.ok_or_else(|| "the driver ended before it said which port it listens on".into())
}
