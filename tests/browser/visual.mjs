// Pictures of the main screens against the stored ones.
//
//   node tests/browser/visual.mjs            compare; what differs is left in /tmp/oxidify-shots
//   node tests/browser/visual.mjs --write    store the present ones
//
// Not part of the tests: letters are drawn differently from one machine to the next, so the stored pictures hold
// only where they were made (Chromium and fonts of Debian 12, no colour emoji). Store your own before you compare.
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { journey, root, signIn } from "./support.mjs";

const STORE = `${root}tests/browser/shots`;
const FOUND = "/tmp/oxidify-shots";
const WRITE = process.argv.includes("--write");
/** A channel may be off by this much, and this part of the pixels by more. */
const CHANNEL = 24;
const PART = 0.002;
const DESK = { viewport: { width: 1280, height: 800 }, reducedMotion: "reduce" };
const PHONE = { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true, reducedMotion: "reduce" };
const VARIANTS = { light: DESK, dark: { ...DESK, colorScheme: "dark" }, phone: PHONE };
/** Times, addresses and keys are new in every run. */
const VARYING = "time, .mono, .entry-host, .inp.mono, [role=row] .num { visibility: hidden !important; } * { caret-color: transparent !important; }";

const screens = (about) => ({
  apps: ["/apps"],
  "new-app": ["/apps?dialog=create"],
  models: ["/settings/models"],
  appearance: ["/settings/appearance"],
  build: [`/app/${about.apps.completion}/configuration`],
  logs: [`/app/${about.apps.branch}/logs`],
  chat: [`/chat/${about.codes.chat}`],
  run: [
    `/workflow/${about.codes.branch}`,
    async (page) => {
      await page.getByRole("textbox").first().fill("a long day");
      await page.locator("form button[type=submit]").click();
      await page.getByText("yes a long day").waitFor();
      await page.mouse.move(2, 2);
    },
  ],
});

/** The part of the pixels that differ, counted in the browser: nothing to install. */
const difference = (page, before, after) =>
  page.evaluate(
    async ([first, second, channel]) => {
      const read = async (data) => {
        const image = await createImageBitmap(await (await fetch(`data:image/png;base64,${data}`)).blob());
        const pen = new OffscreenCanvas(image.width, image.height).getContext("2d");
        pen.drawImage(image, 0, 0);
        return pen.getImageData(0, 0, image.width, image.height);
      };
      const [a, b] = await Promise.all([read(first), read(second)]);
      if (a.width !== b.width || a.height !== b.height) return 1;
      let off = 0;
      for (let at = 0; at < a.data.length; at += 4) {
        if ([0, 1, 2].some((part) => Math.abs(a.data[at + part] - b.data[at + part]) > channel)) off++;
      }
      return off / (a.width * a.height);
    },
    [before.toString("base64"), after.toString("base64"), CHANNEL],
  );

let failed = 0;
if (WRITE) mkdirSync(STORE, { recursive: true });
rmSync(FOUND, { recursive: true, force: true });
mkdirSync(FOUND, { recursive: true });
for (const [variant, options] of Object.entries(VARIANTS)) {
  await journey(["chat", "completion", "branch"], options, async (page, about) => {
    // Bars and figures move with the clock.
    await page.route(/apps\/figures|workflow-app-logs\/histogram/, (route) => route.fulfill({ status: 404, json: { code: "not_found", message: "", status: 404 } }));
    await signIn(page, about);
    for (const [name, [path, act]] of Object.entries(screens(about))) {
      await page.goto(`${about.url}${path}`, { waitUntil: "networkidle" });
      if (act) await act(page);
      await page.addStyleTag({ content: VARYING });
      await page.evaluate(() => document.fonts.ready);
      await page.evaluate(() => document.activeElement?.blur());
      const picture = await page.screenshot();
      const file = `${variant}-${name}.png`;
      if (WRITE) writeFileSync(`${STORE}/${file}`, picture);
      else if (!existsSync(`${STORE}/${file}`)) console.log(`${file}: nothing stored`);
      else {
        const part = await difference(page, readFileSync(`${STORE}/${file}`), picture);
        if (part > PART) {
          failed++;
          writeFileSync(`${FOUND}/${file}`, picture);
        }
        console.log(`${file}: ${(part * 100).toFixed(3)} % differs${part > PART ? `, too much: ${FOUND}/${file}` : ""}`);
      }
    }
  });
}
process.exitCode = failed > 0 ? 1 : 0;
