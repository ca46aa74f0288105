// The kit's worker, behind the glue: takes what the page has compiled.
self.onmessage = async ({ data: module }) => {
  await dbsealWeb({ module_or_path: module });
  dbsealWeb.start_worker();
};
