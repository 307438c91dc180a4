// What models cost: calls of an app and of a key of the gateway with their prices, and a budget that warns, then stops.
import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { test } from "node:test";
import { inbox } from "./mail.mjs";
import { bodyOf, callConsole, counted, journey, listen, signIn, until } from "./support.mjs";
import { askGateway, COMPLETION, connect, PROMPT, vendor } from "./vendor.mjs";

const MODEL = "openai/gpt-4o-mini";
/** $0.15 and $0.60 for a million tokens. */
const PRICE = (PROMPT * 0.15 + COMPLETION * 0.6) / 1e6;

/** Takes the alerts of budgets. */
async function hook() {
  const told = [];
  const server = createServer(async (request, answer) => {
    told.push({ signature: request.headers["x-oxidify-signature"], body: await bodyOf(request) });
    answer.writeHead(204).end();
  });
  return { told, ...(await listen(server)) };
}

const figure = (page, name) => page.locator(".kpi", { hasText: name }).locator(".kpi-value");

/** Looks again until it is there: calls are written a moment later. */
async function refreshed(page, there) {
  for (let tries = 0; tries < 40; tries++) {
    await page.getByRole("button", { name: "Refresh" }).click();
    if (await there.waitFor({ timeout: 1000 }).then(() => true, () => false)) return;
  }
  await there.waitFor();
}

test("calls are counted with their cost, and a budget stops them", { timeout: 240_000 }, async () => {
  const [models, hooks, mails] = [await vendor(), await hook(), await inbox()];
  try {
    await journey(["chat"], { acceptDownloads: true, env: { SSRF_PROXY_ALLOW_PRIVATE_IPS: "127.0.0.1", ...mails.env } }, async (page, about) => {
      await signIn(page, about);
      await page.goto(`${about.url}/settings/usage`);
      await page.getByText("No model was called in this time.").first().waitFor();
      await page.getByText("No budget yet").waitFor();

      await connect(page, about, models);
      const key = await callConsole(page, about, "POST", "/workspaces/current/gateway-keys", { name: "Reports", allowed_models: null, requests_per_minute: null, expires_at: null, enabled: true });
      for (const word of ["one", "two"]) assert.equal((await askGateway(about, key.token, MODEL, word)).status, 200);
      assert.equal((await askGateway(about, key.token, MODEL, "break")).status, 503);
      const chat = (query) =>
        fetch(`${about.url}/v1/chat-messages`, {
          method: "POST",
          headers: { authorization: `Bearer ${about.keys.chat}`, "content-type": "application/json" },
          body: JSON.stringify({ inputs: {}, query, user: "nora", response_mode: "blocking" }),
        });
      assert.equal((await chat("Where is my lamp?")).status, 200);

      // The sums, and who caused them.
      const groups = page.getByRole("region", { name: "By whom" }).first();
      await refreshed(page, groups.getByRole("row", { name: /^echo/ }));
      // The default model gave the conversation its name: that was a call as well.
      await until(async () => /^\$0\.0/.test(await figure(page, "Spent").innerText()), "the figure is right");
      await until(async () => /^[46],00\d$/.test(await figure(page, "Tokens in").innerText()), "the figure is right");
      assert.match(await groups.getByRole("row", { name: /^gpt-4o-mini/ }).innerText(), new RegExp(`\\$${(2 * PRICE).toFixed(4)}`));
      await groups.getByRole("radio", { name: "Key" }).click();
      await groups.getByRole("row", { name: /^Reports/ }).filter({ hasText: "4,000" }).waitFor();
      await groups.getByRole("radio", { name: "App" }).click();
      await groups.getByRole("row", { name: /^Chat/ }).waitFor();
      await groups.getByRole("radio", { name: "User" }).click();
      await groups.getByRole("row", { name: /^nora/ }).waitFor();

      // One by one, and as a file.
      const calls = page.getByRole("region", { name: "Calls" }).first();
      await calls.getByRole("row", { name: /gpt-4o-mini.*Reports.*2,000 \+ 500.*Answered/ }).first().waitFor();
      await calls.getByRole("radio", { name: "Not answered" }).click();
      await calls.getByRole("row", { name: /Overloaded/ }).first().waitFor();
      await counted(calls.getByRole("row", { name: /Answered/ }), 0);
      await calls.getByRole("radio", { name: "All" }).click();
      const [file] = await Promise.all([page.waitForEvent("download"), calls.getByRole("button", { name: "Export CSV" }).click()]);
      const lines = readFileSync(await file.path(), "utf8").trim().split(/\r?\n/);
      assert.ok(lines.filter((line) => line.includes("gpt-4o-mini")).length >= 3, lines.join("|"));

      // A budget of this key, spent at once: it is told, and the next call is not made.
      await page.getByRole("button", { name: "New budget" }).click();
      const dialog = page.getByRole("dialog");
      await dialog.getByRole("button", { name: "Save" }).click();
      await dialog.getByText("Give it a name.").waitFor();
      await dialog.getByLabel("Name").fill("Reports a day");
      await dialog.getByRole("combobox", { name: "For" }).click();
      await page.getByRole("option", { name: "Gateway key" }).click();
      await dialog.getByRole("combobox", { name: "Which one" }).click();
      await page.getByRole("option", { name: "Reports" }).click();
      await dialog.getByLabel("Limit of money").fill((2 * PRICE).toFixed(4));
      await dialog.getByRole("combobox", { name: "Per" }).click();
      await page.getByRole("option", { name: "a day" }).click();
      await dialog.getByLabel(/^Webhook/).fill(`${hooks.url}/budgets`);
      const secret = await dialog.getByLabel("Secret of the webhook").inputValue();
      await dialog.getByRole("button", { name: "Save" }).click();
      await dialog.waitFor({ state: "detached" });
      const budgets = page.getByRole("region", { name: "Budgets" }).first();
      const row = budgets.getByRole("row", { name: /^Reports a day/ });
      await row.filter({ hasText: "Gateway key: Reports" }).filter({ hasText: "100 %" }).waitFor();

      const asked = models.asked.length;
      const refused = await askGateway(about, key.token, MODEL, "three");
      const { error } = await refused.json();
      assert.equal(refused.status, 429);
      assert.match(error.message, /"Reports a day".*a day/);
      assert.equal(models.asked.length, asked, "nobody was asked");
      assert.equal((await chat("And the shade?")).status, 200, "it is a budget of the key alone");

      // Raised to be nearly spent: the next call passes 80 %, and owners are told, here, by mail and by the hook.
      await row.getByRole("button", { name: "Change “Reports a day”" }).click();
      await dialog.getByText("The stored secret is kept.").waitFor();
      await dialog.getByLabel("Limit of money").fill((3.5 * PRICE).toFixed(5));
      await dialog.getByRole("button", { name: "Save" }).click();
      await dialog.waitFor({ state: "detached" });
      assert.equal((await askGateway(about, key.token, MODEL, "four")).status, 200);
      await refreshed(page, row.filter({ hasText: "86 %" }));
      await refreshed(page, budgets.getByRole("listitem").filter({ hasText: "80 % of “Reports a day”" }));
      assert.match(await mails.wait(about.email), /80 %|Reports a day/);
      await until(() => hooks.told.length > 0, "the webhook is told");
      const [, at, sign] = /^t=(\d+),v1=(\w+)$/.exec(hooks.told[0].signature);
      assert.equal(sign, createHmac("sha256", secret).update(`${at}.${hooks.told[0].body}`).digest("hex"));
      assert.deepEqual([JSON.parse(hooks.told[0].body).event, JSON.parse(hooks.told[0].body).data.threshold], ["model_budget_threshold", 80]);

      await row.getByRole("button", { name: "Delete “Reports a day”" }).click();
      await page.getByRole("alertdialog").getByRole("button", { name: "Delete budget" }).click();
      await page.getByText("No budget yet").waitFor();
      assert.equal((await askGateway(about, key.token, MODEL, "five")).status, 200);
    });
  } finally {
    models.close();
    hooks.close();
    mails.close();
  }
});

test("an app tells in its preview that the budget is spent", { timeout: 120_000 }, () =>
  journey(["chat"], {}, async (page, about) => {
    await signIn(page, about);
    await callConsole(page, about, "POST", "/workspaces/current/model-budgets", { name: "Tiny", scope: "workspace", period: "total", action: "stop", token_limit: 1 });
    await page.goto(`${about.url}/app/${about.apps.chat}/configuration`);
    const preview = page.getByRole("complementary", { name: "Preview" });
    const ask = async () => {
      await preview.getByLabel("Ask something").fill("A question of many words");
      await page.keyboard.press("Enter");
    };
    await ask();
    await preview.getByText("tokens: 5 in, 5 out").waitFor();
    await ask();
    await preview.getByRole("alert").filter({ hasText: "“Tiny”" }).or(preview.getByRole("alert").filter({ hasText: '"Tiny"' })).waitFor();

    // Who visits the page is told without the name of a budget.
    await page.goto(`${about.url}/chat/${about.codes.chat}`);
    await page.getByRole("textbox").last().fill("A question of many words");
    await page.keyboard.press("Enter");
    await page.getByRole("alert").first().waitFor();
    assert.equal(await page.getByText("Tiny").filter({ visible: true }).count(), 0);
  }));
