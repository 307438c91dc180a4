// The list of apps with mouse and keyboard: tags, rename, duplicate, cards, export, delete.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { callConsole, counted, journey, signIn } from "./support.mjs";

test("an app is made of a template", { timeout: 120_000 }, () =>
  journey(["chat"], {}, async (page, about) => {
    await signIn(page, about);
    await page.getByRole("button", { name: /From a template/ }).click();
    const dialog = page.getByRole("dialog", { name: "From a template" });
    await dialog.getByRole("radio", { name: "Work" }).click();
    await dialog.getByText("Translator").waitFor({ state: "detached" });
    await dialog.getByRole("button", { name: "Create Meeting minutes" }).click();
    await page.waitForURL(/\/app\//);
    await page.getByText("Meeting minutes").first().waitFor();
  }));

test("an app is made of one sentence", { timeout: 120_000 }, () =>
  journey(["chat"], {}, async (page, about) => {
    await signIn(page, about);
    await page.getByRole("button", { name: /Describe it/ }).first().click();
    const dialog = page.getByRole("dialog", { name: "Describe it" });
    await dialog.getByRole("button", { name: /meeting notes/ }).click();
    await dialog.getByRole("button", { name: /Make a draft/ }).click();
    // Nobody chose a model yet: it says so, and the sentence stays.
    await dialog.getByRole("alert").getByText("There is no model to ask.").waitFor();
    await callConsole(page, about, "POST", "/workspaces/current/default-model", {
      model_settings: [{ model_type: "llm", provider: "oxidify/scripted", model: "echo" }],
    });
    // The scripted model gives back what it is told: no plan, then one.
    await dialog.getByRole("button", { name: /Try again/ }).click();
    await dialog.getByText("The answer of the model").waitFor();
    const plan = { name: "Greeter", mode: "workflow", inputs: [{ name: "who" }], steps: [{ id: "greet", kind: "template", text: "Hello {{who}}" }] };
    await dialog.getByRole("textbox").fill(JSON.stringify(plan));
    await page.keyboard.press("Control+Enter");
    await page.waitForURL(/\/app\//);
    await page.getByText("Greeter").first().waitFor();
  }));

test("apps are tagged, renamed, duplicated, exported and deleted", { timeout: 120_000 }, () =>
  journey(["chat", "passthrough"], {}, async (page, about) => {
    await signIn(page, about);
    const rows = page.getByRole("table", { name: "Apps" }).getByRole("row");
    const row = (name) => rows.filter({ has: page.getByRole("link", { name, exact: true }) });
    const menu = async (name, item) => {
      await row(name).getByRole("button", { name: `Actions of ${name}` }).click();
      await page.getByRole("menuitem", { name: item }).click();
    };
    await row("Chat").waitFor();

    await menu("Chat", "Tags");
    await page.getByRole("textbox", { name: "New tag" }).fill("Support");
    await page.keyboard.press("Enter");
    await page.getByRole("dialog").getByRole("checkbox", { name: "Support" }).waitFor();
    await page.getByRole("button", { name: "Rename Support" }).click();
    await page.getByRole("textbox", { name: "Rename Support" }).fill("Help desk");
    await page.keyboard.press("Enter");
    await page.getByRole("dialog").getByRole("checkbox", { name: "Help desk" }).waitFor();
    await page.keyboard.press("Escape");
    await row("Chat").getByText("Help desk").waitFor();
    await page.getByRole("button", { name: "Tags" }).click();
    await page.getByRole("menuitem", { name: /Help desk/ }).click();
    await row("Passthrough").waitFor({ state: "detached" });
    await page.getByRole("button", { name: /^Tags/ }).click();
    await page.getByRole("menuitem", { name: /Help desk/ }).click();
    await row("Passthrough").waitFor();

    // The keyboard: the row under J, then E and D.
    await page.mouse.move(5, 5);
    const under = (name) => page.locator('[role=row][data-active="true"]').getByRole("link", { name, exact: true }).waitFor();
    for (const key of ["j", "j", "k", "k"]) await page.keyboard.press(key);
    await under("Passthrough");
    await page.keyboard.press("e");
    await page.getByRole("dialog").getByLabel("Name").fill("Returns triage");
    await page.getByRole("dialog").getByLabel(/^Description/).fill("Sort refund requests");
    await page.keyboard.press("Control+Enter");
    await row("Returns triage").getByText("Sort refund requests").waitFor();
    await under("Returns triage");
    await page.keyboard.press("d");
    await page.getByRole("dialog").getByRole("button", { name: /^Duplicate/ }).click();
    await row("Returns triage copy").waitFor();

    await page.keyboard.press("/");
    await page.keyboard.type("triage copy");
    await row("Chat").waitFor({ state: "detached" });
    await page.getByRole("textbox", { name: "Filter by name" }).fill("");
    await row("Chat").waitFor();

    await page.getByRole("radio", { name: "Cards" }).click();
    const cards = page.getByRole("list", { name: "Apps" }).getByRole("listitem");
    await cards.filter({ hasText: "Sort refund requests" }).first().waitFor();
    await counted(cards, 3);
    await page.getByRole("radio", { name: "Rows" }).click();

    await row("Returns triage").getByRole("button", { name: "Actions of Returns triage", exact: true }).click();
    await page.getByRole("menuitem", { name: "Export as a file" }).click();
    const download = page.waitForEvent("download");
    await page.getByRole("button", { name: "Download" }).click();
    const file = await download;
    assert.equal(file.suggestedFilename(), "Returns triage.yml");
    assert.match(readFileSync(await file.path(), "utf8"), /kind: app/);

    await menu("Returns triage copy", "Delete");
    const destroy = page.getByRole("alertdialog").getByRole("button", { name: "Delete" });
    assert.ok(await destroy.isDisabled());
    await page.keyboard.type("Returns triage copy");
    await destroy.click();
    await row("Returns triage copy").waitFor({ state: "detached" });
    await page.getByText("Deleted “Returns triage copy”").waitFor();

    await page.keyboard.press("Control+k");
    await page.keyboard.type("returns");
    await page.getByRole("option", { name: /Returns triage/ }).first().waitFor();
    await page.keyboard.press("Enter");
    await page.waitForURL(/\/workflow/);
  }));
