// Reads histograms of a ROOT file with jsroot, which has nothing of ours, and prints them as JSON.
"use strict";
const fs = require("fs");
(async () => {
  const { openFile } = await import(require("path").join(require.resolve("jsroot"), "../../modules/io.mjs"));
  const content = fs.readFileSync(process.argv[2]);
  const file = await openFile(content.buffer.slice(content.byteOffset, content.byteOffset + content.length));
  const found = {};
  for (const key of file.fKeys) {
    if (!key.fClassName.startsWith("TH")) continue;
    const one = await file.readObject(`${key.fName};${key.fCycle}`);
    const axes = [one.fXaxis, one.fYaxis].slice(0, one.fYaxis.fNbins > 1 || key.fClassName.startsWith("TH2") ? 2 : 1);
    found[key.fName] = {
      class: one._typename,
      title: one.fTitle,
      axes: axes.map((axis) => [axis.fTitle, axis.fNbins, axis.fXmin, axis.fXmax]),
      cells: Array.from(one.fArray),
      entries: one.fEntries,
      sums: [one.fTsumw, one.fTsumwx, one.fTsumwx2],
    };
  }
  process.stdout.write(JSON.stringify(found));
})();
