// What others do with the same bytes: from memory to memory, in the page. Each gives the seconds it took, and how many bytes came out.
import { Decrypter } from "age-encryption";
import sodium from "libsodium-wrappers";

const CHUNK_LEN = 65536;
const TAG_LEN = 16;
// Calls of WebCrypto that are on their way at a time: each is a task for a thread of the browser's own.
const CALLS = 16;

const fileBytes = async () => new Uint8Array(await document.querySelector("#file").files[0].arrayBuffer());

const timed = async (work) => {
  const start = performance.now();
  const length = await work();
  return [(performance.now() - start) / 1000, length];
};

/** Pieces of `length` bytes, and the last. */
const pieces = (bytes, length) => {
  const count = Math.ceil(bytes.length / length);
  return Array.from({ length: count }, (_, index) => bytes.subarray(index * length, (index + 1) * length));
};

const nonce = (index) => {
  const bytes = new Uint8Array(12);
  new DataView(bytes.buffer).setUint32(8, index);
  return bytes;
};

self.peers = {
  async typage(identity) {
    const bytes = await fileBytes();
    const decrypter = new Decrypter();
    decrypter.addIdentity(identity);
    return timed(async () => (await decrypter.decrypt(bytes)).length);
  },

  async libsodium() {
    await sodium.ready;
    const key = sodium.randombytes_buf(sodium.crypto_aead_chacha20poly1305_ietf_KEYBYTES);
    const bytes = await fileBytes();
    const sealed = pieces(bytes, CHUNK_LEN).map((piece, index) =>
      sodium.crypto_aead_chacha20poly1305_ietf_encrypt(piece, null, null, nonce(index), key));
    return timed(() => sealed.reduce((length, piece, index) =>
      length + sodium.crypto_aead_chacha20poly1305_ietf_decrypt(null, piece, null, nonce(index), key).length, 0));
  },

  async webCrypto(pieceLen) {
    const key = await crypto.subtle.generateKey({ name: "AES-GCM", length: 256 }, false, ["encrypt", "decrypt"]);
    const call = (name) => async ([piece, index]) => (await crypto.subtle[name]({ name: "AES-GCM", iv: nonce(index) }, key, piece));
    const each = async (all, work) => {
      const results = [];
      for (let start = 0; start < all.length; start += CALLS) {
        const some = all.slice(start, start + CALLS).map((piece, index) => [piece, start + index]);
        results.push(...await Promise.all(some.map(work)));
      }
      return results;
    };
    const bytes = await fileBytes();
    const sealed = await each(pieces(bytes, pieceLen ?? bytes.length), call("encrypt"));
    return timed(async () => (await each(sealed, call("decrypt"))).reduce((length, piece) => length + piece.byteLength, 0));
  },
};
