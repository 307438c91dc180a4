import { configure, screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { HttpResponse, http } from "msw";
import { useState } from "react";
import { beforeEach, expect, it, vi } from "vitest";
import { show } from "../../test/render";
import { server, withServer } from "../../test/server";
import { appOwner } from "../api";
import { graph, node } from "../model/fixtures";
import { type CodeData, STARTERS } from "../nodes/code";
import { connectToServer } from "../serverTransport";
import { openStudio } from "../store/studio";
import { ClassifierPanel } from "./ClassifierPanel";
import { CodePanel } from "./CodePanel";
import { MessageBox } from "./MessageBox";
import { OutputSchema } from "./OutputSchema";

vi.mock("@tanstack/react-router", async (original) => ({ ...(await original<object>()), ...(await import("../../test/router")) }));
// The editor itself is not what is looked at here.
vi.mock("../editors/CodeEditor", () => ({ CodeEditor: ({ label, value }: { label: string; value: string }) => <textarea aria-label={label} value={value} readOnly /> }));
vi.mock("../editors/PromptEditor", () => ({ PromptEditor: ({ label, value }: { label: string; value: string }) => <textarea aria-label={label} value={value} readOnly /> }));
configure({ asyncUtilTimeout: 10_000 });
vi.setConfig({ testTimeout: 30_000 });
withServer();
connectToServer();

beforeEach(() => {
  const document = graph([node("c", "code", {})], []);
  openStudio({ owner: appOwner("a1"), mode: "workflow", document, loaded: true, sync: { status: "saved", hash: "h", savedAt: undefined } });
});

const fresh: CodeData = {
  type: "code",
  title: "Code",
  desc: "",
  variables: [{ variable: "text", value_selector: [] }],
  code_language: "python3",
  code: STARTERS.python3 ?? "",
  outputs: { result: { type: "string", children: null } },
};

/** Answers a route and keeps what it was sent. */
function answering(path: string, answer: object) {
  const sent: unknown[] = [];
  server.use(
    http.post(`*/console/api${path}`, async ({ request }) => {
      sent.push(await request.json());
      return HttpResponse.json(answer);
    }),
  );
  return sent;
}

function Panel({ start }: { start: CodeData }) {
  const [data, setData] = useState(start);
  return <CodePanel id="c" data={data} update={(part) => setData((now) => ({ ...now, ...part }))} />;
}

async function send(label: string, text: string) {
  await userEvent.type(await screen.findByLabelText(label), `${text}{Control>}{Enter}{/Control}`);
}

it("writes the code of a new node in its language, and improves it after", async () => {
  const first = answering("/rule-code-generate", { code: "def main(text):\n    return {}\n", language: "python3", error: "" });
  show(<Panel start={fresh} />);
  await userEvent.click(screen.getByRole("button", { name: "Generate" }));
  await send("What should the code do?", "Cut it");
  await userEvent.click(await screen.findByRole("button", { name: "Use it" }));
  await waitFor(() => expect(screen.getByLabelText("Code")).toHaveValue("def main(text):\n    return {}\n"));
  expect(screen.queryByRole("dialog")).toBeNull();
  expect(first).toEqual([{ instruction: "Cut it\n\nInputs: text\nOutputs: result (string)", model_config: {}, code_language: "python3" }]);

  const second = answering("/instruction-generate", { modified: "def main(text): 1", message: "Shorter.", error: "" });
  await userEvent.click(screen.getByRole("button", { name: "Generate" }));
  await send("What should be different?", "Shorter");
  await userEvent.click(await screen.findByRole("button", { name: "Replace what is there" }));
  await waitFor(() => expect(screen.getByLabelText("Code")).toHaveValue("def main(text): 1"));
  expect(second).toMatchObject([{ flow_id: "a1", node_id: "c", language: "python3", current: "def main(text):\n    return {}\n" }]);
});

it("writes the schema of an answer with the model of the node", async () => {
  const output = '{"type":"object","properties":{"name":{"type":"string"}}}';
  const sent = answering("/rule-structured-output-generate", { output, error: "" });
  const onChange = vi.fn();
  const model = { provider: "p", name: "wise", mode: "chat", completion_params: { max_tokens: 10 } };
  show(<OutputSchema model={model} schema={{ type: "object" }} onChange={onChange} />);
  await userEvent.click(screen.getByRole("button", { name: "Generate the schema" }));
  await send("Which data should the answer hold?", "A name");
  await userEvent.click(await screen.findByRole("button", { name: "Replace what is there" }));
  expect(onChange).toHaveBeenCalledWith(JSON.parse(output));
  expect(screen.getByLabelText("JSON schema of the answer")).toHaveValue(output);
  expect(sent).toEqual([{ instruction: "A name", model_config: { provider: "p", name: "wise", mode: "chat", completion_params: {} } }]);
});

it("improves a message of a prompt, in Jinja where it is written so", async () => {
  const sent = answering("/instruction-generate", { modified: "Hi {{ who }}, briefly.", message: "Shorter.", error: "" });
  const onChange = vi.fn();
  const message = { id: "m", role: "system", text: "", edition_type: "jinja2", jinja2_text: "Hi {{ who }}." };
  const model = { provider: "p", name: "wise", mode: "chat", completion_params: {} };
  show(<MessageBox node="c" message={message} model={model} chat context={false} onChange={onChange} onRemove={undefined} onMove={vi.fn()} canUp={false} canDown={false} />);
  await userEvent.click(screen.getByRole("button", { name: /^Generate the/ }));
  await send("What should be different?", "Shorter");
  await userEvent.click(await screen.findByRole("button", { name: "Replace what is there" }));
  expect(onChange).toHaveBeenCalledWith({ ...message, jinja2_text: "Hi {{ who }}, briefly." });
  expect(sent).toMatchObject([{ flow_id: "a1", node_id: "c", current: "Hi {{ who }}.", instruction: "Shorter\n\nIt is the system message of the conversation, a Jinja2 template." }]);
});

it("writes the instruction of a classifier, which is told its classes", async () => {
  const sent = answering("/rule-generate", { prompt: "Choose by topic.", variables: [], opening_statement: "", error: "" });
  const update = vi.fn();
  const classes = [
    { id: "1", name: "Refund" },
    { id: "2", name: "" },
  ];
  const data = { type: "question-classifier", title: "Sort", desc: "", query_variable_selector: [], model: { provider: "p", name: "wise", mode: "chat", completion_params: {} }, classes, instruction: "", memory: undefined, vision: { enabled: false } };
  show(<ClassifierPanel id="c" data={data as never} update={update} />);
  await userEvent.click(screen.getByRole("button", { name: "Generate: Instructions" }));
  await send("What should the model do?", "Sort it");
  await userEvent.click(await screen.findByRole("button", { name: "Use it" }));
  const facts = "It tells a model how to put a text into one of these classes, which the model sees beside it: Refund.";
  expect(sent).toEqual([{ instruction: `Sort it\n\n${facts}`, model_config: { provider: "p", name: "wise", mode: "chat", completion_params: {} }, no_variable: true }]);
  expect(update).toHaveBeenCalledWith({ instruction: "Choose by topic." });
});
