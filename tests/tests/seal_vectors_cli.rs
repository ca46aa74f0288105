//! `dbseal verify` answers as the seal vectors say: one of each rule that is broken, and one of each other answer.
#![cfg(unix)]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use dbseal_tests::cli::{Folder, seals};
use dbseal_tests::seal_vectors::Vector;

#[test]
fn the_command_answers_as_the_vectors_say() {
    let vectors = Path::new(env!("CARGO_MANIFEST_DIR")).join("vectors");
    let mut names: Vec<_> = fs::read_dir(vectors.join("seal")).expect("a folder").map(|entry| entry.expect("an entry").path()).collect();
    names.sort();
    let folder = Folder::new();
    fs::create_dir(folder.path("b")).expect("a folder");
    let mut seen = BTreeSet::new();
    for path in names {
        let bytes = fs::read(&path).expect("a vector");
        let vector = Vector::parse(&bytes).expect("a vector");
        // What is not stored, and nobody to trust, are for the core alone.
        let Ok(backup) = fs::read(vectors.join("backups").join(vector.backup)) else { continue };
        if vector.trust.is_empty() || !seen.insert((vector.expect.to_owned(), vector.reason.map(str::to_owned))) {
            continue;
        }
        folder.write("trust", vector.trust.join("\n"));
        folder.write("b/shop.age", backup);
        folder.write("b/shop.age.seal", vector.seal);
        let ended = seals::verify(&folder, &["b/shop.age"]).run();
        let answer = seals::answer(&ended, "shop.age");
        let is_whole = vector.expect == "intact";
        assert_eq!((answer["integrity"].as_str(), ended.code()), (Some(vector.expect), i32::from(!is_whole)), "{}", path.display());
    }
    assert_eq!(seen.len(), 4 + 18, "{seen:?}");
}
