//! What `{series}`, `{host}` and `{utc}` in the name of an output stand for.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::PathBuf;

use dbseal_core::{Label, Time};

use crate::error::JobError;

/// Replaces the placeholders in a name; `{host}` is this machine's, with a hyphen for what a label does not allow, and `{utc}` is
/// `now` as in `20261124T020013Z`.
///
/// # Errors
/// Other words in braces, and `{series}` where there is none: a backup must not be called after a typo.
pub(super) fn expand(name: &OsStr, series: Option<&Label>, now: Time) -> Result<PathBuf, JobError> {
    let mut expanded = Vec::new();
    let mut rest = name.as_bytes();
    while let Some(start) = rest.iter().position(|&byte| byte == b'{') {
        let Some(len) = rest[start..].iter().position(|&byte| byte == b'}') else { break };
        let word = &rest[start + 1..start + len];
        expanded.extend(&rest[..start]);
        match (word, series) {
            (b"series", Some(series)) => expanded.extend(series.to_string().bytes()),
            (b"host", _) => expanded.extend(host()),
            (b"utc", _) => expanded.extend(now.to_string().bytes().filter(|byte| !b"-:".contains(byte))),
            _ => return Err(JobError::Placeholder(String::from_utf8_lossy(word).into_owned())),
        }
        rest = &rest[start + len + 1..];
    }
    expanded.extend(rest);
    Ok(OsString::from_vec(expanded).into())
}

fn host() -> Vec<u8> {
    let name = rustix::system::uname();
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    name.nodename().to_bytes().iter().map(|&byte| if is_allowed(byte) { byte } else { b'-' }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_are_replaced_and_nothing_else() {
        let series = "shop".parse().expect("a label");
        let name = |name: &str| expand(name.as_ref(), Some(&series), Time::from_unix(1_795_485_613).expect("a time"));
        assert_eq!(name("{series}-{utc}.age").expect("a name"), PathBuf::from("shop-20261124T020013Z.age"));
        assert_eq!(name("a{b").expect("a name"), PathBuf::from("a{b"));
        assert!(!name("{host}").expect("a name").as_os_str().is_empty());
        assert!(matches!(name("{date}"), Err(JobError::Placeholder(word)) if word == "date"));
        assert!(matches!(expand("{series}".as_ref(), None, Time::from_unix(0).expect("a time")), Err(JobError::Placeholder(_))));
    }
}
