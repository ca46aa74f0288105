// Reading a file and nothing else, as the page's worker reads: pieces of this many bytes, so many on their way at a time.
const PIECE_LEN = 4 << 20;
const AHEAD_COUNT = 2;

self.onmessage = async ({ data: file }) => {
  const start = performance.now();
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
  self.postMessage([(performance.now() - start) / 1000, length]);
};
