//! Passphrases: a wrong one, and one that takes more memory than a page may have.

use dbseal_tests::browser::{NO_PICK, Visit, wait_for};
use dbseal_tests::cli::Folder;
use dbseal_tests::inputs::paint;
use dbseal_tests::passphrase_vectors;

use super::{begin_to_open, failure, told};

/// The key as WebDriver types it.
const ENTER: char = '\u{e007}';

#[test]
fn a_wrong_passphrase_can_be_typed_again() {
    let folder = Folder::with_key();
    folder.write("plain", paint(1000));
    folder.write("passphrase", "right");
    folder.dbseal(["encrypt", "--passphrase-file", "passphrase", "-o", "shop.age", "plain"]).run().succeeds();
    Visit::each(|visit| {
        visit.begin("open", NO_PICK);
        visit.choose("#backup-file", &folder.path("shop.age"));
        visit.browser.find("#key-by-passphrase").expect("a choice").click();
        wait_for("where the output goes", || visit.browser.find("#output-note").and_then(|note| note.attribute("data-output")));
        visit.browser.wait_for("#passphrase").type_in(&format!("wrong{ENTER}"));
        let said = told(visit);
        assert!(said.contains("does not open the backup"), "{}: {said}", visit.name());
        visit.browser.find("#again").expect("a way back").click();
        let field = visit.browser.wait_for("#passphrase");
        assert!(field.is_shown() && field.property("value") == "", "{}: {}", visit.name(), field.property("value"));
        wait_for("where the output goes", || visit.browser.find("#output-note").and_then(|note| note.attribute("data-output")));
        field.type_in(&format!("right{ENTER}"));
        assert_eq!(visit.browser.wait_for("#answer").attribute("data-answer").as_deref(), Some("opened"), "{}", visit.name());
    });
}

#[test]
fn a_work_factor_that_a_page_cannot_hold_names_the_command() {
    let folder = Folder::with_key();
    let vectors = passphrase_vectors::all();
    let (_, vector) = vectors.iter().find(|(name, _)| *name == "work-factor-22").expect("a vector");
    let head_len = vector.windows(2).position(|pair| pair == b"\n\n").expect("an empty line") + 2;
    folder.write("plain", paint(1000));
    folder.write("heavy.age", &vector[head_len..]);
    let heavier = String::from_utf8_lossy(&vector[head_len..]).find(" 22\n").expect("a work factor") + head_len;
    let mut just_over = vector.clone();
    just_over[heavier..heavier + 3].copy_from_slice(b" 20");
    folder.write("just-over.age", &just_over[head_len..]);
    folder.dbseal(["encrypt", "-R", "backup.pub", "-o", "shop.age", "plain"]).run().succeeds();

    Visit::each(|visit| {
        for (name, factor) in [("heavy.age", "2^22"), ("just-over.age", "2^20")] {
            visit.begin("open", NO_PICK);
            visit.choose("#backup-file", &folder.path(name));
            visit.browser.find("#key-by-passphrase").expect("a choice").click();
            visit.browser.wait_for("#passphrase").type_in("correct horse");
            let said = failure(visit);
            assert!(said.contains(factor) && said.contains("dbseal decrypt"), "{name} in {}: {said}", visit.name());

            begin_to_open(visit, &folder, "shop.age", NO_PICK);
            visit.choose("#identity-file", &folder.path(name));
            visit.browser.wait_for("#passphrase").type_in("correct horse");
            let said = failure(visit);
            assert!(said.contains(factor) && said.contains("dbseal decrypt"), "{name} as identity in {}: {said}", visit.name());
        }
    });
}
