// What happened in an app: its figures lead to the log, an answer is annotated there, the annotations are kept as a list.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { holds, journey, signIn } from "./support.mjs";

const call = (about, name, path, body) =>
  fetch(`${about.url}/v1${path}`, {
    method: "POST",
    headers: { authorization: `Bearer ${about.keys[name]}`, "content-type": "application/json" },
    body: JSON.stringify({ user: "nora", response_mode: "blocking", inputs: {}, ...body }),
  });

const number = (page, name) => page.locator(".kpi", { hasText: name }).locator(".kpi-value");

test("figures of a chat, an annotated answer, annotations in and out", { timeout: 180_000 }, () =>
  journey(["chat", "branch"], { acceptDownloads: true }, async (page, about) => {
    for (const query of ["Where is my lamp?", "And the shade?"]) assert.equal((await call(about, "chat", "/chat-messages", { query })).status, 200);
    await signIn(page, about);
    await page.goto(`${about.url}/app/${about.apps.chat}`);
    await page.getByRole("link", { name: "Monitor" }).click();
    await page.waitForURL(/\/monitor/);
    await number(page, "Messages").filter({ hasText: "2" }).waitFor();
    await number(page, "Success").filter({ hasText: "100%" }).waitFor();
    await number(page, "Users a day").filter({ hasText: "0.1" }).waitFor();

    // The same as a table, and by the keys.
    await page.getByRole("button", { name: "Show “Conversations” as a table" }).click();
    assert.equal(await page.getByRole("region", { name: "Conversations" }).getByRole("row").last().locator("td").innerText(), "2");
    await page.getByRole("radio", { name: "24 h" }).click();
    await page.waitForURL(/range=24h/);
    const chart = page.getByRole("group", { name: /^Messages, 2/ });
    await chart.focus();
    await page.keyboard.press("End");
    await chart.getByRole("status").filter({ hasText: "done 2" }).waitFor();

    // What a bar counts is in the log.
    await page.keyboard.press("Enter");
    await page.waitForURL(/\/logs\?.*since=/);
    await page.getByRole("button", { name: "Where is my lamp?" }).click();
    const side = page.getByRole("complementary", { name: "Conversation" });
    await side.getByRole("button", { name: "Bad answer" }).click();
    await side.getByRole("button", { name: "Say why" }).click();
    await page.getByLabel("Why is it good or bad?").fill("It only repeats.");
    await page.getByRole("button", { name: "Save the reason" }).click();
    await side.getByText("It only repeats.").waitFor();
    await side.getByRole("button", { name: "Annotate this answer" }).click();
    const dialog = page.getByRole("dialog");
    await holds(dialog.getByLabel("Question"), "Where is my lamp?");
    await dialog.getByLabel("Answer").fill("It leaves tomorrow.");
    await dialog.getByRole("button", { name: "Save" }).click();
    await side.getByText("It leaves tomorrow.").waitFor();
    await page.getByRole("button", { name: "Filter", exact: true }).click();
    await page.getByRole("menuitem", { name: "With an annotation" }).click();
    await page.waitForURL(/annotated=yes/);
    await page.getByText("1 conversation", { exact: true }).waitFor();

    // The list: it is there; more come from a file, and all of it leaves as one.
    await page.getByRole("link", { name: "Annotations" }).click();
    await page.getByRole("button", { name: "Where is my lamp?", exact: true }).waitFor();
    await page.getByRole("button", { name: "Import" }).click();
    await dialog.locator("input[type=file]").setInputFiles({ name: "more.csv", mimeType: "text/csv", buffer: Buffer.from("question,answer\nIs it green?,\"Yes, it is.\"\nNo answer,\n") });
    await dialog.getByRole("button", { name: "Import", exact: true }).click();
    await dialog.getByRole("alert").filter({ hasText: "Row 2" }).waitFor();
    await dialog.locator("input[type=file]").setInputFiles({ name: "more.csv", mimeType: "text/csv", buffer: Buffer.from("question,answer\nIs it green?,\"Yes, it is.\"\nHow tall?,Two metres\n") });
    await dialog.getByRole("button", { name: "Import", exact: true }).click();
    await page.getByText("3 annotations", { exact: true }).waitFor();
    await page.getByRole("button", { name: "Export" }).click();
    const [file] = await Promise.all([page.waitForEvent("download"), page.getByRole("menuitem", { name: /CSV/ }).click()]);
    const rows = readFileSync(await file.path(), "utf8").replace("\uFEFF", "").trim().split("\r\n");
    assert.equal(rows.length, 4);
    assert.ok(rows.includes('"Is it green?","Yes, it is."'), rows.join("|"));

    await page.getByLabel("Search questions and answers").fill("metres");
    await page.getByText("1 annotation", { exact: true }).waitFor();
    await page.getByRole("button", { name: "How tall?", exact: true }).click();
    await dialog.getByLabel("Answer").fill("Two metres and a half");
    await dialog.getByRole("button", { name: "Save" }).click();
    await page.getByText("Two metres and a half").waitFor();
    await page.getByLabel("Search questions and answers").fill("");
    await page.getByText("3 annotations", { exact: true }).waitFor();
    await page.getByRole("checkbox", { name: "Select all that are loaded" }).click();
    await page.getByRole("checkbox", { name: "Select “Where is my lamp?”" }).click();
    await page.getByRole("region", { name: "2 selected" }).getByRole("button", { name: "Delete" }).click();
    await page.getByRole("alertdialog").getByRole("button", { name: "Delete" }).click();
    await page.getByText("1 annotation", { exact: true }).waitFor();
  }));

test("a workflow that fails raises an alarm that leads to its failed runs", { timeout: 120_000 }, () =>
  journey(["broken"], {}, async (page, about) => {
    for (const query of ["a", "b", "c"]) await call(about, "broken", "/workflows/run", { inputs: { query } });
    await signIn(page, about);
    await page.goto(`${about.url}/app/${about.apps.broken}/monitor`);
    await number(page, "Success").filter({ hasText: "0%" }).waitFor();
    await page.getByText("3 of 3 failed.").waitFor();
    await page.getByRole("button", { name: "See the runs" }).click();
    await page.waitForURL(/status=failed/);
    await page.getByText("3 runs", { exact: true }).waitFor();

    // Days before there was anything.
    await page.goto(`${about.url}/app/${about.apps.broken}/monitor?range=custom&from=2025-01-01&to=2025-01-03`);
    await page.getByText("Nothing ran in these days").waitFor();
    await page.getByRole("button", { name: "Show all time" }).click();
    await number(page, "Runs").first().filter({ hasText: "3" }).waitFor();
  }));
