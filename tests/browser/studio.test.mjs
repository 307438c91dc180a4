// Containers, single runs, the variable inspector, versions and the run time machine on the real server.
import assert from "node:assert/strict";
import { test } from "node:test";
import { addAfter, ended, giveResult, newWorkflow, node, open, panel, publish, result, start } from "./canvas.mjs";
import { holds, journey, reads, signIn } from "./support.mjs";

test("a loop is drawn, run, run alone, inspected, published, compared and forked", { timeout: 240_000 }, () =>
  journey(["passthrough"], {}, async (page, about) => {
    await signIn(page, about);
    await newWorkflow(page, "Counting");

    // The loop behind the start, with a counter that goes from round to round.
    await addAfter(page, page.locator(".react-flow__node-node").first(), /^Loop/);
    const loop = node(page, "Loop");
    await loop.waitFor();
    await panel(page).getByRole("button", { name: "Add", exact: true }).first().click();
    await panel(page).getByLabel("Name of variable 1").fill("count");
    await panel(page).getByLabel("Type of count").selectOption("number");
    await panel(page).getByLabel("First value of count").last().fill("1");

    // Inside, only what may stand inside is offered.
    const inner = page.locator(".react-flow__node-inner");
    await inner.locator(".st-add").click();
    await page.getByRole("option", { name: /^Variable assigner/ }).waitFor();
    for (const outside of [/^Loop/, /^Iteration/, /^Output/, /^Webhook/]) assert.equal(await page.getByRole("option", { name: outside }).count(), 0);
    await page.getByRole("option", { name: /^Variable assigner/ }).click();
    await node(page, "Variable assigner").waitFor();
    await panel(page).getByRole("button", { name: "Add", exact: true }).click();
    await panel(page).getByRole("button", { name: "Variable of assignment 1" }).click();
    await page.getByRole("option", { name: /count/ }).first().click();
    await panel(page).getByLabel("Operation of assignment 1").selectOption("+=");
    await panel(page).getByLabel("Value of assignment 1").fill("1");

    // Stop when the counter is 4.
    await loop.locator(".st-head").click({ position: { x: 60, y: 12 } });
    await panel(page).getByRole("button", { name: "Add a condition" }).click();
    await panel(page).getByRole("button", { name: /^Variable:/ }).click();
    await page.getByRole("option", { name: /count/ }).first().click();
    await panel(page).getByLabel("Comparison").selectOption("≥");
    await panel(page).locator('[data-editor="Value"] .cm-content').click();
    await page.keyboard.type("4");

    await addAfter(page, loop, /^Output/);
    await giveResult(page, /loop_round/);
    await page.getByRole("button", { name: "No problems" }).waitFor();

    await start(page);
    await ended(page, /Done/);
    assert.match(await result(page), /"result": 3/);

    // The loop alone; its last run is in its panel.
    await loop.locator(".st-head").click({ position: { x: 60, y: 12 } });
    await panel(page).getByRole("button", { name: /Run node/ }).first().click();
    await ended(page, /Done/);
    await panel(page).getByText('"loop_round": 3').waitFor();

    // The inspector: change a value, see the mark, take it back.
    await page.getByRole("tab", { name: "Variables" }).click();
    await page.locator(".st-inspect-row", { hasText: "count" }).click();
    await page.getByRole("spinbutton", { name: /count/ }).fill("9");
    await page.locator(".st-inspect-value").getByRole("button", { name: "Save" }).click();
    await page.locator(".st-inspect-row .st-badge", { hasText: "edited" }).waitFor();
    await page.getByRole("button", { name: "Back to the value of the last run" }).click();
    await page.locator(".st-inspect-row .st-badge", { hasText: "edited" }).waitFor({ state: "detached" });
    await holds(page.getByRole("spinbutton", { name: /count/ }), "4");

    // Two versions, compared setting by setting, and the older one restored.
    await publish(page);
    await panel(page).getByRole("tab", { name: "Settings" }).click();
    await panel(page).getByRole("spinbutton", { name: "Rounds at most" }).fill("7");
    await publish(page);
    await page.keyboard.press("Escape");
    await page.getByRole("button", { name: "Variables, features, versions" }).click();
    await page.getByRole("menuitem", { name: "Versions" }).click();
    await page.getByRole("button", { name: /^More for/ }).first().click();
    await page.getByRole("menuitem", { name: "Compare with the version before" }).click();
    await page.locator("dialog summary", { hasText: "loop_count" }).click();
    await reads(page.locator("dialog .st-change", { hasText: "loop_count" }).locator("pre"), ["10", "7"]);
    await page.keyboard.press("Escape");
    await page.getByRole("button", { name: /^More for/ }).last().click();
    await page.getByRole("menuitem", { name: "Restore as draft" }).click();
    await page.getByText("at most").first().waitFor();
    await loop.getByText("10 rounds at most").waitFor();

    // An earlier run: replayed byte by byte, then forked at the output.
    await page.getByRole("tab", { name: "History" }).click();
    await page.locator(".st-run-row").last().click();
    await page.getByText(/You are looking at the run/).waitFor();
    await page.getByRole("button", { name: "Replay" }).click();
    await page.locator("dialog").getByText("Every output is equal, byte by byte.").waitFor();
    await page.keyboard.press("Escape");
    await open(page, "Output");
    await page.getByRole("button", { name: "Fork run here" }).click();
    await page.locator("dialog").getByLabel(/loop_round/).fill("12");
    await page.getByRole("button", { name: "Start the fork" }).click();
    await ended(page, /Done/);
    await page.getByRole("tab", { name: "Input" }).click();
    await page.getByText('"result": 12').waitFor();
    await page.getByRole("button", { name: "Compare with parent" }).click();
    await page.locator("dialog").getByText(/different/).first().waitFor();
  }));
