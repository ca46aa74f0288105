//! One backend against the portable one. No files, no threads: fit for WASM too.

mod xorshift;

use dbseal_kernel::{Backend, InOutBuf, Key, MAX_TEXT_LEN};
use xorshift::Xorshift;

/// Strides are 4,096 bytes; a backend may take its vectors in groups of this.
const GROUP_LEN: usize = 1024;
/// The longest text in bytes of which every edge is tried: a chunk of age.
const LONG_LEN: usize = 64 * 1024;
/// Bytes on both sides of an edge.
const AROUND: usize = 17;

/// Bytes before and after a text that must stay as they are.
const GUARD_LEN: usize = 128;
/// What they are. No painted byte has this value.
const GUARD: u8 = 0xfe;
/// What a buffer holds that nothing was written to.
const UNTOUCHED: u8 = 0xfd;
/// The alignment in bytes that buffers are measured from: that of the longest vector.
const ALIGNMENT: usize = 64;

/// Every length up to a stride and more, and those around every group's edge up to a chunk.
pub(crate) fn check_lens(backend: Backend) -> Result<(), String> {
    let edges = (GROUP_LEN..=LONG_LEN).step_by(GROUP_LEN).flat_map(|edge| edge - AROUND..=edge + AROUND);
    (0..=4200).chain(edges).try_for_each(|len| Case::painted(len).compare(backend))
}

/// The block counter carries into its second and third byte at 16 KiB and 4 MiB, and ends at block 262,144.
pub(crate) fn check_long_lens(backend: Backend) -> Result<(), String> {
    let mut lens = [256 * 64, 256 * 64 + 1, 65_536 * 64 - 1, 65_536 * 64, 65_536 * 64 + 4097, MAX_TEXT_LEN - 1, MAX_TEXT_LEN].into_iter();
    lens.try_for_each(|len| Case::painted(len).compare(backend))
}

/// Every alignment of what is read with every one of what is written.
pub(crate) fn check_alignments(backend: Backend) -> Result<(), String> {
    [1, 64, 513, 1040, 4096, 8191].into_iter().try_for_each(|len| {
        let at = |place| Case { alignments: [place / ALIGNMENT, place % ALIGNMENT], ..Case::painted(len) };
        (0..ALIGNMENT * ALIGNMENT).try_for_each(|place| at(place).compare(backend))
    })
}

/// Texts that are sealed to blocks of zeros, and to those of ones, which carry furthest.
pub(crate) fn check_extremes(backend: Backend) -> Result<(), String> {
    [0, 16, 64, 511, 512, 1024, 4096, 4112, 8191, LONG_LEN].into_iter().try_for_each(|len| {
        Case::sealed_to(&vec![0; len]).compare(backend)?;
        Case::sealed_to(&vec![0xff; len]).compare(backend)
    })
}

/// What was altered is refused, and nothing touched.
pub(crate) fn check_refusals(backend: Backend) -> Result<(), String> {
    // All bits of what is a few vectors long, at lengths around the blocks of either cipher and what the lanes take.
    for len in [0, 1, 15, 16, 17, 64, 65, 255, 256, 513] {
        Case::painted(len).refuse(backend, 0..8 * len)?;
        Case::sealed_to(&vec![0; len]).refuse(backend, 0..0)?;
    }
    // Of longer ones the first and last byte of every group, and bits between that stand elsewhere in each vector.
    for len in [4095, 4096, 4097, 8192, 9001, LONG_LEN - 1, LONG_LEN] {
        let at_edge = |byte: usize| [0, GROUP_LEN - 1].contains(&(byte % GROUP_LEN)) || byte + 1 == len;
        let bits = (0..8 * len).filter(|bit| at_edge(bit / 8) || bit % 2311 == 0);
        Case { alignments: [3, 5], ..Case::painted(len) }.refuse(backend, bits)?;
    }
    Ok(())
}

/// Any texts, the same in each run. Most are short, as edges are between strides.
pub(crate) fn check_random(backend: Backend, count: usize) -> Result<(), String> {
    let mut random = Xorshift(0x0123_4567_89ab_cdef);
    (0..count).try_for_each(|number| {
        let longest = if number % 10 == 0 { 20_000 } else { 2000 };
        let len = random.below(longest);
        Case::random(&mut random, len).compare(backend)
    })
}

/// A text to seal, and where it lies.
struct Case {
    key: [u8; 32],
    nonce: [u8; 12],
    text: Vec<u8>,
    /// How many bytes after a multiple of [`ALIGNMENT`] the text begins, and what becomes of it.
    alignments: [usize; 2],
}

impl Case {
    /// A painted text of this length.
    fn painted(len: usize) -> Self {
        let text = paint(len);
        Self { key: paint(32).try_into().expect("32 bytes"), nonce: paint(12).try_into().expect("12 bytes"), text, alignments: [0, 0] }
    }

    /// A text that is sealed to `sealed`.
    fn sealed_to(sealed: &[u8]) -> Self {
        let mut case = Self { text: sealed.to_vec(), ..Self::painted(0) };
        // The keystream, added twice, is gone.
        let _ = Key::new(&case.key, portable()).seal(&case.nonce, case.text.as_mut_slice().into());
        case
    }

    /// Any text of this length, at any place.
    fn random(random: &mut Xorshift, len: usize) -> Self {
        let mut case = Self::painted(len);
        random.fill(&mut case.key);
        random.fill(&mut case.nonce);
        random.fill(&mut case.text);
        case.alignments = [random.below(ALIGNMENT), random.below(ALIGNMENT)];
        case
    }

    /// Seals and opens the text with both backends, in place and from one buffer to another.
    fn compare(&self, backend: Backend) -> Result<(), String> {
        let (oracle, key) = (Key::new(&self.key, portable()), Key::new(&self.key, backend));
        let mut sealed = self.text.clone();
        let tag = oracle.seal(&self.nonce, sealed.as_mut_slice().into());

        let [mut from, mut to] = self.buffers(&self.text);
        let there = key.seal(&self.nonce, across(&mut from, &mut to));
        self.ensure(backend, from.holds(&self.text), "sealing wrote where it was only to read")?;
        let here = key.seal(&self.nonce, from.text().into());
        self.ensure(backend, from.holds(&sealed) && to.holds(&sealed), "sealed to other bytes")?;
        self.ensure(backend, [there, here] == [tag; 2], "sealed with another tag")?;

        let [mut from, mut to] = self.buffers(&sealed);
        let there = key.open(&self.nonce, across(&mut from, &mut to), &tag);
        self.ensure(backend, from.holds(&sealed), "opening wrote where it was only to read")?;
        let here = key.open(&self.nonce, from.text().into(), &tag);
        self.ensure(backend, [there, here] == [Ok(()); 2], "what was sealed is refused")?;
        self.ensure(backend, from.holds(&self.text) && to.holds(&self.text), "opened to other bytes")
    }

    /// Opens the sealed text with each of these bits flipped, each bit of the tag, the key and the nonce, and with a byte too few and too
    /// many.
    fn refuse(&self, backend: Backend, bits: impl Iterator<Item = usize>) -> Result<(), String> {
        let key = Key::new(&self.key, backend);
        let mut sealed = self.text.clone();
        let tag = Key::new(&self.key, portable()).seal(&self.nonce, sealed.as_mut_slice().into());
        let ensure = |key: &Key, nonce: &[u8; 12], sealed: &[u8], tag: &[u8; 16], what: &str| {
            let what = &format!("taken, or touched, {what}");
            let [mut from, mut to] = self.buffers(sealed);
            self.ensure(backend, key.open(nonce, across(&mut from, &mut to), tag).is_err(), what)?;
            self.ensure(backend, to.is_untouched(), what)?;
            self.ensure(backend, key.open(nonce, from.text().into(), tag).is_err(), what)?;
            self.ensure(backend, from.holds(sealed), what)
        };
        for bit in bits {
            sealed[bit / 8] ^= 1 << (bit % 8);
            ensure(&key, &self.nonce, &sealed, &tag, &format!("with bit {bit} of the text flipped"))?;
            sealed[bit / 8] ^= 1 << (bit % 8);
        }
        for bit in 0..256 {
            let what = |of: &str| format!("with bit {bit} of the {of} flipped");
            ensure(&Key::new(&flipped(self.key, bit), backend), &self.nonce, &sealed, &tag, &what("key"))?;
            if bit < 8 * tag.len() {
                ensure(&key, &self.nonce, &sealed, &flipped(tag, bit), &what("tag"))?;
            }
            if bit < 8 * self.nonce.len() {
                ensure(&key, &flipped(self.nonce, bit), &sealed, &tag, &what("nonce"))?;
            }
        }
        // Zeros fill the last block up: only the length tells them from a text that goes on with them.
        sealed.push(0);
        ensure(&key, &self.nonce, &sealed, &tag, "with a byte too many")?;
        sealed.truncate(self.text.len().saturating_sub(1));
        if sealed.len() < self.text.len() {
            ensure(&key, &self.nonce, &sealed, &tag, "with a byte too few")?;
        }
        Ok(())
    }

    /// `text` where the case has it, and a buffer of the same length.
    fn buffers(&self, text: &[u8]) -> [Guarded; 2] {
        [Guarded::new(text, self.alignments[0]), Guarded::new(&vec![UNTOUCHED; text.len()], self.alignments[1])]
    }

    fn ensure(&self, backend: Backend, holds: bool, what: &str) -> Result<(), String> {
        let say = || format!("{}, {} bytes at {:?}: {what}", backend.name(), self.text.len(), self.alignments);
        if holds { Ok(()) } else { Err(say()) }
    }
}

/// RustCrypto's.
fn portable() -> Backend {
    Backend::all().last().expect("every machine has a backend")
}

/// `len` bytes in a cycle of 251, a prime, so that no stride looks like another (251 divides no power of two).
fn paint(len: usize) -> Vec<u8> {
    (0..251).cycle().take(len).collect()
}

fn flipped<const N: usize>(mut bytes: [u8; N], bit: usize) -> [u8; N] {
    bytes[bit / 8] ^= 1 << (bit % 8);
    bytes
}

fn across<'a>(from: &'a mut Guarded, to: &'a mut Guarded) -> InOutBuf<'a, 'a, u8> {
    InOutBuf::new(from.text(), to.text()).expect("two of one length")
}

/// A text with guards around it.
struct Guarded {
    bytes: Vec<u8>,
    start: usize,
    len: usize,
}

impl Guarded {
    fn new(text: &[u8], alignment: usize) -> Self {
        let mut bytes = vec![GUARD; GUARD_LEN + 2 * ALIGNMENT + text.len() + GUARD_LEN];
        let start = GUARD_LEN + bytes[GUARD_LEN..].as_ptr().align_offset(ALIGNMENT) + alignment;
        bytes[start..][..text.len()].copy_from_slice(text);
        Self { bytes, start, len: text.len() }
    }

    fn text(&mut self) -> &mut [u8] {
        &mut self.bytes[self.start..][..self.len]
    }

    /// Whether this is the text, and the guards are what they were.
    fn holds(&self, text: &[u8]) -> bool {
        let (before, rest) = self.bytes.split_at(self.start);
        let (found, after) = rest.split_at(self.len);
        found == text && [before, after].into_iter().flatten().all(|&byte| byte == GUARD)
    }

    fn is_untouched(&self) -> bool {
        self.holds(&vec![UNTOUCHED; self.len])
    }
}
