// The published chat in another site: the bubble script, its options, and the codes that the publish page gives.
import assert from "node:assert/strict";
import { createServer } from "node:http";
import { test } from "node:test";
import { callConsole, journey, signIn } from "./support.mjs";

/** Another site, with one page. */
async function site(html) {
  const server = createServer((_, answer) => answer.setHeader("content-type", "text/html").end(html));
  await new Promise((ready) => server.listen(0, "127.0.0.1", ready));
  return { url: `http://localhost:${server.address().port}/`, close: () => server.close() };
}

test("the bubble opens the chat in another site, with its values", { timeout: 120_000 }, () =>
  journey(["chat"], { permissions: ["clipboard-read", "clipboard-write"] }, async (page, about) => {
    await signIn(page, about);
    await page.goto(`${about.url}/app/${about.apps.chat}/overview`);
    await page.getByRole("button", { name: "Embed in a site" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByText(`${about.url}/chatbot/${about.codes.chat}`).waitFor();
    await dialog.getByRole("radio", { name: "Chat bubble" }).click();
    await dialog.getByRole("button", { name: "Copy the code" }).click();
    await dialog.getByRole("button", { name: "Copied" }).waitFor();
    const code = await page.evaluate(() => navigator.clipboard.readText());
    await page.keyboard.press("Escape");
    await dialog.waitFor({ state: "detached" });

    const other = await site(`<!doctype html><html lang="en"><body><h1>Shop</h1>${code.replace("draggable: false", "draggable: true").replace("// user_id: ", "user_id: ")}</body></html>`);
    try {
      await page.goto(other.url);
      const button = page.getByRole("button", { name: "Open the chat" });
      await button.waitFor();
      const frame = page.locator("#dify-chatbot-bubble-window");
      assert.equal(await frame.isVisible(), false);
      const address = new URL(await frame.getAttribute("src"));
      assert.equal(address.pathname, `/chatbot/${about.codes.chat}`);
      const plain = await new Response(new Blob([Buffer.from(address.searchParams.get("sys.user_id"), "base64")]).stream().pipeThrough(new DecompressionStream("gzip"))).text();
      assert.equal(plain, "your own name for the visitor");

      await button.click();
      const chat = page.frameLocator("#dify-chatbot-bubble-window");
      await chat.getByRole("textbox").fill("Hello from the shop");
      await page.keyboard.press("Enter");
      await chat.locator("article.answer").getByText("Hello from the shop").waitFor();

      // Larger, by the chat's own button; then dragged, which is no click; then closed by the key.
      const before = (await frame.boundingBox()).width;
      await chat.getByRole("button", { name: "Change the size" }).click();
      await page.waitForFunction((width) => document.querySelector("#dify-chatbot-bubble-window").getBoundingClientRect().width > width, before);
      const shut = page.getByRole("button", { name: "Close the chat" });
      const at = await shut.boundingBox();
      await page.mouse.move(at.x + 24, at.y + 24);
      await page.mouse.down();
      await page.mouse.move(at.x - 200, at.y - 100, { steps: 4 });
      await page.mouse.up();
      assert.ok(Math.abs((await shut.boundingBox()).x - (at.x - 224 + 0)) < 4);
      assert.equal(await frame.isVisible(), true);
      assert.ok((await frame.boundingBox()).y >= 0);
      await page.mouse.click(20, 860);
      await page.keyboard.press("Escape");
      await button.waitFor();
      assert.equal(await frame.isVisible(), false);

      // A page that is closed is closed in its bubble too.
      await callConsole(page, about, "POST", `/apps/${about.apps.chat}/site-enable`, { enable_site: false });
      await page.reload();
      await button.click();
      await chat.getByText("There is no app here").waitFor();
    } finally {
      other.close();
    }
  }));

test("a bubble without a token or with too much in its address says so and shows nothing", { timeout: 60_000 }, () =>
  journey(["chat"], {}, async (page, about) => {
    const said = [];
    page.on("console", (message) => message.type() === "error" && said.push(message.text()));
    const script = `<script src="${about.url}/embed.min.js" defer></script>`;
    const silent = await site(`<!doctype html><body><script>window.difyChatbotConfig = {}</script>${script}</body>`);
    // Random letters do not get smaller.
    const long = await site(`<!doctype html><body><script>
      window.difyChatbotConfig = { token: "${about.codes.chat}", inputs: { a: Array.from({ length: 4000 }, () => Math.random().toString(36)[2]).join("") } };
    </script>${script}</body>`);
    try {
      for (const [other, text] of [[silent, /no token/], [long, /2048 are the limit/]]) {
        said.length = 0;
        await page.goto(other.url, { waitUntil: "networkidle" });
        assert.match(said.join(" "), text);
        assert.equal(await page.locator("#dify-chatbot-bubble-button").count(), 0);
      }
    } finally {
      silent.close();
      long.close();
    }
  }));
