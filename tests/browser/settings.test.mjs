// Settings and people: workspace, models, an invitation from link to removal, the password.
import assert from "node:assert/strict";
import { createServer } from "node:http";
import { test } from "node:test";
import { holds, journey, signIn } from "./support.mjs";

test("workspace, default and own models", { timeout: 120_000 }, () =>
  journey(["chat"], {}, async (page, about) => {
    await signIn(page, about);
    await page.goto(`${about.url}/settings/general`);
    await page.getByLabel("Workspace name").fill("Halden Supply");
    await page.getByRole("status").filter({ hasText: "Saved" }).waitFor();
    await page.reload();
    await holds(page.getByLabel("Workspace name"), "Halden Supply");

    await page.goto(`${about.url}/settings/models`);
    const answers = page.getByRole("button", { name: /Answers/ });
    await answers.click();
    await page.getByRole("menuitem", { name: "canned" }).click();
    await answers.filter({ hasText: "canned" }).waitFor();

    const models = createServer((request, answer) => {
      answer.setHeader("content-type", "application/json");
      const body = { id: "1", object: "chat.completion", created: 1, model: "own-model", choices: [{ index: 0, message: { role: "assistant", content: "pong" }, finish_reason: "stop" }], usage: { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 } };
      answer.statusCode = request.headers.authorization === "Bearer good" ? 200 : 401;
      answer.end(JSON.stringify(answer.statusCode === 200 ? body : { error: { message: "Incorrect API key provided", type: "invalid_request_error" } }));
    });
    await new Promise((ready) => models.listen(0, "127.0.0.1", ready));
    try {
      await page.getByRole("radio", { name: /Available/ }).click();
      await page.locator("section, div.card, li").filter({ hasText: "OpenAI-API-compatible" }).getByRole("button", { name: "Connect" }).last().click();
      const dialog = page.getByRole("dialog");
      await dialog.getByLabel("Model name", { exact: true }).fill("own-model");
      await dialog.getByLabel(/API (endpoint )?URL|Base URL|endpoint/i).first().fill(`http://127.0.0.1:${models.address().port}/v1`);
      const key = dialog.getByLabel(/API key/i).first();
      await key.fill("bad");
      await dialog.getByRole("button", { name: "Test" }).click();
      await dialog.getByText(/Incorrect API key/).waitFor();
      await key.fill("good");
      await dialog.getByRole("button", { name: "Test" }).click();
      await dialog.getByText(/Works|ms/).first().waitFor();
      await dialog.getByRole("button", { name: "Save" }).click();
      await dialog.waitFor({ state: "detached" });
      const row = page.getByRole("row").filter({ hasText: "own-model" });
      await row.waitFor();
      await row.getByRole("switch").click();
      await page.waitForFunction(() => document.querySelector('[role=switch][aria-checked="false"]'));
      await row.getByRole("button", { name: /Delete/ }).click();
      await page.getByRole("alertdialog").getByRole("button", { name: "Delete" }).click();
      await row.waitFor({ state: "detached" });
    } finally {
      models.close();
      models.closeAllConnections();
    }
  }));

test("a member comes by a link, changes roles and goes", { timeout: 120_000 }, () =>
  journey(["chat"], {}, async (page, about) => {
    await signIn(page, about);
    await page.goto(`${about.url}/settings/members`);
    await page.getByRole("button", { name: "Invite" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("E-mail addresses").fill("not an address");
    await dialog.getByRole("button", { name: "Create links" }).click();
    await dialog.getByRole("alert").waitFor();
    await dialog.getByLabel("E-mail addresses").fill("nora@example.com");
    await dialog.getByRole("button", { name: "Create links" }).click();
    const link = await dialog.getByText(/\/activate\?/).innerText();
    await dialog.getByRole("button", { name: "Done" }).click();
    await page.getByText("Invited").or(page.getByText("Pending")).first().waitFor();

    const nora = await (await page.context().browser().newContext({ locale: "en-US" })).newPage();
    await nora.goto(link);
    await nora.getByLabel("Your name").or(nora.getByLabel("Name")).first().fill("Nora");
    await nora.locator("input[type=password]").fill("correct horse 2");
    await nora.keyboard.press("Enter");
    await nora.waitForURL(/\/apps/);
    await nora.getByRole("button", { name: /^New app/ }).first().waitFor();

    await page.reload();
    const row = page.getByRole("row").filter({ hasText: "nora@example.com" });
    await row.getByRole("combobox").click();
    await Promise.all([
      page.waitForResponse((answer) => answer.url().endsWith("/update-role") && answer.ok()),
      page.getByRole("option").last().click(),
    ]);
    await nora.reload();
    await nora.getByRole("link", { name: "Chat", exact: true }).first().waitFor();
    assert.equal(await nora.getByRole("button", { name: /^New app/ }).count(), 0);

    await row.getByRole("button", { name: /^Remove/ }).click();
    await page.getByRole("alertdialog").getByRole("button", { name: /^Remove/ }).click();
    await row.waitFor({ state: "detached" });
  }));

test("a changed password ends the old one", { timeout: 120_000 }, () =>
  journey(["chat"], {}, async (page, about) => {
    await signIn(page, about);
    await page.goto(`${about.url}/settings/profile`);
    await page.getByLabel("Current password").fill("wrong 1 guess");
    await page.getByLabel("New password", { exact: true }).fill("another horse 3");
    await page.getByLabel("New password again").fill("another horse 4");
    assert.ok(await page.getByRole("button", { name: "Change the password" }).isDisabled());
    await page.getByLabel("New password again").fill("another horse 3");
    await page.getByRole("button", { name: "Change the password" }).click();
    await page.getByRole("alert").first().waitFor();
    await page.getByLabel("Current password").fill(about.password);
    await page.getByRole("button", { name: "Change the password" }).click();
    await page.getByText("The password is changed").or(page.getByText(/password.*changed/i)).first().waitFor();

    await page.getByRole("button", { name: /^Account menu/ }).click();
    await page.getByRole("menuitem", { name: "Sign out", exact: true }).click();
    await page.waitForURL(/\/signin/);
    await page.fill("input[name=email]", about.email);
    await page.fill("input[name=password]", about.password);
    await page.keyboard.press("Enter");
    await page.getByRole("alert").waitFor();
    await page.fill("input[name=password]", "another horse 3");
    await page.keyboard.press("Enter");
    await page.waitForURL(/\/apps/);
  }));

test("signing out everywhere ends the sessions of other browsers", { timeout: 90_000 }, () =>
  journey(["chat"], {}, async (page, about) => {
    await signIn(page, about);
    const other = await (await page.context().browser().newContext({ locale: "en-US" })).newPage();
    await signIn(other, about);
    await page.goto(`${about.url}/settings/profile`);
    await page.getByRole("button", { name: "Sign out everywhere" }).click();
    await page.getByRole("alertdialog").getByRole("button", { name: "Sign out everywhere" }).click();
    await page.waitForURL(/\/signin/);
    await other.reload();
    await other.waitForURL(/\/signin/);
    await signIn(page, about);
  }));
