// Pictures of the key screens, light and dark, against those in shots/.
//
//   node --test tests/browser/visual.test.mjs       compare (part of `make test`)
//   make visual WRITE=1                             store the present ones: look at them, then commit them
//
// What makes them hold on another machine: the letters are the bundle's own (text that no bundled font has is hidden, and
// so is what is new in every run: times, ids, addresses), nothing moves, hinting is off, and pictures are kept at half
// size, so that the edges of letters count for little.
import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { callConsole, journey, root, signIn } from "./support.mjs";

const STORE = `${root}tests/browser/shots`;
const FOUND = "/tmp/oxidify-shots";
const WRITE = process.env.OXIDIFY_SHOTS === "write";
/** A channel may be off by this much, and this part of the pixels by more. */
const CHANNEL = 40;
const PART = 0.002;
const ARGS = ["--font-render-hinting=none", "--disable-lcd-text", "--disable-font-subpixel-positioning", "--force-color-profile=srgb"];
const OPTIONS = { args: ARGS, viewport: { width: 1280, height: 800 }, deviceScaleFactor: 1, reducedMotion: "reduce", timezoneId: "UTC" };
const PHONE = { width: 390, height: 844 };
const VARYING = `time, .mono, .entry-host, .inp.mono, [role=row] .num, .avatar, .st-foot, .st-pill .st-num, .st-result .st-meta, .tr-bar, .tr-mark,
  .tr-right, .run-facts dd, .provider-use, .provider-last, kbd { visibility: hidden !important; } .tr-track { background: none !important; } * { caret-color: transparent !important; }`;

const drawn = async (page) => {
  await page.locator(".st-node").first().waitFor();
  // A moment later the canvas chooses its first view; what opens before would change it.
  await page.waitForTimeout(300);
};
const shown = (selector) => (page) => page.locator(selector).first().waitFor();
const choose = (title) => async (page) => {
  await drawn(page);
  await page.locator(`.st-title:text-is("${title}")`).click();
  await page.getByRole("complementary").getByRole("tab", { name: "Settings" }).waitFor();
};

/** Where each picture is taken, and what is done first. */
const screens = ({ apps, codes }) => ({
  signin: ["/signin", (page) => page.getByRole("heading", { name: "Sign in" }).waitFor(), { open: true }],
  apps: ["/apps", (page) => page.getByText("Branch", { exact: true }).first().waitFor()],
  "new-app": ["/apps?dialog=create", shown("dialog, [role=dialog]")],
  palette: [
    "/apps",
    async (page) => {
      await page.getByText("Branch", { exact: true }).first().waitFor();
      await page.keyboard.press("Control+k");
      await page.getByPlaceholder("Search apps and commands").waitFor();
    },
  ],
  models: ["/settings/models", (page) => page.getByText("embed-384").last().waitFor()],
  usage: [
    "/settings/usage",
    async (page) => {
      await page.getByText("No budget yet").waitFor();
      // Days are others tomorrow.
      await page.addStyleTag({ content: ".monitor.usage > :first-child, .monitor-two { visibility: hidden; }" });
    },
  ],
  playground: [
    "/settings/playground",
    async (page) => {
      for (const [at, name] of [[1, "echo"], [2, "canned"]]) {
        await page.getByRole("region", { name: `Model ${at}` }).getByRole("button", { name: "Choose a model" }).click();
        await page.getByRole("option", { name: new RegExp(`^${name}`) }).click();
      }
      await page.getByLabel("Question").fill("How long until the money is back?");
      await page.keyboard.press("Control+Enter");
      await page.getByRole("region", { name: "canned" }).getByText("in all").waitFor();
      // Times are new in every run.
      await page.addStyleTag({ content: "[aria-label=echo] .num, [aria-label=canned] .num { visibility: hidden !important; }" });
    },
  ],
  gateway: ["/settings/gateway", (page) => page.getByText("Reports", { exact: true }).waitFor()],
  sources: ["/settings/sources", (page) => page.getByRole("region", { name: "Firecrawl" }).waitFor()],
  profile: ["/settings/profile", (page) => page.getByRole("heading", { name: "Sessions" }).waitFor()],
  build: [`/app/${apps.completion}/configuration`, (page) => page.getByText("Preview", { exact: true }).waitFor()],
  canvas: [`/app/${apps.branch}/workflow`, drawn],
  condition: [`/app/${apps.branch}/workflow`, async (page) => (await choose("Long?")(page), page.locator('[data-editor="Value"] .cm-line').waitFor())],
  "human-input": [`/app/${apps.approval}/workflow`, async (page) => (await choose("Approve")(page), page.locator(".cm-line").first().waitFor())],
  run: [
    `/app/${apps.branch}/workflow`,
    async (page) => {
      await drawn(page);
      await page.keyboard.press("Alt+r");
      await page.getByLabel("Query", { exact: true }).fill("a long day");
      await page.locator("form button[type=submit]").click();
      await page.locator(".st-pill", { hasText: /Done/ }).waitFor();
      await page.getByRole("treeitem").nth(4).waitFor();
    },
  ],
  logs: [`/app/${apps.branch}/logs`, (page) => page.getByRole("row").nth(1).waitFor()],
  "run-detail": [
    `/app/${apps.broken}/logs`,
    async (page) => {
      await page.getByRole("row").nth(1).click();
      await page.getByRole("alert").waitFor();
      await page.getByRole("treeitem").nth(1).waitFor();
    },
  ],
  publish: [`/app/${apps.branch}/overview`, (page) => page.getByLabel("Title", { exact: true }).waitFor()],
  chat: [
    `/chat/${codes.chat}`,
    async (page) => {
      await page.getByRole("textbox").last().fill("How long until the money is back?");
      await page.keyboard.press("Enter");
      await page.getByRole("button", { name: "Good answer" }).waitFor();
    },
    { open: true },
  ],
  "chat-phone": [`/chat/${codes.chat}`, (page) => page.getByRole("textbox").last().waitFor(), { open: true, size: PHONE }],
  "form-phone": [`/workflow/${codes.branch}`, (page) => page.getByRole("textbox").first().waitFor(), { open: true, size: PHONE }],
  "tool-asks": [
    "/tools",
    async (page, about) => {
      // It comes late: the list of apps has its picture already.
      const agent = readFileSync(`${root}tests/apps/agent.yml`, "utf8").replace("tool_name: eval_expression", "tool_name: eval_expression\n        approval: always");
      const { app_id } = await callConsole(page, about, "POST", "/apps/imports", { mode: "yaml-content", yaml_content: agent });
      await page.goto(`${about.url}/app/${app_id}/configuration`);
      const answer = page.getByRole("region", { name: /^May / });
      await page.getByLabel("Ask something").fill("How much is it?");
      await page.keyboard.press("Enter");
      await answer.getByRole("button", { name: "Allow" }).waitFor();
      // The rail may have heard of it already.
      await page.addStyleTag({ content: ".rail { visibility: hidden; }" });
    },
    { streams: true },
  ],
});

/** Hides what a font of the machine would draw (emoji, Chinese, arrows, keys), and the address of the server. */
const hideForeign = () => {
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let text = texts.nextNode(); text; text = texts.nextNode()) {
    if (/[^\u0000-\u024f\u2009\u2013\u2014\u2018-\u201d\u2022\u2026\s]|127\.0\.0\.1/.test(text.nodeValue ?? "")) text.parentElement?.style.setProperty("visibility", "hidden", "important");
  }
};

/** `streams`: an answer is on its way for as long as the picture takes. */
async function settle(page, streams) {
  if (!streams) await page.waitForLoadState("networkidle");
  await page.addStyleTag({ content: VARYING });
  await page.evaluate(hideForeign);
  await page.evaluate(() => Promise.all(["13px 'Inter Variable'", "13px 'JetBrains Mono Variable'"].map((font) => document.fonts.load(font))));
  await page.evaluate(() => document.fonts.ready);
  await page.evaluate(() => document.activeElement?.blur());
  await page.mouse.move(2, 2);
}

/** Half of a picture's width and height, as PNG; and how two of them differ. Done in the browser: nothing to install. */
const inBrowser = {
  half: async (data) => {
    const image = await createImageBitmap(await (await fetch(`data:image/png;base64,${data}`)).blob());
    const canvas = new OffscreenCanvas(Math.round(image.width / 2), Math.round(image.height / 2));
    const pen = canvas.getContext("2d");
    pen.imageSmoothingQuality = "high";
    pen.drawImage(image, 0, 0, canvas.width, canvas.height);
    const bytes = new Uint8Array(await (await canvas.convertToBlob({ type: "image/png" })).arrayBuffer());
    return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
  },
  compare: async ([before, after, channel]) => {
    const read = async (data) => {
      const image = await createImageBitmap(await (await fetch(`data:image/png;base64,${data}`)).blob());
      const pen = new OffscreenCanvas(image.width, image.height).getContext("2d");
      pen.drawImage(image, 0, 0);
      return pen.getImageData(0, 0, image.width, image.height);
    };
    const [a, b] = await Promise.all([read(before), read(after)]);
    if (a.width !== b.width || a.height !== b.height) return { part: 1, place: `${a.width} x ${a.height} before, ${b.width} x ${b.height} now` };
    let [off, left, top, right, bottom] = [0, a.width, a.height, 0, 0];
    for (let at = 0; at < a.data.length; at += 4) {
      if (![0, 1, 2].some((i) => Math.abs(a.data[at + i] - b.data[at + i]) > channel)) continue;
      const [x, y] = [(at / 4) % a.width, Math.floor(at / 4 / a.width)];
      [off, left, top, right, bottom] = [off + 1, Math.min(left, x), Math.min(top, y), Math.max(right, x), Math.max(bottom, y)];
    }
    // In the pixels of the screen.
    return { part: off / (a.width * a.height), place: `from ${left * 2},${top * 2} to ${right * 2},${bottom * 2}` };
  },
};

test("key screens look as they are stored, light and dark", { timeout: 400_000 }, async (cx) => {
  const wrong = [];
  const largest = { part: 0, file: "" };
  if (WRITE) mkdirSync(STORE, { recursive: true });
  rmSync(FOUND, { recursive: true, force: true });
  await journey(["chat", "completion", "approval", "branch", "broken"], OPTIONS, async (page, about) => {
    const call = (name, path, body) =>
      fetch(`${about.url}/v1${path}`, {
        method: "POST",
        headers: { authorization: `Bearer ${about.keys[name]}`, "content-type": "application/json" },
        body: JSON.stringify({ user: "nora", response_mode: "blocking", ...body }),
      });
    await call("branch", "/workflows/run", { inputs: { query: "a long question about a lamp" } });
    await call("broken", "/workflows/run", { inputs: { query: "Nora" } });
    // Bars and figures move with the clock.
    await page.context().route(/apps\/figures|workflow-app-logs\/histogram/, (route) => route.fulfill({ status: 404, json: { code: "not_found", message: "", status: 404 } }));
    const desk = await page.context().browser().newPage();
    await signIn(page, about);
    await callConsole(page, about, "POST", "/workspaces/current/gateway-keys", { name: "Reports", allowed_models: null, requests_per_minute: 60, expires_at: null, enabled: true });
    const visitor = await page.context().browser().newContext({ ...OPTIONS, args: undefined, locale: "en-US" });
    for (const [name, [path, act, { open = false, size = OPTIONS.viewport, streams = false } = {}]] of Object.entries(screens(about))) {
      const screen = open ? await visitor.newPage() : page;
      await screen.setViewportSize(size);
      await screen.emulateMedia({ colorScheme: "light", reducedMotion: "reduce" });
      await screen.goto(`${about.url}${path}`, { waitUntil: "load" });
      await act?.(screen, about);
      await settle(screen, streams);
      for (const theme of ["light", "dark"]) {
        await screen.emulateMedia({ colorScheme: theme, reducedMotion: "reduce" });
        await screen.locator(`html[data-theme=${theme}]`).waitFor({ state: "attached" });
        const picture = await desk.evaluate(inBrowser.half, (await screen.screenshot({ animations: "disabled" })).toString("base64"));
        const file = `${theme}-${name}.png`;
        const found = () => {
          mkdirSync(FOUND, { recursive: true });
          writeFileSync(`${FOUND}/${file}`, Buffer.from(picture, "base64"));
        };
        if (WRITE) writeFileSync(`${STORE}/${file}`, Buffer.from(picture, "base64"));
        else if (!existsSync(`${STORE}/${file}`)) wrong.push(`${file}: nothing is stored`) && found();
        else {
          const { part, place } = await desk.evaluate(inBrowser.compare, [readFileSync(`${STORE}/${file}`).toString("base64"), picture, CHANNEL]);
          if (part > largest.part) Object.assign(largest, { part, file });
          if (part > PART) wrong.push(`${file}: ${(part * 100).toFixed(2)} % differs (${(PART * 100).toFixed(1)} % may), ${place}`) && found();
        }
      }
      if (open) await screen.close();
    }
    await visitor.close();
  });
  cx.diagnostic(`largest difference: ${(largest.part * 100).toFixed(3)} % in ${largest.file || "none"}`);
  assert.deepEqual(wrong, [], `screens look different; what was found is in ${FOUND}, what is expected in tests/browser/shots. Was it meant? make visual WRITE=1`);
});
