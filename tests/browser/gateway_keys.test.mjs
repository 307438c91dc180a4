// The model gateway: a key is made in the Studio, used by a program, limited, switched off, changed and deleted.
import assert from "node:assert/strict";
import { test } from "node:test";
import { journey, signIn } from "./support.mjs";
import { askGateway, connect, vendor } from "./vendor.mjs";

/** Asks until the answer has a status: what is changed holds within three seconds. */
async function until(status, ask) {
  for (let tries = 0; tries < 50; tries++) {
    const answer = await ask();
    if (answer.status === status) return answer.json();
    await new Promise((later) => setTimeout(later, 100));
  }
  throw new Error(`never ${status}`);
}

test("a key of the gateway from its making to its end", { timeout: 180_000 }, async () => {
  const models = await vendor();
  try {
    await journey([], {}, async (page, about) => {
      await signIn(page, about);
      await connect(page, about, models);
      await page.goto(`${about.url}/settings/general`);
      await page.getByRole("link", { name: "Model gateway" }).click();
      await page.waitForURL(/\/settings\/gateway/);
      await page.getByText(`${about.url}/gateway/v1`, { exact: true }).waitFor();
      await page.getByText("No key yet").waitFor();

      // Made with the keyboard where it can be; told once.
      await page.getByRole("button", { name: "Make a key" }).click();
      const dialog = page.getByRole("dialog");
      const make = dialog.getByRole("button", { name: "Make the key" });
      assert.ok(await make.isDisabled());
      await dialog.getByLabel("Name").fill("Reports");
      await dialog.getByLabel("Requests a minute").fill("6");
      await dialog.getByRole("switch", { name: "All models" }).click();
      assert.ok(await make.isDisabled(), "a key that may ask nothing is of no use");
      await dialog.getByLabel("Find a model").fill("4o-mini");
      await dialog.getByRole("checkbox", { name: "May ask gpt-4o-mini", exact: true }).click();
      await dialog.getByLabel("Name").press("Enter");
      await dialog.getByText("Copy the key now").waitFor();
      const token = await dialog.locator(".mono").getByText(/^sk-ox-/).innerText();
      await dialog.getByRole("button", { name: "I have kept it" }).click();
      await dialog.waitFor({ state: "detached" });
      const row = page.getByRole("listitem").filter({ hasText: "Reports" });
      await row.getByText("1 model · 6 requests a minute · never expires · never used").waitFor();
      assert.equal(await page.getByText(token).count(), 0);

      // What it opens, and what not.
      const listed = await fetch(`${about.url}/gateway/v1/models`, { headers: { authorization: `Bearer ${token}` } });
      const { data } = await listed.json();
      assert.equal(data.length, 1);
      assert.match(data[0].id, /openai\/gpt-4o-mini$/);
      const other = await askGateway(about, token, "oxidify/scripted/echo", "Hi");
      assert.equal(other.status, 403);
      const wrong = await askGateway(about, `${token}x`, "openai/gpt-4o-mini", "Hi");
      assert.equal(wrong.status, 401);
      const refused = await until(429, () => askGateway(about, token, "openai/gpt-4o-mini", "Hi"));
      assert.match(refused.error.message, /minute/);
      assert.ok(models.asked.length >= 1 && models.asked.every((body) => body.model === "gpt-4o-mini"), JSON.stringify(models.asked));

      // Changed: no limits any more; the key is the same and is not shown again.
      await row.getByRole("button", { name: "Change Reports" }).click();
      await dialog.getByLabel("Name").fill("Nightly reports");
      await dialog.getByLabel("Requests a minute").fill("");
      await dialog.getByRole("switch", { name: "All models" }).click();
      await dialog.getByRole("button", { name: "Save" }).click();
      await dialog.waitFor({ state: "detached" });
      const renamed = page.getByRole("listitem").filter({ hasText: "Nightly reports" });
      await renamed.getByText(/^all models · no limit · never expires · used/).waitFor();
      const said = await until(200, () => askGateway(about, token, "oxidify/scripted/echo", "Good evening"));
      assert.equal(said.choices[0].message.content, "Good evening");

      // A stream, as clients ask for it.
      const stream = await askGateway(about, token, "gpt-4o-mini", "Count", { stream: true, stream_options: { include_usage: true } });
      const text = await stream.text();
      assert.match(text, /You said: Count/);
      assert.match(text, /"prompt_tokens":2000/);
      assert.ok(text.trim().endsWith("data: [DONE]"), text);

      await renamed.getByRole("switch").click();
      await until(401, () => askGateway(about, token, "echo", "Hi"));
      await renamed.getByRole("switch").click();
      await until(200, () => askGateway(about, token, "echo", "Hi"));

      await renamed.getByRole("button", { name: "Delete Nightly reports" }).click();
      await page.getByRole("alertdialog").getByRole("button", { name: "Delete" }).click();
      await page.getByText("No key yet").waitFor();
      await until(401, () => askGateway(about, token, "echo", "Hi"));
    });
  } finally {
    models.close();
  }
});
