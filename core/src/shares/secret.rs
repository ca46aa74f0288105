//! A secret in shares, and shares to a secret (SLIP-39, "Shamir's secret sharing").

use alloc::vec::Vec;
use core::fmt;

use hmac::{Hmac, KeyInit, Mac};
use rand_core::CryptoRng;
use sha2::Sha256;
use zeroize::Zeroizing;

use super::field::interpolate;
use super::share::{Set, Share};
use super::{MAX_SHARES, ShareError, cipher};
use crate::recipient::{Identity, Recipient};
use crate::stack::with_wiped_stack;

/// The place of what is shared.
const SECRET_PLACE: u8 = 255;
/// The place of its digest, by which shares that were altered are found out.
const DIGEST_PLACE: u8 = 254;
/// Bytes in the digest; random ones follow.
const DIGEST_LEN: usize = 4;

/// The shares of an identity, any `threshold` of which open it: each is as secret as `threshold` of them together are.
///
/// # Errors
/// A threshold below 2 or above the count; a count above [`MAX_SHARES`]; a passphrase.
pub fn split_identity(identity: &Identity, threshold: u8, count: u8, rng: &mut impl CryptoRng) -> Result<Vec<Share>, ShareError> {
    if threshold < 2 || threshold > count || count > MAX_SHARES {
        return Err(ShareError::Counts);
    }
    let secret = identity.expose_bytes().ok_or(ShareError::NotAnIdentity)?;
    let mut id = [0; 2];
    rng.fill_bytes(&mut id);
    let id = u16::from_be_bytes(id) & 0x7fff;
    let set = Set { id, is_extendable: true, exponent: 0, group_threshold: 1, group_count: 1 };
    Ok(with_wiped_stack(|| {
        let secret = cipher::encrypt(&*secret, b"", &set);
        let values = share_values(&secret, threshold, count, rng);
        values.into_iter().zip(0..).map(|(value, index)| Share::of_set(set, index, threshold, value)).collect()
    }))
}

/// Values at the places 0 to `count`. All but two that determine the polynomial are drawn: uniformly, from all 256 values of a byte, as else
/// each share would say something (RUSTSEC-2024-0398).
fn share_values(secret: &[u8], threshold: u8, count: u8, rng: &mut impl CryptoRng) -> Vec<Zeroizing<Vec<u8>>> {
    let mut drawn = |len| {
        let mut bytes = Zeroizing::new(alloc::vec![0; len]);
        rng.fill_bytes(&mut bytes);
        bytes
    };
    let key = drawn(secret.len() - DIGEST_LEN);
    let mut digest = Zeroizing::new(Vec::with_capacity(secret.len()));
    digest.extend(digest_of(secret, &key));
    digest.extend(key.iter());
    let mut values: Vec<_> = (0..threshold - 2).map(|_| drawn(secret.len())).collect();
    let rest: Vec<_> = {
        let drawn = values.iter().zip(0..).map(|(value, place)| (place, value.as_slice()));
        let points: Vec<(u8, &[u8])> = drawn.chain([(DIGEST_PLACE, digest.as_slice()), (SECRET_PLACE, secret)]).collect();
        (threshold - 2..count).map(|place| interpolate(&points, place)).collect()
    };
    values.extend(rest);
    values
}

fn digest_of(secret: &[u8], key: &[u8]) -> [u8; DIGEST_LEN] {
    let mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes a key of any length").chain_update(secret).finalize().into_bytes();
    core::array::from_fn(|index| mac[index])
}

/// What shares have made together. Wiped on drop, never printed by accident.
pub struct SharedSecret(Zeroizing<Vec<u8>>);

impl SharedSecret {
    /// The identity that it is, if that is the one of this recipient.
    ///
    /// # Errors
    /// It is another one's, or none.
    pub fn identity_of(&self, is_recipient: impl Fn(&Recipient) -> bool) -> Result<Identity, ShareError> {
        let secret: &[u8; 32] = self.0.as_slice().try_into().map_err(|_| ShareError::OtherRecipient)?;
        let is_it = |identity: &Identity| identity.recipient().as_ref().is_some_and(&is_recipient);
        Identity::all_of_bytes(secret).into_iter().find(is_it).ok_or(ShareError::OtherRecipient)
    }

    /// Its bytes. The one way out for a secret, and named so.
    #[must_use]
    pub fn expose_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for SharedSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SharedSecret(..)")
    }
}

/// What these shares make together, by a passphrase if the program that made them asked for one. A share that is there twice counts once;
/// those that are not needed have to fit.
///
/// # Errors
/// Shares of several sets; too few; some that were altered.
pub fn combine_shares(shares: &[Share], passphrase: &[u8]) -> Result<SharedSecret, ShareError> {
    let first = shares.first().ok_or(ShareError::None)?;
    let is_other = |share: &Share| share.set != first.set || share.value.len() != first.value.len();
    if let Some(index) = shares.iter().position(is_other) {
        return Err(ShareError::OtherSet(index));
    }
    with_wiped_stack(|| {
        let mut groups: Vec<(u8, Zeroizing<Vec<u8>>)> = Vec::new();
        let mut failed = None;
        for group in 0..MAX_SHARES {
            let members: Vec<_> = shares.iter().enumerate().filter(|(_, share)| share.group == group).collect();
            if members.is_empty() {
                continue;
            }
            match value_of(&members) {
                Ok(value) => groups.push((group, value)),
                // Others may be complete.
                Err(error @ ShareError::TooFew { .. }) => failed = Some(error),
                Err(error) => return Err(error),
            }
        }
        let needed = usize::from(first.set.group_threshold);
        if groups.len() < needed {
            let few = ShareError::TooFewGroups { given: groups.len(), needed };
            return Err(failed.filter(|_| first.set.group_count == 1).unwrap_or(few));
        }
        let points: Vec<_> = groups.iter().take(needed).map(|(group, value)| (*group, value.as_slice())).collect();
        let secret = secret_of(&points)?;
        Ok(SharedSecret(cipher::decrypt(&secret, passphrase, &first.set)))
    })
}

/// What the shares of a group make together.
fn value_of(members: &[(usize, &Share)]) -> Result<Zeroizing<Vec<u8>>, ShareError> {
    let (_, first) = members[0];
    let mut points: Vec<(u8, &[u8])> = Vec::new();
    let mut indices = Vec::new();
    for (index, share) in members {
        if share.threshold != first.threshold {
            return Err(ShareError::OtherSet(*index));
        }
        match points.iter().find(|(place, _)| *place == share.index) {
            Some((_, value)) if *value == share.value.as_slice() => {}
            Some(_) => return Err(ShareError::SameNumber(*index)),
            None => {
                points.push((share.index, &share.value));
                indices.push(*index);
            }
        }
    }
    let needed = usize::from(first.threshold);
    if points.len() < needed {
        return Err(ShareError::TooFew { given: points.len(), needed });
    }
    let (used, others) = points.split_at(needed);
    let value = secret_of(used)?;
    // All of a group whose shares are copies are the same.
    let fits =
        |(place, value): &(u8, &[u8])| if needed == 1 { *value == used[0].1 } else { interpolate(used, *place).as_slice() == *value };
    match others.iter().position(|other| !fits(other)) {
        Some(position) => Err(ShareError::DoesNotFit(indices[needed + position])),
        None => Ok(value),
    }
}

/// The value that these points were drawn for.
fn secret_of(points: &[(u8, &[u8])]) -> Result<Zeroizing<Vec<u8>>, ShareError> {
    if let [(_, value)] = points {
        return Ok(Zeroizing::new(value.to_vec()));
    }
    let (secret, digest) = (interpolate(points, SECRET_PLACE), interpolate(points, DIGEST_PLACE));
    let (sum, key) = digest.split_at(DIGEST_LEN);
    if digest_of(&secret, key) == *sum { Ok(secret) } else { Err(ShareError::Altered) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Shares that say that fewer are needed make nothing.
    #[test]
    fn two_of_three_are_not_enough_whatever_they_say() {
        let identity = "AGE-SECRET-KEY-1GFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPQ4EGAEX".parse().unwrap();
        let shares = split_identity(&identity, 3, 5, &mut Counter(0)).unwrap();
        for (one, other) in [(0, 1), (0, 4), (3, 2)] {
            let lied: Vec<_> = [one, other].map(|index: usize| Share { threshold: 2, ..shares[index].clone() }).into();
            assert_eq!(combine_shares(&lied, b"").map(|_| ()), Err(ShareError::Altered));
        }
        // One that was altered is found out where there is one more than is needed.
        let mut four = shares[..4].to_vec();
        four[3].value[7] ^= 1;
        assert_eq!(combine_shares(&four, b"").map(|_| ()), Err(ShareError::DoesNotFit(3)));
        four[3] = Share { value: shares[1].value.clone(), ..shares[0].clone() };
        assert_eq!(combine_shares(&four, b"").map(|_| ()), Err(ShareError::SameNumber(3)));
        assert_eq!(alloc::format!("{:?}", shares[0]), alloc::format!("Share(1 of set {}, 3 needed)", shares[0].set_id()));
    }

    struct Counter(u8);

    impl rand_core::TryRng for Counter {
        type Error = core::convert::Infallible;

        fn try_next_u32(&mut self) -> Result<u32, Self::Error> {
            self.0 = self.0.wrapping_mul(5).wrapping_add(77);
            Ok(u32::from(self.0) * 0x0101_0101)
        }

        fn try_next_u64(&mut self) -> Result<u64, Self::Error> {
            self.try_next_u32().map(u64::from)
        }

        fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Self::Error> {
            for byte in bytes {
                self.0 = self.0.wrapping_mul(5).wrapping_add(77);
                *byte = self.0;
            }
            Ok(())
        }
    }

    impl rand_core::TryCryptoRng for Counter {}
}
