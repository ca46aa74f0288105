"use strict";
// The kit's page: what it loads is in the page itself. Its policy knows this text by its hash.
(async () => {
  const text = (id) => document.getElementById(id).textContent;
  const module = await WebAssembly.compile(Uint8Array.from(atob(text("wasm")), (letter) => letter.charCodeAt(0)));
  // A page from a file may load no worker from another file, and one from text it holds.
  const url = URL.createObjectURL(new Blob([text("glue"), "\n", text("worker")], { type: "text/javascript" }));
  self.dbsealNewWorker = () => {
    const worker = new Worker(url);
    worker.postMessage(module);
    return worker;
  };
  await dbsealWeb({ module_or_path: module });
  dbsealWeb.start_page();
})();
