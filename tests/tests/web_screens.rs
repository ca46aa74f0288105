//! Every screen of the browser app, in both themes, on a phone and on a desk: an accessibility checker finds nothing in it, nothing stands
//! out of it at the side, and a picture of it is written for people to look at, into `target/screens`.
#![cfg(unix)]

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use dbseal_tests::browser::{Browser, Kind, Origin, PICK, Visit};
use dbseal_tests::cli::{Folder, seals};
use dbseal_tests::inputs::paint;
use dbseal_tests::tools::{npm_dir, workspace_dir};
use serde_json::{Value, json};

const PASSPHRASE: &str = "correct horse battery staple";
/// Some groups.
const PLAIN_LEN: usize = (40 << 20) + 17;

/// What a person has set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Theme {
    Light,
    Dark,
}

/// What a person looks at, with its width in pixels. Firefox has no window that is less than 450 wide.
const PHONE: (&str, u32) = ("phone", 390);
const DESK: (&str, u32) = ("desk", 1280);

/// What is wrong with the page, a line each, by the rules of WCAG and the checker's own best practices.
const CHECK: &str = "
    const result = await axe.run(document, { resultTypes: ['violations'] });
    return result.violations.map((found) =>
        `${found.impact}: ${found.id}: ${found.help}: ${found.nodes.map((node) => node.html.slice(0, 200)).join(' | ')}`);
";

/// Keeps a worker's reports back from the fourth on, so that a job stays where it is. For the workers that are made from now on.
const HOLD: &str = "
    const make = self.dbsealNewWorker;
    self.dbsealNewWorker = () => {
        const worker = make();
        let reports = 0;
        worker.addEventListener('message', (event) => {
            if (event.data.text.includes('Progress')) reports++;
            if (reports > 2) event.stopImmediatePropagation();
        });
        return worker;
    };
";

#[test]
fn every_screen_is_for_everybody() {
    look_at_all(&[(Theme::Light, DESK), (Theme::Dark, PHONE)]);
}

#[test]
#[ignore = "not run here: long tier (the other theme at each width, 3 minutes)"]
fn every_screen_is_for_everybody_in_both_themes_at_each_width() {
    look_at_all(&[(Theme::Light, DESK), (Theme::Light, PHONE), (Theme::Dark, DESK), (Theme::Dark, PHONE)]);
}

fn look_at_all(looks: &[(Theme, (&str, u32))]) {
    let folder = backups();
    let pictures = workspace_dir().join("target/screens");
    fs::create_dir_all(&pictures).expect("a folder for pictures");
    let axe = fs::read_to_string(npm_dir("axe-core").join("node_modules/axe-core/axe.min.js")).expect("the checker");
    let mut faults = BTreeSet::new();
    for kind in Kind::MAIN {
        for &(theme, (place, width)) in looks {
            let scheme = u32::from(theme == Theme::Light);
            let browser = Browser::start_with(kind, &json!({ "layout.css.prefers-color-scheme.content-override": scheme }));
            let visit = Visit::start(browser, Origin::Server);
            let pictures = pictures.join(format!("{kind:?}-{theme:?}-{place}").to_lowercase());
            let mut screens = Screens { visit: &visit, folder: &folder, pictures, axe: &axe, width, faults: Vec::new() };
            screens.show_as(theme);
            screens.walk();
            faults.extend(screens.faults);
            visit.end();
        }
    }
    assert!(faults.is_empty(), "{}", faults.into_iter().collect::<Vec<_>>().join("\n"));
}

/// Backups of each kind that a screen tells apart.
fn backups() -> Folder {
    let folder = seals::folder();
    folder.write("shop.sql", paint(PLAIN_LEN));
    let encrypt = |name: &str| {
        let output = format!("b/{name}.age");
        seals::encrypt_next(&folder, &["-o", &output, "shop.sql"]).run().succeeds();
    };
    ["shop", "damaged", "unsealed", "altered"].into_iter().for_each(encrypt);
    let mut damaged = folder.read("b/damaged.age");
    damaged[3 << 20] ^= 1;
    damaged[30 << 20] ^= 1;
    damaged.truncate(damaged.len() - (2 << 20));
    folder.write("b/damaged.age", damaged);
    fs::remove_file(folder.path("b/unsealed.age.seal")).expect("it is there");
    let mut altered = folder.read("b/altered.age");
    altered[100] ^= 1;
    folder.write("b/altered.age", altered);
    // Under another name, and beside another's seal.
    for (name, seal) in [("renamed", "shop"), ("other", "altered")] {
        folder.write(&format!("b/{name}.age"), folder.read("b/shop.age"));
        folder.write(&format!("b/{name}.age.seal"), folder.read(&format!("b/{seal}.age.seal")));
    }
    folder.write("b/notes.txt", "Not a backup.");
    folder.write("phrase", PASSPHRASE);
    folder.dbseal(["encrypt", "--passphrase-file", "phrase", "-o", "b/passphrase.age", "shop.sql"]).run().succeeds();
    folder.dbseal(["keygen", "-o", "other.key"]).run().succeeds();
    folder.dbseal(["encrypt", "-R", "other.pub", "-o", "b/foreign.age", "b/notes.txt"]).run().succeeds();
    folder.dbseal(["request", "-o", "shop.request", "b/shop.age"]).run().succeeds();
    folder.dbseal(["request", "-o", "mixed.request", "b/shop.age", "b/unsealed.age", "b/foreign.age"]).run().succeeds();
    folder
}

/// All screens, one after another.
struct Screens<'a> {
    visit: &'a Visit,
    folder: &'a Folder,
    /// The beginning of the pictures' names.
    pictures: PathBuf,
    axe: &'a str,
    width: u32,
    faults: Vec<String>,
}

impl Screens<'_> {
    fn browser(&self) -> &Browser {
        &self.visit.browser
    }

    /// Chromium is told now; Firefox was when it started.
    fn show_as(&self, theme: Theme) {
        if self.browser().kind() == Kind::Chromium {
            let value = format!("{theme:?}").to_lowercase();
            self.browser().cdp("Emulation.setEmulatedMedia", &json!({ "features": [{ "name": "prefers-color-scheme", "value": value }] }));
        }
    }

    fn walk(&mut self) {
        self.visit.open_page();
        let _ = self.browser().wait_for("#task-check");
        self.look("start");
        self.check();
        self.inspect();
        self.open();
        self.grant();
    }

    fn check(&mut self) {
        self.begin("check");
        self.look("check");
        self.trust();
        self.choose_pair("shop");
        self.look("check-chosen");
        for (name, integrity) in [
            ("shop", "intact"),
            ("damaged", "damaged"),
            ("unsealed", "unsealed"),
            ("altered", "header-changed"),
            ("renamed", "intact"),
            ("other", "damaged"),
        ] {
            self.begin("check");
            self.trust();
            self.choose_pair(name);
            assert_eq!(self.visit.answer("data-integrity"), integrity, "{name}: {}", self.browser().text());
            self.look(&format!("check-{name}"));
        }
        self.begin("check");
        self.choose_pair("shop");
        assert_eq!(self.visit.answer("data-integrity"), "unvouched");
        self.look("check-unvouched");

        self.browser().run(HOLD, &[]);
        // The next worker is made when this job ends, the one after that is held.
        for held in [false, true] {
            self.browser().wait_for("#back").click();
            self.browser().wait_for("#task-check").click();
            if held {
                self.browser().wait_for("#start").click();
                let _ = self.browser().wait_for("#map .read");
                self.look("check-running");
            } else {
                let _ = self.visit.answer("data-integrity");
            }
        }
    }

    fn inspect(&mut self) {
        self.begin("inspect");
        self.look("inspect");
        self.choose_pair("shop");
        let _ = self.visit.answer("data-answer");
        self.look("inspect-shop");
        self.begin("inspect");
        self.visit.choose("#backup-file", &self.folder.path("b/notes.txt"));
        let _ = self.visit.answer("data-answer");
        self.look("inspect-failed");
    }

    fn open(&mut self) {
        self.begin("open");
        self.look("open");
        self.browser().wait_for("#start").click();
        let _ = self.browser().wait_for("#failure-what");
        self.look("open-nothing-chosen");
        self.begin("open");
        self.trust();
        self.choose_pair("shop");
        self.visit.choose("#identity-file", &self.folder.path("backup.key"));
        self.click("#part-range");
        self.look("open-range");
        self.click("#part-whole");
        assert_eq!(self.visit.answer("data-answer"), "opened", "{}", self.browser().text());
        self.look("opened");

        self.begin("open");
        self.visit.choose("#backup-file", &self.folder.path("b/passphrase.age"));
        self.click("#key-by-passphrase");
        self.browser().wait_for("#passphrase").type_in(PASSPHRASE);
        self.look("open-passphrase");
        assert_eq!(self.visit.answer("data-answer"), "opened", "{}", self.browser().text());
        self.look("opened-unsealed");

        self.begin("open");
        self.choose_pair("shop");
        self.visit.choose("#identity-file", &self.folder.path("other.key"));
        let _ = self.visit.answer("data-answer");
        self.look("open-wrong-key");

        self.begin("open");
        self.trust();
        self.visit.choose("#backup-file", &self.folder.path("b/unsealed.age"));
        self.visit.choose("#identity-file", &self.folder.path("backup.key"));
        let _ = self.visit.answer("data-answer");
        self.look("open-refused");
        self.browser().wait_for("#open-anyway").click();
        let _ = self.browser().wait_for("#unsealed-warning");
        self.look("open-anyway");

        self.begin("open");
        self.trust();
        self.choose_pair("renamed");
        self.visit.choose("#identity-file", &self.folder.path("backup.key"));
        let _ = self.visit.answer("data-answer");
        self.look("open-renamed-refused");
        self.browser().wait_for("#open-anyway").click();
        let _ = self.browser().wait_for("#renamed-warning");
        self.look("open-renamed");
        self.visit.choose("#identity-file", &self.folder.path("backup.key"));
        assert_eq!(self.visit.answer("data-answer"), "opened", "{}", self.browser().text());
        self.look("opened-renamed");

        self.begin("open");
        self.trust();
        self.choose_pair("damaged");
        self.visit.choose("#identity-file", &self.folder.path("backup.key"));
        self.click("#part-salvage");
        assert_eq!(self.visit.answer("data-answer"), "opened", "{}", self.browser().text());
        self.look("salvaged");
    }

    fn grant(&mut self) {
        self.begin("grant");
        self.look("grant");
        self.browser().wait_for("#start").click();
        let _ = self.browser().wait_for("#failure-what");
        self.look("grant-nothing-chosen");
        self.begin("grant");
        self.visit.choose("#request-file", &self.folder.path("b/notes.txt"));
        self.visit.choose("#identity-file", &self.folder.path("backup.key"));
        self.look("grant-chosen");
        let _ = self.visit.answer("data-answer");
        self.look("grant-failed");
        for (name, granted) in [("shop", "1"), ("mixed", "2")] {
            self.begin("grant");
            self.trust();
            self.visit.choose("#request-file", &self.folder.path(&format!("{name}.request")));
            self.visit.choose("#identity-file", &self.folder.path("backup.key"));
            self.click("#start");
            let _ = self.browser().wait_for("#agree");
            self.look(&format!("review-{name}"));
            if self.browser().find("#grant-unverified").is_some() {
                self.click("#agree");
                let _ = self.browser().wait_for("#failure-what");
                self.look(&format!("review-{name}-not-ticked"));
                self.click("#grant-unverified");
            }
            self.click("#agree");
            let answer = self.browser().wait_for("#answer").attribute("data-granted");
            assert_eq!(answer.as_deref(), Some(granted), "{}", self.browser().text());
            self.look(&format!("granted-{name}"));
        }
    }

    fn begin(&self, task: &str) {
        let picks = self.browser().kind() == Kind::Chromium;
        // The name of what was picked is shown.
        let pick = PICK.replace("picked", "shop.sql");
        self.visit.begin(task, if picks { &pick } else { "" });
    }

    fn choose_pair(&self, name: &str) {
        let (backup, seal) = (self.folder.path(&format!("b/{name}.age")), self.folder.path(&format!("b/{name}.age.seal")));
        self.visit.choose("#backup-file", &backup);
        if seal.exists() {
            self.visit.choose("#seal-file", &seal);
        }
    }

    fn trust(&self) {
        let trust = self.browser().wait_for("#trust");
        trust.clear();
        trust.type_in(self.folder.read_text("trust").trim());
    }

    fn click(&self, choice: &str) {
        self.browser().find(choice).unwrap_or_else(|| panic!("{choice}")).click();
    }

    /// Looks at the screen as it is now.
    fn look(&mut self, screen: &str) {
        let browser = self.browser();
        fit(browser, self.width);
        let name = format!("{}-{screen}", self.pictures.file_name().unwrap_or_default().display());
        if browser.run("return typeof axe === 'undefined'", &[]) == Value::Bool(true) {
            browser.run(&format!("{}; window.axe = axe;", self.axe), &[]);
        }
        let found = browser.run_async(CHECK, &[]);
        let overhang = browser.run("return document.documentElement.scrollWidth - document.documentElement.clientWidth", &[]);
        browser.screenshot(&self.pictures.with_file_name(format!("{name}.png")));
        let found = found.as_array().expect("a list").iter().map(|fault| format!("{name}: {}", fault.as_str().unwrap_or_default()));
        self.faults.extend(found);
        if overhang != json!(0) {
            self.faults.push(format!("{name}: it is {overhang} pixels too wide"));
        }
    }
}

/// Makes the window as wide as asked, if the browser can be so narrow, and as high as what it shows.
fn fit(browser: &Browser, width: u32) {
    const MEASURE: &str = "return [outerWidth - innerWidth, outerHeight - innerHeight, document.documentElement.scrollHeight]";
    let number = |measures: &Value, index: usize| u32::try_from(measures[index].as_u64().unwrap_or_default()).unwrap_or_default();
    if browser.kind() == Kind::Chromium {
        let metrics = |height: u32| json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false });
        browser.cdp("Emulation.setDeviceMetricsOverride", &metrics(800));
        let height = number(&browser.run(MEASURE, &[]), 2);
        browser.cdp("Emulation.setDeviceMetricsOverride", &metrics(height.max(800)));
        return;
    }
    let around = browser.run(MEASURE, &[]);
    browser.resize(width + number(&around, 0), 800);
    let height = number(&browser.run(MEASURE, &[]), 2);
    browser.resize(width + number(&around, 0), height.max(800) + number(&around, 1));
}
