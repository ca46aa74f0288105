"use strict";
// The kit's page: what it loads is in the page itself. Its policy knows this text by its hash.
(async () => {
  const text = (id) => document.getElementById(id).textContent;
  const base64 = text("wasm");
  // A page from a file may load no worker from another file, and one from text it holds.
  const source = [text("glue"), `\nconst WASM = "${base64}";\n`, text("worker")];
  const url = URL.createObjectURL(new Blob(source, { type: "text/javascript" }));
  self.dbsealNewWorker = () => new Worker(url);
  await dbsealWeb({ module_or_path: Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0)) });
  dbsealWeb.start_page();
})();
