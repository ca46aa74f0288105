//! Which program the output of a job may go into: the person's to say, by a dialog of the app. The page, which somebody may have taken over,
//! could else run anything, or give a program what nobody vouches for whom the person knows.

use std::path::PathBuf;
use std::sync::Mutex;

use dbseal::default_trust_files;
use tauri::{AppHandle, Manager};

use crate::commands::{State, lock};
use crate::dialogs;

const TITLE: &str = "Run this program?";
/// Characters of a command line that are shown; a longer one is not run, as its end could not be seen.
const MAX_LINE: usize = 1000;
/// Lines of whom to trust that are shown.
const MAX_TRUSTED: usize = 8;

/// The command line that the person has let the next job run, and whom they trust for that.
#[derive(Default)]
pub(crate) struct LetRun(Mutex<Option<(String, String)>>);

impl LetRun {
    /// Whether this is what the person has seen: once.
    pub(crate) fn take(&self, line: &str, trust: &str) -> bool {
        lock(&self.0).take().is_some_and(|seen| seen == (line.into(), trust.into()))
    }
}

/// Asks the person, and says what they say. Not on the window's thread, as it waits for them.
pub(crate) fn ask(app: &AppHandle, line: String, trust: String) -> bool {
    let who = who(&trust, default_trust_files());
    // Where nobody is trusted, the job refuses by itself, and says so better.
    let is_let = who.is_empty() || is_short(&line) && dialogs::ask(app, TITLE, &question(&line, &who), ["Run it", "Cancel"]);
    *lock(&app.state::<State>().let_run.0) = is_let.then_some((line, trust));
    is_let
}

fn is_short(line: &str) -> bool {
    line.chars().count() <= MAX_LINE
}

/// The lines of a text that trust somebody; where there is nothing in it, the files that say so.
fn who(trust: &str, files: impl Iterator<Item = PathBuf>) -> Vec<String> {
    if trust.trim_ascii().is_empty() {
        return files.map(|path| format!("whom {} names", path.display())).collect();
    }
    let lines = trust.lines().map(|line| line.split('#').next().unwrap_or_default().trim());
    lines.filter(|line| !line.is_empty()).map(Into::into).collect()
}

/// What would be run, and for whom.
fn question(line: &str, who: &[String]) -> Vec<String> {
    let more = who.len().saturating_sub(MAX_TRUSTED);
    let more = (more > 0).then(|| format!("(and {more} more, which are not shown here)"));
    ["The backup goes into this program, which runs with your rights:", line, "if one of these has signed it:"]
        .into_iter()
        .chain(who.iter().take(MAX_TRUSTED).map(String::as_str))
        .map(Into::into)
        .chain(more)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_shows_all_that_would_be_run() {
        assert_eq!(
            question("mbstream -x", &who("# ours\n\ndb1+aaaa may=seal # the first\n", std::iter::empty())),
            [
                "The backup goes into this program, which runs with your rights:",
                "mbstream -x",
                "if one of these has signed it:",
                "db1+aaaa may=seal"
            ]
        );
        let many: Vec<_> = (0..10).map(|number| format!("db{number}")).collect();
        assert_eq!(question("cat", &many)[10..], ["db7", "(and 2 more, which are not shown here)"]);
        assert_eq!(who(" \n", [PathBuf::from("/etc/dbseal/trust")].into_iter()), ["whom /etc/dbseal/trust names"]);
        assert!(is_short(&"ü".repeat(MAX_LINE)) && !is_short(&"x".repeat(MAX_LINE + 1)));
    }

    #[test]
    fn what_was_seen_is_run_once_and_nothing_else_is() {
        let seen = || LetRun(Mutex::new(Some(("cat".into(), "db1".into()))));
        let let_run = seen();
        assert!(let_run.take("cat", "db1") && !let_run.take("cat", "db1"));
        for (line, trust) in [("cat ", "db1"), ("cat", "db2"), ("", "")] {
            let let_run = seen();
            assert!(!let_run.take(line, trust));
            assert!(!let_run.take("cat", "db1"), "one that was refused has to be asked for anew");
        }
        assert!(!LetRun::default().take("", ""));
    }
}
