import { configure, screen, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { HttpResponse, http } from "msw";
import { beforeEach, expect, it, vi } from "vitest";
import { show } from "../../test/render";
import { server, withServer } from "../../test/server";
import { readConfig } from "./model";
import { Preview } from "./Preview";

vi.mock("@tanstack/react-router", async (original) => ({ ...(await original<object>()), ...(await import("../../test/router")) }));

// The machine of the tests may be busy.
configure({ asyncUtilTimeout: 10_000 });
vi.setConfig({ testTimeout: 30_000 });
vi.mock("../../ui/Prose", () => ({ Prose: ({ text }: { text: string }) => <p>{text}</p> }));

withServer();

const CONFIG = readConfig(
  {
    model: { provider: "p", name: "m", mode: "chat" },
    user_input_form: [
      { file: { label: "Contract", variable: "contract", required: true, allowed_file_types: ["document"], allowed_file_upload_methods: ["local_file"] } },
      { "file-list": { label: "Pictures", variable: "pictures", allowed_file_types: ["image"], max_length: 2 } },
    ],
  },
  "chat",
);

const asked: unknown[] = [];
beforeEach(() => {
  asked.length = 0;
  let stored = 0;
  const said = [
    { event: "message", task_id: "k", conversation_id: "c1", message_id: "m1", answer: "Read." },
    { event: "message_end", task_id: "k", conversation_id: "c1", message_id: "m1", metadata: {} },
  ];
  server.use(
    http.get("*/console/api/files/upload", () => HttpResponse.json({ file_size_limit: 15, image_file_size_limit: 10 })),
    http.post("*/console/api/files/upload", () => HttpResponse.json({ id: `f${++stored}` }, { status: 201 })),
    http.post("*/console/api/apps/a1/chat-messages", async ({ request }) => {
      asked.push(await request.json());
      return new HttpResponse(said.map((event) => `data: ${JSON.stringify(event)}\n\n`).join(""), { headers: { "content-type": "text/event-stream" } });
    }),
  );
});

it("fields for files take files, send them as inputs and keep them for the next question", async () => {
  show(<Preview appId="a1" completion={false} config={CONFIG} narrow hidden={false} />);
  const ask = screen.getByLabelText("Ask something");
  expect(screen.getAllByRole("textbox")).toEqual([ask]);
  await userEvent.type(ask, "Hi{enter}");
  expect(await screen.findByText("Contract is needed.")).toBeVisible();

  const pictures = within(screen.getByRole("group", { name: /^Pictures/ }));
  await userEvent.click(pictures.getByRole("button", { name: "Add a link" }));
  await userEvent.type(screen.getByLabelText("Address of the file"), "https://example.com/cat.png{Enter}");
  expect(await pictures.findByText("cat.png")).toBeVisible();

  const contract = within(screen.getByRole("group", { name: "Contract" }));
  expect(contract.queryByRole("button", { name: "Add a link" })).toBeNull();
  await userEvent.upload(screen.getByLabelText("Contract"), new File(["MZ"], "a.exe"), { applyAccept: false });
  expect(await contract.findByText("This app does not take files like a.exe.")).toBeVisible();
  await userEvent.upload(screen.getByLabelText("Contract"), new File(["%PDF"], "a.pdf", { type: "application/pdf" }));
  expect(await contract.findByText("a.pdf")).toBeVisible();
  // One is all that it takes.
  expect(contract.queryByRole("button", { name: "Choose files" })).toBeNull();
  await vi.waitFor(() => expect(contract.queryByText(/^Sending/)).toBeNull());

  await userEvent.type(ask, "{enter}");
  expect(await screen.findByText("Read.")).toBeVisible();
  const inputs = {
    contract: { type: "document", transfer_method: "local_file", upload_file_id: "f1" },
    pictures: [{ type: "image", transfer_method: "remote_url", url: "https://example.com/cat.png" }],
  };
  expect(asked).toMatchObject([{ query: "Hi", inputs, files: [] }]);

  // The folded form tells them by their names and still has them.
  expect(screen.getByText("a.pdf")).toBeVisible();
  await userEvent.type(ask, "And now?{enter}");
  await vi.waitFor(() => expect(asked).toHaveLength(2));
  expect(asked[1]).toMatchObject({ query: "And now?", inputs });
});
