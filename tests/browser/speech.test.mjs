// Speech on a published page, with the browser's own false microphone: spoken, discarded, sent, read aloud; nothing of it in another app.
import assert from "node:assert/strict";
import { test } from "node:test";
import { journey } from "./support.mjs";

const MICROPHONE = ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"];

test("a question is spoken and its answer is heard", { timeout: 120_000 }, () =>
  journey(["speech", "chat"], { args: MICROPHONE, viewport: { width: 390, height: 844 } }, async (page, about) => {
    await page.goto(`${about.url}/chat/${about.codes.speech}`);
    const box = page.getByRole("textbox").last();
    await box.fill("So:");
    await page.getByRole("button", { name: "Speak", exact: true }).click();
    await page.getByRole("timer").getByText("0:01").waitFor();
    const size = await page.getByRole("button", { name: "Stop and write it down" }).boundingBox();
    assert.ok(size.width >= 40 && size.height >= 40, "large enough for a finger");
    await page.getByRole("button", { name: "Discard the recording" }).click();
    assert.equal(await box.inputValue(), "So:");

    await page.getByRole("button", { name: "Speak", exact: true }).click();
    await page.getByRole("timer").getByText("0:01").waitFor();
    const written = page.waitForResponse((answer) => answer.url().endsWith("/api/audio-to-text") && answer.ok());
    await Promise.all([written, page.getByRole("button", { name: "Stop and write it down" }).click()]);
    await page.getByRole("button", { name: "Speak", exact: true }).waitFor();
    // The scripted listener tells what it was given.
    assert.match(await box.inputValue(), /^So: \d+ bytes of audio\/(webm|mp4|ogg)$/);
    assert.equal(await page.locator("article.question").count(), 0, "it is not sent by itself");
    await box.press("Enter");
    await page.locator("article.answer", { hasText: "bytes of audio" }).waitFor();

    const spoken = page.waitForResponse((answer) => answer.url().endsWith("/api/text-to-audio") && answer.ok());
    const [answer] = await Promise.all([spoken, page.getByRole("button", { name: "Read aloud", exact: true }).click()]);
    assert.equal(answer.headers()["content-type"], "audio/mpeg");

    await page.goto(`${about.url}/chat/${about.codes.chat}`);
    await page.getByRole("textbox").last().fill("silence");
    await page.keyboard.press("Enter");
    await page.getByRole("button", { name: "Copy", exact: true }).waitFor();
    assert.equal(await page.getByRole("button", { name: /^(Speak|Read aloud)$/ }).count(), 0);
  }));
