// Reading a file and nothing else, pieces of this many bytes: in slices, so many on their way at a time, or as one stream into one buffer.
const PIECE_LEN = 4 << 20;
const AHEAD_COUNT = 2;

const ways = {
  async slices(file) {
    const coming = [];
    let asked = 0;
    let length = 0;
    while (asked < file.size || coming.length > 0) {
      while (asked < file.size && coming.length < AHEAD_COUNT) {
        coming.push(file.slice(asked, asked + PIECE_LEN).arrayBuffer());
        asked += PIECE_LEN;
      }
      length += (await coming.shift()).byteLength;
    }
    return length;
  },

  async stream(file) {
    const reader = file.stream().getReader({ mode: "byob" });
    let buffer = new ArrayBuffer(PIECE_LEN);
    let length = 0;
    for (let end = false; !end;) {
      const { value, done } = await reader.read(new Uint8Array(buffer), { min: PIECE_LEN });
      ({ buffer } = value);
      length += value.byteLength;
      end = done;
    }
    return length;
  },
};

self.onmessage = async ({ data: [file, way] }) => {
  const start = performance.now();
  const length = await ways[way](file);
  self.postMessage([(performance.now() - start) / 1000, length]);
};
