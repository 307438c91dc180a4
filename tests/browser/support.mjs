// A server and a context of its own for each journey; a real browser for each file.
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { after } from "node:test";
import { fileURLToPath } from "node:url";

export const root = fileURLToPath(new URL("../..", import.meta.url));
const { chromium } = createRequire(`${root}web/package.json`)("playwright-core");
// Chromium without what only windows need does half the work.
const SHELL = "/usr/bin/chromium-headless-shell";
const CHROMIUM = process.env.CHROMIUM ?? (existsSync(SHELL) ? SHELL : "/usr/bin/chromium");
const ARGS = "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-component-update --disable-sync";

const browsers = new Map();

/** The browser of this file with some arguments; started when it is first asked for. */
function browserWith(args) {
  const key = args.join(" ");
  if (!browsers.has(key)) browsers.set(key, chromium.launch({ executablePath: CHROMIUM, args: [...ARGS.split(" "), ...args] }));
  return browsers.get(key);
}

after(async () => {
  for (const browser of browsers.values()) await (await browser).close();
});

/** Looks until something is so, for as long as a page may take. */
export async function until(isSo, what, { within = 30_000 } = {}) {
  for (const end = Date.now() + within; !(await isSo()); await new Promise((later) => setTimeout(later, 50))) {
    if (Date.now() > end) throw new Error(`never: ${what}`);
  }
}

/** Waits for a number of elements. */
export const counted = (locator, number) => until(async () => (await locator.count()) === number, `${number} of ${locator}`);

/** Waits for what a field holds. */
export const holds = (field, value) => until(async () => (await field.inputValue()) === value, `${value} in ${field}`);

/** Waits for the texts of elements. */
export const reads = (locator, texts) => until(async () => (await locator.allInnerTexts()).join("\n") === texts.join("\n"), `${texts} in ${locator}`);

/**
 * Starts a server (`--fresh`: not set up; `env`: its settings) and a page of a new context (`args`: of Chromium); `body` gets both,
 * and everything ends afterwards. The journeys of a file follow each other.
 */
export async function journey(apps, { env, args = [], ...options }, body) {
  const server = spawn("python3", ["tests/support/serve.py", ...apps], { cwd: root, env: { ...process.env, ...env } });
  server.stderr.pipe(process.stderr);
  const about = await new Promise((resolve, reject) => {
    server.stdout.once("data", (line) => resolve(JSON.parse(line)));
    server.once("exit", (code) => reject(new Error(`serve.py ended with ${code}`)));
  });
  const browser = await browserWith(args);
  // Nobody looks at what moves, and everybody would wait for it.
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, locale: "en-US", reducedMotion: "reduce", ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(30_000);
  const failures = [];
  page.on("pageerror", (error) => failures.push(error.message));
  page.on("response", (answer) => answer.status() >= 500 && failures.push(`${answer.status()} ${answer.url()}`));
  try {
    await body(page, about);
    if (failures.length > 0) throw new Error(`the page had errors: ${failures.join("; ")}`);
  } catch (error) {
    await page.screenshot({ path: `/tmp/oxidify-journey-${Date.now()}.png` }).catch(() => {});
    throw error;
  } finally {
    for (const each of browser.contexts()) await each.close();
    server.kill("SIGTERM");
  }
}

export async function signIn(page, about) {
  await page.goto(`${about.url}/signin`);
  await page.fill("input[name=email]", about.email);
  await page.fill("input[name=password]", about.password);
  await page.keyboard.press("Enter");
  await page.waitForURL(/\/apps/);
}

/** Runs the workflow on the screen with one input and waits for its end. */
export async function runWith(page, label, text) {
  await page.keyboard.press("Alt+r");
  await page.getByLabel(label, { exact: true }).fill(text);
  await page.locator("form button[type=submit]").click();
  await page.locator(".st-pill", { hasText: /Done/ }).waitFor();
}

/** Asks the console as whoever is signed in on a page. */
export async function callConsole(page, about, method, path, body) {
  const cookies = await page.context().cookies(about.url);
  const token = cookies.find((cookie) => cookie.name.endsWith("csrf_token"))?.value ?? "";
  const answer = await page.request.fetch(`${about.url}/console/api${path}`, { method, headers: { "x-csrf-token": token }, data: body });
  if (!answer.ok()) throw new Error(`${method} ${path}: ${answer.status()} ${await answer.text()}`);
  return answer.status() === 204 ? null : answer.json();
}

/** Lets a server listen on a port of its own; ends with its open connections. */
export async function listen(server) {
  await new Promise((ready) => server.listen(0, "127.0.0.1", ready));
  return { url: `http://127.0.0.1:${server.address().port}`, close: () => (server.close(), server.closeAllConnections()) };
}

/** The whole body of a request. */
export async function bodyOf(request) {
  let text = "";
  for await (const part of request) text += part;
  return text;
}
