// The page of a form that a waiting run sends out, and the figures of the apps list, against given answers.
import assert from "node:assert/strict";
import { test } from "node:test";
import { holds, journey, signIn } from "./support.mjs";

test("a form is filled in and sent by its link", { timeout: 60_000 }, () =>
  journey(["--fresh"], { viewport: { width: 390, height: 844 } }, async (page, about) => {
    const body = {
      form_content: "# Refund 7\n\nThe lamp came **broken**.\n\n{{#$output.comment#}}\n\nChoose a reason:\n\n{{#$output.reason#}}",
      inputs: [
        { type: "paragraph", output_variable_name: "comment", default: null },
        { type: "select", output_variable_name: "reason", option_source: { type: "constant", selector: [], value: ["broken", "late"] } },
      ],
      resolved_default_values: { comment: "as agreed" },
      user_actions: [
        { id: "approve", title: "Approve", button_style: "primary" },
        { id: "refuse", title: "Refuse", button_style: "default" },
      ],
      expiration_time: Math.floor(Date.now() / 1000) + 3600,
      site: { title: "Refunds", icon_type: "emoji", icon: null, default_language: "en-US" },
    };
    let sent;
    await page.route("**/api/form/human_input/tok123", (route) => {
      if (route.request().method() === "GET") return route.fulfill({ json: body });
      sent = route.request().postDataJSON();
      return route.fulfill({ json: {} });
    });
    await page.goto(`${about.url}/form/tok123`);
    await page.getByRole("heading", { name: "Refund 7" }).waitFor();
    await holds(page.getByLabel("comment"), "as agreed");
    await page.getByRole("button", { name: "Approve" }).click();
    await page.getByText("Choose one of the options").waitFor();
    await page.getByLabel("reason").selectOption("broken");
    assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), 390);
    await page.getByRole("button", { name: "Refuse" }).click();
    await page.getByText("Thank you, that is sent").waitFor();
    assert.deepEqual(sent, { inputs: { comment: "as agreed", reason: "broken" }, action: "refuse" });

    await page.route("**/api/form/human_input/tok123", (route) =>
      route.fulfill({ status: 412, json: { code: "human_input_form_submitted", message: "", status: 412 } }),
    );
    await page.reload();
    await page.getByText("This form has already been answered").waitFor();
  }));

test("figures show in the list and failures are named", { timeout: 60_000 }, () =>
  journey(["chat", "passthrough"], {}, async (page, about) => {
    await page.route("**/apps/figures*", (route) => {
      const ids = new URL(route.request().url()).searchParams.get("ids").split(",");
      const common = { succeeded: 1, total_tokens: 1, currency: "USD", per_hour: Array.from({ length: 24 }, (_, hour) => hour) };
      const data = ids.map((id) =>
        id === about.apps.passthrough
          ? { ...common, app_id: id, runs: 412, failed: 36, success_rate: 0.912, p95_seconds: 8.7, total_price: "9.06" }
          : { ...common, app_id: id, runs: 0, failed: 0, success_rate: null, p95_seconds: null, total_price: "0", per_hour: Array(24).fill(0) },
      );
      return route.fulfill({ json: { since: 0, until: 1, hours: 24, data } });
    });
    await signIn(page, about);
    const row = page.getByRole("row").filter({ hasText: "Passthrough" });
    for (const text of ["91.2%", "412", "8.7", "$9.06"]) await row.getByText(text).first().waitFor();
    await row.getByRole("img", { name: /412 runs/ }).waitFor();
    await page.getByText("36 of 412 runs failed").waitFor();
    await page.getByRole("link", { name: "See runs" }).click();
    await page.waitForURL(/logs\?.*status=failed/);

    const until = Math.floor(Date.now() / 1000);
    const buckets = Array.from({ length: 60 }, (_, i) => ({ at: until - 86_400 + i * 1440, total: 10, succeeded: 9, failed: 1, other: 0 }));
    await page.route("**/workflow-app-logs/histogram*", (route) =>
      route.fulfill({ json: { since: until - 86_400, until, step_seconds: 1440, total: 600, succeeded: 540, failed: 60, other: 0, buckets } }),
    );
    await page.goto(`${about.url}/app/${about.apps.passthrough}/logs?range=24h`);
    const chart = await page.locator(".histogram").boundingBox();
    await page.mouse.move(chart.x + chart.width * 0.5, chart.y + 20);
    await page.mouse.down();
    await page.mouse.move(chart.x + chart.width * 0.75, chart.y + 20, { steps: 4 });
    const [asked] = await Promise.all([page.waitForRequest((request) => /workflow-app-logs\?.*created_at__before/.test(request.url())), page.mouse.up()]);
    const span = new URL(asked.url()).searchParams;
    assert.ok(Math.abs(Date.parse(span.get("created_at__before")) - Date.parse(span.get("created_at__after")) - 16 * 1_440_000) < 2_900_000);
    await page.getByRole("button", { name: /Remove the filter time is/ }).click();
    await page.waitForURL((url) => !url.search.includes("since"));
  }));
