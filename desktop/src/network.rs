//! Whether this computer has a network up: advice for who restores where there should be none.

use std::fs;
use std::path::Path;

/// Where Linux lists its network interfaces (sysfs-class-net).
const INTERFACES: &str = "/sys/class/net";
/// The type of the loopback interface, by which a computer speaks to itself (if_arp.h, `ARPHRD_LOOPBACK`).
const LOOPBACK: &str = "772";

/// The names of the interfaces that are up, in order.
pub(crate) fn up() -> Vec<String> {
    up_in(Path::new(INTERFACES))
}

fn up_in(interfaces: &Path) -> Vec<String> {
    let entries = fs::read_dir(interfaces).into_iter().flatten().flatten();
    let is_up = |folder: &Path| {
        let says = |file: &str| fs::read_to_string(folder.join(file)).unwrap_or_default().trim().to_owned();
        // Some drivers only know that there is a carrier.
        says("type") != LOOPBACK && (says("operstate") == "up" || says("operstate") == "unknown" && says("carrier") == "1")
    };
    let mut names: Vec<_> =
        entries.filter(|entry| is_up(&entry.path())).map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
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
        ] {
            fs::create_dir_all(folder.join(name)).expect("a folder");
            files.iter().for_each(|(file, text)| fs::write(folder.join(name).join(file), text).expect("a file"));
        }
        let names = up_in(&folder);
        fs::remove_dir_all(&folder).expect("it is there");
        assert_eq!(names, ["eth0", "tun0"]);
        assert_eq!(up_in(&folder), [""; 0]);
    }
}
