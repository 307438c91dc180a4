// dify-client from npm, unmodified, against the running binary.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { ChatClient, CompletionClient } from "dify-client";

const root = fileURLToPath(new URL("../..", import.meta.url));
let server;
let setup;

before(async () => {
  // The Python support starts the server, sets it up and prints its address and keys.
  server = spawn("python3", ["tests/support/serve.py", "chat", "completion", "passthrough"], { cwd: root });
  setup = await new Promise((resolve, reject) => {
    server.stdout.once("data", (line) => resolve(JSON.parse(line)));
    server.once("exit", (code) => reject(new Error(`serve.py ended with ${code}`)));
    server.stderr.pipe(process.stderr);
  });
});

after(() => server.kill("SIGTERM"));

const base = () => `${setup.url}/v1`;

test("chat, blocking, and its conversation", async () => {
  const chat = new ChatClient(setup.keys.chat, base());
  const { data } = await chat.createChatMessage({}, "hello", "ann");
  assert.equal(data.answer, "hello");
  const list = await chat.getConversations("ann");
  assert.equal(list.data.data[0].id, data.conversation_id);
  const messages = await chat.getConversationMessages("ann", data.conversation_id);
  assert.equal(messages.data.data[0].answer, "hello");
  const renamed = await chat.renameConversation(data.conversation_id, "Named", "ann", false);
  assert.equal(renamed.data.name, "Named");
  const feedback = await chat.messageFeedback(data.message_id, "like", "ann");
  assert.equal(feedback.data.result, "success");
  const gone = await chat.deleteConversation(data.conversation_id, "ann");
  assert.equal(gone.status, 204);
});

test("chat, streaming", async () => {
  const chat = new ChatClient(setup.keys.chat, base());
  const { data } = await chat.createChatMessage({}, "one two", "ann", true);
  let text = "";
  for await (const piece of data) text += piece.toString();
  const events = text.split("\n\n").filter((part) => part.startsWith("data: ")).map((part) => JSON.parse(part.slice(6)));
  assert.equal(events.filter((e) => e.event === "message").map((e) => e.answer).join(""), "one two");
  assert.equal(events.at(-1).event, "message_end");
});

test("completion and parameters", async () => {
  const completion = new CompletionClient(setup.keys.completion, base());
  const { data } = await completion.createCompletionMessage({ query: "bread" }, "ann");
  assert.equal(data.answer, "Translate: bread");
  const parameters = await completion.getApplicationParameters("ann");
  assert.equal(parameters.data.user_input_form[0].paragraph.variable, "query");
});

test("workflow", async () => {
  const workflow = new CompletionClient(setup.keys.passthrough, base());
  const { data } = await workflow.runWorkflow({ query: "x" }, "ann");
  assert.deepEqual(data.data.outputs, { query: "x" });
});

test("a wrong key is an axios error with our envelope", async () => {
  const chat = new ChatClient("app-wrong", base());
  await assert.rejects(chat.createChatMessage({}, "x", "ann"), (error) => {
    assert.equal(error.response.status, 401);
    assert.equal(error.response.data.code, "unauthorized");
    return true;
  });
});
