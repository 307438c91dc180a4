// The published pages: on a phone and found in the logs; answers, files, lists; what goes wrong; forms and results.
import assert from "node:assert/strict";
import { test } from "node:test";
import { holds, journey, signIn } from "./support.mjs";

const PNG = Buffer.from("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==", "base64");
const answers = (page) => page.locator("article.answer");

async function ask(page, text) {
  await page.getByRole("textbox").last().fill(text);
  await page.keyboard.press("Enter");
}

test("a visitor chats on a phone and the maker finds it in the logs", { timeout: 120_000 }, () =>
  journey(["chat"], { viewport: { width: 390, height: 844 } }, async (page, about) => {
    await page.goto(`${about.url}/chat/${about.codes.chat}`);
    await page.getByText("Hello").first().waitFor();
    await ask(page, "one two three four");
    await page.locator("article.answer", { hasText: "one two three four" }).waitFor();
    const width = await page.evaluate(() => document.documentElement.scrollWidth);
    if (width > 390) throw new Error(`the page scrolls sideways: ${width} px`);

    await page.setViewportSize({ width: 1440, height: 900 });
    await signIn(page, about);
    await page.goto(`${about.url}/app/${about.apps.chat}/logs`);
    await page.getByRole("button", { name: "one two three four" }).click();
    await page.getByText("one two three four").nth(1).waitFor();
  }));

test("answers are made again and rated, chats renamed, pinned and deleted", { timeout: 120_000 }, () =>
  journey(["chat"], {}, async (page, about) => {
    await page.goto(`${about.url}/chat/${about.codes.chat}`);
    await page.getByRole("button", { name: "What can you do?" }).click();
    await answers(page).filter({ hasText: "What can you do?" }).waitFor();
    await page.getByRole("button", { name: "Answer again" }).click();
    await page.getByText("2 / 2").waitFor();
    await page.getByRole("button", { name: "Previous version" }).click();
    await page.getByText("1 / 2").waitFor();
    await page.getByRole("button", { name: "Next version" }).click();

    const rated = () => page.waitForResponse((answer) => answer.url().endsWith("/feedbacks") && answer.ok());
    await Promise.all([rated(), page.getByRole("button", { name: "Good answer" }).click()]);
    await Promise.all([rated(), page.getByRole("button", { name: "Bad answer" }).click()]);
    await page.getByRole("textbox", { name: /What was wrong/ }).fill("Too short");
    await Promise.all([rated(), page.getByRole("button", { name: "Send", exact: true }).first().click()]);
    assert.equal(await page.getByRole("button", { name: "Bad answer" }).getAttribute("aria-pressed"), "true");

    const chats = page.getByRole("navigation", { name: "Chats" });
    const menu = async (name, item) => {
      const row = chats.getByRole("listitem").filter({ hasText: name });
      await row.hover();
      await row.getByRole("button", { name: "Chat actions" }).click();
      await page.getByRole("menuitem", { name: item }).click();
    };
    await chats.getByRole("listitem").first().waitFor();
    await menu("", "Rename");
    await page.getByRole("dialog").getByRole("textbox").fill("My lamp");
    await page.getByRole("dialog").getByRole("button", { name: "Save" }).click();
    await chats.getByRole("button", { name: "My lamp" }).waitFor();
    await menu("My lamp", "Pin");
    await chats.getByRole("heading", { name: "Pinned" }).waitFor();

    await page.getByRole("button", { name: "New chat" }).first().click();
    await ask(page, "A second chat");
    await answers(page).filter({ hasText: "A second chat" }).waitFor();
    await page.reload();
    await chats.getByRole("button", { name: "My lamp" }).click();
    await page.getByText("2 / 2").waitFor();
    assert.equal(await page.getByRole("button", { name: "Bad answer" }).getAttribute("aria-pressed"), "true");
    await menu("My lamp", "Delete");
    await page.getByRole("dialog").getByRole("button", { name: "Delete" }).click();
    await chats.getByRole("button", { name: "My lamp" }).waitFor({ state: "detached" });
  }));

test("files are dropped, pasted, refused and sent", { timeout: 120_000 }, () =>
  journey(["chat"], {}, async (page, about) => {
    await page.goto(`${about.url}/chat/${about.codes.chat}`);
    await page.getByRole("textbox").waitFor();
    const give = (kind, name, type) =>
      page.evaluate(
        ([event, file, mime, bytes]) => {
          const data = new DataTransfer();
          data.items.add(new File([Uint8Array.from(bytes)], file, { type: mime }));
          const target = event === "paste" ? document.querySelector("textarea") : document.body;
          const init = { bubbles: true, cancelable: true };
          if (event === "drop") target.dispatchEvent(new DragEvent("dragover", { ...init, dataTransfer: data }));
          target.dispatchEvent(event === "paste" ? new ClipboardEvent("paste", { ...init, clipboardData: data }) : new DragEvent("drop", { ...init, dataTransfer: data }));
        },
        [kind, name, type, [...PNG]],
      );
    const uploaded = () => page.waitForResponse((answer) => answer.url().endsWith("/files/upload") && answer.status() === 201);
    await Promise.all([uploaded(), give("drop", "lamp.png", "image/png")]);
    await page.getByRole("button", { name: "Remove lamp.png" }).waitFor();
    await Promise.all([uploaded(), give("paste", "box.png", "image/png")]);
    await page.getByRole("button", { name: "Remove box.png" }).waitFor();
    await give("drop", "notes.exe", "application/octet-stream");
    await page.getByRole("alert").filter({ hasText: "notes.exe" }).waitFor();
    await page.getByRole("button", { name: "Remove box.png" }).click();
    await ask(page, "Here is the photo");
    await answers(page).filter({ hasText: "Here is the photo" }).waitFor();
    const picture = page.locator("article.question img");
    await picture.waitFor();
    assert.ok(await picture.evaluate((image) => image.complete && image.naturalWidth > 0));
  }));

test("too many at once, no connection, a closed app: each is said and nothing is lost", { timeout: 120_000 }, () =>
  journey(["chat"], {}, async (page, about) => {
    await page.goto(`${about.url}/chat/${about.codes.chat}`);
    await page.getByRole("textbox").waitFor();
    const messages = "**/api/chat-messages";
    await page.route(messages, (route) => route.fulfill({ status: 429, json: { code: "too_many_requests", message: "Too many requests.", status: 429 } }), { times: 1 });
    await ask(page, "Are you busy");
    await page.getByRole("alert").filter({ hasText: "More people are using this app" }).waitFor();
    await page.getByRole("button", { name: "Resend" }).click();
    await answers(page).filter({ hasText: "Are you busy" }).waitFor();

    await page.context().setOffline(true);
    await page.getByText("Offline. What you have written stays here").waitFor();
    await ask(page, "Sent without a line");
    await page.context().setOffline(false);
    await page.getByText("Offline. What you have written stays here").waitFor({ state: "detached" });
    const box = page.getByRole("textbox").last();
    if ((await box.inputValue()) !== "") await page.keyboard.press("Enter");
    else await page.getByRole("button", { name: "Resend" }).click();
    await answers(page).filter({ hasText: "Sent without a line" }).waitFor();

    const sources = [
      { position: 1, document_name: "Returns policy EU", dataset_name: "Policies", content: "We first open a carrier claim.", score: 0.86 },
      { position: 2, document_name: "Carrier claims", dataset_name: "Policies", content: "Within five working days.", score: 0.71 },
    ];
    const ids = { task_id: "t", message_id: "01900000-0000-7000-8000-000000000001", id: "01900000-0000-7000-8000-000000000001", conversation_id: "01900000-0000-7000-8000-000000000002" };
    const events = [
      { event: "message", ...ids, answer: "You get a refund.[1] Within five days.[2]" },
      { event: "message_end", ...ids, metadata: { retriever_resources: sources, usage: {} } },
    ];
    const body = events.map((each) => `data: ${JSON.stringify(each)}\n\n`).join("");
    await page.route(messages, (route) => route.fulfill({ status: 200, contentType: "text/event-stream", body }), { times: 1 });
    await ask(page, "What are the sources");
    await page.getByRole("button", { name: /Returns policy EU/ }).click();
    await page.getByRole("dialog", { name: "Sources" }).getByText("We first open a carrier claim.").waitFor();
    await page.keyboard.press("Escape");
    await page.getByRole("button", { name: "Source 2" }).click();
    await page.getByRole("dialog", { name: "Sources" }).getByText("Within five working days.").waitFor();
    await page.keyboard.press("Escape");

    const owner = await (await page.context().browser().newContext({ locale: "en-US" })).newPage();
    await signIn(owner, about);
    await owner.goto(`${about.url}/app/${about.apps.chat}/overview`);
    await Promise.all([
      owner.waitForResponse((answer) => answer.url().endsWith("/site-enable") && answer.ok()),
      owner.getByRole("switch", { name: "The page is open to everyone with the link" }).click(),
    ]);
    await ask(page, "Still there");
    await page.getByText(/closed|not available now/i).first().waitFor();
    await page.reload();
    await page.getByText("There is no app here").waitFor();
  }));

test("text and workflow apps: form, result, again", { timeout: 120_000 }, () =>
  journey(["completion", "branch"], {}, async (page, about) => {
    await page.goto(`${about.url}/completion/${about.codes.completion}?query=Good%20evening`);
    const field = page.getByRole("textbox").first();
    await holds(field, "Good evening");
    await field.fill("");
    await page.getByRole("button", { name: "Run" }).click();
    await page.getByText("Fill this in").waitFor();
    await field.fill("Good morning");
    await page.getByRole("button", { name: "Run" }).click();
    await page.getByText("Translate: Good morning").waitFor();
    await Promise.all([page.waitForResponse((answer) => answer.url().endsWith("/feedbacks") && answer.ok()), page.getByRole("button", { name: "Good answer" }).click()]);

    await page.goto(`${about.url}/workflow/${about.codes.branch}`);
    await page.getByRole("textbox").first().fill("a long day");
    await page.getByRole("button", { name: "Run" }).click();
    await page.getByText("yes a long day").waitFor();
    await page.getByText("5 nodes ran").click();
    await page.getByText("Join").waitFor();
    await page.getByRole("tab", { name: "Text" }).focus();
    await page.keyboard.press("ArrowRight");
    await page.getByText('"result"').waitFor();
  }));
