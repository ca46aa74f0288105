// The hosted page: loads the build that this browser can run, and hands over to it.

// Threads share memory, which a browser gives only to a page that is isolated from all others. The worker asks the same question and
// gets the same answer, so that only one of the builds is fetched.
const threaded = self.crossOriginIsolated && typeof SharedArrayBuffer === "function";
const folder = threaded ? "threads" : "single";

const load = async () => {
  const build = await import(`./${folder}/dbseal_web.js`);
  const wasm = await fetch(new URL(`${folder}/dbseal_web_bg.wasm`, import.meta.url));
  if (!wasm.ok) throw new Error(`${wasm.status} ${wasm.url}`);
  const module = await WebAssembly.compile(await wasm.arrayBuffer());

  // A job has a worker to itself: it is ended with the job, and another one made, which neither fetches nor compiles all of it again.
  self.dbsealNewWorker = () => {
    const worker = new Worker(new URL("worker.js", import.meta.url), { type: "module" });
    worker.postMessage(module);
    return worker;
  };

  await build.default({ module_or_path: module });
  build.start_page();
};

load().catch((error) => {
  const loading = document.getElementById("loading");
  if (loading) loading.textContent = `This page could not be loaded whole: ${error.message}. Whoever runs the server should copy all of its files again.`;
  throw error;
});
