// First run: set up, see the scripted model, import a file, run it, read the trace.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { journey, root, runWith } from "./support.mjs";

test("a newcomer sets up, imports an app, runs it and reads its trace", { timeout: 120_000 }, () =>
  journey(["--fresh"], {}, async (page, about) => {
    await page.goto(about.url);
    await page.waitForURL(/\/install/);
    await page.fill("input[name=name]", "Ada");
    await page.fill("input[name=email]", "ada@example.com");
    await page.fill("input[name=password]", "correct horse 1");
    await page.keyboard.press("Enter");
    await page.waitForURL(/\/apps/);

    await page.goto(`${about.url}/settings/models`);
    await page.getByText("Scripted", { exact: false }).first().waitFor();

    await page.goto(`${about.url}/apps`);
    await page.getByRole("button", { name: "Import", exact: true }).click();
    await page.getByText("Text", { exact: true }).click();
    await page.getByLabel("Content of the file").fill(readFileSync(`${root}tests/apps/branch.yml`, "utf8"));
    await page.getByRole("dialog").getByRole("button", { name: "Import" }).click();
    await page.getByRole("button", { name: "Open the app" }).click();
    await page.waitForURL(/\/workflow/);
    await page.locator(".st-node", { hasText: "Long?" }).waitFor();

    await runWith(page, "Query", "a long day");
    await page.getByText("yes a long day").first().waitFor();
    const trace = await page.locator("body").innerText();
    for (const node of ["Start", "Long?", "Yes", "Join", "End"]) assert.ok(trace.includes(node), node);
  }));
