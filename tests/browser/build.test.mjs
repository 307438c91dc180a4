// Build a four-node workflow by dragging and connecting, run it, publish it, call it by its key.
import assert from "node:assert/strict";
import { test } from "node:test";
import { journey, runWith, signIn } from "./support.mjs";

test("a workflow is drawn with the mouse, published and called", { timeout: 180_000 }, () =>
  journey(["passthrough"], {}, async (page, about) => {
    await signIn(page, about);
    await page.getByRole("button", { name: /^New app/ }).first().click();
    await page.getByRole("dialog").getByPlaceholder("For example Returns triage").fill("Drawn");
    await page.getByRole("dialog").getByRole("button", { name: "Create" }).click();
    await page.waitForURL(/\/workflow/);
    const node = (title) => page.locator(".react-flow__node", { has: page.locator(`.st-title:text-is("${title}")`) });
    await page.locator(".st-node").first().waitFor();

    await page.locator(".st-node").first().locator(".st-title").click();
    await page.getByRole("button", { name: "Add", exact: true }).click();
    await page.getByLabel("Variable name").fill("topic");
    await page.getByLabel("Label").fill("Topic");
    await page.getByRole("button", { name: "Save" }).click();
    const start = await page.locator(".st-node .st-title").first().innerText();

    const place = async (name, x) => {
      await page.getByRole("button", { name: "Add a node", exact: true }).first().click();
      await page.getByRole("option", { name }).dragTo(page.locator(".react-flow__pane"), { targetPosition: { x, y: 260 } });
    };
    await place(/^LLM/, 440);
    await node("LLM").waitFor();
    await place(/^Template/, 660);
    await node("Template").waitFor();
    await place(/^Output/, 880);
    await node("Output").waitFor();
    await page.keyboard.press("Escape");

    const wire = async (from, to) => {
      const source = await node(from).locator(".st-port.out").first().boundingBox();
      const target = await node(to).locator(".st-port.in").first().boundingBox();
      await page.mouse.move(source.x + 12, source.y + 12);
      await page.mouse.down();
      await page.mouse.move((source.x + target.x) / 2, (source.y + target.y) / 2 + 20, { steps: 6 });
      await page.mouse.move(target.x + 12, target.y + 12, { steps: 6 });
      await page.mouse.up();
    };
    await wire(start, "LLM");
    await wire("LLM", "Template");
    await wire("Template", "Output");
    await page.waitForFunction(() => document.querySelectorAll(".react-flow__edge").length === 3);

    const open = (title) => node(title).locator(".st-title").click();
    await open("LLM");
    const choose = page.getByRole("button", { name: "Choose a model" });
    if (await choose.count()) {
      await choose.first().click();
      await page.getByRole("option", { name: /echo/ }).first().click();
    }
    await page.locator('[data-editor="User message"] .cm-content').click();
    await page.keyboard.type("About /top");
    await page.getByRole("option", { name: /topic/ }).first().waitFor();
    await page.keyboard.press("Enter");
    await open("Template");
    await page.getByRole("button", { name: "Add", exact: true }).click();
    await page.getByRole("button", { name: /Value of arg/ }).click();
    await page.getByRole("option", { name: /text/ }).first().click();
    await page.locator('[data-editor="Template"] .cm-content').click();
    await page.keyboard.type("<< {{ arg }} >>");
    await open("Output");
    await page.getByRole("button", { name: "Add", exact: true }).click();
    await page.getByRole("button", { name: /Value of result/ }).click();
    await page.getByRole("option", { name: /output/ }).first().click();
    await page.keyboard.press("Escape");

    await runWith(page, "Topic", "tea");
    await page.getByRole("button", { name: "Publish" }).first().click();
    await page.locator("dialog").getByRole("button", { name: "Publish" }).click();
    await page.locator("dialog").waitFor({ state: "detached" }).catch(() => {});

    const app = page.url().match(/app\/([0-9a-f-]+)/)[1];
    await page.goto(`${about.url}/app/${app}/develop`);
    const created = page.waitForResponse((answer) => answer.url().endsWith("/api-keys") && answer.request().method() === "POST");
    await page.getByRole("button", { name: /key/i }).first().click();
    const key = (await (await created).json()).token;
    const answer = await fetch(`${about.url}/v1/workflows/run`, {
      method: "POST",
      headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
      body: JSON.stringify({ inputs: { topic: "tea" }, user: "journey", response_mode: "blocking" }),
    });
    const body = await answer.json();
    assert.equal(body.data?.status, "succeeded", JSON.stringify(body));
    assert.match(Object.values(body.data.outputs)[0], /<< About tea >>/);
  }));
