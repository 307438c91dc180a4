// Forms: drawn and answered in the studio, answered on published pages, answered elsewhere; each time the run goes on.
import assert from "node:assert/strict";
import { test } from "node:test";
import { addAfter, ended, giveResult, newWorkflow, node, panel, result, start } from "./canvas.mjs";
import { counted, journey, reads, signIn } from "./support.mjs";

test("a form is drawn, waits in the run panel, and its answer goes on", { timeout: 180_000 }, () =>
  journey(["passthrough"], {}, async (page, about) => {
    await signIn(page, about);
    await newWorkflow(page, "Approval");
    await addAfter(page, page.locator(".react-flow__node-node").first(), /^Human input/);
    const human = node(page, "Human input");
    await human.waitFor();
    await panel(page).locator('[data-editor="Form"] .cm-content').click();
    await page.keyboard.type("Shall we?");
    await panel(page).getByRole("region", { name: "Form" }).getByRole("button", { name: "Add" }).click();
    await page.getByLabel("Variable name").fill("comment");
    await page.locator("dialog").getByRole("button", { name: "Save" }).click();
    const actions = panel(page).getByRole("region", { name: "Actions" });
    await actions.getByRole("button", { name: "Add" }).click();
    await actions.getByRole("button", { name: "Add" }).click();
    await reads(human.locator(".st-branch"), ["Approve", "Reject", "No answer in 3 days"]);

    const approve = human.locator(".st-branch").first();
    await approve.hover();
    await approve.locator(".st-add").click();
    await page.getByRole("option", { name: /^Output/ }).click();
    await giveResult(page, /comment/);
    await page.getByRole("button", { name: "No problems" }).waitFor();

    await start(page);
    await ended(page, /Waiting/);
    const form = panel(page).getByRole("region", { name: "Human input" });
    await form.getByText("Shall we?").waitFor();
    await form.getByRole("button", { name: "Approve" }).click();
    await form.getByText("Fill this in.").waitFor();
    await form.getByLabel("comment").fill("Gladly");
    await form.getByRole("button", { name: "Approve" }).click();
    await ended(page, /Done/);
    assert.match(await result(page), /"result": "Gladly"/);
  }));

const answerIn = async (place, text, action) => {
  await place.getByLabel("note").fill(text);
  await place.getByRole("button", { name: action }).click();
};

test("published pages go on when a form is answered, on the page and by its link", { timeout: 180_000 }, () =>
  journey(["approval", "approval_chat"], {}, async (page, about) => {
    // The chat: the form stands under the answer so far.
    await page.goto(`${about.url}/chat/${about.codes.approval_chat}`);
    const said = (text) => page.locator("article.answer").getByText(text);
    const ask = async (text) => {
      await page.getByRole("textbox").last().fill(text);
      await page.keyboard.press("Enter");
    };
    await ask("a lamp");
    const form = page.getByRole("region", { name: "Approve" });
    await form.getByRole("heading", { name: "About a lamp" }).waitFor();
    await said("Let me ask.").waitFor();
    await answerIn(form, "Gladly", "Approve");
    await said("They said: Gladly").waitFor();
    await form.waitFor({ state: "detached" });

    // Loaded again while it waits; then answered elsewhere, by the link.
    await ask("a chair");
    await form.getByRole("heading", { name: "About a chair" }).waitFor();
    await page.reload();
    await form.getByRole("heading", { name: "About a chair" }).waitFor();
    const [read] = await Promise.all([page.waitForResponse(/api\/form\/human_input\//), page.reload()]);
    await form.getByRole("heading", { name: "About a chair" }).waitFor();
    const sent = await fetch(read.url(), { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ inputs: { note: "" }, action: "refuse" }) });
    assert.equal(sent.status, 200);
    await said("They refused.").waitFor();
    await form.waitFor({ state: "detached" });
    await counted(said("Let me ask."), 2);

    // The page of a workflow.
    await page.goto(`${about.url}/workflow/${about.codes.approval}`);
    await page.getByLabel("Topic").fill("a table");
    await page.locator("form button[type=submit]").first().click();
    await form.getByRole("heading", { name: "About a table" }).waitFor();
    await answerIn(form, "Take it", "Approve");
    await page.locator(".run-result").getByText("Take it").waitFor();
    await form.waitFor({ state: "detached" });
  }));

test("the studio hears of an answer that is given elsewhere, and opens a waiting run again", { timeout: 120_000 }, () =>
  journey(["approval"], {}, async (page, about) => {
    await signIn(page, about);
    const begin = async (topic) => {
      await page.goto(`${about.url}/app/${about.apps.approval}/workflow`);
      await page.locator(".st-node").first().waitFor();
      const asked = page.waitForResponse((answer) => answer.url().endsWith("/workflows/draft/run"));
      await page.keyboard.press("Alt+r");
      await page.getByLabel("Topic", { exact: true }).fill(topic);
      await page.locator("form button[type=submit]").click();
      await ended(page, /Waiting/);
      return (await (await asked).text()).match(/"form_token":"([^"]+)"/)[1];
    };
    const token = await begin("a lamp");
    const csrf = (await page.context().cookies()).find((each) => each.name.endsWith("csrf_token")).value;
    const sent = await page.request.post(`${about.url}/console/api/form/human_input/${token}`, { headers: { "x-csrf-token": csrf }, data: { inputs: { note: "From afar" }, action: "approve" } });
    assert.equal(sent.status(), 200);
    await ended(page, /Done/);
    assert.match(await result(page), /"said": "From afar"/);

    await begin("a chair");
    await page.reload();
    await page.locator(".st-node").first().waitFor();
    await page.getByRole("button", { name: "No problems" }).click();
    await page.getByRole("tab", { name: "History" }).click();
    await page.locator(".st-run-row", { hasText: "Waiting" }).first().click();
    const form = panel(page).getByRole("region", { name: "Approve" });
    await form.getByLabel("note").fill("Later");
    await form.getByRole("button", { name: "Refuse" }).click();
    await ended(page, /Done/);
    assert.match(await result(page), /"refused": "Later"/);
  }));
