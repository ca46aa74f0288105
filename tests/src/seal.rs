//! A payload sealed through the core, in order or in any order; and a seal of it.
//!
//! Pure, no files: compiled to WASM too.

use dbseal_core::{
    Batch, CHUNK_LEN, Extent, FileKey, FileName, Note, PayloadNonce, Process, Proof, ProofKey, Seal, Sealed, Sealer, SeriesPlace,
    SigningKey, SourceKind, Spread, Time, Tree,
};

use crate::open::batch_for;

/// Seals batch after batch, as a single writer does.
#[must_use]
pub fn seal_in_order(file_key: &FileKey, nonce: &PayloadNonce, plaintext: &[u8], batch_chunks: usize, spread: Spread) -> Vec<u8> {
    let mut sealer = Sealer::new(file_key, nonce);
    let mut batch = batch_for(plaintext.len(), batch_chunks);
    let mut section = nonce.as_bytes().to_vec();
    let mut pieces = pieces(plaintext, batch_chunks);
    let last = pieces.pop().expect("at least one piece");
    for piece in pieces {
        fill(&mut batch, piece);
        sealer.seal_batch(&mut batch, spread);
        section.extend(batch.sealed_bytes());
    }
    fill(&mut batch, last);
    sealer.finish(&mut batch, spread);
    section.extend(batch.sealed_bytes());
    section
}

/// Claims every batch first and then seals them in the order that `reorder` puts them in, as parallel writers may.
#[must_use]
pub fn seal_out_of_order(
    file_key: &FileKey,
    nonce: &PayloadNonce,
    plaintext: &[u8],
    batch_chunks: usize,
    spread: Spread,
    reorder: impl FnOnce(Vec<usize>) -> Vec<usize>,
) -> Vec<u8> {
    let mut sealer = Sealer::new(file_key, nonce);
    let mut pieces = pieces(plaintext, batch_chunks);
    let last = pieces.pop().expect("at least one piece");
    let mut claims: Vec<_> = pieces.iter().map(|&piece| Some((sealer.claim(piece.len() / CHUNK_LEN), piece))).collect();
    claims.push(Some((sealer.claim_last(last.len().div_ceil(CHUNK_LEN).max(1)), last)));

    let mut batch = batch_for(plaintext.len(), batch_chunks);
    let mut sealed = vec![Vec::new(); claims.len()];
    for number in reorder((0..claims.len()).collect()) {
        let (claim, piece) = claims[number].take().expect("an order that names each batch once");
        assert_eq!(claim.first_index(), (number * batch_chunks) as u64, "the first chunk of a batch");
        fill(&mut batch, piece);
        claim.seal(&mut batch, spread);
        sealed[number] = batch.sealed_bytes().to_vec();
    }
    [nonce.as_bytes().to_vec(), sealed.concat()].concat()
}

/// The seal of a backup called `shop.age`, signed by `key`, with the proof of `file_key`.
///
/// # Panics
/// Never: what it names is valid.
#[must_use]
pub fn sealed_by(key: &SigningKey, series: Option<SeriesPlace>, header: &[u8], section: &[u8], file_key: &FileKey) -> Seal {
    let tree = Tree::of(section);
    let label = |text: &str| text.parse().expect("a label");
    let note = Note::Sealed(Sealed {
        signer: key.verifier_key().clone(),
        series,
        file: FileName::of(b"shop.age").expect("a name"),
        time: Time::from_unix(1_795_485_613).expect("a time"),
        source: SourceKind::File,
        process: Process { tool: label("dbseal"), version: label("0.1.0"), preset: label("x25519"), compression: label("none") },
        header: Extent::of(header),
        payload: (&tree).into(),
        proof: Proof::none(),
    });
    Seal::new(note.proven(&ProofKey::of(file_key)), key, &tree, header)
}

/// What each batch takes; one empty piece for an empty plaintext, which has a chunk too.
fn pieces(plaintext: &[u8], batch_chunks: usize) -> Vec<&[u8]> {
    if plaintext.is_empty() { vec![plaintext] } else { plaintext.chunks(batch_chunks * CHUNK_LEN).collect() }
}

fn fill(batch: &mut Batch, piece: &[u8]) {
    for (slot, chunk) in batch.plaintext_slots_mut().zip(piece.chunks(CHUNK_LEN)) {
        slot[..chunk.len()].copy_from_slice(chunk);
    }
    batch.set_plaintext_len(piece.len());
}
