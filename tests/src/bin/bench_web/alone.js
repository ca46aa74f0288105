// A part of a job and nothing else, over memory of the program: in the build, and of the kind, that are asked for.
self.onmessage = async ({ data: [, { variant, memory, length }] }) => {
  const build = await import(`./${variant}/dbseal_tests_wasm.js`);
  await build.default();
  if (variant === "threads") await build.initThreadPool(Math.min(navigator.hardwareConcurrency, 8));
  const worked = new build[memory]();
  const pass = () => {
    worked.prepare?.();
    const start = performance.now();
    const done = worked.pass();
    return [performance.now() - start, done];
  };
  // Once to warm.
  pass();
  let milliseconds = 0;
  let done = 0;
  while (done < length) {
    const [took, more] = pass();
    milliseconds += took;
    done += more;
  }
  self.postMessage([milliseconds / 1000 * (length / done), length]);
};
