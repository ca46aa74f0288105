//! Whether this computer has a network up: advice for who restores where there should be none.

use std::fs;
use std::path::Path;

/// Where Linux lists its network interfaces (sysfs-class-net).
const INTERFACES: &str = "/sys/class/net";
/// The type of the loopback interface, by which a computer speaks to itself (if_arp.h, `ARPHRD_LOOPBACK`).
const LOOPBACK: &str = "772";

/// The names of the interfaces that are up, in order; `None` where none is known to be up, and it cannot be told of all.
pub(crate) fn up() -> Option<Vec<String>> {
    up_in(Path::new(INTERFACES))
}

fn up_in(interfaces: &Path) -> Option<Vec<String>> {
    let (mut names, mut is_known) = (Vec::new(), true);
    // A system without the folder, or one that shows it to nobody.
    for entry in fs::read_dir(interfaces).ok()? {
        let Ok(entry) = entry else {
            is_known = false;
            continue;
        };
        match is_up(&entry.path()) {
            Some(true) => names.push(entry.file_name().to_string_lossy().into_owned()),
            Some(false) => {}
            None => is_known = false,
        }
    }
    names.sort();
    (is_known || !names.is_empty()).then_some(names)
}

/// Whether others can be reached by an interface; `None` where its driver does not know.
fn is_up(folder: &Path) -> Option<bool> {
    let says = |file: &str| fs::read_to_string(folder.join(file)).unwrap_or_default().trim().to_owned();
    // Beside interfaces lie settings of all of a kind, as files (bonding_masters).
    if !folder.is_dir() || says("type") == LOOPBACK {
        return Some(false);
    }
    match (&*says("operstate"), &*says("carrier")) {
        ("up", _) => Some(true),
        ("down" | "notpresent" | "lowerlayerdown" | "dormant" | "testing", _) => Some(false),
        // Some drivers only know that there is a carrier.
        (_, "1") => Some(true),
        (_, "0") => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interface_is_up_by_its_state_or_its_carrier() {
        let folder = std::env::temp_dir().join(format!("dbseal-interfaces-{}", std::process::id()));
        for (name, files) in [
            ("lo", [("type", "772\n"), ("operstate", "unknown\n"), ("carrier", "1\n")]),
            ("eth0", [("type", "1\n"), ("operstate", "up\n"), ("carrier", "1\n")]),
            ("eth1", [("type", "1\n"), ("operstate", "down\n"), ("carrier", "0\n")]),
            ("tun0", [("type", "65534\n"), ("operstate", "unknown\n"), ("carrier", "1\n")]),
            ("wlan0", [("type", "1\n"), ("operstate", "unknown\n"), ("carrier", "")]),
        ] {
            fs::create_dir_all(folder.join(name)).expect("a folder");
            files.iter().for_each(|(file, text)| fs::write(folder.join(name).join(file), text).expect("a file"));
        }
        fs::write(folder.join("bonding_masters"), "").expect("a file");
        let up = || up_in(&folder);
        let remove = |name: &str| fs::remove_dir_all(folder.join(name)).expect("it is there");
        assert_eq!(up(), Some(vec!["eth0".into(), "tun0".into()]));
        ["eth0", "tun0"].iter().for_each(|name| remove(name));
        assert_eq!(up(), None, "of wlan0 it cannot be told");
        remove("wlan0");
        assert_eq!(up(), Some(Vec::new()));
        fs::remove_dir_all(&folder).expect("it is there");
        assert_eq!(up(), None, "nor of any");
    }
}
