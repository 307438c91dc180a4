import { configure, screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { HttpResponse, http } from "msw";
import { expect, it, vi } from "vitest";
import { show } from "../../test/render";
import { server, withServer } from "../../test/server";
import { wired } from "./agent";
import { Compare } from "./Compare";
import { type ModelChoice, readConfig } from "./model";

vi.mock("@tanstack/react-router", async (original) => ({ ...(await original<object>()), ...(await import("../../test/router")) }));

// The machine of the tests may be busy.
configure({ asyncUtilTimeout: 10_000 });
vi.setConfig({ testTimeout: 30_000 });
vi.mock("../../ui/Prose", () => ({ Prose: ({ text }: { text: string }) => <p>{text}</p> }));
withServer();

const choice = (name: string): ModelChoice => ({ provider: "p", name, mode: "chat", params: {} });
const model = (name: string, features: string[]) => ({
  model: name,
  label: name,
  model_type: "llm",
  features,
  fetch_from: "",
  model_properties: {},
  status: "active",
});
const groups = [{ provider: "p", label: "P", status: "active", models: [model("one", ["tool-call"]), model("two", [])] }];

interface Sent {
  readonly query: string;
  readonly conversation_id: string;
  readonly model_config: { readonly model: { readonly name: string }; readonly agent_mode?: { readonly strategy?: string } };
}

/** Answers with the model's name; keeps what was sent. */
function answering(sent: Sent[], open?: Map<string, () => void>) {
  server.use(
    http.post<Record<string, never>, Sent>("*/console/api/apps/a1/chat-messages", async ({ request }) => {
      const body = await request.json();
      sent.push(body);
      const name = body.model_config.model.name;
      const head = { task_id: `t-${name}`, conversation_id: `c-${name}`, message_id: `m-${name}` };
      const usage = { prompt_tokens: 7, completion_tokens: 2, total_tokens: 9, total_price: "0.5", currency: "USD" };
      const events = [
        { ...head, event: "message", answer: `I am ${name}.` },
        { ...head, event: "message_end", metadata: { usage } },
      ];
      const frames = new ReadableStream<Uint8Array>({
        start(controller) {
          for (const event of events) controller.enqueue(new TextEncoder().encode(`data: ${JSON.stringify(event)}\n\n`));
          if (open) open.set(head.task_id, () => controller.close());
          else controller.close();
        },
      });
      return new HttpResponse(frames, { headers: { "content-type": "text/event-stream" } });
    }),
  );
}

function compare(onUse: (model: ModelChoice) => void) {
  const config = { ...readConfig({ agent_mode: { enabled: true, tools: [] } }, "agent-chat"), model: choice("one") };
  show(
    <Compare
      appId="a1"
      completion={false}
      config={config}
      narrow
      picker={(value, onChange) => (
        <button type="button" onClick={() => onChange(choice("two"))}>
          pick {value?.name ?? "none"}
        </button>
      )}
      wire={(each) => wired(groups, each)}
      onUse={onUse}
      onClose={() => {}}
    />,
  );
}

it("each model answers in its own conversation, an agent in its model's way, and one is taken over", async () => {
  const sent: Sent[] = [];
  answering(sent);
  const used = vi.fn<(model: ModelChoice) => void>();
  compare(used);
  const user = userEvent.setup();
  await user.click(screen.getByRole("button", { name: "pick none" }));
  await user.type(screen.getByLabelText("Ask something"), "Who?{enter}");
  const two = within(screen.getByRole("region", { name: "two" }));
  expect(await two.findByText("I am two.")).toBeVisible();
  expect(await two.findByText(/7 in, 2 out/)).toBeVisible();
  expect(two.getByText(/0\.5/)).toBeVisible();
  expect(await within(screen.getByRole("region", { name: "one" })).findByText("I am one.")).toBeVisible();
  expect(sent.map((body) => [body.model_config.model.name, body.model_config.agent_mode?.strategy]).sort()).toEqual([
    ["one", "function_call"],
    ["two", "react"],
  ]);
  await user.type(screen.getByLabelText("Ask something"), "Again?{enter}");
  await waitFor(() => expect(sent).toHaveLength(4));
  expect(sent.slice(2).every((body) => body.conversation_id === `c-${body.model_config.model.name}`)).toBe(true);
  expect(screen.getByRole("button", { name: "In use: one" })).toBeDisabled();
  await user.click(screen.getByRole("button", { name: "Use this model: two" }));
  expect(used).toHaveBeenCalledWith(choice("two"));
});

it("stop and start again go to every column, and there are four at most", async () => {
  const sent: Sent[] = [];
  const stopped: string[] = [];
  const open = new Map<string, () => void>();
  answering(sent, open);
  server.use(
    http.post("*/console/api/apps/a1/chat-messages/:task/stop", ({ params }) => {
      stopped.push(String(params.task));
      open.get(String(params.task))?.();
      return HttpResponse.json({ result: "success" });
    }),
  );
  compare(() => {});
  const user = userEvent.setup();
  await user.click(screen.getByRole("button", { name: "pick none" }));
  await user.type(screen.getByLabelText("Ask something"), "Who?{enter}");
  expect(await screen.findByText("I am one.")).toBeVisible();
  expect(await screen.findByText("I am two.")).toBeVisible();
  await user.click(screen.getByRole("button", { name: "Stop" }));
  await waitFor(() => expect(screen.getAllByText("Stopped")).toHaveLength(2));
  await waitFor(() => expect(stopped.sort()).toEqual(["t-one", "t-two"]));
  await user.click(screen.getByRole("button", { name: "Start again" }));
  expect(screen.queryByText("I am one.")).toBeNull();
  await user.click(screen.getByRole("button", { name: "Add a model" }));
  await user.click(screen.getByRole("button", { name: "Add a model" }));
  expect(screen.queryByRole("button", { name: "Add a model" })).toBeNull();
  await user.click(screen.getByRole("button", { name: "Remove two" }));
  expect(screen.queryByRole("region", { name: "two" })).toBeNull();
  expect(screen.getByRole("button", { name: "Add a model" })).toBeVisible();
});
