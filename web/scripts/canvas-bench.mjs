// Panning and dragging on a canvas of 200 nodes, from a Chromium trace: script and layout per frame, longest task.
// node scripts/canvas-bench.mjs [nodes]   Exits 1 if p95 is over 8 ms or a task is over 50 ms while panning.
import { chromium } from "playwright-core";
import { ARGS, CHROMIUM, servePage } from "./canvas-page/serve.mjs";

const NODES = Number(process.argv[2] ?? 200);
const LIMIT_P95_MS = 8;
const LIMIT_TASK_MS = 50;
const STEPS = 180;
const WORK = new Set([
  "FunctionCall",
  "EvaluateScript",
  "EventDispatch",
  "FireAnimationFrame",
  "TimerFire",
  "RunMicrotasks",
  "Layout",
  "UpdateLayoutTree",
  "MinorGC",
  "MajorGC",
]);

/** Outermost work events of the main thread, summed per frame. Times are CPU time of that thread, so that other programs on the machine do not count. */
function measure(trace) {
  const { traceEvents } = JSON.parse(trace);
  const main = traceEvents.find(
    (e) =>
      e.name === "thread_name" &&
      e.args?.name === "CrRendererMain" &&
      traceEvents.some((x) => x.tid === e.tid && x.pid === e.pid && x.name === "EventDispatch"),
  );
  const own = traceEvents.filter((e) => e.pid === main.pid && e.tid === main.tid);
  const frames = own
    .filter((e) => e.name === "AnimationFrame" && e.ph === "b")
    .map((e) => e.ts)
    .sort((a, b) => a - b);
  const work = own.filter((e) => e.ph === "X" && WORK.has(e.name)).sort((a, b) => a.ts - b.ts || b.dur - a.dur);
  const costs = new Array(frames.length).fill(0);
  let until = 0;
  let frame = 0;
  for (const event of work) {
    if (event.ts < until) continue;
    until = event.ts + (event.dur ?? 0);
    while (frame + 1 < frames.length && frames[frame + 1] <= event.ts) frame += 1;
    if (frames[frame] !== undefined) costs[frame] += (event.tdur ?? event.dur ?? 0) / 1000;
  }
  const tasks = own.filter((e) => e.ph === "X" && e.name === "RunTask").map((e) => (e.tdur ?? e.dur) / 1000);
  const sorted = costs.toSorted((a, b) => a - b);
  const at = (q) => sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? 0;
  return { frames: frames.length, p50: at(0.5), p95: at(0.95), max: sorted.at(-1) ?? 0, longestTask: Math.max(0, ...tasks) };
}

async function traced(browser, page, act) {
  await browser.startTracing(page, { categories: ["devtools.timeline", "disabled-by-default-devtools.timeline", "toplevel"] });
  await act();
  return measure((await browser.stopTracing()).toString());
}

const served = await servePage();
const browser = await chromium.launch({ executablePath: CHROMIUM, args: ARGS });
try {
  const page = await browser.newPage({ viewport: { width: 1440, height: 900 } });
  await page.goto(`${served.url}/?nodes=${NODES}`);
  await page.waitForFunction((n) => document.querySelectorAll(".st-node").length === n, NODES);
  await page.waitForTimeout(1500);
  const frame = () => page.evaluate(() => new Promise(requestAnimationFrame));
  await page.mouse.move(700, 450);
  const wheel = await traced(browser, page, async () => {
    for (let i = 0; i < STEPS; i += 1) {
      await page.mouse.wheel(i % 60 < 30 ? 12 : -12, i % 40 < 20 ? 8 : -8);
      await frame();
    }
  });
  const drag = await traced(browser, page, async () => {
    await page.mouse.down({ button: "middle" });
    for (let i = 0; i < STEPS; i += 1) {
      await page.mouse.move(700 + 200 * Math.sin(i / 20), 450 + 120 * Math.cos(i / 17));
      await frame();
    }
    await page.mouse.up({ button: "middle" });
  });
  const box = await page.locator(".react-flow__node[data-id='2020'] .st-title").boundingBox();
  const node = await traced(browser, page, async () => {
    await page.mouse.move(box.x + 10, box.y + 5);
    await page.mouse.down();
    for (let i = 0; i < STEPS; i += 1) {
      await page.mouse.move(box.x + 10 + 150 * Math.sin(i / 20), box.y + 5 + 80 * Math.cos(i / 17));
      await frame();
    }
    await page.mouse.up();
  });
  let bad = false;
  for (const [name, r] of Object.entries({ "pan by wheel": wheel, "pan by drag": drag, "drag a node": node })) {
    const over = r.p95 > LIMIT_P95_MS || r.longestTask > LIMIT_TASK_MS;
    // The promise is about panning; dragging is measured to be watched.
    bad ||= over && name.startsWith("pan");
    console.log(
      `${name.padEnd(14)} ${NODES} nodes, ${r.frames} frames: script+layout p50 ${r.p50.toFixed(2)} ms, p95 ${r.p95.toFixed(2)} ms, max ${r.max.toFixed(2)} ms; longest task ${r.longestTask.toFixed(1)} ms${over ? "  OVER" : ""}`,
    );
  }
  process.exitCode = bad ? 1 : 0;
} finally {
  await browser.close();
  await served.close();
}
