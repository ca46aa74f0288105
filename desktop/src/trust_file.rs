//! The file that says whom a person trusts. It lies apart from the backups: whoever can replace the one can replace the other.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use dbseal::core::Trust;
use dbseal::{JobError, lies_among, open_regular};
use dbseal_web::engine::has_private_key;
use dbseal_web::messages::Failure;
use zeroize::Zeroizing;

use crate::commands::lock;
use crate::job::failures;
use crate::on_disk::OnDisk;

/// Bytes in it, at most: more is another file, chosen by mistake.
const MAX_LEN: u64 = 1 << 20;
const CHOOSE_PUBLIC: &str = "choose the .pub file that dbseal keygen --sign wrote";

/// The last one that was read, and what is in it.
#[derive(Default)]
pub(crate) struct TrustFile(Mutex<Option<(PathBuf, String)>>);

impl TrustFile {
    /// What is in one that the person has chosen, apart from the backups and folders of `storage`.
    pub(crate) fn read(&self, path: PathBuf, storage: &[PathBuf]) -> Result<String, Failure> {
        if lies_among(&path, storage) {
            return Err(failures::of(&JobError::TrustBesideBackup(path)));
        }
        let text = read(&path)?;
        *lock(&self.0) = Some((path, text.clone()));
        Ok(text)
    }

    /// Refuses what was read from a file that lies among these backups, as these were chosen after it.
    pub(crate) fn check_apart(&self, trust: &str, backups: &[OnDisk]) -> Result<(), Failure> {
        let read = lock(&self.0).clone();
        let storage: Vec<_> = backups.iter().map(|backup| backup.to_path_buf()).collect();
        match read {
            Some((path, text)) if text.trim() == trust.trim() && lies_among(&path, &storage) => {
                Err(failures::of(&JobError::TrustBesideBackup(path)))
            }
            _ => Ok(()),
        }
    }
}

fn read(path: &Path) -> Result<String, Failure> {
    let mut bytes = Zeroizing::new(Vec::new());
    let read = open_regular(path).and_then(|file| file.take(MAX_LEN + 1).read_to_end(&mut bytes));
    match read {
        Err(_) => Err(Failure::new("the file cannot be read", "see that it is still there, then choose it again")),
        Ok(_) if bytes.len() as u64 > MAX_LEN => Err(Failure::new("the file is too large for a trust file", CHOOSE_PUBLIC)),
        // A key file that was chosen by mistake: no private key enters the page.
        Ok(_) if has_private_key(&bytes) => Err(Failure::new("that file has a private key in it", CHOOSE_PUBLIC)),
        // Nor does any other file: not a key that a passphrase protects, whose passphrase the page may see.
        Ok(_) => match String::from_utf8(bytes.to_vec()) {
            Ok(text) if Trust::parse(&text).is_ok() => Ok(text),
            _ => Err(Failure::new("that file says of nobody that they are trusted", CHOOSE_PUBLIC)),
        },
    }
}

#[cfg(test)]
mod tests {
    use std::{env, fs};

    use super::*;

    /// The beginning of one: it trusts nobody.
    const HALF_A_KEY: &str = "db1+23d10702+ARZuj9Qu";

    #[test]
    fn only_a_trust_file_is_read_and_only_from_elsewhere() {
        let folder = env::temp_dir().join(format!("dbseal-trust-{}", std::process::id()));
        fs::create_dir_all(folder.join("backups")).expect("a folder");
        let path = |name: &str| folder.join(name);
        let what = |result: Result<String, Failure>| result.expect_err("it is refused").what;
        let file = TrustFile::default();
        fs::write(path("key"), "# mine\nAGE-SECRET-KEY-1GFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPQ4EGAEX").expect("a file");
        assert_eq!(what(file.read(path("key"), &[])), "that file has a private key in it");
        fs::write(path("wrong"), HALF_A_KEY).expect("a file");
        assert_eq!(what(file.read(path("wrong"), &[])), "that file says of nobody that they are trusted");
        assert_eq!(what(file.read(path("missing"), &[])), "the file cannot be read");
        let beside = path("backups/trust");
        fs::write(&beside, HALF_A_KEY).expect("a file");
        let refused = format!("{} lies where the backups are: whoever can replace the one can replace the other", beside.display());
        for storage in [path("backups"), path("backups/shop.age"), path("backups/shop.age.seal")] {
            assert_eq!(what(file.read(beside.clone(), &[storage])), refused);
        }
        fs::remove_dir_all(&folder).expect("it is there");
    }

    #[test]
    fn what_was_read_is_refused_for_backups_beside_it() {
        let file = TrustFile(Mutex::new(Some((env::temp_dir().join("trust"), "db1\n".into()))));
        let beside = [OnDisk::from(env::temp_dir().join("shop.age").as_path())];
        assert!(file.check_apart("db1", &beside).is_err());
        assert!(file.check_apart("db2", &beside).is_ok(), "that came from elsewhere");
        assert!(file.check_apart("db1", &[OnDisk::from(Path::new("/dev/shop.age"))]).is_ok());
    }
}
