// Containers on the canvas, drawn with the mouse and run on the real server.
import assert from "node:assert/strict";
import { test } from "node:test";
import { journey, signIn } from "./support.mjs";

const node = (page, title) => page.locator(".react-flow__node", { has: page.locator(`.st-title:text-is("${title}")`) });
const panel = (page) => page.getByRole("complementary", { name: /Node settings|Panel/ });

async function newWorkflow(page, name) {
  await page.getByRole("button", { name: /^New app/ }).first().click();
  await page.getByRole("dialog").getByPlaceholder("For example Returns triage").fill(name);
  await page.getByRole("dialog").getByRole("button", { name: "Create" }).click();
  await page.waitForURL(/\/workflow/);
  await page.locator(".st-node").first().waitFor();
}

/** Adds a node behind a port by the plus that hovering shows. */
async function addAfter(page, from, option) {
  await from.locator(".st-head").hover({ position: { x: 40, y: 10 } });
  await from.locator(".st-add").first().click();
  await page.getByRole("option", { name: option }).click();
}

test("a loop is drawn, filled from inside and run", { timeout: 240_000 }, () =>
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
    await panel(page).getByLabel("What assignment 1 does").selectOption("+=");
    await panel(page).getByLabel("Value of assignment 1").fill("1");

    // Stop when the counter is 4.
    await loop.locator(".st-head").click({ position: { x: 60, y: 12 } });
    await panel(page).getByRole("button", { name: "Add a condition" }).click();
    await panel(page).getByRole("button", { name: "Variable", exact: true }).click();
    await page.getByRole("option", { name: /count/ }).first().click();
    await panel(page).getByLabel("Comparison").selectOption("≥");
    await panel(page).locator('[data-editor="Value"] .cm-content').click();
    await page.keyboard.type("4");

    await addAfter(page, loop, /^Output/);
    await panel(page).getByRole("button", { name: "Add", exact: true }).click();
    await panel(page).getByRole("button", { name: /Value of result/ }).click();
    await page.getByRole("option", { name: /loop_round/ }).first().click();
    await page.keyboard.press("Escape");
    await page.getByRole("button", { name: "No problems" }).waitFor();

    await page.keyboard.press("Alt+r");
    await page.locator("form button[type=submit]").click();
    await page.locator(".st-pill", { hasText: /Done/ }).waitFor();
    assert.match(await panel(page).locator(".st-code").last().innerText(), /"result": 3/);
  }));
