// What apps do beside answering: an API extension that is tested, moderation, data from outside, files, more of the same.
import assert from "node:assert/strict";
import { createServer } from "node:http";
import { test } from "node:test";
import { journey, signIn } from "./support.mjs";

/** A service as a workspace has it: a sign of life, data, and a say in what is sent. */
async function extension() {
  const state = { up: true };
  const server = createServer(async (request, answer) => {
    let text = "";
    for await (const part of request) text += part;
    const { point, params } = JSON.parse(text || "{}");
    answer.setHeader("content-type", "application/json");
    answer.statusCode = state.up && request.headers.authorization === "Bearer secret-key" ? 200 : 503;
    const results = {
      ping: { result: "pong" },
      "app.external_data_tool.query": { result: `rain in ${params?.inputs?.query}` },
      "app.moderation.input": { flagged: String(params?.query).includes("badger"), action: "direct_output", preset_response: "Not about badgers." },
    };
    answer.end(JSON.stringify(results[point] ?? { flagged: false }));
  });
  await new Promise((ready) => server.listen(0, "127.0.0.1", ready));
  return { state, url: `http://127.0.0.1:${server.address().port}/extension`, close: () => (server.close(), server.closeAllConnections()) };
}

const PRIVATE = { SSRF_PROXY_ALLOW_PRIVATE_IPS: "127.0.0.1" };

test("an extension gives data to a completion and moderates a chat", { timeout: 180_000 }, async () => {
  const service = await extension();
  try {
    await journey(["completion", "chat"], { env: PRIVATE }, async (page, about) => {
      await signIn(page, about);
      await page.goto(`${about.url}/settings/extensions`);
      await page.getByText("No API extension yet").waitFor();
      await page.getByRole("button", { name: "Add an extension" }).click();
      await page.getByLabel("Name", { exact: true }).fill("Weather");
      await page.getByLabel("API endpoint").fill(service.url);
      await page.getByLabel("API key").fill("wrong-key");
      await page.getByRole("button", { name: "Save the extension" }).click();
      await page.getByRole("alert").filter({ hasText: "503" }).waitFor();
      await page.getByLabel("API key").fill("secret-key");
      await page.getByRole("button", { name: "Save the extension" }).click();
      const row = page.getByRole("region", { name: "Weather" });
      await row.getByRole("button", { name: "Test" }).click();
      await row.getByText(/It answered in/).waitFor();
      service.state.up = false;
      await row.getByRole("button", { name: "Test" }).click();
      await row.getByRole("alert").waitFor();
      service.state.up = true;
      assert.match(await row.innerText(), /sec\*+key/);

      // A variable from outside, and another result for the same form.
      await page.goto(`${about.url}/app/${about.apps.completion}/configuration`);
      const dialog = page.getByRole("dialog");
      await page.getByRole("button", { name: "Variable" }).last().click();
      await dialog.getByLabel("Variable").fill("query");
      await dialog.getByRole("button", { name: "Save" }).click();
      await dialog.getByText("Another field has this name.").waitFor();
      await dialog.getByLabel("Variable").fill("weather");
      await dialog.getByRole("combobox", { name: "API extension" }).click();
      await page.getByRole("option", { name: "Weather" }).click();
      await dialog.getByRole("button", { name: "Save" }).click();
      await page.getByRole("listitem").filter({ hasText: "weather" }).getByText("Weather", { exact: true }).last().waitFor();
      await page.locator(".promptbox .cm-content").click();
      await page.keyboard.press("Control+a");
      await page.keyboard.type("Say: {{weather}}");
      await page.getByRole("switch", { name: "More like this" }).click();
      const preview = page.getByRole("complementary", { name: "Preview" });
      await preview.getByLabel("Query").fill("Halden");
      await preview.getByRole("button", { name: "Run" }).click();
      await preview.getByText("Say: rain in Halden").waitFor();
      await preview.getByRole("button", { name: "More like this" }).click();
      await preview.getByText("Say: rain in Halden").nth(1).waitFor();
      await page.getByRole("button", { name: "Publish", exact: true }).click();
      await page.getByText("Published", { exact: true }).waitFor();
      await page.reload();
      await page.getByRole("switch", { name: "Use weather" }).waitFor();
      assert.equal(await page.getByRole("switch", { name: "More like this" }).getAttribute("aria-checked"), "true");

      // The same service moderates what is asked.
      await page.goto(`${about.url}/app/${about.apps.chat}/configuration`);
      await page.getByRole("switch", { name: "Content moderation" }).click();
      await dialog.getByRole("radio", { name: "API extension" }).click();
      await dialog.getByRole("combobox", { name: "API extension" }).click();
      await page.getByRole("option", { name: "Weather" }).click();
      await dialog.getByRole("switch", { name: "Check what users send" }).click();
      await dialog.getByRole("button", { name: "Use it" }).click();
      await page.getByLabel("Ask something").fill("Tell me about a badger");
      await page.getByRole("button", { name: "Send" }).click();
      await preview.getByText("Not about badgers.").waitFor();

      await page.goto(`${about.url}/settings/extensions`);
      page.on("dialog", (asked) => asked.accept());
      await row.getByRole("button", { name: "Delete Weather" }).click();
      await page.getByRole("alertdialog").getByRole("button", { name: "Delete" }).click();
      await page.getByText("No API extension yet").waitFor();
    });
  } finally {
    service.close();
  }
});

test("the features of a chatflow are part of its draft", { timeout: 120_000 }, () =>
  journey(["chatflow"], {}, async (page, about) => {
    await signIn(page, about);
    await page.goto(`${about.url}/app/${about.apps.chatflow}/workflow`);
    await page.locator(".st-node").first().waitFor();
    const open = async () => {
      await page.locator(".st-bar").getByRole("button", { name: "Variables, features, versions" }).click();
      await page.getByRole("menuitem", { name: "Features" }).click();
    };
    await open();
    const dialog = page.getByRole("dialog");
    await page.getByRole("switch", { name: /^Content moderation/ }).click();
    await dialog.getByLabel("Keywords").last().fill("badger\nweasel");
    await dialog.getByRole("button", { name: "Use it" }).click();
    await dialog.getByText("Check at least one of the two.").waitFor();
    await dialog.getByRole("switch", { name: "Check what users send" }).click();
    await dialog.getByLabel("Answer instead").fill("Let us talk about lamps.");
    await dialog.getByRole("button", { name: "Use it" }).click();
    await dialog.waitFor({ state: "detached" });

    await page.getByRole("button", { name: "Set up files with a message" }).click();
    await dialog.getByRole("checkbox", { name: "Images" }).click();
    await dialog.getByRole("button", { name: "Use it" }).click();
    await dialog.getByText("Choose at least one type.").waitFor();
    await dialog.getByRole("checkbox", { name: "Documents" }).click();
    await dialog.getByLabel("Most files in a message").fill("2");
    await dialog.getByRole("button", { name: "Use it" }).click();
    await page.getByText("Documents; at most 2 in a message").waitFor();
    await page.getByRole("switch", { name: /^Citations/ }).click();
    await page.getByRole("status").filter({ hasText: "Saved" }).waitFor();

    await page.reload();
    await page.locator(".st-node").first().waitFor();
    await open();
    assert.equal(await page.getByRole("switch", { name: /^Content moderation/ }).getAttribute("aria-checked"), "true");
    assert.equal(await page.getByRole("switch", { name: /^Citations/ }).getAttribute("aria-checked"), "false");
    await page.getByText("Documents; at most 2 in a message").waitFor();
    await page.keyboard.press("Alt+r");
    await page.getByLabel("Message", { exact: true }).fill("A Badger, please");
    await page.keyboard.press("Enter");
    await page.getByText("Let us talk about lamps.").first().waitFor();
  }));
