// A vendor of models that speaks OpenAI's chat completions: says so much, counts so many tokens, and takes one key.
import { createServer } from "node:http";
import { bodyOf, callConsole, listen } from "./support.mjs";

export const GOOD_KEY = "sk-good-1234567890";
export const PROMPT = 2000;
export const COMPLETION = 500;

const MODELS = ["gpt-4o", "gpt-4o-mini", "gpt-4.1", "text-embedding-3-small"];
const usage = { prompt_tokens: PROMPT, completion_tokens: COMPLETION, total_tokens: PROMPT + COMPLETION };

/** `asked` grows by the body of every question that was answered. */
export async function vendor() {
  const asked = [];
  const server = createServer(async (request, answer) => {
    const say = (status, body) => answer.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
    if (request.headers.authorization !== `Bearer ${GOOD_KEY}`) return say(401, { error: { message: "Incorrect API key provided", type: "invalid_request_error" } });
    if (request.url === "/v1/models") return say(200, { object: "list", data: MODELS.map((id) => ({ id, object: "model", created: 1, owned_by: "openai" })) });
    if (request.method !== "POST" || request.url !== "/v1/chat/completions") return say(404, { error: { message: `No ${request.url} here`, type: "invalid_request_error" } });
    const body = JSON.parse(await bodyOf(request));
    const said = body.messages.at(-1).content;
    if (said === "break") return say(503, { error: { message: "Overloaded, try later", type: "server_error" } });
    asked.push(body);
    const text = `You said: ${said}`;
    if (!body.stream) {
      const choices = [{ index: 0, message: { role: "assistant", content: text }, finish_reason: "stop" }];
      return say(200, { id: "c1", object: "chat.completion", created: 1, model: body.model, choices, usage });
    }
    answer.writeHead(200, { "content-type": "text/event-stream" });
    const piece = (content, end, more) =>
      answer.write(`data: ${JSON.stringify({ id: "c1", object: "chat.completion.chunk", created: 1, model: body.model, choices: [{ index: 0, delta: { role: "assistant", content }, finish_reason: end }], ...more })}\n\n`);
    piece(text, null);
    piece("", "stop", { usage });
    answer.end("data: [DONE]\n\n");
  });
  return { asked, ...(await listen(server)) };
}

/** Connects the workspace to a vendor as its OpenAI. */
export const connect = (page, about, at) =>
  callConsole(page, about, "POST", "/workspaces/current/model-providers/openai/credentials", {
    credentials: { openai_api_key: GOOD_KEY, openai_api_base: at.url },
  });

/** A question to the model gateway. */
export const askGateway = (about, token, model, content, more = {}) =>
  fetch(`${about.url}/gateway/v1/chat/completions`, {
    method: "POST",
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
    body: JSON.stringify({ model, messages: [{ role: "user", content }], ...more }),
  });
