//! Any text as keys: a key that parses prints back, and a file of keys has the keys of its lines.
#![no_main]

use dbseal_core::{Identity, KeyfileError, Recipient, identities_from_text, recipients_from_text};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Ok(recipient) = text.parse::<Recipient>() {
        assert_eq!(recipient.to_string(), text);
    }
    if let Ok(identity) = text.parse::<Identity>() {
        assert_eq!(print(&identity), text);
        let recipient = identity.recipient().expect("a public half").to_string();
        assert_eq!(recipient.parse::<Recipient>().expect("it parses").to_string(), recipient);
    }
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')).collect();
    check(&lines, recipients_from_text(text).map(|keys| keys.iter().map(Recipient::to_string).collect()));
    check(&lines, identities_from_text(text).map(|keys| keys.iter().map(print).collect()));
});

fn print(identity: &Identity) -> String {
    identity.expose_text().expect("no passphrase is parsed").to_string()
}

fn check(lines: &[&str], keys: Result<Vec<String>, KeyfileError>) {
    match keys {
        Ok(keys) => assert_eq!(keys, lines),
        Err(error) => assert_eq!(error == KeyfileError::Empty, lines.is_empty(), "{error}"),
    }
}
