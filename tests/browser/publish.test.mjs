// The publish and API pages: switches that close what they name, a new link, keys, the look of the page.
import assert from "node:assert/strict";
import { test } from "node:test";
import { journey, signIn } from "./support.mjs";

test("page and API open and close, links and keys change", { timeout: 120_000 }, () =>
  journey(["chat"], {}, async (page, about) => {
    await signIn(page, about);
    const ask = () =>
      fetch(`${about.url}/v1/parameters?user=x`, { headers: { authorization: `Bearer ${about.keys.chat}` } }).then((answer) => answer.status);
    const changed = (path) => page.waitForResponse((answer) => answer.url().endsWith(path) && answer.ok());
    const visitor = await (await page.context().browser().newContext({ locale: "en-US" })).newPage();
    await page.goto(`${about.url}/app/${about.apps.chat}/overview`);

    const site = page.getByRole("switch", { name: "The page is open to everyone with the link" });
    await Promise.all([changed("/site-enable"), site.click()]);
    await visitor.goto(`${about.url}/chat/${about.codes.chat}`);
    await visitor.getByText("There is no app here").waitFor();
    await Promise.all([changed("/site-enable"), site.click()]);
    await visitor.reload();
    await visitor.getByRole("textbox").waitFor();

    const api = page.getByRole("switch", { name: "Calls with a key are answered" });
    assert.equal(await ask(), 200);
    await Promise.all([changed("/api-enable"), api.click()]);
    assert.equal(await ask(), 403);
    await Promise.all([changed("/api-enable"), api.click()]);
    assert.equal(await ask(), 200);

    await page.getByLabel("Title").fill("Help desk");
    await page.getByRole("textbox", { name: /^Colour/ }).fill("#1C64F2");
    await page.getByRole("switch", { name: "Colour the top bar too" }).click();
    await page.getByLabel(/^Notice under the chat/).fill("Ask a person about refunds.");
    await page.getByLabel(/^Copyright/).fill("2026 Acme");
    await page.getByLabel(/^Address of the privacy policy/).fill("javascript:alert(1)");
    await page.getByText("Start with http:// or https://").waitFor();
    await page.getByLabel(/^Address of the privacy policy/).fill("https://acme.example/privacy");
    await Promise.all([changed("/site"), page.getByRole("button", { name: "Save" }).click()]);
    await visitor.reload();
    await visitor.getByRole("heading", { name: "Help desk" }).waitFor();
    await visitor.getByText("Ask a person about refunds.").waitFor();
    assert.equal(await visitor.evaluate(() => getComputedStyle(document.documentElement).getPropertyValue("--accent")), "#1c64f2");
    for (const theme of ["light", "dark"]) {
      await visitor.goto(`${about.url}/chat/${about.codes.chat}?theme=${theme}`);
      await visitor.getByText("© 2026 Acme").waitFor();
      assert.equal(await visitor.evaluate(() => `${document.documentElement.dataset.theme} ${document.documentElement.dataset.bar}`), `${theme} coloured`);
      await visitor.getByRole("button", { name: "Theme and language" }).click();
      await visitor.getByRole("menuitem", { name: "About this app" }).click();
      const policy = visitor.getByRole("dialog").getByRole("link", { name: "Privacy policy" });
      await policy.waitFor();
      assert.equal(await policy.getAttribute("href"), "https://acme.example/privacy");
      await visitor.keyboard.press("Escape");
    }
    const manifest = await visitor.evaluate(async () => {
      while (!document.querySelector("link[rel=manifest]")) await new Promise((later) => setTimeout(later, 50));
      return (await fetch(document.querySelector("link[rel=manifest]").href)).json();
    });
    assert.equal(manifest.name, "Help desk");
    assert.equal(manifest.start_url, `${about.url}/chat/${about.codes.chat}`);
    assert.ok(manifest.icons.some((icon) => icon.sizes === "512x512"));

    await page.getByRole("button", { name: "New link" }).click();
    await Promise.all([changed("/access-token-reset"), page.getByRole("alertdialog").getByRole("button", { name: "New link" }).click()]);
    await visitor.goto(`${about.url}/chat/${about.codes.chat}`);
    await visitor.getByText("There is no app here").waitFor();

    await page.goto(`${about.url}/app/${about.apps.chat}/develop`);
    const keys = page.getByRole("listitem").filter({ hasText: "app-" });
    await Promise.all([page.waitForResponse((answer) => answer.url().endsWith("/api-keys") && answer.request().method() === "POST"), page.getByRole("button", { name: "New key" }).click()]);
    await keys.nth(1).waitFor();
    await page.getByRole("button", { name: "Python" }).or(page.getByRole("radio", { name: "Python" })).first().click();
    await page.getByText("import requests").waitFor();
    await page.getByText(about.keys.chat.slice(-4)).first().waitFor();
    await keys.filter({ hasText: about.keys.chat.slice(-4) }).getByRole("button", { name: /Delete/ }).click();
    const gone = page.waitForResponse((answer) => answer.url().includes("/api-keys/") && answer.request().method() === "DELETE");
    await Promise.all([gone, page.getByRole("alertdialog").getByRole("button", { name: "Delete" }).click()]);
    await keys.nth(1).waitFor({ state: "detached" });
    assert.equal(await ask(), 401);
  }));
