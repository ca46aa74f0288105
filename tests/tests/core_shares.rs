//! An identity in shares, by the official vectors of the scheme and beside another implementation of it.

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::process::Command;

use dbseal::core::{Identity, Passphrase, Recipient, Share, ShareError, combine_shares, split_identity};
use dbseal_tests::inputs::Replay;
use dbseal_tests::tools::{npm_dir, tool};
use serde_json::Value;

/// The official vectors, out of the package of an implementation that is tested by them.
fn vectors() -> Vec<(String, Vec<String>, String)> {
    let path: PathBuf = npm_dir("slip39").join("node_modules/slip39/test/vectors.json");
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let read = |vector: &Value| serde_json::from_value(Value::from(vector.as_array().expect("a list")[..3].to_vec())).expect("a vector");
    serde_json::from_str::<Vec<Value>>(&text).expect("it is JSON").iter().map(read).collect()
}

fn secret_of(mnemonics: &[String], passphrase: &[u8]) -> Result<String, ShareError> {
    let shares = mnemonics.iter().map(|words| Share::parse(words)).collect::<Result<Vec<_>, _>>()?;
    let secret = combine_shares(&shares, passphrase)?;
    Ok(secret.expose_bytes().iter().map(|byte| format!("{byte:02x}")).collect())
}

#[test]
fn the_official_vectors_hold() {
    let (mut good_count, mut refused) = (0, HashSet::new());
    for (name, mnemonics, secret) in vectors() {
        match secret_of(&mnemonics, b"TREZOR") {
            Ok(made) => assert_eq!(made, secret, "{name}"),
            Err(error) => {
                assert!(secret.is_empty(), "{name}: {error}");
                refused.insert(std::mem::discriminant(&error));
            }
        }
        good_count += usize::from(!secret.is_empty());
        // What parses prints back.
        for words in &mnemonics {
            if let Ok(share) = Share::parse(words) {
                assert_eq!(share.expose_text().as_str(), words, "{name}");
            }
        }
    }
    assert!(good_count >= 15 && refused.len() >= 7, "{good_count} {}", refused.len());
}

fn recipient(identity: &Identity) -> String {
    identity.recipient().expect("it has one").to_string()
}

/// The identity that these make, if it is that of the recipient.
fn opened(shares: &[&Share], recipient: &str) -> Result<String, ShareError> {
    let shares: Vec<_> = shares.iter().map(|share| (*share).clone()).collect();
    let identity = combine_shares(&shares, b"")?.identity_of(|own: &Recipient| own.to_string() == recipient)?;
    Ok(identity.expose_text().expect("it has one").to_string())
}

/// All choices of so many of five.
fn choices(shares: &[Share], len: u32) -> Vec<Vec<&Share>> {
    let chosen = |mask: u32| shares.iter().enumerate().filter(|(index, _)| mask >> index & 1 == 1).map(|(_, share)| share).collect();
    (0..1 << shares.len()).filter(|mask: &u32| mask.count_ones() == len).map(chosen).collect()
}

#[test]
fn any_three_of_five_make_the_identity_and_no_two_do() {
    for (identity, seed) in [(Identity::generate_x25519(&mut Replay(1)), 3), (Identity::generate_hybrid(&mut Replay(2)), 4)] {
        let (text, recipient) = (identity.expose_text().expect("it has one").to_string(), recipient(&identity));
        let shares = split_identity(&identity, 3, 5, &mut Replay(seed)).expect("it can be");
        let words: Vec<_> = shares.iter().map(|share| share.expose_text().to_string()).collect();
        assert!(words.iter().all(|words| words.split(' ').count() == 33));
        let shares: Vec<_> = words.iter().map(|words| Share::parse(words).expect("it is one")).collect();
        let threes = choices(&shares, 3);
        assert_eq!(threes.len(), 10);
        for three in threes.iter().chain(&choices(&shares, 4)).chain(&choices(&shares, 5)) {
            assert_eq!(opened(three, &recipient), Ok(text.clone()));
        }
        for two in choices(&shares, 2) {
            assert_eq!(opened(&two, &recipient), Err(ShareError::TooFew { given: 2, needed: 3 }));
        }
        assert_eq!(opened(&[&shares[0], &shares[0], &shares[1]], &recipient), Err(ShareError::TooFew { given: 2, needed: 3 }));
        let other = Identity::generate_x25519(&mut Replay(9)).recipient().expect("it has one").to_string();
        assert_eq!(opened(&[&shares[0], &shares[1], &shares[2]], &other), Err(ShareError::OtherRecipient));
    }
}

/// What a script prints that has another implementation at hand, as `slip39` and `helper`.
fn node(script: &str, arguments: &[&str]) -> String {
    let package = npm_dir("slip39").join("node_modules/slip39").display().to_string();
    let begin = "const [package, ...given] = process.argv.slice(1);
        const slip39 = require(package);
        const helper = require(`${package}/src/slip39_helper.js`);
        const hex = (bytes) => Buffer.from(bytes).toString('hex');\n";
    let output = Command::new(tool("node")).args(["--eval", &format!("{begin}{script}"), &package]).args(arguments).output();
    let output = output.expect("node starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text")
}

#[test]
fn another_implementation_opens_what_we_share_and_we_what_it_shares() {
    let identity = Identity::generate_x25519(&mut Replay(1));
    let shares = split_identity(&identity, 3, 5, &mut Replay(3)).expect("it can be");
    for three in choices(&shares, 3) {
        let texts: Vec<_> = three.iter().map(|share| share.expose_text()).collect();
        let words: Vec<_> = texts.iter().map(|text| text.as_str()).collect();
        let theirs = node("console.log(hex(slip39.recoverSecret(given, '')));", &words);
        let texts: Vec<String> = words.iter().map(ToString::to_string).collect();
        assert_eq!(Ok(theirs.trim().to_owned()), secret_of(&texts, b""));
    }
    let script = "const secret = Array.from({ length: 32 }, (_, index) => 7 * index);
        for (const flag of [0, 1]) {
          const made = slip39.fromArray(secret, { groups: [[2, 3, '']], extendableBackupFlag: flag });
          console.log([hex(secret), ...made.root.mnemonics].join('\\n'));
        }";
    let made = node(script, &[]);
    let lines: Vec<String> = made.lines().map(ToOwned::to_owned).collect();
    for set in lines.chunks(4) {
        for [one, other] in [[1, 2], [1, 3], [3, 2]] {
            assert_eq!(secret_of(&[set[one].clone(), set[other].clone()], b""), Ok(set[0].clone()));
        }
    }
    assert_eq!(lines.len(), 8);
}

#[test]
fn each_share_that_is_wrong_is_named() {
    let identity = Identity::generate_x25519(&mut Replay(1));
    let recipient = recipient(&identity);
    let shares = split_identity(&identity, 3, 5, &mut Replay(3)).expect("it can be");
    let others = split_identity(&identity, 3, 5, &mut Replay(4)).expect("it can be");
    assert_eq!(opened(&[&shares[0], &others[1], &shares[2]], &recipient), Err(ShareError::OtherSet(1)));
    // Every word of every share, in the place of every other.
    let list: Vec<String> = shares.iter().flat_map(|share| share.expose_text().split(' ').map(str::to_owned).collect::<Vec<_>>()).collect();
    for share in &shares {
        let text = share.expose_text();
        let words: Vec<&str> = text.split(' ').collect();
        for index in 0..words.len() {
            for other in list.iter().filter(|other| *other != words[index]) {
                let mut mistyped = words.clone();
                mistyped[index] = other;
                assert_eq!(Share::parse(&mistyped.join(" ")), Err(ShareError::Mistyped), "{index} {other}");
            }
            let mut unknown = words.clone();
            unknown[index] = "dbseal";
            assert_eq!(Share::parse(&unknown.join(" ")), Err(ShareError::UnknownWord(index)));
            let mut left_out = words.clone();
            let _ = left_out.remove(index);
            assert!(Share::parse(&left_out.join(" ")).is_err());
        }
        for index in 1..words.len() {
            let mut turned = words.clone();
            turned.swap(index - 1, index);
            if turned != words {
                assert_eq!(Share::parse(&turned.join(" ")), Err(ShareError::Mistyped), "{index}");
            }
        }
    }
    for (threshold, count) in [(1, 5), (0, 5), (6, 5), (2, 17), (2, 1)] {
        assert_eq!(split_identity(&identity, threshold, count, &mut Replay(3)).map(|_| ()), Err(ShareError::Counts), "{threshold}/{count}");
    }
    let passphrase = Identity::passphrase(Passphrase::new("correct horse".into()));
    assert_eq!(split_identity(&passphrase, 2, 3, &mut Replay(3)).map(|_| ()), Err(ShareError::NotAnIdentity));
    assert_eq!(combine_shares(&[], b"").map(|_| ()), Err(ShareError::None));
}

/// A byte that never is 0, or only odd ones, would tell each holder something (RUSTSEC-2024-0398): of each share of many sets of the same
/// identity, each byte takes each value about as often.
#[test]
fn shares_are_uniform() {
    const SETS: u64 = 1024;
    let list = node("console.log(helper.WORD_LIST.join(' '));", &[]);
    let numbers: HashMap<&str, u128> = list.split_whitespace().zip(0..).collect();
    let identity = Identity::generate_x25519(&mut Replay(1));
    let mut counts = vec![[0_u32; 256]; 5];
    for seed in 0..SETS {
        for (share, counts) in split_identity(&identity, 3, 5, &mut Replay(1000 + seed)).expect("it can be").iter().zip(&mut counts) {
            let text = share.expose_text();
            let value: Vec<_> = text.split(' ').skip(4).take(26).map(|word| numbers[word]).collect();
            // Four zero bits, and 32 bytes: of these the last 14 of the first 17, and of the others.
            for half in [&value[..14], &value[14..]] {
                let bits = half.iter().fold(0, |bits: u128, number| bits << 10 | number);
                (0..14).for_each(|index| counts[usize::try_from(bits >> (8 * index) & 0xff).expect("a byte")] += 1);
            }
        }
    }
    for counts in &counts {
        let expected = SETS as f64 * 28.0 / 256.0;
        let chi_square: f64 = counts.iter().map(|count| (f64::from(*count) - expected).powi(2) / expected).sum();
        // With 255 degrees of freedom the mean is 255 and the deviation 22.6; a value that is never taken would add 112.
        assert!((chi_square - 255.0).abs() < 4.0 * 22.6, "{chi_square}");
    }
}
