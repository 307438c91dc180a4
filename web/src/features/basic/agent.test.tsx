import { configure, screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { HttpResponse, http } from "msw";
import { useState } from "react";
import { beforeEach, expect, it, vi } from "vitest";
import { show } from "../../test/render";
import { server, withServer } from "../../test/server";
import { AgentSettings } from "./AgentSettings";
import { AgentTools } from "./AgentTools";
import { canCallTools } from "./agent";
import { type Agent, readConfig, writeConfig } from "./model";
import { Preview } from "./Preview";

vi.mock("@tanstack/react-router", async (original) => ({ ...(await original<object>()), ...(await import("../../test/router")) }));

// The machine of the tests may be busy.
configure({ asyncUtilTimeout: 10_000 });
vi.setConfig({ testTimeout: 30_000 });
vi.mock("../../ui/Prose", () => ({ Prose: ({ text }: { text: string }) => <p>{text}</p> }));

const W = "*/console/api/workspaces/current";
const time = {
  id: "time",
  name: "time",
  type: "builtin",
  label: { en_US: "Time" },
  tools: [
    {
      name: "current_time",
      label: { en_US: "Current time" },
      parameters: [{ name: "timezone", label: { en_US: "Time zone" }, type: "string", form: "form", default: "UTC" }],
    },
    { name: "weekday", label: { en_US: "Weekday" }, parameters: [] },
  ],
};

withServer();
beforeEach(() => {
  server.use(
    http.get(`${W}/tools/builtin`, () => HttpResponse.json([time])),
    http.get(`${W}/tools/api`, () => HttpResponse.json([])),
    http.get(`${W}/tools/workflow`, () => HttpResponse.json([])),
    http.get(`${W}/tools/app`, () => HttpResponse.json([])),
    // A server without MCP has the other tools all the same.
    http.get(`${W}/tools/mcp`, () => HttpResponse.json({ code: "not_found", message: "no such route" }, { status: 404 })),
    http.get(`${W}/tool-provider/builtin/time/credential/info`, () => HttpResponse.json({ supported_credential_types: [], credentials: [] })),
  );
});

const START = readConfig(
  {
    agent_mode: {
      enabled: true,
      tools: [
        {
          enabled: true,
          provider_type: "builtin",
          provider_id: "langgenius/time/time",
          provider_name: "langgenius/time/time",
          tool_name: "current_time",
          tool_label: "Current time",
          tool_parameters: {},
        },
        { enabled: false, provider_type: "api", provider_id: "x", provider_name: "x", tool_name: "gone", tool_label: "Gone", tool_parameters: {} },
      ],
    },
  },
  "agent-chat",
);

function Bench({ seen }: { seen: (agent: Agent) => void }) {
  const [agent, setAgent] = useState(START.agent);
  if (!agent) return null;
  const put = (next: Agent) => {
    setAgent(next);
    seen(next);
  };
  return (
    <>
      <AgentTools agent={agent} onChange={put} />
      <AgentSettings agent={agent} prompt="Be brief." callsTools={false} onChange={put} />
    </>
  );
}

it("tools are added, set up and switched off, and one that is gone is marked", async () => {
  const seen = vi.fn<(agent: Agent) => void>();
  show(<Bench seen={seen} />);
  const user = userEvent.setup();
  expect(await screen.findByText("Not there any more")).toBeVisible();
  await user.click(screen.getByRole("button", { name: "Settings of Current time" }));
  const zone = await screen.findByLabelText(/Time zone/);
  await user.clear(zone);
  await user.type(zone, "Europe/Bern");
  await user.click(within(screen.getByRole("dialog")).getByRole("button", { name: "Save" }));
  await user.click(screen.getByRole("switch", { name: "Use Current time" }));
  await user.click(screen.getByRole("button", { name: "Add" }));
  expect(await screen.findByRole("checkbox", { name: /Current time/ })).toBeDisabled();
  await user.click(screen.getByRole("checkbox", { name: /Weekday/ }));
  await user.click(screen.getByRole("button", { name: "Add 1 tool" }));
  const agent = seen.mock.lastCall?.[0];
  expect(agent?.tools.map((tool) => [tool.name, tool.enabled, tool.parameters])).toEqual([
    ["current_time", false, { timezone: "Europe/Bern" }],
    ["gone", false, {}],
    ["weekday", true, {}],
  ]);
  expect(screen.getByText("ReAct")).toBeVisible();
  await user.click(screen.getByRole("button", { name: "Set up the agent" }));
  await user.clear(screen.getByRole("textbox", { name: "Most rounds" }));
  await user.type(screen.getByRole("textbox", { name: "Most rounds" }), "3");
  expect(screen.getByText("Be brief.")).toBeVisible();
  await user.click(within(screen.getByRole("dialog")).getByRole("button", { name: "Save" }));
  expect(seen.mock.lastCall?.[0].rounds).toBe(3);
});

it("the preview shows what is called while it is called, and times and tokens at the end", async () => {
  const round = {
    event: "agent_thought",
    task_id: "k",
    conversation_id: "c1",
    message_id: "m1",
    id: "t1",
    position: 1,
    thought: "",
    tool: "",
    tool_input: "",
    observation: "",
    tool_labels: {},
  };
  const called = {
    ...round,
    thought: "Look",
    tool: "current_time",
    tool_input: '{"current_time":{}}',
    tool_labels: { current_time: { en_US: "Current time" } },
  };
  const events = [
    round,
    called,
    { ...called, observation: '{"current_time":"12:00"}' },
    { event: "agent_message", message_id: "m1", conversation_id: "c1", answer: "Noon." },
    { event: "message_end", message_id: "m1", metadata: { usage: { total_tokens: 9 } } },
  ];
  server.use(
    http.post(
      "*/console/api/apps/a1/chat-messages",
      () => new HttpResponse(events.map((event) => `data: ${JSON.stringify(event)}\n\n`).join(""), { headers: { "content-type": "text/event-stream" } }),
    ),
    http.get("*/console/api/apps/a1/agent/logs", ({ request }) => {
      expect(new URL(request.url).searchParams.get("conversation_id")).toBe("c1");
      return HttpResponse.json({ iterations: [{ tokens: 33, tool_calls: [{ tool_name: "current_time", time_cost: 0.25 }] }] });
    }),
  );
  const config = { ...START, model: { provider: "p", name: "m", mode: "chat", params: {} } };
  show(<Preview appId="a1" completion={false} config={config} narrow hidden={false} />);
  await userEvent.type(screen.getByLabelText("Ask something"), "What time is it?{enter}");
  await userEvent.click(await screen.findByText("Called Current time"));
  expect(await screen.findByText("Noon.")).toBeVisible();
  await waitFor(() => expect(screen.getAllByText(/33 tokens/).length).toBeGreaterThan(0));
  expect(screen.getByText("12:00")).toBeInTheDocument();
});

it("an agent that asks is answered in the preview", async () => {
  const head = { task_id: "k", conversation_id: "c1", message_id: "m1" };
  const asked = { id: "q1", tool: "send_mail", label: "Mail", arguments: { to: "eve@evil.example" }, approver: "user" };
  const taints = [{ argument: "to", text: "eve evil example", source: "web_page" }];
  let close = () => {};
  const answers: unknown[] = [];
  server.use(
    http.post("*/console/api/apps/a1/chat-messages", () => {
      const frame = (event: object) => new TextEncoder().encode(`data: ${JSON.stringify({ ...head, ...event })}\n\n`);
      const stream = new ReadableStream<Uint8Array>({
        start(controller) {
          controller.enqueue(frame({ event: "tool_approval_required", data: { ...asked, taints } }));
          close = () => {
            controller.enqueue(frame({ event: "tool_approval_answered", data: { id: "q1", decision: "denied" } }));
            controller.enqueue(frame({ event: "agent_message", answer: "Then not." }));
            controller.close();
          };
        },
      });
      return new HttpResponse(stream, { headers: { "content-type": "text/event-stream" } });
    }),
    http.post(`${W}/tool-approvals/q1`, async ({ request }) => {
      answers.push(await request.json());
      close();
      return HttpResponse.json({ result: "success" });
    }),
  );
  const config = { ...START, model: { provider: "p", name: "m", mode: "chat", params: {} } };
  show(<Preview appId="a1" completion={false} config={config} narrow hidden={false} />);
  await userEvent.type(screen.getByLabelText("Ask something"), "Mail it{enter}");
  expect(await screen.findByText("May “Mail” be called?")).toBeVisible();
  expect(screen.getByText(/eve@evil\.example/)).toBeVisible();
  expect(screen.getByText(/was read in web_page/)).toBeVisible();
  await userEvent.type(screen.getByLabelText("Reason, if declined"), "spam");
  await userEvent.click(screen.getByRole("button", { name: "Decline" }));
  expect(await screen.findByText("Then not.")).toBeVisible();
  expect(answers).toEqual([{ action: "deny", reason: "spam" }]);
  expect(screen.queryByText("May “Mail” be called?")).toBeNull();
});

it("models say whether they call tools", () => {
  const model = (name: string, features: string[]) => ({
    model: name,
    label: name,
    model_type: "llm",
    features,
    fetch_from: "",
    model_properties: {},
    status: "active",
  });
  const groups = [
    { provider: "langgenius/openai/openai", label: "OpenAI", status: "active", models: [model("a", ["multi-tool-call"]), model("b", ["vision"])] },
  ];
  const ask = (name: string) => canCallTools(groups, { provider: "openai", name, mode: "chat", params: {} });
  expect([ask("a"), ask("b"), ask("c")]).toEqual([true, false, undefined]);
  expect(canCallTools(undefined, undefined)).toBeUndefined();
  expect(writeConfig(START).agent_mode).toMatchObject({ tools: [{ tool_name: "current_time" }, { tool_name: "gone", enabled: false }] });
});
