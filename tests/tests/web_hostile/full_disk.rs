//! A disk that is full, or a browser that gives the page no more of it: refused beforehand where it can be known, and in the middle where
//! it cannot. Nothing is left.

use dbseal_tests::browser::{Browser, Kind, NO_PICK, Origin, PICK, Visit};
use serde_json::{Value, json};

use super::{assert_nothing_left, backup_of, begin_to_open, failure, start_and_wait_until_it_runs, told};

/// Bytes of plaintext, and of which the browser is told to give less.
const PLAIN_LEN: usize = 40 << 20;
/// What there is room for.
const ROOM_LEN: usize = 16 << 20;
/// A browser that says there is room: the disk fills after it was asked.
const PROMISE_ROOM: &str = "navigator.storage.estimate = async () => ({ quota: 1e12, usage: 0 });";

/// A browser whose storage has that much room, from the first page on.
fn visit_with_room(kind: Kind, room: usize) -> Visit {
    // In KiB. One origin gets a part of it.
    let prefs = json!({ "dom.quotaManager.temporaryStorage.fixedLimit": room >> 10 });
    let prefs = if kind == Kind::Firefox { prefs } else { json!({}) };
    let visit = Visit::start(Browser::start_with(kind, &prefs), Origin::Server);
    if kind == Kind::Chromium {
        visit.open_page();
        set_room(&visit, &origin(&visit), room);
    }
    visit
}

fn origin(visit: &Visit) -> Value {
    visit.browser.run("return location.origin", &[])
}

/// Chromium gives an origin that much from now on.
fn set_room(visit: &Visit, origin: &Value, room: usize) {
    visit.browser.cdp("Storage.overrideQuotaForOrigin", &json!({ "origin": origin, "quotaSize": room }));
}

#[test]
fn a_disk_that_is_too_full_is_found_out_beforehand_or_in_the_middle() {
    let folder = backup_of(PLAIN_LEN);
    for kind in Kind::MAIN {
        let visit = visit_with_room(kind, ROOM_LEN);
        begin_to_open(&visit, &folder, "shop.age", NO_PICK);
        let said = failure(&visit);
        // Chromium says of every disk that 10 GiB are free, so that nobody is recognised by theirs.
        let words = if kind == Kind::Firefox { "has room for" } else { "disk is full" };
        assert!(said.contains(words), "{}: {said}", visit.name());
        assert_nothing_left(&visit);

        let promised = format!("{NO_PICK} {PROMISE_ROOM}");
        begin_to_open(&visit, &folder, "shop.age", &promised);
        let said = failure(&visit);
        assert!(said.contains("disk is full"), "{}: {said}", visit.name());
        assert_nothing_left(&visit);

        if kind == Kind::Chromium {
            begin_to_open(&visit, &folder, "shop.age", PICK);
            let said = failure(&visit);
            assert!(said.contains("disk is full"), "{}: {said}", visit.name());
            assert_nothing_left(&visit);
        }

        // A part that fits in is opened all the same.
        begin_to_open(&visit, &folder, "shop.age", NO_PICK);
        visit.browser.find("#part-range").expect("a choice").click();
        visit.browser.wait_for("#part-range-end").type_in("1M");
        assert_eq!(visit.answer("data-answer"), "opened", "{}: {}", visit.name(), visit.browser.text());
        visit.end();
    }
}

#[test]
fn a_disk_that_fills_while_it_is_written() {
    let folder = backup_of(600 << 20);
    let visit = Visit::start(Browser::start(Kind::Chromium), Origin::Server);
    for pick in [NO_PICK, PICK] {
        visit.open_page();
        // Asked beforehand: little may come between a job that runs and a disk that is full.
        let origin = origin(&visit);
        set_room(&visit, &origin, 10 << 30);
        begin_to_open(&visit, &folder, "shop.age", pick);
        start_and_wait_until_it_runs(&visit);
        set_room(&visit, &origin, 1 << 20);
        let said = told(&visit);
        // Chromium does not always say why it writes no more.
        assert!(said.contains("disk is full") || said.contains("cannot be written"), "{said}");
        assert!(said.contains("Free some space"), "{said}");
        assert_nothing_left(&visit);
    }
    visit.end();
}
