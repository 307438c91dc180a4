// The examples of the API page run as they are copied, in every language; the page sends the same calls itself.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { test } from "node:test";
import { journey, root, signIn } from "./support.mjs";

/** The Python with the clients of tests/clients, as tests/run.sh makes it. */
function python() {
  const hash = createHash("sha256").update(readFileSync(`${root}tests/clients/requirements.txt`)).digest("hex").slice(0, 12);
  const found = `${process.env.XDG_CACHE_HOME ?? `${homedir()}/.cache`}/oxidify/venv-${hash}/bin/python`;
  return existsSync(found) ? found : undefined;
}

function run(command, args) {
  const done = spawnSync(command, args, { encoding: "utf8", timeout: 30_000 });
  assert.equal(done.status, 0, `${command} ${args.join(" ")}\n${done.stdout}${done.stderr}`);
  return done.stdout;
}

test("examples run as they are copied, with the values that were typed", { timeout: 180_000 }, () =>
  journey(["chat", "branch"], { permissions: ["clipboard-read", "clipboard-write"] }, async (page, about) => {
    await signIn(page, about);
    const copied = async (language, how) => {
      await page.getByRole("radio", { name: language, exact: true }).click();
      await page.getByRole("radio", { name: how, exact: true }).click();
      await page.getByRole("button", { name: "Copy the example" }).click();
      const done = page.getByRole("button", { name: "Copied", exact: true });
      await done.waitFor();
      const text = await page.evaluate(() => navigator.clipboard.readText());
      await done.waitFor({ state: "detached" });
      return text;
    };
    const snake = python();
    if (!snake) console.log("no Python with the clients on this machine: its examples are left out");
    const all = async (expected, dify) => {
      for (const how of ["blocking", "streaming"]) {
        assert.match(run("sh", ["-c", await copied("cURL", how)]), expected);
        assert.match(run("node", ["--input-type=module", "-e", await copied("JavaScript", how)]), expected);
        if (!snake) continue;
        assert.match(run(snake, ["-c", await copied("Python", how)]), expected);
        if (dify) assert.match(run(snake, ["-c", await copied("dify-client", how)]), expected);
      }
    };
    await page.goto(`${about.url}/app/${about.apps.branch}/develop`);
    await page.getByLabel("query").fill('a "long" day, isn\'t it');
    await all(/yes a \\?"long\\?" day, isn\\?'t it/, false);
    await page.getByRole("radio", { name: "dify-client", exact: true }).click();
    await page.getByText("dify-client has no call for this").waitFor();

    // The page sends the call itself, and the next one with the id of the first.
    await page.getByRole("radio", { name: "blocking", exact: true }).click();
    await page.getByRole("button", { name: "Send", exact: true }).click();
    const answer = page.getByRole("status", { name: "Answer" });
    await answer.getByText("200", { exact: true }).waitFor();
    const id = (await answer.locator("pre").innerText()).match(/"workflow_run_id": "([^"]+)"/)[1];
    await page.getByRole("button", { name: /A run/ }).click();
    assert.ok(await page.getByRole("button", { name: "Send", exact: true }).isDisabled());
    await page.getByLabel("RUN_ID").fill(id);
    await page.getByRole("button", { name: "Send", exact: true }).click();
    await answer.getByText('"status": "succeeded"').waitFor();

    await page.goto(`${about.url}/app/${about.apps.chat}/develop`);
    await page.getByLabel("query", { exact: true }).fill("Where is my lamp?");
    await all(/lamp\?/, true);
    await page.getByRole("button", { name: "Send", exact: true }).click();
    await answer.getByText("message_end").waitFor();
    await page.getByRole("button", { name: /Form and features/ }).click();
    await page.getByRole("button", { name: "Send", exact: true }).click();
    await answer.getByText("user_input_form").waitFor();
  }));
