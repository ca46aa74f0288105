//! One age test vector: its text header, and the file checked against it.
//!
//! The form is that of the Community Cryptography Test Vectors (README of the package `cctv-age`). A vector fails for one
//! reason and says which layer must catch it; what is released before a failure counts too. Vectors of our own have the
//! same form. Pure, no files: compiled to WASM too, so that one test function judges both.

use dbseal_core::{ArmorReader, ArmorWriter, FileKey, Header, Identity, Passphrase, Spread};
use sha2::{Digest, Sha256};

use crate::open::{CoreOpener, Layer, OpenNext, RangeReader, Unwrapped, open_stream, unwrap};
use crate::seal::{seal_in_order, seal_out_of_order};

/// In how many ranges the range reader takes the whole plaintext.
const RANGE_COUNT: usize = 5;

/// What a vector's header says must happen.
pub type Expectation = Result<(), Layer>;

/// The words of [`Expectation`] in a vector's header.
const EXPECTATIONS: [(&str, Expectation); 6] = [
    ("success", Ok(())),
    ("armor failure", Err(Layer::Armor)),
    ("header failure", Err(Layer::Header)),
    ("no match", Err(Layer::NoMatch)),
    ("HMAC failure", Err(Layer::Mac)),
    ("payload failure", Err(Layer::Payload)),
];

/// An expectation as a vector's header spells it.
#[must_use]
pub fn expectation_words(expectation: Expectation) -> &'static str {
    EXPECTATIONS.iter().find(|entry| entry.1 == expectation).expect("the list is complete").0
}

/// A vector on which everything was done that does not depend on the size of batches: the unwrapping of its file key
/// above all, which takes a passphrase's whole work.
pub struct Vector {
    expectation: Expectation,
    payload_hash: Option<[u8; 32]>,
    file_key: Vec<u8>,
    /// The age file, without armor.
    file: Vec<u8>,
    unwrapped: Result<Unwrapped, Layer>,
}

impl Vector {
    /// Reads a vector, takes the armor off, and unwraps the file key; armor and header must print back.
    ///
    /// # Errors
    /// A vector that is not well formed or has a key that is not known here, and every deviation from it.
    pub fn open(bytes: &[u8]) -> Result<Self, String> {
        let header_len = bytes.windows(2).position(|pair| pair == b"\n\n").ok_or("the vector has no empty line")? + 1;
        let header = core::str::from_utf8(&bytes[..header_len]).map_err(|_| "the vector's header is not text")?;
        let body = &bytes[header_len + 1..];
        let mut expectation = None;
        let mut payload_hash = None;
        let mut file_key = Vec::new();
        let mut identities = Vec::new();
        let mut armored = false;
        let mut compressed = false;
        for line in header.lines() {
            let (key, value) = line.split_once(": ").ok_or_else(|| format!("the vector's line {line:?} has no key"))?;
            let bad = |what: &str| format!("the vector's {key} {what}");
            match key {
                "expect" => {
                    let entry = EXPECTATIONS.iter().find(|entry| entry.0 == value);
                    expectation = Some(entry.ok_or_else(|| bad("is not known"))?.1);
                }
                "payload" => payload_hash = Some(hex(value).and_then(|hash| hash.try_into().ok()).ok_or_else(|| bad("is not a hash"))?),
                "file key" => file_key = hex(value).ok_or_else(|| bad("is not hexadecimal"))?,
                "identity" => identities.push(value.parse().map_err(|error| bad(&format!("is none: {error}")))?),
                "passphrase" => identities.push(Identity::passphrase(Passphrase::new(value.into()))),
                "armored" if value == "yes" => armored = true,
                "compressed" if value == "zlib" => compressed = true,
                "comment" => {}
                _ => return Err(bad("is not known here")),
            }
        }
        let expectation = expectation.ok_or("the vector expects nothing")?;
        let body = match compressed {
            true => miniz_oxide::inflate::decompress_to_vec_zlib(body).map_err(|error| format!("the vector does not inflate: {error}"))?,
            false => body.to_vec(),
        };
        let (file, unwrapped) = match if armored { read_armor(&body)? } else { Some(body) } {
            Some(file) => {
                check_print_back(&file)?;
                let unwrapped = unwrap(&file, &identities);
                (file, unwrapped)
            }
            None => (Vec::new(), Err(Layer::Armor)),
        };
        Ok(Self { expectation, payload_hash, file_key, file, unwrapped })
    }

    /// What the vector says must happen.
    pub fn expectation(&self) -> Expectation {
        self.expectation
    }

    /// Opens the file as a stream and by ranges, and seals again what opened.
    ///
    /// # Errors
    /// Every deviation from the vector.
    pub fn check(&self, batch_chunks: usize, spread: Spread) -> Result<(), String> {
        self.check_with(batch_chunks, spread, |it| CoreOpener::new(it, self.file.len(), batch_chunks, spread))
    }

    /// [`Vector::check`] with another opener of streams.
    ///
    /// # Errors
    /// Every deviation from the vector.
    pub fn check_with<'a, O: OpenNext>(
        &'a self,
        batch_chunks: usize,
        spread: Spread,
        opener: impl FnOnce(&'a Unwrapped) -> O,
    ) -> Result<(), String> {
        let unwrapped = match &self.unwrapped {
            Ok(unwrapped) => unwrapped,
            Err(layer) => return self.compare(Err(*layer)),
        };
        let (released, result) = open_stream(unwrapped.slots(&self.file), batch_chunks, &mut opener(unwrapped));
        self.compare(result.map_err(|_| Layer::Payload))?;
        let payload_hash = self.payload_hash.ok_or("the vector reaches the payload and has no hash of it")?;
        if payload_hash != *Sha256::digest(&released) {
            return Err(format!("{} bytes were released, and they are not the vector's", released.len()));
        }
        self.check_ranges(unwrapped, batch_chunks, spread, &released)?;
        if self.expectation.is_ok() {
            self.check_seal(unwrapped, batch_chunks, spread, &released)?;
        }
        Ok(())
    }

    fn compare(&self, result: Expectation) -> Result<(), String> {
        let (expected, found) = (expectation_words(self.expectation), expectation_words(result));
        if result == self.expectation { Ok(()) } else { Err(format!("{found} instead of {expected}")) }
    }

    /// Ranges must give the same bytes where the stream gives all, and be refused where it is refused: earlier perhaps,
    /// since they look at the end first, but never later.
    fn check_ranges(&self, unwrapped: &Unwrapped, batch_chunks: usize, spread: Spread, streamed: &[u8]) -> Result<(), String> {
        let (released, result) = match RangeReader::check_end(&self.file, unwrapped, batch_chunks, spread) {
            Ok(reader) => reader.read_all(RANGE_COUNT),
            Err(error) => (Vec::new(), Err(error)),
        };
        if result.is_ok() != self.expectation.is_ok() {
            return Err(format!("the stream ended with {:?}, the ranges with {result:?}", self.expectation));
        }
        let same = if result.is_ok() { streamed == released } else { streamed.starts_with(&released) };
        if same { Ok(()) } else { Err(String::from("the ranges are not the stream's bytes")) }
    }

    /// With the vector's file key and nonce, the same plaintext seals to the same bytes, whoever seals and in which order.
    fn check_seal(&self, unwrapped: &Unwrapped, batch_chunks: usize, spread: Spread, plaintext: &[u8]) -> Result<(), String> {
        let file_key = self.file_key.as_slice().try_into().map_err(|_| "the vector's file key is not 16 bytes long")?;
        let file_key = FileKey::from_bytes(file_key);
        let section = &self.file[unwrapped.header_len..];
        if seal_in_order(&file_key, &unwrapped.nonce, plaintext, batch_chunks, spread) != section {
            return Err(String::from("the payload does not seal to the same bytes"));
        }
        let backwards = |numbers: Vec<usize>| numbers.into_iter().rev().collect();
        if seal_out_of_order(&file_key, &unwrapped.nonce, plaintext, batch_chunks, spread, backwards) != section {
            return Err(String::from("the payload does not seal to the same bytes out of order"));
        }
        Ok(())
    }
}

/// [`Vector::open`] and [`Vector::check`] in one.
///
/// # Errors
/// Every deviation from the vector.
pub fn check(vector: &[u8], batch_chunks: usize, spread: Spread) -> Result<(), String> {
    Vector::open(vector)?.check(batch_chunks, spread)
}

/// What is armored, or `None` where the armor is refused. Accepted armor must write back to the same text, but for its
/// line ends and the white space around it, which the specification leaves free.
fn read_armor(text: &[u8]) -> Result<Option<Vec<u8>>, String> {
    let mut reader = ArmorReader::new();
    let mut file = Vec::new();
    if reader.read(text, &mut file).and_then(|()| reader.finish(&mut file)).is_err() {
        return Ok(None);
    }
    let mut writer = ArmorWriter::new();
    let mut written = Vec::new();
    writer.write(&file, &mut written);
    writer.finish(&mut written);
    let mut canonical: Vec<u8> = text.trim_ascii().iter().copied().filter(|&byte| byte != b'\r').collect();
    canonical.push(b'\n');
    if written == canonical { Ok(Some(file)) } else { Err(String::from("the armor does not write back")) }
}

/// Whatever parses as a header must print back byte for byte, and know its length.
fn check_print_back(file: &[u8]) -> Result<(), String> {
    let Ok((header, header_len)) = Header::parse(file) else { return Ok(()) };
    let same = header.to_bytes() == file[..header_len] && header.len() == header_len;
    if same { Ok(()) } else { Err(String::from("the header does not print back")) }
}

/// The bytes of a hexadecimal text.
#[must_use]
pub fn hex(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u8>> = text.chars().map(|digit| digit.to_digit(16).and_then(|value| value.try_into().ok())).collect();
    let digits = digits.filter(|digits| digits.len() % 2 == 0)?;
    Some(digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect())
}
