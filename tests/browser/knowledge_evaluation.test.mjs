// Questions whose answers are known: marked in the retrieval test, asked by two settings, compared.
import { test } from "node:test";
import { journey, signIn } from "./support.mjs";

const ZOO = {
  "owl.txt": "The owl sleeps by day and hunts mice by night.",
  "fox.txt": "The fox digs a den and hunts hens at dusk.",
  "hen.txt": "The hen lays an egg every morning and fears the fox.",
};

/** A knowledge base of these files, ready. */
const shelf = (page, files) =>
  page.evaluate(async (texts) => {
    const csrf = decodeURIComponent(document.cookie.match(/(?:^|; )(?:__Host-)?csrf_token=([^;]*)/)?.[1] ?? "");
    const call = async (path, init) => {
      const answer = await fetch(`/console/api${path}`, { ...init, headers: { "x-csrf-token": csrf, ...init.headers } });
      if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
      return answer.json();
    };
    const ids = [];
    for (const [name, text] of Object.entries(texts)) {
      const form = new FormData();
      form.append("file", new File([text], name, { type: "text/plain" }));
      ids.push((await call("/files/upload?source=datasets", { method: "POST", body: form })).id);
    }
    const body = JSON.stringify({
      data_source: { info_list: { data_source_type: "upload_file", file_info_list: { file_ids: ids } } },
      indexing_technique: "economy",
      process_rule: { mode: "automatic" },
      doc_form: "text_model",
      doc_language: "English",
    });
    const made = await call("/datasets/init", { method: "POST", body, headers: { "content-type": "application/json" } });
    for (;;) {
      const { data } = await call(`/datasets/${made.dataset.id}/batch/${made.batch}/indexing-status`, {});
      if (data.every((one) => one.indexing_status === "completed")) return made.dataset.id;
      await new Promise((done) => setTimeout(done, 100));
    }
  }, files);

test("settings are compared on questions whose answers are known", { timeout: 180_000 }, () =>
  journey([], {}, async (page, about) => {
    await signIn(page, about);
    await page.getByRole("link", { name: "Knowledge" }).first().waitFor();
    const id = await shelf(page, ZOO);
    await page.goto(`${new URL(page.url()).origin}/datasets/${id}/hitTesting`);
    await page.getByLabel("Question").fill("Who sleeps by day?");
    await page.keyboard.press("Enter");
    await page.getByRole("button", { name: "Mark as expected: owl.txt #1" }).click();
    await page.getByRole("menuitem", { name: "Any chunk of this document" }).click();
    await page.getByRole("button", { name: "Expected: owl.txt #1" }).waitFor();

    await page.getByRole("link", { name: "Evaluation" }).click();
    const questions = page.getByRole("list", { name: "Questions" }).getByRole("listitem");
    await questions.filter({ hasText: "Who sleeps by day?" }).getByText("owl.txt").waitFor();
    await page.getByRole("button", { name: "Add a question" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("Question").fill("Who hunts?");
    for (const name of ["owl.txt", "fox.txt"]) await dialog.getByRole("list", { name: "Documents" }).getByRole("button", { name }).click();
    await dialog.getByRole("button", { name: "Save" }).click();
    await questions.filter({ hasText: "Who hunts?" }).getByText("fox.txt").waitFor();

    // From the questions that were asked.
    await page.getByRole("button", { name: "From questions asked" }).click();
    await dialog.getByRole("checkbox", { name: "Who sleeps by day?" }).click();
    await dialog.getByRole("button", { name: "Add 1 question" }).click();
    await dialog.waitFor({ state: "detached" });

    await page.getByRole("radio", { name: "Results" }).click();
    await page.getByText("Nothing was measured yet").waitFor();
    await page.getByRole("button", { name: "Add settings" }).click();
    await page.getByLabel("Name of settings 2").fill("Just one");
    await page.getByRole("button", { name: "Ask 2 questions" }).click();
    await page.getByRole("status").filter({ hasText: "Completed" }).waitFor();
    const rows = page.getByRole("table").getByRole("row");
    await rows.nth(2).filter({ hasText: "Just one" }).waitFor();
    await rows.nth(1).filter({ hasText: /1\.000/ }).waitFor();
    await rows.nth(2).filter({ hasText: /0\.750/ }).waitFor();

    // One of two does not fit into one: that question is told.
    await page.getByRole("radio", { name: "Something missed" }).click();
    const results = page.getByRole("list", { name: "By question" });
    await results.getByRole("button", { name: "Who hunts?" }).click();
    const column = results.getByRole("region", { name: "Just one" });
    await column.getByRole("img", { name: "Expected" }).first().waitFor();
    await column.getByRole("button", { name: /owl\.txt|fox\.txt/ }).first().click();
    await page.waitForURL(/chunk=/);
  }));
