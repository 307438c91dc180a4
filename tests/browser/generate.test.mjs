// Generators of the editor: instructions from a sentence are proposed, taken over, and then to be improved.
import assert from "node:assert/strict";
import { test } from "node:test";
import { journey, signIn } from "./support.mjs";

test("instructions are written by the model and taken over", { timeout: 120_000 }, () =>
  journey(["chat"], {}, async (page, about) => {
    await signIn(page, about);
    await page.goto(`${about.url}/app/${about.apps.chat}/configuration`);
    await page.getByRole("button", { name: "Generate", exact: true }).click();
    const dialog = page.getByRole("dialog", { name: "Generate a prompt" });
    // The scripted model gives back what it is told.
    await dialog.getByLabel("What should the model do?").fill("<prompt>You answer questions about {{goods}}.</prompt>");
    await page.keyboard.press("Control+Enter");
    await dialog.getByText("Variables of the form: goods").waitFor();
    await dialog.getByRole("button", { name: "Use it" }).click();
    await dialog.waitFor({ state: "detached" });
    await page.getByText("You answer questions about").first().waitFor();

    await page.getByRole("button", { name: "Generate", exact: true }).click();
    assert.equal(await dialog.getByRole("radio", { name: "Improve" }).getAttribute("aria-checked"), "true");
    await page.keyboard.press("Escape");
    await dialog.waitFor({ state: "detached" });
  }));
