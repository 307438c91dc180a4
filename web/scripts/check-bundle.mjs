// The first load of each page: its entry and everything it imports statically, gzipped.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";

const dist = new URL("../dist/", import.meta.url).pathname;
const manifest = JSON.parse(readFileSync(join(dist, ".vite/manifest.json"), "utf8"));
const LIMITS = { "index.html": 350_000, "chat.html": 90_000 };
let failed = false;

for (const [entry, limit] of Object.entries(LIMITS)) {
  if (entry === "chat.html" && !existsSync(new URL("../src/webapp/main.tsx", import.meta.url))) continue;
  const files = new Set();
  const visit = (key) => {
    const chunk = manifest[key];
    if (!chunk || files.has(chunk.file)) return;
    files.add(chunk.file);
    for (const next of chunk.imports ?? []) visit(next);
  };
  visit(entry);
  const bytes = [...files].reduce((sum, file) => sum + gzipSync(readFileSync(join(dist, file)), { level: 9 }).length, 0);
  if (files.size === 0 || bytes > limit) failed = true;
  console.log(`${entry}: ${(bytes / 1000).toFixed(1)} kB gzip of JavaScript in ${files.size} files (limit ${limit / 1000} kB)`);
}
if (failed) {
  console.error("over the limit");
  process.exit(1);
}
