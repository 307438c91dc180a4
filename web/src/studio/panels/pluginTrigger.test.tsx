import { configure, screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { HttpResponse, http } from "msw";
import { useState } from "react";
import { beforeEach, describe, expect, it } from "vitest";
import { show } from "../../test/render";
import { server, withServer } from "../../test/server";
import type { PluginTriggerData } from "../nodes/trigger-plugin";
import { connectToServer } from "../serverTransport";
import { PluginTriggerPanel } from "./PluginTriggerPanel";

configure({ asyncUtilTimeout: 10_000 });
withServer();
connectToServer();

const ROUTES = "*/console/api/workspaces/current/trigger-provider/acme%2Fgit%2Fgit/subscriptions";
const git = {
  name: "acme/git/git",
  label: { en_US: "Git" },
  plugin_id: "acme/git",
  supported_creation_methods: ["APIKEY", "MANUAL"],
  subscription_schema: [{ name: "hook_secret", type: "secret-input", required: true, label: { en_US: "Secret of the hook" } }],
  subscription_constructor: {
    credentials_schema: { token: { type: "secret-input", required: true, label: { en_US: "Token" } } },
    parameters: [{ name: "repo", type: "string", required: true, label: { en_US: "Repository" } }],
  },
  events: [
    {
      name: "push",
      identity: { label: { en_US: "Push", zh_Hans: "推送" } },
      description: { en_US: "Somebody pushed commits." },
      parameters: [{ name: "branch", type: "string", required: true, label: { en_US: "Branch" } }],
      output_schema: { properties: { repo: { type: "string" } } },
    },
    { name: "star", identity: { label: { en_US: "Star" } }, parameters: [] },
  ],
};
const sub = { id: "s1", name: "first", endpoint: "https://flows.example/triggers/plugin/e1", credential_type: "api-key" };
const node: PluginTriggerData = {
  type: "trigger-plugin",
  title: "Git",
  desc: "",
  provider_id: "acme/git/git",
  provider_name: "git",
  plugin_id: "acme/git",
  event_name: "",
  subscription_id: "",
  event_parameters: {},
};

const providers = (all: readonly object[]) => http.get("*/console/api/workspaces/current/triggers", () => HttpResponse.json(all));
const list = (answer: () => readonly object[]) => http.get(`${ROUTES}/list`, () => HttpResponse.json(answer()));

let kept = node;
beforeEach(() => {
  kept = node;
});

function Panel({ start }: { start: PluginTriggerData }) {
  const [data, setData] = useState(start);
  kept = data;
  return <PluginTriggerPanel id="p" data={data} update={(patch) => setData((now) => ({ ...now, ...patch }))} />;
}

describe("a trigger of a plugin", { timeout: 60_000 }, () => {
  it("names the plugin that is not installed, and keeps its settings", async () => {
    server.use(providers([]));
    show(<Panel start={{ ...node, event_name: "push", subscription_id: "s1" }} />);
    expect(await screen.findByRole("alert")).toHaveTextContent("needs the plugin acme/git, which is not installed");
    expect(screen.getByText("Its settings are kept and exported unchanged.")).toBeVisible();
    expect(screen.queryByRole("button")).toBeNull();
    expect(kept).toMatchObject({ event_name: "push", subscription_id: "s1" });
  });

  it("tells why the providers cannot be read", async () => {
    server.use(http.get("*/console/api/workspaces/current/triggers", () => HttpResponse.json({ code: "internal", message: "The host is gone.", status: 500 }, { status: 500 })));
    show(<Panel start={node} />);
    expect(await screen.findByRole("alert")).toHaveTextContent("The host is gone.");
  });

  it("takes an event, its parameters and a subscription", async () => {
    server.use(providers([git]), list(() => [sub]));
    show(<Panel start={{ ...node, event_parameters: { old: { type: "constant", value: 1 } } }} />);
    await userEvent.selectOptions(await screen.findByLabelText("Event"), "Push");
    expect(kept).toMatchObject({ event_name: "push", event_label: "Push", output_schema: { properties: { repo: { type: "string" } } } });
    expect(kept.event_parameters).toEqual({});
    expect(screen.getByText("Somebody pushed commits.")).toBeVisible();
    await userEvent.type(screen.getByLabelText(/^Branch/), "main");
    expect(kept.event_parameters).toEqual({ branch: { type: "constant", value: "main" } });
    await userEvent.selectOptions(await screen.findByRole("combobox", { name: "Subscription" }), "first");
    expect(kept.subscription_id).toBe("s1");
    expect(screen.getByLabelText("Address for events")).toHaveValue(sub.endpoint);
    // Another event has other parameters.
    await userEvent.selectOptions(screen.getByLabelText("Event"), "Star");
    expect(kept).toMatchObject({ event_name: "star", event_parameters: {}, subscription_id: "s1" });
    expect(screen.queryByLabelText(/^Branch/)).toBeNull();
  });

  it("says that its subscription is gone", async () => {
    server.use(providers([git]), list(() => [sub]));
    show(<Panel start={{ ...node, event_name: "push", subscription_id: "deleted" }} />);
    expect(await screen.findByText("The chosen subscription is gone. Choose another one.")).toBeVisible();
    expect(kept.subscription_id).toBe("deleted");
  });

  it("subscribes with an API key, and tells what the plugin refuses", async () => {
    const asked: { path: string; body: unknown }[] = [];
    let made: readonly object[] = [];
    const note = async (request: Request) => asked.push({ path: new URL(request.url).pathname.split("/builder/")[1] ?? "", body: await request.json() });
    server.use(
      providers([git]),
      list(() => made),
      http.post(`${ROUTES}/builder/create`, async ({ request }) => {
        await note(request);
        return HttpResponse.json({ subscription_builder: { id: "b1", endpoint: "https://flows.example/triggers/plugin/b1" } });
      }),
      http.post(`${ROUTES}/builder/verify-and-update/b1`, async ({ request }) => {
        const body = (await request.clone().json()) as { credentials: { token: string } };
        await note(request);
        if (body.credentials.token === "bad") return HttpResponse.json({ code: "bad_request", message: "the token is wrong", status: 400 }, { status: 400 });
        return HttpResponse.json({ verified: true });
      }),
      http.post(`${ROUTES}/builder/build/b1`, async ({ request }) => {
        await note(request);
        made = [{ ...sub, id: "b1", name: "mine" }];
        return HttpResponse.json({ result: "success" });
      }),
    );
    show(<Panel start={{ ...node, event_name: "star" }} />);
    expect(await screen.findByText("There is no subscription to this provider yet.")).toBeVisible();
    await userEvent.click(screen.getByRole("button", { name: "New subscription" }));
    const form = within(screen.getByRole("group", { name: "New subscription" }));
    expect(form.getByRole("button", { name: "Create" })).toBeDisabled();
    await userEvent.type(form.getByLabelText("Name"), " mine ");
    await userEvent.type(form.getByLabelText("Token"), "bad");
    await userEvent.type(form.getByLabelText("Repository"), "shop");
    expect(form.getByLabelText("Token")).toHaveAttribute("type", "password");
    await waitFor(() => expect(form.getByRole("button", { name: "Create" })).toBeEnabled());
    await userEvent.click(form.getByRole("button", { name: "Create" }));
    expect(await form.findByRole("alert")).toHaveTextContent("the token is wrong");
    await userEvent.clear(form.getByLabelText("Token"));
    await userEvent.type(form.getByLabelText("Token"), "good");
    await userEvent.click(form.getByRole("button", { name: "Create" }));
    await waitFor(() => expect(kept.subscription_id).toBe("b1"));
    expect(asked).toEqual([
      { path: "create", body: { credential_type: "api-key" } },
      { path: "verify-and-update/b1", body: { credentials: { token: "bad" } } },
      { path: "verify-and-update/b1", body: { credentials: { token: "good" } } },
      { path: "build/b1", body: { name: "mine", parameters: { repo: "shop" } } },
    ]);
    expect(await screen.findByRole("combobox", { name: "Subscription" })).toHaveDisplayValue("mine");
    expect(screen.queryByRole("group", { name: "New subscription" })).toBeNull();
  });

  it("is set up by hand with the address that the provider calls", async () => {
    const built: unknown[] = [];
    server.use(
      providers([{ ...git, supported_creation_methods: ["MANUAL"] }]),
      list(() => []),
      http.post(`${ROUTES}/builder/create`, () => HttpResponse.json({ subscription_builder: { id: "b2", endpoint: "https://flows.example/triggers/plugin/b2" } })),
      http.get(`${ROUTES}/builder/logs/b2`, () => HttpResponse.json({ logs: [{ id: "l", request: { method: "POST" }, response: { status_code: 202 } }] })),
      http.post(`${ROUTES}/builder/build/b2`, async ({ request }) => {
        built.push(await request.json());
        return HttpResponse.json({ result: "success" });
      }),
    );
    show(<Panel start={{ ...node, event_name: "star" }} />);
    await userEvent.click(await screen.findByRole("button", { name: "New subscription" }));
    expect(await screen.findByLabelText("Address for events")).toHaveValue("https://flows.example/triggers/plugin/b2");
    expect(await screen.findByText("Last request: POST, answered with 202.")).toBeVisible();
    expect(screen.queryByLabelText("How to subscribe")).toBeNull();
    await userEvent.type(screen.getByLabelText("Name"), "by hand");
    await userEvent.type(screen.getByLabelText("Secret of the hook"), "told");
    await userEvent.click(screen.getByRole("button", { name: "Create" }));
    await waitFor(() => expect(kept.subscription_id).toBe("b2"));
    expect(built).toEqual([{ name: "by hand", properties: { hook_secret: "told" } }]);
  });
});
