//! Wycheproof's vectors of ChaCha20-Poly1305, by every backend of the kernel.
//!
//! Most have additional data, which a chunk never has and the kernel does not take. Those are RustCrypto's, whose own tests run them; here
//! they still say what the text is encrypted to, and their tags must be refused.

use std::io::Write as _;

use dbseal_kernel::{Backend, Key};
use wycheproof::TestResult;
use wycheproof::aead::{Test, TestName, TestSet};

#[test]
fn every_backend_agrees_with_wycheproof() {
    let set = TestSet::load(TestName::ChaCha20Poly1305).expect("vectors");
    let groups = set.test_groups.iter().filter(|group| group.nonce_size == 96);
    let vectors: Vec<&Test> = groups.flat_map(|group| &group.tests).collect();
    for backend in Backend::all() {
        let mut counts = [0, 0, 0];
        for vector in &vectors {
            counts[check(backend, vector) as usize] += 1;
        }
        let [sealed, encrypted, refused] = counts;
        assert!(sealed > 0 && encrypted > 0 && refused > 0, "{counts:?}");
        let name = backend.name();
        writeln!(std::io::stderr(), "{name}: {sealed} vectors sealed and opened, {encrypted} encrypted, {refused} refused")
            .expect("stderr");
    }
}

/// What of a vector is the kernel's.
#[derive(Clone, Copy)]
enum Applies {
    Whole,
    Ciphertext,
    Refusal,
}

fn check(backend: Backend, vector: &Test) -> Applies {
    let say = || format!("{}, vector {}: {}", backend.name(), vector.tc_id, vector.comment);
    let applies = match (vector.result, vector.aad.is_empty()) {
        (TestResult::Valid, true) => Applies::Whole,
        (TestResult::Valid, false) => Applies::Ciphertext,
        _ => Applies::Refusal,
    };
    let key = Key::new(vector.key.as_slice().try_into().expect("256 bits"), backend);
    let nonce = vector.nonce.as_slice().try_into().expect("96 bits");
    let vector_tag: &[u8; 16] = vector.tag.as_slice().try_into().expect("128 bits");

    let mut text = vector.pt.to_vec();
    let tag = key.seal(nonce, text.as_mut_slice().into());
    let same_text = text == vector.ct.to_vec();
    let (expect_text, expect_tag) = match applies {
        Applies::Whole => (true, true),
        Applies::Ciphertext => (true, false),
        Applies::Refusal => (same_text, false),
    };
    assert_eq!((same_text, tag == *vector_tag), (expect_text, expect_tag), "sealed by {}", say());

    let mut text = vector.ct.to_vec();
    let opened = key.open(nonce, text.as_mut_slice().into(), vector_tag).is_ok();
    let plaintext = if expect_tag { &vector.pt } else { &vector.ct };
    assert_eq!((opened, text), (expect_tag, plaintext.to_vec()), "opened by {}", say());
    applies
}
