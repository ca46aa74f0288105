// A part of a job and nothing else, over memory of the program: in the build, and of the kind, that are asked for.
self.onmessage = async ({ data: [, { variant, memory, length }] }) => {
  const build = await import(`./${variant}/dbseal_tests_wasm.js`);
  await build.default();
  if (variant === "threads") await build.initThreadPool(Math.min(navigator.hardwareConcurrency, 8));
  const worked = new build[memory]();
  // Once to warm.
  let done = worked.pass();
  const start = performance.now();
  for (done = 0; done < length;) done += worked.pass();
  self.postMessage([(performance.now() - start) / 1000 * (length / done), length]);
};
