// Chat on the published page at phone width, then find the conversation in the logs.
import { test } from "node:test";
import { journey, signIn } from "./support.mjs";

test("a visitor chats on a phone and the maker finds it in the logs", { timeout: 120_000 }, () =>
  journey(["chat"], { viewport: { width: 390, height: 844 } }, async (page, about) => {
    await page.goto(`${about.url}/chat/${about.codes.chat}`);
    await page.getByText("Hello").first().waitFor();
    const box = page.getByRole("textbox").first();
    await box.fill("one two three four");
    await page.keyboard.press("Enter");
    await page.locator("article.answer", { hasText: "one two three four" }).waitFor();
    const width = await page.evaluate(() => document.documentElement.scrollWidth);
    if (width > 390) throw new Error(`the page scrolls sideways: ${width} px`);

    await page.setViewportSize({ width: 1440, height: 900 });
    await signIn(page, about);
    await page.goto(`${about.url}/app/${about.apps.chat}/logs`);
    await page.locator("[data-row], [role=row], tbody tr, [role=option]").last().click();
    await page.getByText("one two three four").first().waitFor();
  }));
