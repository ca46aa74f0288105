//! Puts the page into the app, and says what of the app the page may call.

use std::env;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

/// The folder that the page was built into, as a server would hand it out; `./x desktop` sets it. Without it the app builds, for lints
/// and documentation, and says at its start that it has no page.
const PAGE: &str = "DBSEAL_PAGE";

/// What of that folder is another build, or a list of it.
const LEFT_OUT: [&str; 3] = ["dbseal.html", "threads", "SHA256SUMS"];

fn main() {
    println!("cargo::rerun-if-env-changed={PAGE}");
    let mut list = String::from("&[\n");
    if let Some(folder) = env::var_os(PAGE).map(PathBuf::from) {
        println!("cargo::rerun-if-changed={}", folder.display());
        add(&folder, &folder, &mut list);
    }
    list.push(']');
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo says where"));
    fs::write(out.join("page.rs"), list).expect("cargo's own folder");

    let commands = &[
        "about",
        "agree",
        "choose",
        "choose_in",
        "choose_trust",
        "given",
        "let_page_work",
        "let_run",
        "passphrase",
        "save_text",
        "start",
        "stop",
    ];
    let manifest = tauri_build::AppManifest::new().commands(commands);
    tauri_build::try_build(tauri_build::Attributes::new().app_manifest(manifest)).expect("the app's own settings");
}

/// Adds the files in a folder, by the address that each has on the page.
fn add(page: &Path, folder: &Path, list: &mut String) {
    let mut entries: Vec<_> = fs::read_dir(folder).expect("the page was built").map(|entry| entry.expect("an entry").path()).collect();
    entries.sort();
    for path in entries {
        let address = path.strip_prefix(page).expect("it lies in there").to_str().expect("our names are text").to_owned();
        if LEFT_OUT.contains(&address.as_str()) {
            continue;
        }
        if path.is_dir() {
            add(page, &path, list);
        } else {
            let _ = writeln!(list, "    ({:?}, include_bytes!({:?}) as &[u8]),", format!("/{address}"), path);
        }
    }
}
