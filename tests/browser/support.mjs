// A server of its own and a real browser for each journey.
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";

export const root = fileURLToPath(new URL("../..", import.meta.url));
const { chromium } = createRequire(`${root}web/package.json`)("playwright-core");
// Chromium without what only windows need does half the work.
const SHELL = "/usr/bin/chromium-headless-shell";
const CHROMIUM = process.env.CHROMIUM ?? (existsSync(SHELL) ? SHELL : "/usr/bin/chromium");
const ARGS = "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-component-update --disable-sync";

/**
 * Starts a server (`--fresh`: not set up; `env`: its settings) and a browser page (`args`: of Chromium); `body` gets both, and
 * everything ends afterwards.
 */
export async function journey(apps, { env, args = [], ...options }, body) {
  const server = spawn("python3", ["tests/support/serve.py", ...apps], { cwd: root, env: { ...process.env, ...env } });
  server.stderr.pipe(process.stderr);
  const about = await new Promise((resolve, reject) => {
    server.stdout.once("data", (line) => resolve(JSON.parse(line)));
    server.once("exit", (code) => reject(new Error(`serve.py ended with ${code}`)));
  });
  const browser = await chromium.launch({ executablePath: CHROMIUM, args: [...ARGS.split(" "), ...args] });
  const page = await browser.newPage({ viewport: { width: 1440, height: 900 }, locale: "en-US", ...options });
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
    await browser.close();
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
