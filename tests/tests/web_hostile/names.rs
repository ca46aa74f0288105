//! Names that others chose, with markup in them: shown as what they are, and nothing comes of them.

use std::fs;

use dbseal_tests::browser::{NO_PICK, Visit};
use dbseal_tests::cli::seals;
use dbseal_tests::inputs::paint;
use serde_json::json;

use super::{begin_to_open, failure};

/// A file's name has no slash, and all else that markup needs.
const MARKUP: &str = "<img src=x onerror=alert(1)><b>'\"&lt;$&\u{202e}gnp.age";
/// As it is shown: what would turn the order of its letters around is spelled out.
const SHOWN: &str = "<img src=x onerror=alert(1)><b>'\"&lt;$&\\u{202e}gnp.age";

/// Elements that the page makes nowhere, attributes that run something, and whether anything ran.
const INJECTED: &str = "
    const made = [...document.querySelectorAll('main *, #announcer *')];
    const elements = made.filter((element) => element.matches('img, b, script, iframe, object, embed, svg, style, base, link, meta'));
    const running = [...document.querySelectorAll('*')].filter((element) =>
        [...element.attributes].some(({ name }) => name.startsWith('on')));
    return [...elements, ...running].map((element) => element.outerHTML).concat(self.ran ?? []);
";
/// An alert would only be seen if somebody looked for it.
const NOTE_ALERTS: &str = "self.alert = () => (self.ran ??= []).push('alert');";

#[test]
fn names_with_markup_are_text() {
    let folder = seals::folder();
    folder.write("plain", paint(100_000));
    // A note has the name of the file. Those of series, signers and checks cannot hold markup: such a seal is broken.
    let backup = format!("b/{MARKUP}");
    seals::encrypt_next(&folder, &["-o", &backup, "plain"]).run().succeeds();
    folder.write("b/label.age", folder.read(&backup));
    let label = folder.read_text(&format!("{backup}.seal")).replace("\nseries shop ", "\nseries <img/src=x/onerror=alert(1)> ");
    folder.write("b/label.age.seal", label.replace("\u{2014} host ", "\u{2014} <img/src=x/onerror=alert(1)> "));
    fs::copy(folder.path(&backup), folder.path("b/other.age")).expect("copied");
    fs::copy(folder.path(&format!("{backup}.seal")), folder.path("b/other.age.seal")).expect("copied");
    folder.write(&format!("b/no{MARKUP}"), "no age file");
    folder.write("b/stanza.age", format!("age-encryption.org/v1\n-> <img/src=x/onerror=alert(1)>\n\n--- {}\n", "A".repeat(43)));
    folder.write("key<b>.key", "<img src=x onerror=alert(1)>\n");
    let trust = folder.read_text("trust").trim().to_owned();

    Visit::each(|visit| {
        let note_alerts = format!("{NO_PICK} {NOTE_ALERTS}");
        let shows = |shown: &[&str]| {
            let text = visit.browser.text();
            for words in shown {
                assert!(text.contains(words), "{} does not show {words:?}:\n{text}", visit.name());
            }
            let injected = visit.browser.run(INJECTED, &[]);
            assert_eq!(injected, json!([]), "{}:\n{text}", visit.name());
            assert_eq!(visit.browser.question(), None, "{}", visit.name());
        };
        let begin = |task: &str, backup: &str| {
            visit.begin(task, &note_alerts);
            visit.choose("#backup-file", &folder.path(backup));
            let seal = folder.path(&format!("{backup}.seal"));
            if seal.exists() {
                visit.choose("#seal-file", &seal);
            }
            shows(&[]);
        };
        let type_trust = |lines: &str| visit.browser.wait_for("#trust").type_in(lines);

        begin("check", &backup);
        shows(&[SHOWN]);
        type_trust(&trust);
        assert_eq!(visit.answer("data-integrity"), "intact", "{}: {}", visit.name(), visit.browser.text());
        shows(&[SHOWN]);

        begin("check", "b/other.age");
        assert_eq!(visit.answer("data-integrity"), "unvouched", "{}", visit.name());
        shows(&["onerror"]);

        begin("check", "b/label.age");
        assert_eq!(visit.answer("data-integrity"), "broken-seal", "{}", visit.name());
        shows(&[]);

        begin("inspect", &backup);
        assert_eq!(visit.answer("data-answer"), "inspected", "{}", visit.name());
        shows(&[SHOWN]);

        begin("inspect", "b/stanza.age");
        assert_eq!(visit.answer("data-answer"), "inspected", "{}", visit.name());
        shows(&["<img/src=x/onerror=alert(1)>"]);

        begin("inspect", &format!("b/no{MARKUP}"));
        let _ = failure(visit);
        shows(&[]);

        begin("check", "b/other.age");
        type_trust("<img src=x onerror=alert(1)> may=<b>");
        let _ = failure(visit);
        shows(&[]);

        begin_to_open(visit, &folder, &backup, &note_alerts);
        visit.choose("#identity-file", &folder.path("key<b>.key"));
        shows(&["key<b>.key"]);
        let _ = failure(visit);
        shows(&[]);

        begin_to_open(visit, &folder, &backup, &note_alerts);
        assert_eq!(visit.answer("data-answer"), "opened", "{}", visit.name());
        shows(&[SHOWN.trim_end_matches(".age")]);
    });
}
