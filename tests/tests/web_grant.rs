//! The page grants what another machine asks for, in real browsers, from a server and from a file: by text and by pictures, and only after
//! a clear yes.
#![cfg(unix)]

use std::fs;
use std::path::PathBuf;

use dbseal_tests::browser::{Kind, Visit, wait_for};
use dbseal_tests::cli::handoff::Machines;
use serde_json::json;

/// A file's name has no slash, and all else that markup needs.
const MARKUP: &str = "b/<img src=x onerror=alert(1)>.age";

#[test]
fn a_grant_from_the_page_opens_a_backup_elsewhere() {
    let machines = Machines::new(&[]);
    Visit::each(|visit| by_text(visit, &machines));
}

#[test]
fn a_camera_carries_both_ways() {
    let machines = Machines::new(&["--pq"]);
    Visit::each(|visit| by_camera(visit, &machines));
}

#[test]
fn nothing_is_granted_without_a_clear_yes() {
    let machines = machines_with_more();
    Visit::each(|visit| refused(visit, &machines));
}

#[test]
#[ignore = "not run here: long tier (a third browser, a minute)"]
fn so_it_does_in_webkit() {
    let (machines, hybrid) = (machines_with_more(), Machines::new(&["--pq"]));
    Visit::both(Kind::WebKit, |visit| {
        by_text(visit, &machines);
        // To a page from a file it reads no picture.
        if visit.name() == "WebKit from a File" {
            by_no_camera(visit, &hybrid);
        } else {
            by_camera(visit, &hybrid);
        }
        refused(visit, &machines);
    });
}

/// Where the browser makes no pixels of a picture, the page says what does it.
fn by_no_camera(visit: &Visit, machines: &Machines) {
    let (_, pictures) = machines.request_by_camera(&name_in(visit, "camera"), &["b/shop.age"]);
    visit.begin("grant", "");
    visit.choose("#request-file", &machines.there.path(&pictures[0]));
    visit.choose("#identity-file", &machines.there.path("backup.key"));
    trust(visit, machines);
    visit.browser.wait_for("#start").click();
    let [what, next] = ["#failure-what", "#failure-next"].map(|words| visit.browser.wait_for(words).text());
    assert!(what.starts_with("A picture cannot be read: ") && next.contains("paste the request as text"), "{what} {next}");
    visit.browser.wait_for("#again").click();
}

/// With a backup that has no seal, and a name that is markup; one for another key; and that key.
fn machines_with_more() -> Machines {
    let machines = Machines::new(&[]);
    machines.encrypt(MARKUP, &[]);
    machines.there.dbseal(["keygen", "-o", "other.key"]).run().succeeds();
    machines.here.write("other.pub", machines.there.read_text("other.pub"));
    machines.here.dbseal(["encrypt", "-R", "other.pub", "-o", "b/foreign.age", "shop.sql"]).run().succeeds();
    machines
}

/// The name of a request that no other visit has made: the key of one goes with its use.
fn name_in(visit: &Visit, what: &str) -> String {
    format!("{what}-{}", visit.name().replace(' ', "-").to_lowercase())
}

/// Fills the form with a request as text, the key, and whom to trust.
fn begin(visit: &Visit, machines: &Machines, request: &str, key: &str) {
    visit.begin("grant", "");
    visit.browser.wait_for("#request-text").type_in(request);
    visit.choose("#identity-file", &machines.there.path(key));
    trust(visit, machines);
}

fn trust(visit: &Visit, machines: &Machines) {
    visit.browser.wait_for("#trust").type_in(machines.there.read_text("t/trust").trim());
}

/// Presses the button that shows what is asked for; how many files are not verified, by the screen.
fn unverified(visit: &Visit) -> String {
    visit.browser.wait_for("#start").click();
    let _ = wait_for(&format!("{}: a question", visit.name()), || visit.browser.find("#agree"));
    visit.browser.wait_for("#asked").attribute("data-unverified").unwrap_or_default()
}

/// Says yes, and waits for the grant: as text.
fn granted(visit: &Visit) -> String {
    visit.browser.wait_for("#agree").click();
    let answer = visit.browser.wait_for("#answer").attribute("data-answer");
    assert_eq!(answer.as_deref(), Some("granted"), "{}:\n{}", visit.name(), visit.browser.text());
    visit.browser.wait_for("#grant-text").property("value").as_str().expect("text").into()
}

fn by_text(visit: &Visit, machines: &Machines) {
    let name = name_in(visit, "shop");
    let code = machines.request(&name, &["b/shop.age"]);
    begin(visit, machines, &machines.there.read_text(&name), "backup.key");
    assert_eq!(unverified(visit), "0", "{}:\n{}", visit.name(), visit.browser.text());
    assert_eq!(visit.browser.wait_for("#request-code").text(), code, "{}", visit.name());
    let files = visit.browser.wait_for("#asked-files").text();
    assert!(files.contains("shop.age") && files.contains("Sealed and made by db1, whom you trust; 20"), "{}: {files}", visit.name());
    let signer = visit.browser.wait_for("#request-signer").text();
    assert!(signer.starts_with("Nobody whom you trust"), "{}: {signer}", visit.name());
    // Enter, where the focus is, is no answer.
    assert_eq!(visit.browser.run("return document.activeElement.id", &[]), json!("answer-title"), "{}", visit.name());

    let grant = granted(visit);
    assert!(visit.browser.wait_for("#answer-title").text() == "Granted", "{}", visit.name());
    machines.open(&name, &grant, "b/shop.age").succeeds();
    assert!(machines.here.read("out") == machines.here.read("shop.sql"), "{}", visit.name());

    // What the browser saves is the same.
    visit.browser.wait_for("#save-grant").click();
    // WebKit's has its name before all of it is there.
    let is_it = |saved: &PathBuf| fs::read_to_string(saved).is_ok_and(|text| text == grant);
    let saved = wait_for(&format!("{}: the grant is downloaded", visit.name()), || visit.browser.downloaded().filter(is_it));
    fs::remove_file(saved).expect("it is there");
    // Copied, or selected for the person to copy it.
    visit.browser.wait_for("#copy-grant").click();
    wait_for("it says so", || (!visit.browser.find("#copy-note")?.text().is_empty()).then_some(()));
    let selected =
        "const text = document.getElementById('grant-text'); return text.selectionEnd - text.selectionStart === text.value.length";
    assert_eq!(visit.browser.run(selected, &[]), json!(true), "{}", visit.name());
}

/// Pictures of the other machine's screen in, and of the page's out.
fn by_camera(visit: &Visit, machines: &Machines) {
    let name = name_in(visit, "camera");
    let (code, pictures) = machines.request_by_camera(&name, &["b/shop.age"]);
    assert!(pictures.len() > 1, "a post-quantum request takes more than one");
    let paths: Vec<PathBuf> = pictures.iter().rev().map(|picture| machines.there.path(picture)).collect();
    let [last, others @ ..] = &*paths else { unreachable!("there are several") };
    visit.begin("grant", "");
    let choose = |paths: &[PathBuf]| {
        let paths: Vec<_> = paths.iter().map(PathBuf::as_path).collect();
        visit.browser.find("#request-file").expect("a field").choose(&paths);
    };
    choose(std::slice::from_ref(last));
    visit.choose("#identity-file", &machines.there.path("backup.key"));
    trust(visit, machines);
    visit.browser.wait_for("#start").click();
    let told = visit.browser.wait_for("#failure-what").text();
    assert!(told.contains("parts these are missing: 1"), "{}: {told}", visit.name());
    visit.browser.wait_for("#again").click();
    // Those that were chosen stay, and one that is chosen again is one.
    let _ = visit.browser.wait_for("#start");
    choose(others);
    choose(std::slice::from_ref(last));
    assert_eq!(visit.browser.find_all("#request-name .line").len(), paths.len(), "{}", visit.name());
    visit.choose("#identity-file", &machines.there.path("backup.key"));
    assert_eq!(unverified(visit), "0", "{}:\n{}", visit.name(), visit.browser.text());
    assert_eq!(visit.browser.wait_for("#request-code").text(), code, "{}", visit.name());
    let _ = granted(visit);

    let codes = visit.browser.find_all("#codes svg");
    assert!(codes.len() > 1, "{}: a post-quantum grant takes more than one", visit.name());
    assert_eq!(visit.browser.find_all("#codes figcaption")[0].text(), format!("QR code 1 of {}", codes.len()), "{}", visit.name());
    visit.browser.resize(900, 1000);
    let mut opens = machines.here.dbseal(["decrypt", "--request", &name, "-f", "-o", "out", "b/shop.age"]);
    for (index, code) in codes.iter().enumerate() {
        // WebKit's own way to scroll something into view leaves a part of it below; and what has scrolled is on the screen a frame later.
        let scroll = "scrollBy(0, arguments[0].getBoundingClientRect().top - 20);
            for (let frame = 0; frame < 3; frame++) await new Promise((drawn) => requestAnimationFrame(drawn));";
        visit.browser.run_async(scroll, &[code.value()]);
        let picture = format!("{name}-{index}.png");
        visit.browser.screenshot(&machines.here.path(&picture));
        opens = opens.args(["--grant", &picture]);
    }
    opens.run().succeeds();
    assert!(machines.here.read("out") == machines.here.read("shop.sql"), "{}", visit.name());
}

fn refused(visit: &Visit, machines: &Machines) {
    let name = name_in(visit, "bare");
    let _ = machines.request(&name, &[MARKUP, "b/foreign.age"]);
    let request = machines.there.read_text(&name);
    let failure = || {
        let [what, next] = ["#failure-what", "#failure-next"].map(|words| visit.browser.wait_for(words).text());
        assert!(what.ends_with('.') && next.ends_with('.'), "{}: {what} {next}", visit.name());
        what
    };
    let fails = |words: &str| {
        visit.browser.wait_for("#start").click();
        let what = failure();
        assert!(what.contains(words), "{}: {what:?} does not say {words:?}", visit.name());
    };
    visit.begin("grant", "");
    fails("No request was given yet");

    // The one button does nothing without the tick, and leaving is a no.
    begin(visit, machines, &request, "backup.key");
    assert_eq!(unverified(visit), "1", "{}", visit.name());
    let text = visit.browser.wait_for("#asked-files").text();
    assert!(text.contains("NOT VERIFIED: no seal came with it") && text.contains("%3Cimg"), "{}: {text}", visit.name());
    assert!(text.contains("this key does not open it"), "{}: {text}", visit.name());
    assert_eq!(visit.browser.find_all("main img").len(), 0, "{}", visit.name());
    visit.browser.wait_for("#agree").click();
    assert!(failure().contains("nothing was granted"), "{}", visit.name());
    assert!(visit.browser.find("#answer").is_none(), "{}", visit.name());
    visit.browser.wait_for("#refuse").click();
    let said = visit.browser.wait_for("#notice").text();
    assert_eq!(said, "Nothing was granted.", "{}", visit.name());
    // What was pasted is still there, the key is not.
    let pasted = visit.browser.wait_for("#request-text").property("value");
    // WebKit's driver types no line breaks.
    let letters = |text: &str| text.split_whitespace().collect::<String>();
    assert_eq!(pasted.as_str().map(letters), Some(letters(&request)), "{}", visit.name());
    fails("No key file was chosen yet");

    begin(visit, machines, &request, "backup.key");
    let _ = unverified(visit);
    visit.browser.find("#grant-unverified").expect("a box").click();
    let grant = granted(visit);
    assert_eq!(visit.browser.wait_for("#answer-title").text(), "Granted: 1 of 2", "{}", visit.name());
    machines.open(&name, &grant, MARKUP).succeeds();
    assert!(machines.here.read("out") == machines.here.read("shop.sql"), "{}", visit.name());

    let shop = name_in(visit, "refused");
    let code = machines.request(&shop, &["b/shop.age"]);
    let request = machines.there.read_text(&shop);
    begin(visit, machines, &request, "other.key");
    fails("None of the given keys opens");
    // A letter that is another one.
    let at = request.len() / 2;
    let other = if request.as_bytes()[at] == b'A' { "B" } else { "A" };
    begin(visit, machines, &[&request[..at], other, &request[at + 1..]].concat(), "backup.key");
    visit.browser.wait_for("#start").click();
    // It says why, or has another code, which two people compare.
    let what = wait_for("an answer", || {
        visit.browser.find("#failure-what").or_else(|| visit.browser.find("#request-code")).map(|found| found.text())
    });
    assert!(!what.is_empty() && what != code, "{}: {what}", visit.name());
    for (text, words) in [
        ("hello", "neither a request nor a grant"),
        (grant.as_str(), "a grant, and not a request"),
        (&request[..request.len() / 2], "its last line is missing"),
        ("-----BEGIN DBSEAL REQUEST-----\n<img src=x onerror=alert(1)>\n-----END DBSEAL REQUEST-----", "no base64"),
    ] {
        begin(visit, machines, text, "backup.key");
        fails(words);
        assert_eq!(visit.browser.find_all("main img").len(), 0, "{}", visit.name());
    }
}
