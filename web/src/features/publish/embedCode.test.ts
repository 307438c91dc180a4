import { expect, it } from "vitest";
import { bubbleCode, frameCode } from "./embedCode";

it.each([
  ["https://a.example/chat/abc", true, "https://a.example/chatbot/abc"],
  ["https://a.example/below/chat/abc", true, "https://a.example/below/chatbot/abc"],
  ["https://a.example/workflow/abc", false, "https://a.example/workflow/abc"],
])("the frame of %s", (url, chat, src) => expect(frameCode(url, chat)).toContain(`src="${src}"`));

it("the bubble names the app and the server", () => {
  const code = bubbleCode("https://a.example/chat/abc");
  expect(code).toContain('token: "abc"');
  expect(code).toContain('baseUrl: "https://a.example"');
  expect(code).toContain('src="https://a.example/embed.min.js"');
});
