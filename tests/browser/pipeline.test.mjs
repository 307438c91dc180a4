// A knowledge base from a template of pipelines: tried with a file, published, given a document, asked.
import { test } from "node:test";
import { ended, node, open, panel } from "./canvas.mjs";
import { counted, holds, journey, signIn } from "./support.mjs";

const OWLS = ["Owls sleep during the day and hunt at night.", "The eagle owl is the largest owl of Europe.", "A barn owl hears a mouse under the snow."].join("\n\n");
const file = (name, text) => ({ name, mimeType: "text/plain", buffer: Buffer.from(text) });

/** Drops a file into the open page and waits until it is there. */
async function give(page, place, given) {
  await place.locator("input[type=file]").first().setInputFiles([given]);
  await place.getByRole("list", { name: "Chosen files" }).getByText(given.name).waitFor();
}

test("a template becomes a pipeline that splits, shows and keeps documents", { timeout: 240_000 }, () =>
  journey([], {}, async (page, about) => {
    await signIn(page, about);
    await page.goto(`${about.url}/datasets`);
    await page.getByText("No knowledge yet").waitFor();
    await page.getByRole("button", { name: "Create from pipeline" }).first().click();
    await page.waitForURL(/\/datasets\/create-from-pipeline$/);

    // The template is looked at before it is used.
    await page.getByRole("button", { name: "General from files" }).click();
    const template = page.getByRole("dialog", { name: "General from files" });
    await template.getByRole("img", { name: "Graph of General from files" }).waitFor();
    await template.getByRole("button", { name: "Use this template" }).click();
    await page.waitForURL(/\/datasets\/[^/]+\/pipeline/);
    await node(page, "General chunker").waitFor();

    // Words alone are indexed, so no model is needed.
    await open(page, "Knowledge base");
    await panel(page).getByRole("radio", { name: /Economy/ }).click();
    await page.locator(".st-save", { hasText: "Saved" }).waitFor();

    // The draft is tried with a file: the chunks are shown, nothing is kept.
    await page.locator(".st-bar").getByRole("button", { name: /^Run/ }).click();
    await give(page, panel(page), file("owls.txt", OWLS));
    await panel(page).getByRole("button", { name: "Next" }).click();
    const longest = panel(page).getByLabel("Longest chunk");
    await longest.fill("60");
    await panel(page).getByLabel("Overlap").fill("0");
    await panel(page).getByRole("button", { name: "Start run" }).click();
    await ended(page, /Done/);
    const chunks = panel(page).getByRole("list", { name: "Preview" }).getByRole("listitem");
    await chunks.filter({ hasText: "eagle owl" }).waitFor();
    await counted(chunks, 3);

    // Input fields are the pipeline's own.
    await page.locator(".st-bar").getByRole("button", { name: "Variables, features, versions" }).click();
    await page.getByRole("menuitem", { name: "Input fields" }).click();
    await panel(page).getByRole("button", { name: "Edit max_chunk_length" }).waitFor();

    await page.getByRole("button", { name: /^Publish/ }).click();
    await page.locator("dialog").getByRole("button", { name: "Publish" }).click();
    await page.locator("dialog").getByRole("button", { name: "Add documents" }).click();
    await page.waitForURL(/\/documents\/create-from-pipeline$/);

    // The published version: a file, its chunks, then for good.
    await give(page, page.locator("main").first(), file("owls.txt", OWLS));
    await page.getByRole("button", { name: "Next" }).click();
    await page.getByLabel("Longest chunk").fill("60");
    await page.getByLabel("Overlap").fill("0");
    await page.getByRole("button", { name: "Preview chunks" }).click();
    await page.getByRole("list", { name: "Preview" }).getByText("barn owl").waitFor();
    await page.getByRole("button", { name: /^Save and process/ }).click();
    await page.getByText("1 of 1 document is ready.").waitFor();

    await page.getByRole("button", { name: "Test retrieval" }).click();
    await page.getByLabel("Question").fill("mouse under the snow");
    await page.keyboard.press("Enter");
    await page.getByRole("list", { name: "Chunks that were found" }).getByRole("listitem").first().getByText("barn owl").waitFor();

    // One document is made anew from what it was made of.
    await page.getByRole("link", { name: /^Documents/ }).click();
    const row = page.getByRole("row").filter({ hasText: "owls.txt" });
    await row.getByText("Ready").waitFor();
    await row.getByRole("button", { name: "Actions: owls.txt" }).click();
    await page.getByRole("menuitem", { name: "Process again" }).click();
    await page.waitForURL(/\/settings$/);
    await holds(page.getByLabel("Longest chunk"), "60");
    await page.getByLabel("Longest chunk").fill("500");
    await page.getByRole("button", { name: /^Save and process/ }).click();
    await page.getByText("1 of 1 document is ready.").waitFor();
    await page.getByRole("button", { name: "Go to documents" }).click();
    await row.getByText("Ready").waitFor();
    await counted(row, 1);
  }));
