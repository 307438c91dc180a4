// All journeys, three files at a time; a file that fails is run once more, alone, and named as flaky when it passes then.
//
//     node tests/browser/run.mjs [FILE...]
import { readdirSync } from "node:fs";
import path from "node:path";
import { run } from "node:test";
import { spec } from "node:test/reporters";

const FOLDER = import.meta.dirname;
const AT_ONCE = 3;
/** What takes longest begins first. */
const LONGEST = ["axe.test.mjs", "visual.test.mjs"];
const named = process.argv.slice(2).map((file) => path.resolve(file));
const files = named.length
  ? named
  : readdirSync(FOLDER)
      .filter((file) => file.endsWith(".test.mjs"))
      .sort((a, b) => LONGEST.includes(b) - LONGEST.includes(a))
      .map((file) => path.join(FOLDER, file));

/** The files of which a test failed. */
function failures(files, concurrency) {
  return new Promise((resolve, reject) => {
    const failed = new Set();
    const tests = run({ files, concurrency });
    // The file's own name is the failure of a file that could not be run.
    tests.on("test:fail", ({ file, name }) => failed.add(file ?? path.resolve(name)));
    tests.on("error", reject);
    const told = tests.compose(new spec());
    told.on("end", () => resolve([...failed]));
    told.pipe(process.stdout, { end: false });
  });
}

const failed = await failures(files, AT_ONCE);
if (failed.length) console.log(`\n==> once more, alone: ${failed.map((file) => path.basename(file)).join(", ")}`);
const still = failed.length ? await failures(failed, 1) : [];
for (const file of failed.filter((file) => !still.includes(file))) console.log(`FLAKY: ${path.basename(file)} failed, then passed`);
process.exitCode = still.length ? 1 : 0;
