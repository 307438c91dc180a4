import { screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { delay, HttpResponse, http } from "msw";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { show } from "../../test/render";
import { server, withServer } from "../../test/server";
import { GenerateDialog, type GenerateProps } from "./GenerateDialog";

vi.mock("@tanstack/react-router", async (original) => ({ ...(await original<object>()), ...(await import("../../test/router")) }));
withServer();
const LLMS = "*/console/api/workspaces/current/models/model-types/llm";
beforeEach(() => server.use(http.get(LLMS, () => HttpResponse.json({ data: [] }))));

const writer = { provider: "p", name: "wise", mode: "chat" };

function open(props: Partial<GenerateProps> = {}) {
  const all: GenerateProps = { kind: "prompt", current: "", onApply: vi.fn(), onClose: vi.fn(), ...props };
  show(<GenerateDialog {...all} />);
  return all;
}

/** Answers a route and keeps what it was sent. */
function answering(path: string, answer: object, status = 200) {
  const sent: unknown[] = [];
  server.use(
    http.post(`*/console/api${path}`, async ({ request }) => {
      sent.push(await request.json());
      return HttpResponse.json(answer, { status });
    }),
  );
  return sent;
}
const press = (name: RegExp) => userEvent.click(screen.getByRole("button", { name }));

describe("the generators", { timeout: 30_000 }, () => {
  it("shows a new prompt with its variables, and takes it over when it is told to", async () => {
    const sent = answering("/rule-generate", { prompt: "Teach {{topic}}.", variables: ["topic"], opening_statement: "Hello!", error: "" });
    const { onApply } = open({ model: writer, withForm: true });
    await userEvent.type(screen.getByLabelText("What should the model do?"), "A tutor{Control>}{Enter}{/Control}");
    expect(await screen.findByText("Teach {{topic}}.")).toBeInTheDocument();
    expect(screen.getByText("Variables of the form: topic")).toBeInTheDocument();
    expect(screen.getByText("Opening: Hello!")).toBeInTheDocument();
    expect(sent).toEqual([{ instruction: "A tutor", model_config: { ...writer, completion_params: {} }, no_variable: false }]);
    expect(onApply).not.toHaveBeenCalled();
    await press(/Use it/);
    expect(onApply).toHaveBeenCalledWith({ text: "Teach {{topic}}.", message: "", variables: ["topic"], opening: "Hello!" });
  });

  it("improves what is there, with what the answer should be like", async () => {
    const sent = answering("/instruction-generate", { modified: "Teach kindly.", message: "Kinder.", error: "" });
    const { onApply, onClose } = open({ current: "Teach.", place: { flow: "a1", node: "" } });
    await userEvent.type(screen.getByLabelText("What should be different?"), "Kinder");
    await userEvent.type(screen.getByLabelText(/Ideal answer/), "Dear pupil");
    await press(/Generate/);
    expect(await screen.findByText("Teach kindly.")).toBeInTheDocument();
    expect(screen.getByText("Kinder.")).toBeInTheDocument();
    const expected = { instruction: "Kinder", model_config: {}, flow_id: "a1", node_id: "", current: "Teach.", language: "", ideal_output: "Dear pupil" };
    expect(sent).toEqual([expected]);
    await press(/Discard/);
    expect(onClose).toHaveBeenCalled();
    expect(onApply).not.toHaveBeenCalled();
  });

  it("writes anew where something is, and begins with the last error", async () => {
    answering("/instruction-generate/template", { data: "Mend: {{#error_message#}}" });
    const sent = answering("/rule-code-generate", { code: "def main(): pass", language: "python3", error: "" });
    open({ kind: "code", current: "x", place: { flow: "a1", node: "n1" }, language: "python3", facts: "Inputs: a" });
    await press(/Begin with the last error/);
    await waitFor(() => expect(screen.getByLabelText("What should be different?")).toHaveValue("Mend: {{#error_message#}}"));
    await userEvent.click(screen.getByRole("radio", { name: "Write anew" }));
    const box = screen.getByLabelText("What should the code do?");
    await userEvent.clear(box);
    await userEvent.type(box, "Nothing");
    await press(/Generate/);
    expect(await screen.findByText("def main(): pass")).toBeInTheDocument();
    expect(sent).toEqual([{ instruction: "Nothing\n\nInputs: a", model_config: {}, code_language: "python3" }]);
    expect(screen.getByRole("button", { name: "Replace what is there" })).toBeInTheDocument();
  });

  it("is written by the model that is chosen", async () => {
    const models = [
      { model: "wise", status: "active", model_properties: { mode: "chat" } },
      { model: "quick", status: "active", model_properties: { mode: "chat" } },
      { model: "lost", status: "no-configure", model_properties: {} },
    ];
    server.use(http.get(LLMS, () => HttpResponse.json({ data: [{ provider: "p", label: { en_US: "Pa" }, status: "active", models }] })));
    const sent = answering("/rule-structured-output-generate", { output: "{}", error: "" });
    open({ kind: "schema", model: writer });
    const choose = async (name: RegExp) => {
      await userEvent.click(screen.getByRole("combobox", { name: "Written by" }));
      await userEvent.click(await screen.findByRole("option", { name }));
    };
    expect(screen.getByRole("combobox", { name: "Written by" })).toHaveTextContent("wise");
    await userEvent.type(screen.getByLabelText("Which data should the answer hold?"), "A name");
    await choose(/^quick/);
    await press(/Generate/);
    await screen.findByText("{}");
    await choose(/^Default model/);
    await press(/Try again/);
    await waitFor(() => expect(sent).toHaveLength(2));
    expect(sent).toEqual([
      { instruction: "A name", model_config: { provider: "p", name: "quick", mode: "chat", completion_params: {} } },
      { instruction: "A name", model_config: {} },
    ]);
    expect(screen.queryByRole("option", { name: /lost/ })).toBeNull();
  });

  it("asks for a sentence before it asks the model", async () => {
    open({ kind: "schema" });
    await press(/Generate/);
    expect(screen.getByText("Say in a sentence what is wanted.")).toBeInTheDocument();
  });

  it.each([
    ["an answer that cannot be used", { output: "", error: "wise answered, but nothing can be made of it." }, 200, "nothing can be made"],
    ["a part that is not there", { error: "node n1 not found" }, 400, "node n1 not found"],
  ])("tells %s, and keeps the text", async (_, answer, status, expected) => {
    answering("/rule-structured-output-generate", answer, status);
    open({ kind: "schema" });
    const box = screen.getByLabelText("Which data should the answer hold?");
    await userEvent.type(box, "A name");
    await press(/Generate/);
    expect(await screen.findByRole("alert")).toHaveTextContent(expected);
    expect(box).toHaveValue("A name");
    expect(screen.getByRole("button", { name: /Try again/ })).toBeInTheDocument();
  });

  it("leads to the models when there is none", async () => {
    answering("/rule-generate", { code: "provider_not_initialize", message: "There is no model.", status: 400 }, 400);
    open();
    await userEvent.type(screen.getByLabelText("What should the model do?"), "A tutor");
    await press(/Generate/);
    expect(await screen.findByRole("alert")).toHaveTextContent("There is no model.");
    expect(screen.getByRole("link", { name: "Choose a model" })).toHaveAttribute("href", "/settings/models");
  });

  it("says that it works, and stops", async () => {
    let ended = false;
    server.use(
      http.post("*/console/api/rule-generate", async ({ request }) => {
        request.signal.addEventListener("abort", () => {
          ended = true;
        });
        await delay("infinite");
        return HttpResponse.json({});
      }),
    );
    open();
    await userEvent.type(screen.getByLabelText("What should the model do?"), "A tutor");
    await press(/Generate/);
    expect(await screen.findByRole("status")).toHaveTextContent("The model is writing.");
    await press(/Stop/);
    expect(await screen.findByRole("button", { name: /Generate/ })).toBeInTheDocument();
    expect(screen.queryByRole("alert")).toBeNull();
    expect(screen.getByLabelText("What should the model do?")).toHaveValue("A tutor");
    await waitFor(() => expect(ended).toBe(true));
  });
});
