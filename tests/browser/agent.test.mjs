// An agent is made, gets a tool, shows what it does while it is tried, and does the same on its page and in the logs.
import assert from "node:assert/strict";
import { test } from "node:test";
import { journey, signIn } from "./support.mjs";

test("an agent with a clock tells what it called", { timeout: 240_000 }, () =>
  journey([], {}, async (page, about) => {
    await signIn(page, about);
    await page.goto(`${about.url}/apps?dialog=create`);
    const dialog = page.getByRole("dialog");
    await dialog.getByRole("radio", { name: /^Agent/ }).check({ force: true });
    await dialog.getByPlaceholder("For example Returns triage").fill("Clerk");
    await dialog.getByRole("button", { name: "Create" }).click();
    await page.waitForURL(/\/configuration/);

    const bar = page.locator("header.bar");
    await bar.getByRole("button", { name: "Parameters" }).waitFor();
    await bar.locator("button[aria-haspopup=dialog]:not([aria-label])").last().click();
    await page.getByRole("option", { name: /^tools/ }).click();
    await page.keyboard.press("Escape");
    await page.getByText("Function calling", { exact: true }).waitFor();
    await page.getByText("Without tools the agent only answers.").waitFor();
    await page.locator("section", { has: page.getByRole("heading", { name: /^Tools/ }) }).last().getByRole("button", { name: "Add" }).click();
    await page.getByRole("textbox", { name: "Filter tools" }).fill("current time");
    await page.getByRole("checkbox", { name: /Current Time/ }).check();
    await page.getByRole("button", { name: "Add 1 tool" }).click();
    await page.getByRole("switch", { name: "Use Current Time" }).waitFor();

    await page.getByRole("button", { name: "Set up the agent" }).click();
    await page.getByLabel("Most rounds").first().fill("0");
    await page.getByText("Between 1 and 99.").waitFor();
    await page.getByLabel("Most rounds").first().fill("4");
    await page.getByRole("dialog").getByRole("button", { name: "Save" }).click();
    await page.getByText("4 rounds").waitFor();

    // Tried before it is published.
    const preview = page.getByRole("complementary", { name: "Preview" });
    await preview.getByLabel("Ask something").fill("What time is it?");
    await page.keyboard.press("Enter");
    await preview.getByText("Called Current Time").click();
    await preview.locator(".thoughts-call summary").click();
    await preview.getByText("Output").waitFor();
    assert.match(await preview.innerText(), /20\d\d-\d\d-\d\d/);

    await page.getByRole("button", { name: "Publish", exact: true }).click();
    await page.getByText("Published", { exact: true }).first().waitFor();
    const app = /\/app\/([^/]+)/.exec(page.url())[1];

    await page.goto(`${about.url}/app/${app}/overview`);
    const [site] = await Promise.all([page.context().waitForEvent("page"), page.getByRole("link", { name: "Open" }).first().click()]);
    await site.getByRole("textbox").last().fill("What time is it?");
    await site.keyboard.press("Enter");
    await site.getByText("Called Current Time").waitFor();
    await site.reload();
    await site.getByText("Called Current Time").first().click();
    await site.getByText("Output").first().waitFor({ state: "attached" });
    await site.close();

    await page.goto(`${about.url}/app/${app}/logs`);
    await page.getByRole("row").nth(1).click();
    await page.getByRole("complementary").getByText("Called Current Time").first().waitFor();
  }));
