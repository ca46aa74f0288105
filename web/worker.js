// The hosted page's worker: takes the build that the page has compiled, starts its threads, and hands over to it.

// More threads than this wait for the disk and not for the cipher, and each takes time and memory to start.
const MAX_THREADS = 8;

const given = new Promise((resolve) => { self.onmessage = ({ data }) => resolve(data); });
const threaded = self.crossOriginIsolated && typeof SharedArrayBuffer === "function";
const build = await import(threaded ? "./threads/dbseal_web.js" : "./single/dbseal_web.js");
await build.default({ module_or_path: await given });
if (threaded) await build.initThreadPool(Math.min(navigator.hardwareConcurrency, MAX_THREADS));
build.start_worker();
