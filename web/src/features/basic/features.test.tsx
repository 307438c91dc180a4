import { configure, screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { HttpResponse, http } from "msw";
import { useState } from "react";
import { expect, it, vi } from "vitest";
import { show } from "../../test/render";
import { server, withServer } from "../../test/server";
import { Features } from "./Features";
import { type Config, readConfig } from "./model";
import { Preview } from "./Preview";

vi.mock("@tanstack/react-router", async (original) => ({ ...(await original<object>()), ...(await import("../../test/router")) }));

// The machine of the tests may be busy.
configure({ asyncUtilTimeout: 10_000 });
vi.setConfig({ testTimeout: 30_000 });
vi.mock("../../ui/Prose", () => ({ Prose: ({ text }: { text: string }) => <p>{text}</p> }));

withServer();

const START = readConfig(
  {
    model: { provider: "p", name: "m", mode: "chat" },
    opening_statement: "Hello there",
    user_input_form: [
      { "text-input": { label: "Your name", variable: "name", required: true, default: "" } },
      { "text-input": { label: "Plan", variable: "plan", required: false, default: "" } },
    ],
  },
  "chat",
);

function Bench({ seen }: { seen: (config: Config) => void }) {
  const [config, setConfig] = useState(START);
  return (
    <Features
      config={config}
      completion={false}
      onChange={(part) => {
        const next = { ...config, ...part };
        setConfig(next);
        seen(next);
      }}
    />
  );
}

it("a text stands on one line until somebody writes it", async () => {
  const seen = vi.fn<(config: Config) => void>();
  show(<Bench seen={seen} />);
  expect(screen.getByText("Hello there")).toBeVisible();
  expect(screen.queryByRole("textbox", { name: "Opening line" })).toBeNull();
  await userEvent.click(screen.getByRole("button", { name: "Edit: Opening line" }));
  await userEvent.type(screen.getByRole("textbox", { name: "Opening line" }), ", you");
  await userEvent.click(screen.getByRole("button", { name: "Close: Opening line" }));
  expect(screen.getByText("Hello there, you")).toBeVisible();
  await userEvent.click(screen.getByRole("button", { name: "Add: Suggested questions" }));
  await userEvent.type(screen.getByRole("textbox", { name: "Suggested questions" }), "Who?{enter}Why?");
  await userEvent.click(screen.getByRole("button", { name: "Close: Suggested questions" }));
  expect(screen.getByText("Who? · Why?")).toBeVisible();
  expect(seen.mock.lastCall?.[0]).toMatchObject({ opening: "Hello there, you", questions: ["Who?", "Why?"] });
});

it("the form of the preview folds when the chat begins and opens again", async () => {
  const said = [
    { event: "message", task_id: "k", conversation_id: "c1", message_id: "m1", answer: "Good day." },
    { event: "message_end", task_id: "k", conversation_id: "c1", message_id: "m1", metadata: {} },
  ];
  const asked: unknown[] = [];
  server.use(
    http.post("*/console/api/apps/a1/chat-messages", async ({ request }) => {
      asked.push(await request.json());
      return new HttpResponse(said.map((event) => `data: ${JSON.stringify(event)}\n\n`).join(""), { headers: { "content-type": "text/event-stream" } });
    }),
  );
  show(<Preview appId="a1" completion={false} config={START} narrow hidden={false} />);
  await userEvent.type(screen.getByLabelText("Ask something"), "Hi{enter}");
  expect(await screen.findByRole("alert")).toHaveTextContent("Your name is needed.");
  await userEvent.type(screen.getByLabelText("Your name"), "Nora");
  await userEvent.type(screen.getByLabelText("Ask something"), "{enter}");
  expect(await screen.findByText("Good day.")).toBeVisible();
  expect(screen.queryByLabelText("Your name")).toBeNull();
  expect(screen.getByText("Nora")).toBeVisible();
  // What was left empty is not told.
  expect(screen.queryByText("Plan")).toBeNull();
  await userEvent.click(screen.getByRole("button", { name: "Edit" }));
  expect(screen.getByLabelText("Your name")).toHaveValue("Nora");
  expect(asked[0]).toMatchObject({ query: "Hi", inputs: { name: "Nora" } });
});
