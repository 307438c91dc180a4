// A knowledge base from a file: split, indexed, read, corrected, asked, deleted.
import assert from "node:assert/strict";
import { test } from "node:test";
import { counted, journey, signIn } from "./support.mjs";

const POLICY = [
  "Consumers may return goods bought online within 30 days of delivery.",
  "If a parcel arrives damaged, ask for two photos: one of the box, one of the item.",
  "Refunds go to the payment method that was used for the order.",
].join("\n\n");

test("files become knowledge that is found, corrected and deleted", { timeout: 180_000 }, () =>
  journey([], {}, async (page, about) => {
    await signIn(page, about);
    await page.getByRole("link", { name: "Knowledge" }).first().waitFor();
    await page.waitForLoadState("networkidle");
    await page.keyboard.press("g");
    await page.keyboard.press("k");
    await page.waitForURL(/\/datasets$/);
    await page.getByText("No knowledge yet").waitFor();
    await page.keyboard.press("c");
    await page.waitForURL(/\/datasets\/create/);

    await page.locator("input[type=file]").setInputFiles([
      { name: "returns.txt", mimeType: "text/plain", buffer: Buffer.from(POLICY) },
      { name: "nothing.exe", mimeType: "application/octet-stream", buffer: Buffer.from("x") },
    ]);
    await page.getByText("Files of this kind cannot be read.").waitFor();
    await page.getByRole("button", { name: "Next" }).click();

    // The preview follows the settings.
    await page.getByRole("radio", { name: /Economy/ }).click();
    const chunks = page.getByRole("list", { name: "Preview" }).getByRole("listitem");
    await chunks.nth(2).waitFor();
    await counted(chunks, 3);
    await page.getByRole("textbox", { name: "Ends at" }).fill("§");
    await chunks.nth(1).waitFor({ state: "detached" });
    await page.getByRole("textbox", { name: "Ends at" }).fill("\\n\\n");
    await chunks.nth(2).waitFor();
    await page.getByRole("button", { name: /^Save and index/ }).click();
    await page.getByText("1 of 1 document is ready.").waitFor();
    await page.getByRole("textbox", { name: "Name of the knowledge base" }).fill("Returns");
    await page.getByText("Saved", { exact: true }).waitFor();
    await page.getByRole("button", { name: "Go to documents" }).click();

    const row = page.getByRole("row").filter({ hasText: "returns.txt" });
    await row.getByText("Ready").waitFor();
    await row.getByRole("link", { name: "returns.txt" }).click();
    const list = page.getByRole("list", { name: "Chunks" }).getByRole("listitem");
    await list.nth(2).waitFor();
    await counted(list, 3);

    await page.getByRole("button", { name: "Edit: Chunk 2" }).click();
    await page.getByRole("dialog").getByLabel("Text").fill("A damaged parcel needs two photos and the label of the carrier.");
    await page.keyboard.press("Control+Enter");
    await list.filter({ hasText: "label of the carrier" }).waitFor();
    await page.getByRole("switch", { name: "Chunk 3 can be found" }).click();
    await page.getByRole("radio", { name: "Off" }).click();
    await list.filter({ hasText: "payment method" }).waitFor();
    await list.nth(1).waitFor({ state: "detached" });
    await page.getByRole("radio", { name: /^All/ }).click();
    await page.getByRole("button", { name: "Add a chunk" }).click();
    await page.getByRole("dialog").getByLabel("Text").fill("Gift cards are refunded as a new card.");
    await page.getByRole("dialog").getByRole("button", { name: /^Save/ }).click();
    await list.filter({ hasText: "Gift cards" }).waitFor();

    // Found at once, and what is off is not.
    await page.getByRole("button", { name: /^Test/ }).click();
    await page.getByLabel("Question").fill("damaged carrier");
    await page.keyboard.press("Enter");
    const hits = page.getByRole("list", { name: "Chunks that were found" }).getByRole("listitem");
    await hits.first().getByText("label of the").waitFor();
    await page.getByLabel("Question").fill("payment method order");
    await page.keyboard.press("Enter");
    await page.getByText("Nothing was found.").waitFor();

    await page.getByRole("link", { name: "Retrieval" }).click();
    // The pane beside the chunks has a history of its own.
    await page.getByRole("heading", { name: "Retrieval test" }).waitFor();
    await page.getByRole("button", { name: "History" }).click();
    await page.getByRole("menuitem", { name: /damaged carrier/ }).click();
    await hits.first().getByRole("button", { name: "returns.txt", exact: true }).click();
    await page.waitForURL(/chunk=/);

    // Its index is made anew while it goes on answering.
    await page.locator(".tabs").getByRole("link", { name: "Settings" }).click();
    await page.getByRole("button", { name: "Rebuild index" }).click();
    await page.getByRole("alertdialog").getByRole("button", { name: "Rebuild index" }).click();
    await page.getByText(/^Rebuilt on /).waitFor();

    await page.getByRole("link", { name: "Knowledge", exact: true }).first().click();
    await page.getByRole("button", { name: "Actions of Returns" }).click();
    await page.getByRole("menuitem", { name: "Delete" }).click();
    await page.keyboard.type("Returns");
    await page.getByRole("alertdialog").getByRole("button", { name: "Delete" }).click();
    await page.getByText("No knowledge yet").waitFor();
  }));
