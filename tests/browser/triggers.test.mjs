// What starts workflows by itself: listened to in the studio, listed and switched when published, and its log.
import assert from "node:assert/strict";
import { test } from "node:test";
import { addAfter, ended, giveResult, newWorkflow, panel, result } from "./canvas.mjs";
import { counted, journey, signIn, until } from "./support.mjs";

const post = (url, body) => fetch(url, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) });

test("a webhook starts the draft while the studio listens; a schedule says when it runs", { timeout: 180_000 }, () =>
  journey(["passthrough"], {}, async (page, about) => {
    await signIn(page, about);
    await newWorkflow(page, "Hooked");
    // The start node becomes a webhook: both cannot be in one graph.
    await page.locator(".st-node .st-title").first().click();
    await page.getByRole("button", { name: "More", exact: true }).click();
    await page.getByRole("menuitem", { name: "Change to another kind" }).click();
    await page.getByRole("option", { name: /^Webhook/ }).click();
    const address = panel(page).getByRole("textbox", { name: "Address for tests" });
    await page.waitForFunction(() => document.querySelector('[aria-label="Address for tests"]')?.value.includes("/triggers/webhook-debug/"));
    const url = await address.inputValue();
    const body = panel(page).getByRole("region", { name: "Body" });
    await body.getByRole("button", { name: "Add" }).click();
    await body.getByLabel("Body, name 1").fill("message");
    await addAfter(page, page.locator(".react-flow__node-node").first(), /^Output/);
    await giveResult(page, /message/);

    await page.keyboard.press("Alt+r");
    await panel(page).getByRole("button", { name: "Listen", exact: true }).click();
    await ended(page, /Listening/);
    await until(async () => (await post(url, { message: "Hi" })).ok, "the draft takes the call");
    await ended(page, /Done/);
    assert.match(await result(page), /"result": "Hi"/);

    await page.locator(".st-node .st-title").first().click();
    await page.getByRole("button", { name: "More", exact: true }).click();
    await page.getByRole("menuitem", { name: "Change to another kind" }).click();
    await page.getByRole("option", { name: /^Schedule/ }).click();
    await panel(page).getByLabel("How often").selectOption("weekly");
    await panel(page).getByRole("button", { name: "Mon", exact: true }).click();
    await panel(page).getByRole("region", { name: "Next runs" }).getByRole("listitem").nth(4).waitFor();
    await panel(page).getByRole("radio", { name: "Cron" }).click();
    await panel(page).getByLabel("Cron expression").fill("61 * * * *");
    await panel(page).getByRole("region", { name: "Next runs" }).getByRole("alert").waitFor();
  }));

test("published triggers are listed, switched off and on, and log what comes", { timeout: 120_000 }, () =>
  journey(["hooked", "passthrough"], {}, async (page, about) => {
    await signIn(page, about);
    await page.goto(`${about.url}/app/${about.apps.passthrough}/overview`);
    await page.getByRole("region", { name: "Triggers" }).getByText(/No trigger is published/).waitFor();
    await page.goto(`${about.url}/app/${about.apps.hooked}/logs?view=triggers`);
    await page.getByText("No events yet").waitFor();

    await page.goto(`${about.url}/app/${about.apps.hooked}/overview`);
    const card = page.getByRole("region", { name: "Triggers" });
    const url = await card.getByText(/\/triggers\/webhook\//).innerText();
    assert.equal((await post(url, { message: "First" })).status, 200);
    await card.getByRole("switch").click();
    await card.getByText("Off", { exact: true }).waitFor();
    assert.notEqual((await post(url, { message: "Unheard" })).status, 200);
    await card.getByRole("switch").click();
    await card.getByText("On", { exact: true }).waitFor();
    assert.equal((await post(url, { message: "Second" })).status, 200);

    await card.getByRole("link", { name: "Received events" }).click();
    const table = page.getByRole("table", { name: "Triggers" });
    await table.getByText(/Second/).waitFor();
    await counted(table.getByRole("cell", { name: /POST/ }), 2);
    await page.keyboard.press("j");
    await page.keyboard.press("Enter");
    const side = page.getByRole("complementary", { name: "Event" });
    await side.getByText(/"method": "POST"/).waitFor();
    await side.getByRole("button", { name: "Open the run" }).click();
    await page.getByRole("complementary", { name: "Run" }).getByText("Order hook").first().waitFor();
    await page.keyboard.press("Escape");
    await side.waitFor();
    await page.keyboard.press("Escape");
    await side.waitFor({ state: "detached" });
  }));
