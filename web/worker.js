// The hosted page's worker: loads the build that this browser can run, starts its threads, and hands over to it.

// More threads than this wait for the disk and not for the cipher, and each takes time and memory to start.
const MAX_THREADS = 8;

const threaded = self.crossOriginIsolated && typeof SharedArrayBuffer === "function";
const build = await import(threaded ? "./threads/dbseal_web.js" : "./single/dbseal_web.js");
await build.default();
if (threaded) await build.initThreadPool(Math.min(navigator.hardwareConcurrency, MAX_THREADS));
build.start_worker();
