//! The desktop app grants what another machine asks for: the key stays in a file and in the job, and the window shows what is known.
#![cfg(unix)]

use dbseal_tests::browser::wait_for;
use dbseal_tests::cli::handoff::Machines;
use dbseal_tests::desktop::forms::failure;
use dbseal_tests::desktop::{Desktop, memory_has};

/// Fills the form with a request as text, the key, and whom to trust.
fn begin(desktop: &Desktop, machines: &Machines, request: &str, key: &str) {
    desktop.begin("grant");
    desktop.browser.wait_for("#request-text").type_in(request);
    choose_key(desktop, machines, key);
    desktop.trust(&machines.there.path("t/trust"));
}

fn choose_key(desktop: &Desktop, machines: &Machines, key: &str) {
    desktop.choose("#identity-file", "Choose the key file", &machines.there.path(key));
    wait_for("the key is chosen", || desktop.browser.wait_for("#identity-name").text().contains(key).then_some(()));
}

/// Waits for the question; its code.
fn asked(desktop: &Desktop) -> String {
    desktop.browser.wait_for("#start").click();
    desktop.browser.wait_for("#request-code").text()
}

/// Says yes, and waits for the grant: as text.
fn granted(desktop: &Desktop) -> String {
    desktop.browser.wait_for("#agree").click();
    assert_eq!(desktop.answer(), "granted", "{}", desktop.browser.text());
    desktop.browser.wait_for("#grant-text").property("value").as_str().expect("text").into()
}

#[test]
#[ignore = "not run here: long tier (10 minutes for the first, most of them to build the app)"]
fn a_grant_from_the_window_opens_a_backup_elsewhere() {
    let machines = Machines::new(&[]);
    let code = machines.request("shop.request", &["b/shop.age"]);
    let desktop = Desktop::start(&[]);
    begin(&desktop, &machines, &machines.there.read_text("shop.request"), "backup.key");
    assert!(desktop.browser.find("#key-text").is_none_or(|field| !field.is_shown()), "no private key is pasted here");
    desktop.screenshot("grant");
    assert_eq!(asked(&desktop), code);
    let files = desktop.browser.wait_for("#asked-files").text();
    assert!(files.contains("Sealed and made by db1, whom you trust; 20"), "{files}");
    desktop.screenshot("review");

    // The job has the file key now, and has had the private key: the window has neither.
    let key = machines.there.read_text("backup.key");
    let secret = key.lines().find(|line| line.starts_with("AGE-SECRET-KEY-")).expect("a key");
    let pages = desktop.browser.renderers();
    assert!(!pages.is_empty(), "the window has a process for its page");
    for pid in pages {
        assert!(memory_has(pid, code.as_bytes()), "what is in the page is found in its memory");
        assert!(!memory_has(pid, secret.as_bytes()), "the private key is in the memory of the page");
    }

    let grant = granted(&desktop);
    desktop.screenshot("granted");
    desktop.choose("#save-grant", "Where should the grant go?", &machines.there.path("shop.grant"));
    wait_for("it is saved", || desktop.browser.wait_for("#grant-note").text().ends_with("shop.grant").then_some(()));
    assert_eq!(machines.there.read_text("shop.grant"), grant);
    machines.open("shop.request", &grant, "b/shop.age").succeeds();
    assert!(machines.here.read("out") == machines.here.read("shop.sql"));
}

/// Pictures are decoded by the job; each is chosen by itself.
#[test]
#[ignore = "not run here: long tier (a minute, behind what builds the app)"]
fn pictures_of_a_request_are_read_by_the_job() {
    let machines = Machines::new(&["--pq"]);
    let (code, pictures) = machines.request_by_camera("shop.request", &["b/shop.age"]);
    let desktop = Desktop::start(&[]);
    desktop.begin("grant");
    for (picture, count) in pictures.iter().rev().zip(1..) {
        desktop.choose("#request-file", "Choose the request, or pictures of its codes", &machines.there.path(picture));
        wait_for("it is chosen", || (desktop.browser.find_all("#request-name .line").len() == count).then_some(()));
    }
    choose_key(&desktop, &machines, "backup.key");
    desktop.trust(&machines.there.path("t/trust"));
    desktop.screenshot("grant-pictures");
    assert_eq!(asked(&desktop), code);
    let grant = granted(&desktop);
    assert!(desktop.browser.find_all("#codes svg").len() > 1, "{}", desktop.browser.text());
    machines.open("shop.request", &grant, "b/shop.age").succeeds();
    assert!(machines.here.read("out") == machines.here.read("shop.sql"));
}

#[test]
#[ignore = "not run here: long tier (a minute, behind what builds the app)"]
fn nothing_is_granted_without_a_clear_yes() {
    let machines = Machines::new(&[]);
    machines.encrypt("b/bare.age", &[]);
    machines.there.dbseal(["keygen", "-o", "other.key"]).run().succeeds();
    let _ = machines.request("bare.request", &["b/bare.age"]);
    let request = machines.there.read_text("bare.request");
    let desktop = Desktop::start(&[]);
    begin(&desktop, &machines, &request, "backup.key");
    let _ = asked(&desktop);
    assert!(desktop.browser.text().contains("NOT VERIFIED: no seal came with it"), "{}", desktop.browser.text());
    desktop.browser.wait_for("#agree").click();
    assert!(desktop.browser.wait_for("#failure-what").text().contains("nothing was granted"));
    desktop.screenshot("review-not-verified");
    desktop.browser.wait_for("#refuse").click();
    wait_for("it is said", || desktop.browser.text().contains("Nothing was granted.").then_some(()));
    // The form keeps what was on it, the key file too, which only the job has read.
    assert!(desktop.browser.wait_for("#identity-name").text().contains("backup.key"));
    let _ = asked(&desktop);
    desktop.browser.wait_for("#grant-unverified").click();
    let grant = granted(&desktop);
    machines.open("bare.request", &grant, "b/bare.age").succeeds();

    desktop.browser.wait_for("#back").click();
    begin(&desktop, &machines, &request, "other.key");
    desktop.browser.wait_for("#start").click();
    let [what, next] = failure(&desktop);
    assert!(what.contains("None of the given keys opens") && next.starts_with("Choose the private key"), "{what} {next}");
    desktop.browser.wait_for("#back").click();
    begin(&desktop, &machines, &request[..request.len() / 2], "backup.key");
    desktop.browser.wait_for("#start").click();
    assert!(failure(&desktop)[0].contains("its last line is missing"), "{}", desktop.browser.text());
}

/// A passphrase goes through the page to the job; whom to trust is not read from where the request is.
#[test]
#[ignore = "not run here: long tier (a minute, behind what builds the app)"]
fn a_protected_key_grants_and_trust_lies_apart() {
    let machines = Machines::new(&[]);
    machines.there.write_secret("passphrase", "correct horse\n");
    machines.there.dbseal(["encrypt", "--passphrase-file", "passphrase", "-o", "protected.key", "backup.key"]).run().succeeds();
    let code = machines.request("shop.request", &["b/shop.age"]);
    let desktop = Desktop::start(&[]);
    begin(&desktop, &machines, &machines.there.read_text("shop.request"), "protected.key");
    desktop.browser.wait_for("#passphrase").type_in("correct horse");
    assert_eq!(asked(&desktop), code);
    let grant = granted(&desktop);
    machines.open("shop.request", &grant, "b/shop.age").succeeds();

    machines.there.write("trust-beside", machines.there.read_text("t/trust"));
    desktop.browser.wait_for("#back").click();
    desktop.begin("grant");
    desktop.choose("#request-file", "Choose the request, or pictures of its codes", &machines.there.path("shop.request"));
    wait_for("it is chosen", || desktop.browser.wait_for("#request-name").text().contains("shop.request").then_some(()));
    desktop.choose("#trust-file", "Whom do you trust?", &machines.there.path("trust-beside"));
    wait_for("it is refused", || desktop.browser.text().contains("lies where the backups are").then_some(()));
}
