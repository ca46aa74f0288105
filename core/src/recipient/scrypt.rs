//! The passphrase recipient type (age, "The scrypt recipient type").

use alloc::string::ToString;
use alloc::vec::Vec;

use rand_core::CryptoRng;
use scrypt::{Params, scrypt};
use zeroize::Zeroizing;

use super::Passphrase;
use super::wrap::{open_file_key, seal_file_key};
use crate::encoding::{decode_base64_array, encode_base64};
use crate::header::UnwrapError;
use crate::keys::FileKey;
use crate::stanza::Stanza;

pub(crate) const TAG: &str = "scrypt";
const SALT_LABEL: &[u8; 28] = b"age-encryption.org/v1/scrypt";
const SALT_LEN: usize = 16;

/// Base-two logarithm of the work factor for new files, age's own: about a second and 256 MiB.
pub const DEFAULT_WORK_FACTOR: u8 = 18;
/// Base-two logarithm of the highest work factor that is accepted: a quarter of a minute and 4 GiB. Without a bound a
/// planted file would stop the reader for hours.
pub const MAX_WORK_FACTOR: u8 = 22;

/// A passphrase to encrypt to.
#[derive(Clone, Debug)]
pub(crate) struct ScryptRecipient {
    passphrase: Passphrase,
    log_n: u8,
}

impl ScryptRecipient {
    pub(super) fn new(passphrase: Passphrase, log_n: u8) -> Self {
        assert!((1..=MAX_WORK_FACTOR).contains(&log_n), "a work factor that no reader accepts");
        Self { passphrase, log_n }
    }

    pub(super) fn wrap(&self, file_key: &FileKey, rng: &mut impl CryptoRng) -> Stanza {
        let mut salt = [0; SALT_LEN];
        rng.fill_bytes(&mut salt);
        let key = wrap_key(&self.passphrase, &salt, self.log_n);
        Stanza::new(TAG, &[&encode_base64(&salt), &self.log_n.to_string()], &seal_file_key(&key, file_key))
    }
}

pub(super) fn unwrap(passphrase: &Passphrase, stanzas: &[Stanza]) -> Result<Option<FileKey>, UnwrapError> {
    let Some(stanza) = stanzas.iter().find(|stanza| stanza.tag == TAG) else {
        return Ok(None);
    };
    let [salt, work_factor] = stanza.args.as_slice() else {
        return Err(UnwrapError::Malformed("a passphrase stanza has not exactly two arguments"));
    };
    let salt = decode_base64_array(salt).ok_or(UnwrapError::Malformed("a passphrase salt is not 16 bytes in canonical base64"))?;
    let body = stanza.body.as_slice().try_into().map_err(|_| UnwrapError::Malformed("a passphrase body is not 32 bytes long"))?;
    let digits = !work_factor.starts_with('0') && work_factor.bytes().all(|byte| byte.is_ascii_digit());
    let log_n = work_factor
        .parse()
        .ok()
        .filter(|_| digits)
        .ok_or(UnwrapError::Malformed("a passphrase work factor is not a plain decimal number"))?;
    if log_n > MAX_WORK_FACTOR {
        return Err(UnwrapError::WorkFactorTooHigh(log_n));
    }
    if !fits_in_memory(log_n) {
        return Err(UnwrapError::NotEnoughMemory(log_n));
    }
    Ok(open_file_key(&wrap_key(passphrase, &salt, log_n), body))
}

/// Whether scrypt's 128 · r · 2^`log_n` bytes can be had, with r = 8. Where they cannot, as in the 32 bits of a browser's WASM,
/// the allocation inside scrypt would end the program: a file must not be able to do that.
fn fits_in_memory(log_n: u8) -> bool {
    let mut memory = Vec::<u8>::new();
    let fits = (1_usize << log_n).checked_mul(128 * 8).is_some_and(|len| memory.try_reserve_exact(len).is_ok());
    // Or the compiler may leave out an allocation that nobody looks at.
    core::hint::black_box(&memory);
    fits
}

fn wrap_key(passphrase: &Passphrase, salt: &[u8; SALT_LEN], log_n: u8) -> Zeroizing<[u8; 32]> {
    let mut labelled = [0; SALT_LABEL.len() + SALT_LEN];
    labelled[..SALT_LABEL.len()].copy_from_slice(SALT_LABEL);
    labelled[SALT_LABEL.len()..].copy_from_slice(salt);
    let params = Params::new(log_n, 8, 1).expect("a work factor from 1 to 22");
    let mut key = Zeroizing::new([0; 32]);
    scrypt(passphrase.as_bytes(), &labelled, &params, &mut *key).expect("32 bytes of output are allowed");
    key
}
