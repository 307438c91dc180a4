// Agents that ask a person before they call a tool: set in the Studio, answered in the preview, on the published page, by a
// member elsewhere; and the guard that asks only about what was read somewhere.
import assert from "node:assert/strict";
import { test } from "node:test";
import { callConsole, journey, signIn, until } from "./support.mjs";

const CALC = "Evaluate expression";

/** Sets what is asked before the calculator is called. */
async function rule(page, when, who) {
  await page.getByRole("button", { name: new RegExp(`^Settings of ${CALC}`) }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByRole("combobox", { name: "Ask a person first" }).click();
  await page.getByRole("option", { name: when }).click();
  if (who) {
    await dialog.getByRole("combobox", { name: "Who may answer" }).click();
    await page.getByRole("option", { name: who }).click();
  }
  await dialog.getByRole("button", { name: "Save" }).click();
  await dialog.waitFor({ state: "detached" });
}

const card = (place) => place.getByRole("region", { name: /^May “.*” be called\?/ });

async function ask(place, label, text) {
  await place.getByLabel(label).fill(text);
  await place.getByLabel(label).press("Enter");
}

async function publish(page) {
  const kept = page.waitForResponse((answer) => answer.url().endsWith("/model-config") && answer.ok());
  await page.getByRole("button", { name: "Publish", exact: true }).click();
  await kept;
}

test("an agent waits until its call is allowed, and is told when it is declined", { timeout: 240_000 }, () =>
  journey(["agent"], {}, async (page, about) => {
    await signIn(page, about);
    await page.goto(`${about.url}/app/${about.apps.agent}/configuration`);
    await rule(page, "Before every call");
    await page.getByRole("listitem").filter({ hasText: CALC }).getByText("Asks first").waitFor();

    const preview = page.getByRole("complementary", { name: "Preview" });
    await ask(preview, "Ask something", "How much is it?");
    await card(preview).getByText('"6*7"').waitFor();
    await card(preview).getByRole("button", { name: "Allow" }).click();
    await card(preview).waitFor({ state: "detached" });
    await preview.getByText("42", { exact: true }).last().waitFor();

    await ask(preview, "Ask something", "And again?");
    await card(preview).getByLabel("Reason, if declined").fill("too dear");
    await card(preview).getByRole("button", { name: "Decline" }).click();
    await card(preview).waitFor({ state: "detached" });
    await preview.getByText(/a person declined it: too dear/).last().waitFor();

    // On the page, whoever asked decides.
    await publish(page);
    const visitor = await (await page.context().browser().newContext({ locale: "en-US" })).newPage();
    await visitor.goto(`${about.url}/chat/${about.codes.agent}`);
    const write = async (text) => {
      // What is written while an answer comes is not sent.
      await visitor.getByRole("button", { name: "Stop", exact: true }).waitFor({ state: "detached" });
      await visitor.getByRole("textbox").last().fill(text);
      await visitor.keyboard.press("Enter");
    };
    await write("How much is it?");
    await card(visitor).getByText('"6*7"').waitFor();
    await card(visitor).getByRole("button", { name: "Allow" }).click();
    await visitor.getByText("42", { exact: true }).last().waitFor();
    await card(visitor).waitFor({ state: "detached" });
    await write("And again?");
    await card(visitor).getByRole("button", { name: "Decline" }).click();
    await visitor.getByText(/a person declined it/).last().waitFor();

    // Where only members decide, the page waits, and the member finds the question wherever they are.
    await rule(page, "Before every call", "Members who may edit the app");
    await publish(page);
    await page.goto(`${about.url}/tools`);
    // A conversation keeps the settings that it began with.
    await visitor.getByRole("button", { name: "New chat" }).first().click();
    await write("Once more?");
    await visitor.getByText(/Somebody of the team is asked/).waitFor();
    assert.equal(await card(visitor).getByRole("button").count(), 0);
    assert.equal(await card(visitor).locator("pre").count(), 0, "the arguments are for members");
    await page.getByRole("button", { name: /^1 call waits/ }).click({ timeout: 60_000 });
    const dialog = page.getByRole("dialog");
    await card(dialog).getByText("Agent", { exact: true }).waitFor();
    await card(dialog).getByText('"6*7"').waitFor();
    await card(dialog).getByRole("button", { name: "Allow" }).click();
    await visitor.locator("article.answer").last().getByText("42", { exact: true }).last().waitFor();
    await dialog.getByText("Nothing waits").waitFor();
  }));

test("the guard asks about what was read, and the trace tells what it found", { timeout: 180_000 }, () =>
  journey(["agent"], {}, async (page, about) => {
    await signIn(page, about);
    const app = await callConsole(page, about, "GET", `/apps/${about.apps.agent}`);
    const config = app.model_config;
    config.model.completion_params = { arguments: '{"expression": "314159265"}' };
    config.agent_mode.tools[0].injection_guard = true;
    await callConsole(page, about, "POST", `/apps/${about.apps.agent}/model-config`, config);
    await page.goto(`${about.url}/app/${about.apps.agent}/configuration`);
    const preview = page.getByRole("complementary", { name: "Preview" });
    await page.getByRole("listitem").filter({ hasText: CALC }).getByText("Asks first").waitFor();

    // Nothing was read yet: the model's own number.
    await ask(preview, "Ask something", "How much is it?");
    await preview.getByText("314159265", { exact: true }).last().waitFor();
    assert.equal(await card(preview).count(), 0);
    // Now the number stands in an earlier answer, which nobody here wrote.
    await ask(preview, "Ask something", "And again?");
    await card(preview).getByText(/expression: “314159265” was read in/).waitFor();
    await card(preview).getByRole("button", { name: "Allow" }).click();
    await card(preview).waitFor({ state: "detached" });
    await preview.getByRole("button", { name: "Stop" }).waitFor({ state: "detached" });
    // What the answer showed while it ran gives way to the trace that is kept, and folds again with it.
    const found = preview.getByText(/was read in/).last();
    await until(async () => {
      for (const details of await preview.locator("details").all()) await details.evaluate((each) => (each.open = true)).catch(() => undefined);
      return found.isVisible();
    }, "the trace tells what was read");
  }));

test("an app is a tool of an agent, and a call of it waits as well", { timeout: 180_000 }, () =>
  journey(["agent", "completion"], {}, async (page, about) => {
    await signIn(page, about);
    await page.goto(`${about.url}/app/${about.apps.agent}/configuration`);
    const tools = page.locator("section", { has: page.getByRole("heading", { name: /^Tools/ }) }).last();
    await tools.getByRole("button", { name: "Add" }).click();
    await page.getByRole("textbox", { name: "Filter tools" }).fill("completion");
    await page.getByRole("checkbox", { name: /Completion/i }).first().check();
    await page.getByRole("button", { name: "Add 1 tool" }).click();
    const row = tools.getByRole("listitem").last();
    await row.getByText("App", { exact: true }).waitFor();
    for (const name of ["Use Evaluate expression", "Use Current Time"]) await tools.getByRole("switch", { name: new RegExp(name, "i") }).click();
    await page.getByRole("button", { name: "Parameters" }).first().click();
    await page.getByLabel("Arguments (JSON)").last().fill("");
    await page.keyboard.press("Escape");
    await row.getByRole("button", { name: /^Settings of/ }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByRole("combobox", { name: "Ask a person first" }).click();
    await page.getByRole("option", { name: "Before every call" }).click();
    await dialog.getByRole("button", { name: "Save" }).click();
    const preview = page.getByRole("complementary", { name: "Preview" });
    await ask(preview, "Ask something", "Write something");
    await card(preview).getByRole("button", { name: "Allow" }).click();
    await card(preview).waitFor({ state: "detached" });
    await preview.getByText(/^Called/).first().waitFor();
  }));
