import { configure, screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { HttpResponse, http } from "msw";
import { describe, expect, it, vi } from "vitest";
import type { GatewayKey } from "../../data/gateway";
import { show } from "../../test/render";
import { server, withServer } from "../../test/server";
import { GatewayPage } from "./GatewayPage";
import { PlaygroundPage } from "./PlaygroundPage";

vi.mock("@tanstack/react-router", async (original) => ({ ...(await original<object>()), ...(await import("../../test/router")) }));

// The machine of the tests may be busy.
configure({ asyncUtilTimeout: 10_000 });
vi.setConfig({ testTimeout: 60_000 });
withServer();

const API = "*/console/api";
const key: GatewayKey = {
  id: "k1",
  name: "Reports",
  prefix: "sk-ox-abcdef",
  allowed_models: ["oxidify/scripted/echo"],
  requests_per_minute: 60,
  expires_at: null,
  enabled: true,
  created_by: null,
  created_at: 1_763_600_000,
  last_used_at: null,
};
const model = (name: string) => ({
  model: name,
  label: name,
  model_type: "llm",
  features: ["vision"],
  fetch_from: "predefined-model",
  model_properties: { mode: "chat" },
  status: "active",
});

function prepare(role: string, keys: readonly GatewayKey[]): void {
  const group = { provider: "oxidify/scripted", label: "Scripted", status: "active", models: [model("echo"), model("canned")] };
  server.use(
    http.post(`${API}/workspaces/current`, () => HttpResponse.json({ id: "w", name: "W", role })),
    http.get(`${API}/workspaces/current`, () => HttpResponse.json({ id: "w", name: "W", role })),
    http.get(`${API}/datasets/api-base-info`, () => HttpResponse.json({ api_base_url: "https://ox.test/v1" })),
    http.get(`${API}/workspaces/current/gateway-keys`, () => HttpResponse.json({ data: keys })),
    http.get(`${API}/workspaces/current/models/model-types/:type`, ({ params }) => HttpResponse.json({ data: params.type === "llm" ? [group] : [] })),
    http.get(`${API}/workspaces/current/model-providers/*`, () => HttpResponse.json({ data: [] })),
  );
}

describe("keys of the model gateway", () => {
  it("are made for some models and told once", async () => {
    prepare("owner", [key]);
    const sent = vi.fn();
    server.use(
      http.post(`${API}/workspaces/current/gateway-keys`, async ({ request }) => {
        sent(await request.json());
        return HttpResponse.json({ ...key, token: "sk-ox-secret" }, { status: 201 });
      }),
    );
    show(<GatewayPage />);
    expect(await screen.findByText("https://ox.test/gateway/v1")).toBeVisible();
    expect(await screen.findByText(/1 model · 60 requests a minute · never expires · never used/)).toBeVisible();
    await userEvent.click(screen.getByRole("button", { name: "Make a key" }));
    const dialog = within(await screen.findByRole("dialog"));
    await userEvent.click(dialog.getByLabelText("Name"));
    await userEvent.paste("Nightly");
    await userEvent.type(dialog.getByLabelText("Requests a minute"), "30");
    await userEvent.click(dialog.getByRole("switch", { name: "All models" }));
    const make = dialog.getByRole("button", { name: "Make the key" });
    expect(make).toBeDisabled();
    await userEvent.click(await dialog.findByRole("checkbox", { name: "May ask echo" }));
    await userEvent.click(make);
    expect(await screen.findByText("sk-ox-secret")).toBeVisible();
    expect(sent).toHaveBeenCalledWith({
      name: "Nightly",
      allowed_models: ["oxidify/scripted/echo"],
      requests_per_minute: 30,
      expires_at: null,
      enabled: true,
    });
    await userEvent.click(screen.getByRole("button", { name: "I have kept it" }));
    await waitFor(() => expect(screen.queryByText("sk-ox-secret")).toBeNull());
  });

  it("are switched off and deleted", async () => {
    prepare("admin", [key]);
    const sent = vi.fn();
    server.use(
      http.put(`${API}/workspaces/current/gateway-keys/k1`, async ({ request }) => {
        sent(await request.json());
        return HttpResponse.json({ ...key, enabled: false });
      }),
      http.delete(`${API}/workspaces/current/gateway-keys/k1`, () => {
        sent("deleted");
        return HttpResponse.json({ result: "success" });
      }),
    );
    show(<GatewayPage />);
    await userEvent.click(await screen.findByRole("switch", { name: "The key Reports works" }));
    await waitFor(() => expect(sent).toHaveBeenCalledWith(expect.objectContaining({ name: "Reports", enabled: false, requests_per_minute: 60 })));
    await userEvent.click(screen.getByRole("button", { name: "Delete Reports" }));
    await userEvent.click(within(await screen.findByRole("alertdialog")).getByRole("button", { name: "Delete" }));
    await waitFor(() => expect(sent).toHaveBeenCalledWith("deleted"));
  });

  it("are not for members", async () => {
    prepare("normal", []);
    show(<GatewayPage />);
    expect(await screen.findByText("An owner or admin of the workspace makes and sees the keys.")).toBeVisible();
    expect(screen.queryByRole("button", { name: "Make a key" })).toBeNull();
  });
});

describe("the playground", () => {
  it("shows what two models say, in what time, at what cost", async () => {
    prepare("normal", []);
    const asked = vi.fn();
    const events = [
      { event: "piece", index: 0, text: "one ", reasoning: "" },
      { event: "piece", index: 1, text: "uno", reasoning: "" },
      { event: "done", index: 0, first_token: 0.12, total: 0.5, prompt_tokens: 4, completion_tokens: 2, cost: "0.0", currency: "USD" },
      { event: "error", index: 1, message: "the provider is gone", total: 0.2 },
      { event: "end" },
    ];
    server.use(
      http.post(`${API}/workspaces/current/models/try`, async ({ request }) => {
        asked(await request.json());
        const body = events.map((event) => `data: ${JSON.stringify(event)}\n\n`).join("");
        return new HttpResponse(body, { headers: { "content-type": "text/event-stream" } });
      }),
    );
    show(<PlaygroundPage />);
    expect(await screen.findByRole("button", { name: /^Ask/ })).toBeDisabled();
    for (const [at, name] of [
      [1, "echo"],
      [2, "canned"],
    ] as const) {
      const column = within(screen.getByRole("region", { name: `Model ${at}` }));
      await userEvent.click(column.getAllByRole("button")[0] as HTMLElement);
      await userEvent.click(await screen.findByRole("option", { name: new RegExp(name) }));
    }
    await userEvent.click(screen.getByLabelText("Question"));
    await userEvent.paste("count");
    await userEvent.click(screen.getByRole("button", { name: /^Ask/ }));
    const echo = within(screen.getByRole("region", { name: "echo" }));
    expect(await echo.findByText(/first token 0.12/)).toHaveTextContent(/4 \+ 2 tokens · \$0\.00/);
    expect(echo.getByText("one")).toBeVisible();
    const canned = within(screen.getByRole("region", { name: "canned" }));
    expect(canned.getByText("the provider is gone")).toBeVisible();
    expect(canned.getByText("uno")).toBeVisible();
    expect(asked).toHaveBeenCalledWith({
      models: [
        { provider: "oxidify/scripted", model: "echo", parameters: {} },
        { provider: "oxidify/scripted", model: "canned", parameters: {} },
      ],
      system: "",
      user: "count",
      images: [],
    });
  });

  it("does not let a model be chosen that is not for the member", async () => {
    prepare("normal", []);
    const refused = { by: "role", what: "model", message: "The model canned is not for members with the role normal." };
    const group = {
      provider: "oxidify/scripted",
      label: "Scripted",
      status: "active",
      models: [model("echo"), { ...model("canned"), status: "no-permission", refused }],
    };
    server.use(http.get(`${API}/workspaces/current/models/model-types/:type`, () => HttpResponse.json({ data: [group] })));
    show(<PlaygroundPage />);
    const column = within(await screen.findByRole("region", { name: "Model 1" }));
    await userEvent.click(column.getAllByRole("button")[0] as HTMLElement);
    const option = await screen.findByRole("option", { name: /canned/ });
    expect(option).toHaveAttribute("aria-disabled", "true");
    expect(option).toHaveTextContent("not for your role");
    expect(option).toHaveAttribute("title", refused.message);
  });
});
