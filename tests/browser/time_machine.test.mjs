// The run time machine from the logs: a run of the published app is replayed, forked at a node, compared with its fork.
import assert from "node:assert/strict";
import { test } from "node:test";
import { ended } from "./canvas.mjs";
import { counted, holds, journey, reads, signIn } from "./support.mjs";

async function call(about, name, inputs) {
  const answer = await fetch(`${about.url}/v1/workflows/run`, {
    method: "POST",
    headers: { authorization: `Bearer ${about.keys[name]}`, "content-type": "application/json" },
    body: JSON.stringify({ inputs, response_mode: "blocking", user: "nora" }),
  });
  return (await answer.json()).workflow_run_id;
}

const side = (page) => page.getByRole("complementary", { name: "Run" });
const runInUrl = (page) => new URL(page.url()).searchParams.get("run");
const dialog = (page) => page.locator("dialog");

test("a logged run is replayed byte by byte, forked at a node and compared", { timeout: 180_000 }, () =>
  journey(["branch"], {}, async (page, about) => {
    const first = await call(about, "branch", { query: "a long day" });
    await signIn(page, about);
    await page.goto(`${about.url}/app/${about.apps.branch}/logs`);
    await page.getByRole("button", { name: "a long day" }).click();
    await page.waitForURL(new RegExp(first));

    await side(page).getByRole("button", { name: "Replay" }).click();
    await dialog(page).getByText("Every output is equal, byte by byte.").waitFor();
    await dialog(page).getByRole("button", { name: "Open the replay" }).click();
    await side(page).getByText("Replay of run").waitFor();
    const replay = runInUrl(page);
    assert.notEqual(replay, first);
    // Back at the run it was made from, which names it now.
    await side(page).getByRole("button", { name: first.slice(-8) }).click();
    await side(page).getByText("Made from this run:").waitFor();
    await side(page).getByRole("button", { name: replay.slice(-8) }).waitFor();

    // A node of the trace, and its fork with another value.
    await side(page).getByRole("treeitem", { name: /Join/ }).click();
    await side(page).getByRole("button", { name: "Fork at Join" }).click();
    await holds(dialog(page).getByLabel("Yes / output"), "yes a long day");
    await dialog(page).getByLabel("Yes / output").fill("quite another day");
    await dialog(page).getByRole("button", { name: "Start the fork" }).click();
    await side(page).getByText("Fork of run").waitFor();
    const fork = runInUrl(page);
    assert.ok(![first, replay].includes(fork));
    await side(page).getByText("Done").first().waitFor();
    await side(page).getByRole("tab", { name: "Input and output" }).click();
    await side(page).getByText('"quite another day"').waitFor();

    await side(page).getByRole("button", { name: "Compare with parent" }).click();
    await dialog(page).getByText("3 nodes are different.").waitFor();
    const nodes = dialog(page).getByRole("list", { name: "Nodes" });
    await counted(nodes.getByText("taken over"), 3);
    await nodes.locator("summary", { hasText: "End" }).click();
    await reads(nodes.locator("li", { hasText: "End" }).locator("pre"), ["yes a long day", "quite another day"]);
    await page.keyboard.press("Escape");

    // Forks stand among the debug runs; the log of the published app keeps to its own.
    await page.goto(`${about.url}/app/${about.apps.branch}/logs?from=debug`);
    await page.getByRole("row").nth(1).waitFor();
    await counted(page.getByRole("row"), 2);
  }));

test("a failed run is forked with the keyboard after the draft was put right", { timeout: 180_000 }, () =>
  journey(["broken"], {}, async (page, about) => {
    const failed = await call(about, "broken", { query: "Nora" });
    await signIn(page, about);

    // The template is put right in the draft.
    await page.goto(`${about.url}/app/${about.apps.broken}/workflow`);
    await page.locator('.st-title:text-is("Greet")').click();
    await page.locator('[data-editor="Template"] .cm-content').click();
    await page.keyboard.press("Control+a");
    await page.keyboard.type("Hello {{ name }}");
    await page.getByRole("status").filter({ hasText: "Saved" }).waitFor();

    await page.goto(`${about.url}/app/${about.apps.broken}/logs`);
    await page.getByRole("button", { name: "Nora" }).waitFor();
    await page.keyboard.press("j");
    await page.keyboard.press("Enter");
    await page.waitForURL(new RegExp(failed));
    await side(page).getByRole("alert").getByRole("button", { name: "Retry from this node" }).click();
    await dialog(page).getByText("Fork at “Greet”").waitFor();
    await page.keyboard.press("Escape");
    await dialog(page).waitFor({ state: "detached" });
    await side(page).getByRole("alert").waitFor();
    await page.keyboard.press("r");
    await dialog(page).getByText("Fork at “Greet”").waitFor();
    await dialog(page).getByRole("switch", { name: /With the draft/ }).click();
    await dialog(page).getByRole("button", { name: "Start the fork" }).click();
    await side(page).getByText("Fork of run").waitFor();
    await side(page).getByText('"Hello Nora"').first().waitFor();
    assert.notEqual(runInUrl(page), failed);

    // The fork opens in the studio, on the graph it ran.
    await side(page).getByRole("link", { name: "Open in studio" }).click();
    await page.getByText(/You are looking at the run/).waitFor();
    await ended(page, /Done/);
  }));
