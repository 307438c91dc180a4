// Tools: those that are built in, an API by its schema that is called, a workflow that becomes one, a node of the canvas.
import assert from "node:assert/strict";
import { createServer } from "node:http";
import { test } from "node:test";
import { holds, journey, signIn } from "./support.mjs";

/** A small shop with an API, and what it was asked. */
async function shop() {
  const asked = [];
  const server = createServer((request, answer) => {
    asked.push({ path: request.url, key: request.headers["x-key"] });
    answer.setHeader("content-type", "application/json");
    answer.end(JSON.stringify({ pets: ["Rex", "Tom"].slice(0, Number(new URL(request.url, "http://x").searchParams.get("limit") ?? 2)) }));
  });
  await new Promise((ready) => server.listen(0, "127.0.0.1", ready));
  return { asked, url: `http://127.0.0.1:${server.address().port}`, close: () => (server.close(), server.closeAllConnections()) };
}

const schemaOf = (url) => `openapi: 3.0.3
info: { title: Shop, version: 1.0.0 }
servers: [{ url: "${url}" }]
paths:
  /pets:
    get:
      operationId: listPets
      summary: List the pets
      parameters:
        - { name: limit, in: query, description: How many, required: true, schema: { type: integer } }
      responses: { "200": { description: The pets } }
`;

const PRIVATE = { SSRF_PROXY_ALLOW_PRIVATE_IPS: "127.0.0.1" };

test("an API becomes a tool by its schema, is called, changed and deleted", { timeout: 180_000 }, async () => {
  const service = await shop();
  try {
    await journey([], { env: PRIVATE }, async (page, about) => {
      await signIn(page, about);
      await page.getByRole("link", { name: "Tools" }).first().click();
      await page.waitForURL(/\/tools/);

      // What is built in tells what it takes.
      await page.getByRole("list", { name: "Built in" }).getByRole("button", { name: /^Time/ }).click();
      const panel = page.getByRole("complementary", { name: "Time" });
      await panel.getByText("Current Time", { exact: true }).click();
      await panel.getByText("timezone", { exact: true }).first().waitFor();
      await page.keyboard.press("Escape");
      await panel.waitFor({ state: "detached" });

      await page.getByRole("radio", { name: /^Custom/ }).click();
      await page.getByText("No custom tool yet").waitFor();
      await page.getByRole("button", { name: /Custom tool/ }).first().click();
      const dialog = page.getByRole("dialog", { name: "New custom tool" });
      await dialog.getByRole("textbox", { name: "Schema" }).fill("openapi: 3.0.3\npaths: nothing");
      await dialog.getByRole("alert").first().waitFor();
      await dialog.getByRole("textbox", { name: "Schema" }).fill(schemaOf(service.url));
      await dialog.getByRole("cell", { name: "/pets" }).waitFor();
      await dialog.getByRole("radio", { name: "Key in a header" }).click();
      await dialog.getByLabel("Header", { exact: true }).fill("X-Key");
      await dialog.getByRole("combobox", { name: "Before the key" }).click();
      await page.getByRole("option", { name: "Nothing" }).click();
      await dialog.getByLabel("Value", { exact: true }).fill("open sesame");

      // Called before it is saved, with the key that was typed.
      await dialog.getByRole("button", { name: "Try listPets" }).click();
      const trial = page.getByRole("dialog", { name: "Try listPets" });
      await trial.getByRole("button", { name: "Call it" }).click();
      await trial.getByText("This is needed.").waitFor();
      await trial.getByLabel("limit").fill("1");
      await trial.getByRole("button", { name: "Call it" }).click();
      await trial.getByRole("figure", { name: "Answer" }).getByText("Rex").waitFor();
      assert.deepEqual(service.asked.at(-1), { path: "/pets?limit=1", key: "open sesame" });
      await trial.getByRole("button", { name: "Close" }).click();

      await dialog.getByLabel("Name", { exact: true }).fill("Shop");
      await dialog.getByRole("button", { name: "Save" }).click();
      await dialog.waitFor({ state: "detached" });
      await page.getByRole("list", { name: "Custom" }).getByRole("button", { name: /Shop/ }).click();
      const shopPanel = page.getByRole("complementary", { name: "Shop" });
      await shopPanel.getByText("listPets", { exact: true }).first().click();

      // The stored key is shown to nobody, and still used.
      await shopPanel.getByRole("button", { name: "Edit" }).click();
      const edit = page.getByRole("dialog", { name: "Edit Shop" });
      await holds(edit.getByLabel("Value", { exact: true }), "");
      await edit.getByRole("button", { name: "Try listPets" }).click();
      await trial.getByLabel("limit").fill("2");
      await trial.getByRole("button", { name: "Call it" }).click();
      await trial.getByRole("figure", { name: "Answer" }).getByText("Tom").waitFor();
      assert.equal(service.asked.at(-1).key, "open sesame");
      await trial.getByRole("button", { name: "Close" }).click();
      await edit.getByRole("button", { name: "Cancel" }).click();

      await shopPanel.getByRole("button", { name: "Delete" }).click();
      await page.getByRole("alertdialog").getByLabel("Type the name to confirm").fill("Shop");
      await page.getByRole("alertdialog").getByRole("button", { name: "Delete" }).click();
      await page.getByText("No custom tool yet").waitFor();
    });
  } finally {
    service.close();
  }
});

test("a workflow becomes a tool, and a tool a node", { timeout: 180_000 }, () =>
  journey(["passthrough"], {}, async (page, about) => {
    await signIn(page, about);
    await page.goto(`${about.url}/app/${about.apps.passthrough}/overview`);
    const card = page.getByRole("region", { name: "As a tool" });
    await card.getByRole("button", { name: "Make it a tool" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("Name for the call").fill("pass it on");
    await dialog.getByLabel("Description for the model").fill("Gives back what it is given");
    await dialog.getByRole("button", { name: "Save" }).click();
    await dialog.getByText(/64 at most/).waitFor();
    await dialog.getByLabel("Name for the call").fill("pass_it_on");
    await dialog.getByRole("button", { name: "Save" }).click();
    await dialog.waitFor({ state: "detached" });
    await card.getByRole("link", { name: "Show it in Tools" }).click();
    await page.waitForURL(/tab=workflow/);
    await page.getByRole("complementary").getByText("Gives back what it is given").first().waitFor();

    // On the canvas it is found under Tools.
    await page.goto(`${about.url}/app/${about.apps.passthrough}/workflow`);
    await page.locator(".st-node").first().waitFor();
    await page.getByRole("button", { name: "Add a node", exact: true }).first().click();
    await page.getByRole("tab", { name: "Tools" }).click();
    await page.getByRole("combobox", { name: "Search tools" }).fill("expression");
    await page.getByRole("option", { name: /Evaluate expression/ }).waitFor();
    await page.keyboard.press("Enter");
    const inspector = page.getByRole("complementary");
    await inspector.getByText("expression", { exact: true }).waitFor();
    await inspector.locator(".cm-content").first().click();
    await page.keyboard.type("6 * 7");
    await page.keyboard.press("Control+Enter");
    await inspector.getByText("42").first().waitFor();
  }));
