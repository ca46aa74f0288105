// BLAKE3 alone, over memory of the program, as a check hashes: in the build that is asked for.
self.onmessage = async ({ data: { variant, length } }) => {
  const build = await import(`./${variant}/dbseal_tests_wasm.js`);
  await build.default();
  if (variant === "threads") await build.initThreadPool(Math.min(navigator.hardwareConcurrency, 8));
  const memory = new build.HashedMemory();
  // Once to warm.
  let hashed = memory.hash();
  const start = performance.now();
  for (hashed = 0; hashed < length;) hashed += memory.hash();
  self.postMessage([(performance.now() - start) / 1000 * (length / hashed), length]);
};
