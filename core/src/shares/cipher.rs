//! What SLIP-39 does with a secret before it is shared, and after it was put together: a Feistel network of four rounds, keyed by a
//! passphrase, which is empty here ("Encryption of the master secret").

use alloc::vec::Vec;

use pbkdf2::pbkdf2_hmac;
use sha2::Sha256;
use zeroize::Zeroizing;

use super::share::Set;

const ROUNDS: u8 = 4;
/// Iterations of PBKDF2 in a round, at the lowest exponent.
const ITERATIONS: u32 = 2500;

pub(super) fn encrypt(secret: &[u8], passphrase: &[u8], set: &Set) -> Zeroizing<Vec<u8>> {
    network(secret, passphrase, set, 0..ROUNDS)
}

pub(super) fn decrypt(secret: &[u8], passphrase: &[u8], set: &Set) -> Zeroizing<Vec<u8>> {
    network(secret, passphrase, set, (0..ROUNDS).rev())
}

/// The length of the secret is even.
fn network(secret: &[u8], passphrase: &[u8], set: &Set, rounds: impl Iterator<Item = u8>) -> Zeroizing<Vec<u8>> {
    let (left, right) = secret.split_at(secret.len() / 2);
    let (mut left, mut right) = (Zeroizing::new(left.to_vec()), Zeroizing::new(right.to_vec()));
    for round in rounds {
        let password = Zeroizing::new([&[round], passphrase].concat());
        let salt = Zeroizing::new([&*set.salt(), &**right].concat());
        let mut mask = Zeroizing::new(alloc::vec![0; right.len()]);
        pbkdf2_hmac::<Sha256>(&password, &salt, ITERATIONS << set.exponent, &mut mask);
        left.iter_mut().zip(mask.iter()).for_each(|(byte, mask)| *byte ^= mask);
        core::mem::swap(&mut left, &mut right);
    }
    Zeroizing::new([&**right, &**left].concat())
}
