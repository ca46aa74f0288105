// The kit's worker, behind the glue and WASM, the build in base 64.
(async () => {
  await dbsealWeb({ module_or_path: Uint8Array.from(atob(WASM), (letter) => letter.charCodeAt(0)) });
  dbsealWeb.start_worker();
})();
