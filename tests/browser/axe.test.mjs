// Every page and its main dialogs in both themes: no serious or critical finding of axe; on a phone, room for a finger.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { journey, root, signIn } from "./support.mjs";

const AXE = readFileSync(`${root}web/node_modules/axe-core/axe.min.js`, "utf8");
const RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"];
const findings = [];

/** Serious and critical findings of the page as it is now; in the dark only what colours can do wrong. */
async function look(page, name, isDark = false) {
  // Things that fade in are measured when they are there.
  await page.evaluate(() => Promise.all(document.getAnimations().filter((each) => each.effect?.getTiming().iterations !== Infinity).map((each) => each.finished.catch(() => undefined))));
  if (!(await page.evaluate(() => "axe" in window))) await page.addScriptTag({ content: AXE });
  const runOnly = isDark ? { type: "rule", values: ["color-contrast"] } : RULES;
  const found = await page.evaluate((runOnly) => window.axe.run(document, { runOnly, resultTypes: ["violations"] }), runOnly);
  for (const each of found.violations) {
    if (each.impact !== "serious" && each.impact !== "critical") continue;
    const places = each.nodes.slice(0, 3).map((node) => `${node.target.join(" ")} ${node.any[0]?.message ?? node.failureSummary ?? ""}`);
    findings.push(`${name}: ${each.id} (${each.nodes.length}) ${places.join(" | ")}`);
  }
}

const settled = (page) => page.waitForFunction(() => !document.querySelector('[role=status][aria-label="Loading"], main[aria-busy="true"]'));

function studioPages(about) {
  const app = (name, part) => `/app/${about.apps[name]}/${part}`;
  const rowMenu = (page) => page.getByRole("button", { name: "Actions of Chat", exact: true }).click();
  const item = (label) => async (page) => {
    await rowMenu(page);
    await page.getByRole("menuitem", { name: label }).click();
    await page.getByRole("dialog").or(page.getByRole("alertdialog")).waitFor();
  };
  const click = (name) => (page) => page.getByRole("button", { name }).first().click();
  const firstRow = async (page) => {
    await page.getByRole("row").nth(1).click();
    await page.getByRole("complementary").waitFor();
  };
  const drawn = (page) => page.locator(".st-node").first().waitFor();
  const studioNode = (title) => async (page) => {
    await drawn(page);
    await page.locator(title).click();
    await page.getByRole("complementary").waitFor();
  };
  const studioPanel = (button, tab) => async (page) => {
    await drawn(page);
    await page.locator(".st-bar").getByRole("button", { name: button }).click();
    if (tab) await page.getByRole("tab", { name: tab }).click();
  };
  const drawnChart = (page) => page.locator(".chart-bar").first().waitFor();
  const features = async (page) => {
    await studioPanel("Variables, features, versions")(page);
    await page.getByRole("menuitem", { name: "Features" }).click();
    await page.getByRole("switch", { name: /^Citations/ }).waitFor();
  };
  const versions = async (page) => {
    await studioPanel("Variables, features, versions")(page);
    await page.getByRole("menuitem", { name: "Versions" }).click();
    await page.getByText("Compare versions").waitFor();
  };
  const gatewayKey = async (page) => {
    await click("Make a key")(page);
    await page.getByRole("switch", { name: "All models" }).click();
    await page.getByRole("checkbox", { name: /^May ask/ }).first().waitFor();
  };
  const budget = async (page) => {
    await click("New budget")(page);
    await page.getByRole("dialog").getByLabel(/^Webhook/).fill("https://example.com");
    await page.getByRole("dialog").getByRole("button", { name: "Save" }).click();
  };
  const played = async (page) => {
    for (const [at, name] of [[1, "echo"], [2, "fail"]]) {
      await page.getByRole("region", { name: `Model ${at}` }).getByRole("button", { name: "Choose a model" }).click();
      await page.getByRole("option", { name: new RegExp(`^${name}`) }).click();
    }
    await page.getByLabel("Question").fill("Who are you?");
    await click(/^Ask/)(page);
    await page.getByRole("region", { name: "fail" }).getByRole("alert").waitFor();
  };
  const source = (kind) => async (page) => {
    await page.getByRole("radio", { name: kind }).click();
    await page.getByRole("link", { name: "Set up data sources" }).waitFor();
  };
  const toolRules = async (page) => {
    await click(/^Settings of Evaluate expression/)(page);
    await page.getByRole("combobox", { name: "Ask a person first" }).click();
    await page.getByRole("option", { name: "Before every call" }).click();
    await page.getByRole("combobox", { name: "Who may answer" }).waitFor();
  };
  const asked = async (page) => {
    await toolRules(page);
    await page.getByRole("dialog").getByRole("button", { name: "Save" }).click();
    if (await page.getByRole("radio", { name: "Preview" }).isVisible()) await page.getByRole("radio", { name: "Preview" }).click();
    await page.getByLabel("Ask something").fill("How much?");
    await page.keyboard.press("Enter");
    await page.getByRole("region", { name: /^May / }).waitFor();
  };
  return {
    apps: ["/apps"],
    "apps as cards": ["/apps?view=cards"],
    "new app": ["/apps?dialog=create"],
    import: ["/apps?dialog=import"],
    "menu of an app": ["/apps", rowMenu],
    "edit an app": ["/apps", item("Edit name and icon")],
    "tags of an app": ["/apps", item("Tags")],
    "delete an app": ["/apps", item("Delete")],
    palette: ["/apps", (page) => page.keyboard.press("Control+k")],
    models: ["/settings/models"],
    "add a provider": ["/settings/models", click("Add provider")],
    "stand-ins of a model": ["/settings/models", (page) => page.getByRole("button", { name: /^What happens when/ }).first().click()],
    usage: ["/settings/usage", (page) => page.getByText("No budget yet").waitFor()],
    "new budget": ["/settings/usage", budget],
    playground: ["/settings/playground", (page) => page.getByRole("region", { name: "Model 2" }).waitFor()],
    "playground answered": ["/settings/playground", played],
    gateway: ["/settings/gateway", (page) => page.getByText("No key yet").waitFor()],
    "a key of the gateway": ["/settings/gateway", gatewayKey],
    sources: ["/settings/sources", (page) => page.getByRole("region", { name: "Firecrawl" }).waitFor()],
    "a key of a source": ["/settings/sources", click("Add a key of Firecrawl")],
    network: ["/settings/network"],
    "no website service": ["/datasets/create", source("Website")],
    "no Notion": ["/datasets/create", source("Notion")],
    "rules of a tool": [app("agent", "configuration"), toolRules],
    "an agent asks": [app("agent", "configuration"), asked],
    tools: ["/tools", (page) => page.getByRole("list", { name: "Built in" }).waitFor()],
    "a tool": ["/tools?open=time", async (page) => await page.locator(".tool-row summary").first().click()],
    "new custom tool": ["/tools?tab=api", click("Custom tool")],
    "new MCP server": ["/tools?tab=mcp", click("MCP server")],
    "no workflow tools": ["/tools?tab=workflow", (page) => page.getByText("No workflow is a tool yet").waitFor()],
    members: ["/settings/members"],
    invite: ["/settings/members", click("Invite")],
    general: ["/settings/general"],
    server: ["/settings/server"],
    profile: ["/settings/profile"],
    appearance: ["/settings/appearance"],
    extensions: ["/settings/extensions"],
    "add an extension": ["/settings/extensions", click("Add an extension")],
    shortcuts: ["/settings/shortcuts"],
    chat: [app("chat", "configuration")],
    "add a field": [app("chat", "configuration"), click("Field")],
    "an external variable": [app("completion", "configuration"), (page) => page.getByRole("button", { name: "Variable" }).last().click()],
    "set up moderation": [app("chat", "configuration"), (page) => page.getByRole("switch", { name: "Content moderation" }).click()],
    "set up files": [app("chat", "configuration"), click("Set up files with a message")],
    completion: [app("completion", "configuration")],
    logs: [app("branch", "logs")],
    run: [app("branch", "logs"), firstRow],
    conversations: [app("chat", "logs")],
    conversation: [app("chat", "logs"), firstRow],
    monitor: [app("chat", "monitor"), drawnChart],
    "monitor as a table": [app("branch", "monitor"), async (page) => (await drawnChart(page), await page.getByRole("button", { name: /as a table/ }).first().click())],
    "days of the monitor": [app("branch", "monitor"), click(/2026|20\d\d/)],
    "monitor of nothing": [app("chatflow", "monitor"), (page) => page.getByText("Nothing ran in these days").waitFor()],
    annotations: [app("chat", "annotations"), (page) => page.getByText("No annotations yet").waitFor()],
    "add an annotation": [app("chat", "annotations"), click("Add an annotation")],
    "import annotations": [app("chat", "annotations"), click("Import")],
    "annotate an answer": [app("chat", "logs"), async (page) => (await firstRow(page), await page.getByRole("button", { name: "Annotate this answer" }).click())],
    api: [app("branch", "develop")],
    publish: [app("chatflow", "overview")],
    triggers: [app("hooked", "overview"), (page) => page.getByText("/triggers/webhook/").waitFor()],
    "no events": [app("branch", "logs?view=triggers"), (page) => page.getByText("No events yet").waitFor()],
    events: [app("hooked", "logs?view=triggers"), firstRow],
    studio: [app("branch", "workflow"), drawn],
    "studio, a node": [app("branch", "workflow"), studioNode(".st-node .st-title >> nth=1")],
    "studio, a webhook": [app("hooked", "workflow"), studioNode(".st-node .st-title >> nth=0")],
    "studio, the form of a run": [app("branch", "workflow"), studioPanel("Run")],
    "studio, tools": [
      app("branch", "workflow"),
      async (page) => {
        await drawn(page);
        await page.getByRole("button", { name: "Add a node", exact: true }).first().click();
        await page.getByRole("tab", { name: "Tools" }).click();
        await page.getByRole("option").first().waitFor();
      },
    ],
    "studio, problems": [app("branch", "workflow"), studioPanel("No problems")],
    "studio, variables": [app("branch", "workflow"), studioPanel("No problems", "Variables")],
    "studio, history": [app("branch", "workflow"), studioPanel("No problems", "History")],
    "studio, versions": [app("branch", "workflow"), versions],
    "studio, features": [app("chatflow", "workflow"), features],
    "create from pipeline": ["/datasets/create-from-pipeline", (page) => page.getByRole("list", { name: "Templates" }).waitFor()],
    "a template of pipelines": [
      "/datasets/create-from-pipeline",
      async (page) => {
        await page.getByRole("list", { name: "Templates" }).getByRole("button").first().click();
        await page.getByRole("dialog").getByRole("img").first().waitFor();
      },
    ],
    "not found": ["/nothing/here"],
  };
}

function webPages(about) {
  const asked = async (page) => {
    await page.getByRole("textbox").first().fill("# A list\n\n1. one\n\n```js\nconst a = 1; // note\n```\n\n| a | b |\n|---|---|\n| 1 | [two](https://example.com) |");
    await page.keyboard.press("Enter");
    await page.getByRole("toolbar").first().waitFor();
  };
  const asksBack = async (page) => {
    await page.getByLabel("Topic").fill("a lamp");
    await page.locator("form button[type=submit]").first().click();
    await page.getByRole("heading", { name: "About a lamp" }).waitFor();
  };
  const run = async (page) => {
    await page.getByRole("textbox").first().fill("a long day");
    await page.locator("form button[type=submit]").click();
    await page.getByText("a long day").last().waitFor();
    await page.getByRole("button", { name: "Copy" }).first().waitFor();
  };
  return {
    "web chat": [`/chat/${about.codes.chat}`],
    "web chat answered": [`/chat/${about.codes.chat}`, asked],
    "web chat small": [`/chatbot/${about.codes.chat}`],
    "web completion": [`/completion/${about.codes.completion}`, run],
    "web workflow": [`/workflow/${about.codes.branch}`, run],
    "web workflow that asks": [`/workflow/${about.codes.approval}`, asksBack],
    "web app gone": ["/chat/nothinghere0000"],
  };
}

async function seed(about) {
  const call = (name, path, body) =>
    fetch(`${about.url}/v1${path}`, {
      method: "POST",
      headers: { authorization: `Bearer ${about.keys[name]}`, "content-type": "application/json" },
      body: JSON.stringify({ user: "nora", response_mode: "blocking", ...body }),
    });
  await call("branch", "/workflows/run", { inputs: { query: "a long day" } });
  await call("chat", "/chat-messages", { inputs: {}, query: "Where is my lamp?" });
}

/** An event for the log of triggers. */
async function callHook(page, about) {
  await page.goto(`${about.url}/app/${about.apps.hooked}/overview`);
  const url = await page.getByText("/triggers/webhook/").innerText();
  await fetch(url, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ message: "Hi" }) });
}

/** Opens a page from nothing. */
const load = (page, about, path) => page.goto(`${about.url}${path}`);

const OVERLAYS = "[role=dialog], [role=alertdialog], [role=menu], [role=listbox], dialog[open]";

/** Goes to a page of the Studio that is open, as a link does; loads it where something would stay open. */
async function visit(page, about, path) {
  const isSame = new URL(path, about.url).pathname === new URL(page.url()).pathname;
  if (isSame || (await page.locator(OVERLAYS).count()) > 0) return load(page, about, path);
  return page.evaluate(async (to) => {
    const router = window.__TSR_ROUTER__;
    router.history.push(to, undefined, { ignoreBlocker: true });
    await router.load();
  }, path);
}

async function show(page, about, go, [path, act]) {
  await go(page, about, path);
  await page.locator("main, [role=main], .state").first().waitFor();
  await settled(page);
  if (act) await act(page);
}

async function lookAt(page, about, pages, go = load) {
  for (const [name, steps] of Object.entries(pages)) {
    await show(page, about, go, steps);
    await look(page, `${name}, light`);
    await page.emulateMedia({ colorScheme: "dark" });
    await look(page, `${name}, dark`, true);
    await page.emulateMedia({ colorScheme: "light" });
  }
}

test("axe finds nothing serious, light and dark", { timeout: 500_000 }, () =>
  journey(["chat", "completion", "branch", "chatflow", "hooked", "approval", "agent"], { colorScheme: "light", reducedMotion: "reduce" }, async (page, about) => {
    findings.length = 0;
    await seed(about);
    await lookAt(page, about, { "sign in": ["/signin"], ...webPages(about) });
    await signIn(page, about);
    await callHook(page, about);
    await lookAt(page, about, studioPages(about), visit);
    assert.deepEqual(findings, []);
  }));

test("axe finds nothing serious before set-up", { timeout: 60_000 }, () =>
  journey(["--fresh"], { reducedMotion: "reduce" }, async (page, about) => {
    findings.length = 0;
    await lookAt(page, about, { "set-up": ["/install"] });
    assert.deepEqual(findings, []);
  }));

const PHONE = { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true, reducedMotion: "reduce" };

test("on a phone nothing scrolls sideways and buttons fit a finger", { timeout: 400_000 }, () =>
  journey(["chat", "completion", "branch", "chatflow", "hooked", "approval", "agent"], PHONE, async (page, about) => {
    findings.length = 0;
    await seed(about);
    const fits = async (pages, go = load) => {
      for (const [name, steps] of Object.entries(pages)) {
        await show(page, about, go, steps);
        const wrong = await page.evaluate(() => {
          const out = document.documentElement.scrollWidth > innerWidth ? [`scrolls sideways to ${document.documentElement.scrollWidth}`] : [];
          const open = document.querySelector("[role=dialog], [role=alertdialog], [role=menu], dialog[open]");
          for (const each of (open ?? document).querySelectorAll("button, .btn, .tab, .nav, [role=menuitem], textarea")) {
            const box = each.getBoundingClientRect();
            if (box.width === 0 || each.closest("p, pre, .visually-hidden") || getComputedStyle(each).visibility === "hidden") continue;
            // A larger invisible area around a small mark counts.
            const around = ["::before", "::after"].map((part) => getComputedStyle(each, part)).find((part) => part.content !== "none" && part.position === "absolute");
            const height = Math.max(box.height, around ? Number.parseFloat(around.height) || box.height + 16 : 0);
            // Text that opens its whole row has the row to be hit.
            const row = each.closest("[role=row]")?.getBoundingClientRect().height ?? 0;
            if (Math.max(height, row) < 43.5) out.push(`${(each.getAttribute("aria-label") ?? each.textContent ?? "").trim().slice(0, 30)} is ${Math.round(height)} px high`);
          }
          return out;
        });
        findings.push(...wrong.map((text) => `${name}: ${text}`));
      }
    };
    await fits(webPages(about));
    await signIn(page, about);
    await callHook(page, about);
    await fits(studioPages(about), visit);
    assert.deepEqual(findings, []);
  }));
