// Knowledge from websites and from Notion, against strict stand-ins of Firecrawl's and Notion's public forms: keys, pages
// that are chosen, documents that are found, and taken anew.
import assert from "node:assert/strict";
import { createServer } from "node:http";
import { test } from "node:test";
import { bodyOf, journey, listen, signIn, until } from "./support.mjs";

const KEY = "fc-1234567890";
const SITE = "https://site.example";
const OWLS = "Owls sleep by day and hunt by night.";
const FOXES = "Foxes dig their dens in sandy banks.";

const isOnly = (body, names) => Object.keys(body).every((name) => names.includes(name));
const crawled = (name, markdown) => ({ markdown, metadata: { title: name, description: "", sourceURL: `${SITE}/${name.toLowerCase()}`, statusCode: 200 } });

/** A server of JSON routes; what is not known there is refused. */
function service(routes) {
  return listen(
    createServer(async (request, answer) => {
      const text = await bodyOf(request);
      const [status, body] = routes(request, text ? JSON.parse(text) : undefined);
      answer.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
    }),
  );
}

/** Firecrawl's second API: a crawl of three pages that is ready at the second look. */
async function firecrawl() {
  let looks = 0;
  const scrapes = [];
  const routes = ({ method, url, headers }, body) => {
    if (headers.authorization !== `Bearer ${KEY}`) return [401, { success: false, error: "Unauthorized: Invalid token" }];
    if (method === "POST" && url === "/v2/scrape") {
      if (!isOnly(body, ["url", "formats", "onlyMainContent", "timeout"]) || body.formats.join() !== "markdown") return [400, { success: false, error: "Bad request" }];
      scrapes.push(body.url);
      return [200, { success: true, data: crawled("Owls", `${OWLS} They were looked at again.`) }];
    }
    if (method === "POST" && url === "/v2/crawl") {
      const known = ["url", "includePaths", "excludePaths", "limit", "scrapeOptions", "maxDiscoveryDepth"];
      if (!isOnly(body, known) || body.url !== SITE || body.limit !== 3 || body.excludePaths.join() !== "blog/*") return [400, { success: false, error: `Not ${JSON.stringify(body)}` }];
      looks = 0;
      return [200, { success: true, id: "job-1", url: "https://api.firecrawl.dev/v2/crawl/job-1" }];
    }
    if (method === "GET" && url === "/v2/crawl/job-1") {
      looks += 1;
      if (looks === 1) return [200, { status: "scraping", total: 3, completed: 1, data: [] }];
      return [200, { status: "completed", total: 3, completed: 3, data: [crawled("Owls", OWLS), crawled("Foxes", FOXES), crawled("Imprint", "Printed by nobody.")] }];
    }
    return [404, { success: false, error: `No ${url}` }];
  };
  return { scrapes, ...(await service(routes)) };
}

const rich = (text) => [{ plain_text: text }];
const PAGE = "11111111-0000-0000-0000-000000000001";
const UNDER = "11111111-0000-0000-0000-000000000002";

/** Notion's API of 2022-06-28: one page with another one under it. */
async function notion() {
  let edits = 0;
  const routes = ({ method, url, headers }, body) => {
    if (headers["notion-version"] !== "2022-06-28") return [400, { object: "error", message: "Notion-Version header should be defined" }];
    if (headers.authorization !== "Bearer secret_owl") return [401, { object: "error", message: "API token is invalid." }];
    if (url === "/v1/users/me") return [200, { object: "user", id: "bot-1", type: "bot", bot: { workspace_name: "Zoo" } }];
    if (method === "POST" && url === "/v1/search") {
      const pages = [
        { object: "page", id: PAGE, icon: { type: "emoji", emoji: "🦉" }, parent: { type: "workspace", workspace: true }, properties: { title: { type: "title", title: rich("Owls") } } },
        { object: "page", id: UNDER, icon: null, parent: { type: "page_id", page_id: PAGE }, properties: { title: { type: "title", title: rich("Foxes") } } },
      ];
      return [200, { results: body.filter.value === "page" ? pages : [], next_cursor: null, has_more: false }];
    }
    if (url.startsWith("/v1/pages/")) return [200, { last_edited_time: `2026-01-0${1 + edits}T00:00:00.000Z` }];
    if (url.startsWith(`/v1/blocks/${PAGE}/children`)) {
      const said = edits === 0 ? OWLS : `${OWLS} Some hunt at dusk.`;
      return [200, { results: [{ id: "b1", type: "paragraph", has_children: false, paragraph: { rich_text: rich(said) } }], next_cursor: null }];
    }
    if (url.startsWith(`/v1/blocks/${UNDER}/children`)) return [200, { results: [{ id: "b2", type: "paragraph", has_children: false, paragraph: { rich_text: rich(FOXES) } }], next_cursor: null }];
    return [404, { object: "error", message: `Could not find ${url}` }];
  };
  return { edit: () => (edits += 1), ...(await service(routes)) };
}

const chosen = (page) => page.getByRole("region", { name: "Pages that were found" });

/** From chosen pages to a knowledge base whose documents are ready. */
async function index(page, count) {
  await page.getByRole("button", { name: "Next" }).click();
  await page.getByRole("radio", { name: /Economy/ }).click();
  await page.getByRole("list", { name: "Preview" }).getByRole("listitem").first().waitFor();
  await page.getByRole("button", { name: /^Save and index/ }).click();
  await page.getByText(new RegExp(`${count} of ${count} documents? (is|are) ready`)).waitFor();
}

async function finds(page, question, text) {
  await page.getByRole("link", { name: "Retrieval" }).click();
  const found = page.getByRole("list", { name: "Chunks that were found" }).getByRole("listitem").first().filter({ hasText: text });
  // "Ready" may still be the word for what was there before: asked until the new text is found.
  const asked = async () => {
    await page.getByLabel("Question").fill(question);
    await page.keyboard.press("Enter");
    return found.waitFor({ timeout: 3_000 }).then(
      () => true,
      () => false,
    );
  };
  await until(asked, `"${text}" is found`);
}

async function takeAnew(page, name) {
  await page.getByRole("link", { name: "Documents" }).click();
  const row = page.getByRole("row").filter({ hasText: name });
  await row.getByText("Ready").waitFor();
  await row.getByRole("button", { name: new RegExp(`: ${name}$`) }).click();
  await page.getByRole("menuitem", { name: "Sync with its source" }).click();
}

test("pages of a website become documents that are found", { timeout: 180_000 }, async () => {
  const fire = await firecrawl();
  try {
    await journey([], { env: { SSRF_PROXY_ALLOW_PRIVATE_IPS: "127.0.0.1" } }, async (page, about) => {
      await signIn(page, about);
      await page.goto(`${about.url}/datasets/create`);
      await page.getByRole("radio", { name: "Website" }).click();
      await page.getByText("No service that reads websites is set up").waitFor();
      await page.getByRole("link", { name: "Set up data sources" }).click();
      await page.waitForURL(/\/settings\/sources/);

      // A key is tried at the service before it is kept.
      const card = page.getByRole("region", { name: "Firecrawl" });
      await card.getByText("Not set up").waitFor();
      await card.getByRole("button", { name: "Add a key of Firecrawl" }).click();
      const dialog = page.getByRole("dialog");
      await dialog.getByLabel(/key/i).first().fill("wrong-key-000");
      await dialog.getByLabel(/url|address|server/i).first().fill(fire.url);
      await dialog.getByRole("button", { name: "Save" }).click();
      await dialog.getByRole("alert").filter({ hasText: "does not take the key" }).waitFor();
      await dialog.getByLabel(/key/i).first().fill(KEY);
      await dialog.getByLabel(/key/i).first().press("Enter");
      await dialog.waitFor({ state: "detached" });
      await card.getByText("Default").waitFor();
      assert.equal(await page.getByText(KEY).count(), 0);

      // Read, looked at, chosen.
      await page.goto(`${about.url}/datasets/create`);
      await page.getByRole("radio", { name: "Website" }).click();
      const form = page.getByRole("form", { name: "Website" });
      await form.getByLabel("Address").fill(SITE);
      await form.getByLabel("Pages at most").fill("3");
      await form.getByLabel("Without these paths").fill("blog/*");
      await form.getByLabel("Address").press("Enter");
      await form.getByRole("status").filter({ hasText: "1 of 3 pages" }).waitFor();
      await chosen(page).getByText("3 of 3 pages chosen").waitFor();
      await chosen(page).getByRole("button", { name: "Look at Foxes" }).click();
      await dialog.getByText(FOXES).waitFor();
      await page.keyboard.press("Escape");
      await chosen(page).getByRole("checkbox", { name: "Select Imprint" }).click();
      await chosen(page).getByText("2 of 3 pages chosen").waitFor();
      await index(page, 2);
      await page.getByRole("button", { name: "Go to documents" }).click();
      for (const name of ["Owls", "Foxes"]) await page.getByRole("row").filter({ hasText: name }).getByText("Ready").waitFor();
      assert.equal(await page.getByText("Imprint").count(), 0);
      await finds(page, "hunt by night", "Owls sleep by day");

      const scraped = fire.scrapes.length;
      await takeAnew(page, "Owls");
      await until(() => fire.scrapes.length > scraped, "the page is read again");
      assert.equal(fire.scrapes.at(-1), `${SITE}/owls`);
      await page.getByRole("row").filter({ hasText: "Owls" }).getByText("Ready").waitFor();
      await finds(page, "looked at again", "They were looked at again.");

      // Without the key nothing is read any more; documents stay.
      await page.goto(`${about.url}/settings/sources`);
      await card.getByRole("button", { name: /^Remove/ }).click();
      await page.getByRole("alertdialog").getByRole("button", { name: "Delete" }).click();
      await card.getByText("Not set up").waitFor();
    });
  } finally {
    fire.close();
  }
});

test("pages of Notion become documents that follow their edits", { timeout: 180_000 }, async () => {
  const fake = await notion();
  try {
    await journey([], { env: { SSRF_PROXY_ALLOW_PRIVATE_IPS: "127.0.0.1", OXIDIFY_NOTION_URL: fake.url } }, async (page, about) => {
      await signIn(page, about);
      await page.goto(`${about.url}/settings/sources`);
      const card = page.getByRole("region", { name: "Notion" });
      await card.getByRole("button", { name: "Add a key of Notion" }).click();
      const dialog = page.getByRole("dialog");
      await dialog.locator("input[type=password]").fill("secret_fox");
      await dialog.getByRole("button", { name: "Save" }).click();
      await dialog.getByRole("alert").waitFor();
      await dialog.locator("input[type=password]").fill("secret_owl");
      await dialog.getByRole("button", { name: "Save" }).click();
      await dialog.waitFor({ state: "detached" });
      await card.getByText("Zoo").waitFor();

      await page.goto(`${about.url}/datasets/create`);
      await page.getByRole("radio", { name: "Notion" }).click();
      const pages = page.getByRole("list", { name: "Pages of Notion" });
      const names = async () => (await pages.getByRole("listitem").allInnerTexts()).map((text) => text.split("\n").at(-1)).join();
      await until(async () => (await names()) === "Owls,Foxes", "both pages of Notion are listed");
      await page.getByLabel("Search pages").fill("fox");
      await pages.getByRole("listitem").nth(1).waitFor({ state: "detached" });
      await page.getByLabel("Search pages").fill("");
      await pages.getByRole("button", { name: "Look at Owls" }).click();
      await dialog.getByText(OWLS).waitFor();
      await page.keyboard.press("Escape");
      await pages.getByRole("checkbox", { name: "Select Owls" }).click();
      await index(page, 1);
      await page.getByRole("button", { name: "Go to documents" }).click();
      await finds(page, "hunt by night", "Owls sleep by day");

      fake.edit();
      await takeAnew(page, "Owls");
      await page.getByRole("row").filter({ hasText: "Owls" }).getByText("Ready").waitFor();
      await finds(page, "at dusk", "Some hunt at dusk.");

      // What is here already cannot be added again.
      await page.getByRole("link", { name: "Documents" }).click();
      await page.getByRole("link", { name: "Add documents" }).or(page.getByRole("button", { name: "Add documents" })).first().click();
      await page.getByRole("radio", { name: "Notion" }).click();
      await pages.getByRole("listitem").filter({ hasText: "Owls" }).getByText("Here already").waitFor();
      await until(() => pages.getByRole("checkbox", { name: "Select Owls" }).isDisabled(), "what is here cannot be chosen");
    });
  } finally {
    fake.close();
  }
});
