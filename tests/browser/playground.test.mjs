// The playground: one question to several models, what each said and how, one that fails beside one that answers.
import assert from "node:assert/strict";
import { test } from "node:test";
import { journey, signIn } from "./support.mjs";

/** Chooses the model of a column that has none, or another one for one that has. */
async function choose(page, column, name) {
  await column.getByRole("button", { name: /Choose a model|^echo|^canned|^fail/ }).first().click();
  await page.getByPlaceholder("Find a model").fill(name);
  await page.getByRole("option", { name: new RegExp(`^${name}`) }).click();
}

/** A parameter of the model of a column. */
async function set(page, column, label, value) {
  await column.getByRole("button", { name: "Parameters" }).click();
  await page.getByRole("dialog").getByLabel(label, { exact: true }).last().fill(value);
  await page.keyboard.press("Escape");
}

test("one question to models side by side", { timeout: 180_000 }, () =>
  journey([], {}, async (page, about) => {
    await signIn(page, about);
    await page.goto(`${about.url}/settings/models`);
    await page.getByRole("link", { name: "Playground" }).click();
    await page.waitForURL(/\/settings\/playground/);
    const ask = page.getByRole("button", { name: /^Ask/ });
    assert.ok(await ask.isDisabled());
    await choose(page, page.getByRole("region", { name: "Model 1" }), "echo");
    await choose(page, page.getByRole("region", { name: "Model 2" }), "canned");
    const [echo, canned] = [page.getByRole("region", { name: "echo" }), page.getByRole("region", { name: "canned" })];
    await set(page, canned, "Answer", "I am a lamp.");
    await page.getByLabel("Instructions").fill("Be kind.");
    await page.getByLabel("Question").fill("Who are you?");
    await page.keyboard.press("Control+Enter");
    await echo.getByText("Who are you?").waitFor();
    await canned.getByText("I am a lamp.").waitFor();
    await echo.getByText(/first token .* in all · 5 \+ 3 tokens · \$0\.00/).waitFor();

    // One that fails leaves the others alone.
    await page.getByRole("button", { name: "Add a model" }).click();
    await choose(page, page.getByRole("region", { name: "Model 3" }), "fail");
    const fail = page.getByRole("region", { name: "fail" });
    await set(page, fail, "HTTP status", "429");
    await page.getByLabel("Question").fill("And now?");
    await ask.click();
    await fail.getByRole("alert").filter({ hasText: /fails as it was told/ }).waitFor();
    await fail.getByText("failed", { exact: true }).waitFor();
    await echo.getByText("And now?").waitFor();

    // Stopped, what has come stays.
    await set(page, canned, "Words per second", "2");
    await ask.click();
    await canned.getByText("I am").waitFor();
    await page.getByRole("button", { name: "Stop" }).click();
    await canned.getByText("stopped", { exact: true }).waitFor();
    assert.ok(!(await canned.innerText()).includes("lamp."));

    // Taken out; pictures go along where a model sees.
    await fail.getByRole("button", { name: "Remove fail" }).click();
    await fail.waitFor({ state: "detached" });
    const pixel = Buffer.from("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg==", "base64");
    await page.locator("input[type=file]").setInputFiles({ name: "pixel.png", mimeType: "image/png", buffer: pixel });
    await page.getByRole("img", { name: "Image 1" }).waitFor();
    await page.getByLabel("Question").fill("What is on it?");
    await ask.click();
    await echo.getByText("What is on it?").waitFor();
    await page.getByRole("button", { name: "Remove image 1" }).click();
    await page.getByRole("img", { name: "Image 1" }).waitFor({ state: "detached" });
  }));
