// A lost password: a code by mail, a new one, and what goes wrong on the way.
import assert from "node:assert/strict";
import { test } from "node:test";
import { inbox } from "./mail.mjs";
import { holds, journey } from "./support.mjs";

test("a lost password is replaced with the code from the mail", { timeout: 120_000 }, async () => {
  const post = await inbox();
  try {
    await journey([], { env: post.env }, async (page, about) => {
      await page.goto(`${about.url}/signin`);
      await page.getByLabel("E-mail").fill(about.email);
      await page.getByRole("link", { name: "Forgot your password?" }).click();
      await page.getByRole("heading", { name: "Set a new password" }).waitFor();
      await holds(page.getByLabel("E-mail"), about.email);
      await page.keyboard.press("Enter");

      // The address is in the URL: a reload does not lose the code that is under way.
      const code = page.getByLabel("Code from the mail");
      await code.waitFor();
      await page.reload();
      const [digits] = (await post.wait(about.email)).match(/\b\d{6}\b/);
      await code.fill("12345");
      await page.keyboard.press("Enter");
      await page.getByText("The code has six digits.").waitFor();
      await code.fill(digits === "000000" ? "111111" : "000000");
      await page.keyboard.press("Enter");
      await page.getByRole("alert").filter({ hasText: "not the code" }).waitFor();
      await code.fill(`${digits.slice(0, 3)} ${digits.slice(3)}`);
      await page.keyboard.press("Enter");

      await page.getByLabel("New password", { exact: true }).fill("another horse 2");
      await page.getByLabel("New password again").fill("another horse 3");
      await page.keyboard.press("Enter");
      await page.getByText("The two passwords are different.").waitFor();
      await page.getByLabel("New password again").fill("another horse 2");
      await page.keyboard.press("Enter");
      await page.getByText("The password is set").waitFor();
      await page.keyboard.press("Enter");
      await page.waitForURL(/\/signin/);

      await page.getByLabel("Password", { exact: true }).fill(about.password);
      await page.keyboard.press("Enter");
      await page.getByRole("alert").filter({ hasText: "wrong" }).waitFor();
      await page.getByLabel("Password", { exact: true }).fill("another horse 2");
      await page.keyboard.press("Enter");
      await page.waitForURL(/\/apps/);

      // Somebody who is not here sees the same, and gets no mail; a second mail within the minute is refused.
      await page.context().clearCookies();
      await page.goto(`${about.url}/forgot-password?email=nobody@example.com`);
      await page.getByRole("button", { name: "Send the code" }).click();
      await page.getByText("Check your mail").waitFor();
      await page.getByRole("button", { name: "Another address" }).click();
      await page.getByRole("button", { name: "Send the code" }).click();
      await page.getByRole("alert").filter({ hasText: "on its way already" }).waitFor();
      assert.equal(post.mails.length, 1);
    });
  } finally {
    post.close();
  }
});

test("without mail the page says why there is no code", { timeout: 60_000 }, () =>
  journey([], { locale: "zh-CN" }, async (page, about) => {
    await page.goto(`${about.url}/signin`);
    await page.getByRole("link", { name: "忘记密码？" }).click();
    await page.getByText("MAIL_TYPE").waitFor();
    await page.getByRole("link", { name: "前往登录" }).click();
    await page.waitForURL(/\/signin/);
  }));
