//! The browsers, and how each is started: without a window, with a profile that nobody used before, told to ask nobody for anything.

use std::env;
use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use crate::tools::tool;

/// Where browsers are sent for what they ask their makers by themselves and cannot be told to leave out: nobody listens there.
const NOBODY: &str = "http://127.0.0.1:9/";

/// Which browser.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Chromium, by chromedriver.
    Chromium,
    /// Firefox, by geckodriver.
    Firefox,
    /// The smallest browser around WebKitGTK, by its own driver. It wants a display, and gets one that nobody sees.
    WebKit,
    /// The desktop app, by the same driver: [`crate::desktop::Desktop`] says which program, and on which display.
    Desktop,
}

impl Kind {
    /// Those that everything is tried in; WebKit, of Safari's family, gets a few tests of its own.
    pub const MAIN: [Self; 2] = [Self::Chromium, Self::Firefox];

    /// The driver, and the port that it was told to take, where it would not say which.
    pub(super) fn driver(self, profile: &Path, prefs: &Value) -> (Command, Option<u16>) {
        match self {
            Self::Chromium => {
                let mut command = Command::new(tool("chromedriver"));
                command.arg("--port=0");
                (command, None)
            }
            Self::Firefox => {
                let mut command = Command::new(tool("geckodriver"));
                command.args(["--port", "0", "--websocket-port", "0", "--profile-root"]).arg(profile);
                // It asks its maker for settings, and takes no other address for them unless this is set.
                command.env("MOZ_REMOTE_SETTINGS_DEVTOOLS", "1");
                (command, None)
            }
            Self::WebKit => {
                // Somebody else may take it in between; then the driver does not start, and the test fails.
                let port = free_port();
                let mut command = Command::new(tool("xvfb-run"));
                command.arg("--auto-servernum").arg(tool("WebKitWebDriver")).arg(format!("--port={port}"));
                let config = profile.join("config");
                fs::create_dir(&config).expect("a folder for settings");
                let downloads = format!("XDG_DOWNLOAD_DIR=\"{}\"\n", profile.join("downloads").display());
                fs::write(config.join("user-dirs.dirs"), downloads).expect("settings");
                command
                    .env("XDG_CONFIG_HOME", config)
                    .env("XDG_DATA_HOME", profile.join("data"))
                    .env("XDG_CACHE_HOME", profile.join("cache"));
                (command, Some(port))
            }
            Self::Desktop => {
                let port = free_port();
                // GTK wants a session's bus, and each test has its own.
                let mut command = Command::new(tool("dbus-run-session"));
                command.arg("--").arg(tool("WebKitWebDriver")).arg(format!("--port={port}"));
                for (name, value) in prefs["environment"].as_object().into_iter().flatten() {
                    command.env(name, value.as_str().unwrap_or_default());
                }
                (command, Some(port))
            }
        }
    }

    /// What a session of it is asked for.
    pub(super) fn capabilities(self, profile: &Path, proxy: SocketAddr, prefs: &Value) -> Value {
        let downloads = profile.join("downloads");
        match self {
            Self::Chromium => chromium(profile, proxy, prefs),
            Self::Firefox => json!({
                "browserName": "firefox",
                "moz:firefoxOptions": {
                    "binary": tool("firefox-esr"),
                    "args": ["-headless"],
                    "prefs": with(json!({
                        "network.proxy.type": 1,
                        "network.proxy.http": proxy.ip().to_string(),
                        "network.proxy.http_port": proxy.port(),
                        "network.proxy.ssl": proxy.ip().to_string(),
                        "network.proxy.ssl_port": proxy.port(),
                        // The very value at which it asks nobody for settings.
                        "services.settings.server": "data:,#remote-settings-dummy/v1",
                        "browser.download.folderList": 2,
                        "browser.download.dir": downloads,
                        "browser.download.useDownloadDir": true,
                        "browser.download.alwaysOpenPanel": false,
                        "browser.helperApps.neverAsk.saveToDisk": "application/octet-stream",
                    }), prefs),
                },
            }),
            Self::WebKit => json!({
                "browserName": "MiniBrowser",
                "proxy": { "proxyType": "manual", "httpProxy": proxy.to_string(), "sslProxy": proxy.to_string(), "noProxy": ["127.0.0.1"] },
                "webkitgtk:browserOptions": { "binary": mini_browser(), "args": ["--automation"] },
            }),
            Self::Desktop => json!({ "webkitgtk:browserOptions": { "binary": prefs["binary"], "args": prefs["args"] } }),
        }
    }
}

fn free_port() -> u16 {
    TcpListener::bind(("127.0.0.1", 0)).and_then(|listener| listener.local_addr()).expect("a port").port()
}

fn chromium(profile: &Path, proxy: SocketAddr, prefs: &Value) -> Value {
    let folder = format!("--user-data-dir={}", profile.join("chromium").display());
    let proxy = format!("--proxy-server=http://{proxy}");
    let (accounts, updates) = (format!("--gaia-url={NOBODY}"), format!("--component-updater=url-source={NOBODY}"));
    let mut args = vec!["--headless", "--disable-gpu", "--disable-quic", "--no-first-run", &folder, &proxy, &accounts, &updates];
    args.extend(["--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-pings"]);
    // What it says to its maker, and what it fetches from there: nothing of it is the page's.
    args.push("--disable-features=OptimizationHints,MediaRouter,AutofillServerCommunication,NetworkTimeServiceQuerying");
    // Its sandbox refuses to be started by root, and a container is often root.
    if rustix::process::geteuid().is_root() {
        args.push("--no-sandbox");
    }
    // It connects to its search engine before anybody searches.
    let search = json!({ "short_name": "none", "keyword": "none", "url": format!("{NOBODY}{{searchTerms}}"), "id": "99" });
    json!({
        "browserName": "chrome",
        "goog:loggingPrefs": { "browser": "ALL" },
        "goog:chromeOptions": {
            "binary": tool("chromium"),
            "args": args,
            "prefs": with(json!({
                "download.default_directory": profile.join("downloads"),
                "download.prompt_for_download": false,
                "default_search_provider_data.template_url_data": search,
            }), prefs),
        },
    })
}

/// These settings, and further ones.
fn with(mut settings: Value, further: &Value) -> Value {
    for (name, value) in further.as_object().into_iter().flatten() {
        settings[name] = value.clone();
    }
    settings
}

/// Debian keeps it beside the libraries that it is for.
fn mini_browser() -> String {
    let path = format!("/usr/lib/{}-linux-gnu/webkit2gtk-4.1/MiniBrowser", env::consts::ARCH);
    assert!(Path::new(&path).is_file(), "the program {path} is missing: `./x test` installs it");
    path
}
