import { configure, screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { HttpResponse, http } from "msw";
import { beforeEach, describe, expect, it, vi } from "vitest";
import type { ToolProvider } from "../../data/tools";
import { show } from "../../test/render";
import { server, withServer } from "../../test/server";
import { ApiDialog } from "./ApiDialog";
import { McpDialog } from "./McpDialog";
import { PickDialog } from "./PickDialog";
import { ProviderPanel } from "./ProviderPanel";
import { Thoughts } from "./Thoughts";
import { ToolsPage, type ToolsSearch } from "./ToolsPage";
import { WorkflowToolDialog } from "./WorkflowToolDialog";

vi.mock("@tanstack/react-router", async (original) => ({ ...(await original<object>()), ...(await import("../../test/router")) }));
// The machine of the tests may be busy.
configure({ asyncUtilTimeout: 10_000 });
vi.setConfig({ testTimeout: 30_000 });

const BASE = "*/console/api/workspaces/current";

const time: ToolProvider = {
  id: "time",
  author: "Oxidify",
  name: "time",
  type: "builtin",
  label: { en_US: "Time" },
  description: { en_US: "Clock tools" },
  is_team_authorization: true,
  labels: ["utilities"],
  tools: [
    {
      name: "current_time",
      label: { en_US: "Current time" },
      description: { en_US: "The time now" },
      parameters: [{ name: "timezone", label: { en_US: "Time zone" }, type: "string", form: "form", default: "UTC" }],
    },
  ],
};
const pets: ToolProvider = { id: "p1", name: "pets", type: "api", label: { en_US: "pets" }, description: { en_US: "Pets of a shop" }, labels: [], tools: [] };
const carriers: ToolProvider = {
  id: "m1",
  name: "Carriers",
  type: "mcp",
  label: { en_US: "Carriers" },
  server_url: "https://mcp.example.com/***",
  server_identifier: "carriers",
  is_team_authorization: false,
  labels: [],
  tools: [],
};

const operation = {
  server_url: "https://pets.example.com/v1/pets",
  method: "get",
  summary: "List the pets",
  operation_id: "listPets",
  parameters: [{ name: "limit", type: "number", form: "llm", required: true, label: { en_US: "limit" } }],
  openapi: {},
};

withServer();
beforeEach(() => {
  server.use(
    http.post(`${BASE}`, () => HttpResponse.json({ id: "w", name: "W", role: "owner" })),
    http.get(`${BASE}/tool-labels`, () =>
      HttpResponse.json([
        { name: "search", label: { en_US: "Search" } },
        { name: "utilities", label: { en_US: "Utilities" } },
      ]),
    ),
    http.get(`${BASE}/tool-providers`, () => HttpResponse.json([time, pets, carriers])),
    http.get(`${BASE}/tool-provider/mcp/programs`, () => HttpResponse.json([])),
    http.get(`${BASE}/tool-permissions`, () => HttpResponse.json([])),
  );
});

function page(search: ToolsSearch = {}) {
  const onSearch = vi.fn();
  show(<ToolsPage search={search} onSearch={onSearch} onApps={vi.fn()} onApp={vi.fn()} />);
  return onSearch;
}

describe("signing in to an API", () => {
  const oauth = {
    auth_type: "oauth2",
    authorization_url: "https://a.test/a",
    token_url: "https://a.test/t",
    client_id: "c",
    client_secret: "se****et",
    authorized: false,
  };
  const stored = {
    schema_type: "openapi",
    schema: "x",
    tools: [],
    icon: { content: "x" },
    credentials: oauth,
    redirect_uri: "https://us.test/console/api/oauth/plugin/p1/tool/callback",
  };

  it("opens the service's page in a window of its own, and signs out again", async () => {
    const place = { href: "" };
    vi.stubGlobal("open", () => ({ location: place, closed: false, close: vi.fn() }));
    const out = vi.fn();
    let authorized = false;
    server.use(
      http.get(`${BASE}/tool-provider/api/get`, () => HttpResponse.json({ ...stored, credentials: { ...oauth, authorized } })),
      http.get(`${BASE}/tool-provider/api/tools`, () => HttpResponse.json([])),
      http.get("*/console/api/oauth/plugin/p1/tool/authorization-url", () => HttpResponse.json({ authorization_url: "https://a.test/a?state=s" })),
      http.post(`${BASE}/tool-provider/api/disconnect`, async ({ request }) => {
        out(await request.json());
        authorized = false;
        return HttpResponse.json({ result: "success" });
      }),
    );
    const { unmount } = show(<ProviderPanel provider={pets} onClose={vi.fn()} onApp={vi.fn()} />);
    expect(await screen.findByText(/Nobody has signed in yet/)).toBeVisible();
    expect(screen.getByText(stored.redirect_uri)).toBeVisible();
    await userEvent.click(screen.getByRole("button", { name: "Sign in" }));
    await waitFor(() => expect(place.href).toBe("https://a.test/a?state=s"));
    unmount();
    authorized = true;
    show(<ProviderPanel provider={pets} onClose={vi.fn()} onApp={vi.fn()} />);
    await userEvent.click(await screen.findByRole("button", { name: "Sign out" }));
    await userEvent.click(within(await screen.findByRole("alertdialog")).getByRole("button", { name: "Sign out" }));
    await waitFor(() => expect(out).toHaveBeenCalledWith({ provider_id: "p1" }));
    vi.unstubAllGlobals();
  });
});

describe("the tools page", () => {
  it("lists the providers of a tab with what they are", async () => {
    const onSearch = page();
    const card = await screen.findByRole("button", { name: /Time/ });
    expect(card).toHaveTextContent("Clock tools");
    expect(card).toHaveTextContent("1 tool");
    expect(card).toHaveTextContent("Utilities");
    await userEvent.click(screen.getByRole("radio", { name: /MCP/ }));
    expect(onSearch).toHaveBeenCalledWith({ tab: "mcp", open: undefined });
    await userEvent.click(card);
    expect(onSearch).toHaveBeenCalledWith({ open: "time" });
  });

  it("says what to do where there is nothing, and offers to clear a filter that hides all", async () => {
    const onSearch = page({ tab: "builtin", q: "nothing like it" });
    await userEvent.click(await screen.findByRole("button", { name: "Clear filter" }));
    expect(onSearch).toHaveBeenCalledWith({ q: undefined, labels: undefined });
  });

  it("tells that the list is missing, with a way to try again", async () => {
    server.use(http.get(`${BASE}/tool-providers`, () => HttpResponse.json({ code: "forbidden", message: "No entry" }, { status: 403 })));
    page();
    expect(await screen.findByText("No entry")).toBeVisible();
    expect(screen.getByRole("button", { name: "Try again" })).toBeVisible();
  });
});

describe("a provider", () => {
  it("shows its tools with their parameters, and adds a key by the schema", async () => {
    const sent = vi.fn();
    server.use(
      http.get(`${BASE}/tool-provider/builtin/time/tools`, () => HttpResponse.json(time.tools)),
      http.get(`${BASE}/tool-provider/builtin/time/credential/info`, () => HttpResponse.json({ supported_credential_types: ["api-key"], credentials: [] })),
      http.get(`${BASE}/tool-provider/builtin/time/credential/schema/api-key`, () =>
        HttpResponse.json([{ name: "token", type: "secret-input", required: true, label: { en_US: "Token" } }]),
      ),
      http.post(`${BASE}/tool-provider/builtin/time/add`, async ({ request }) => {
        sent(await request.json());
        return HttpResponse.json({ result: "success" });
      }),
    );
    show(<ProviderPanel provider={time} onClose={vi.fn()} onApp={vi.fn()} />);
    await userEvent.click(await screen.findByText("Current time"));
    expect(screen.getByText("timezone")).toBeVisible();
    await userEvent.click(await screen.findByRole("button", { name: "Add a key" }));
    const dialog = await screen.findByRole("dialog");
    await userEvent.click(await within(dialog).findByRole("button", { name: "Save" }));
    expect(within(dialog).getByText("This is needed.")).toBeVisible();
    await userEvent.type(within(dialog).getByLabelText("Token"), "abc");
    await userEvent.click(within(dialog).getByRole("button", { name: "Save" }));
    await waitFor(() => expect(sent).toHaveBeenCalledWith({ credentials: { token: "abc" }, type: "api-key" }));
  });

  it("lets an editor add a personal key, and nothing else", async () => {
    const sent = vi.fn();
    server.use(
      http.post(`${BASE}`, () => HttpResponse.json({ id: "w", name: "W", role: "editor" })),
      http.get(`${BASE}/tool-provider/builtin/time/tools`, () => HttpResponse.json(time.tools)),
      http.get(`${BASE}/tool-provider/builtin/time/credential/info`, () =>
        HttpResponse.json({
          supported_credential_types: ["api-key"],
          credentials: [
            { id: "1", name: "Shared", provider: "time", credential_type: "api-key", is_default: true, visibility: "workspace", credentials: {} },
            { id: "2", name: "Mine", provider: "time", credential_type: "api-key", is_default: false, visibility: "personal", credentials: {} },
          ],
        }),
      ),
      http.get(`${BASE}/tool-provider/builtin/time/credential/schema/api-key`, () =>
        HttpResponse.json([{ name: "token", type: "secret-input", required: true, label: { en_US: "Token" } }]),
      ),
      http.post(`${BASE}/tool-provider/builtin/time/add`, async ({ request }) => {
        sent(await request.json());
        return HttpResponse.json({ result: "success" });
      }),
    );
    show(<ProviderPanel provider={time} onClose={vi.fn()} onApp={vi.fn()} />);
    expect(await screen.findByRole("button", { name: "Delete the key Mine" })).toBeVisible();
    expect(screen.queryByRole("button", { name: "Delete the key Shared" })).toBeNull();
    await userEvent.click(screen.getByRole("button", { name: "Add a key" }));
    const dialog = await screen.findByRole("dialog");
    await userEvent.type(await within(dialog).findByLabelText("Token"), "abc");
    expect(within(dialog).getByText(/Nobody else sees it/)).toBeVisible();
    await userEvent.click(within(dialog).getByRole("button", { name: "Save" }));
    await waitFor(() => expect(sent).toHaveBeenCalledWith({ credentials: { token: "abc" }, type: "api-key", visibility: "personal" }));
  });

  it("says which roles may use its tools, and writes another rule", async () => {
    const sent = vi.fn();
    server.use(
      http.get(`${BASE}/tool-provider/builtin/time/tools`, () => HttpResponse.json(time.tools)),
      http.get(`${BASE}/tool-provider/builtin/time/credential/info`, () => HttpResponse.json({ supported_credential_types: [], credentials: [] })),
      http.get(`${BASE}/tool-permissions`, () =>
        HttpResponse.json([{ provider_type: "builtin", provider_id: "time", tool_name: null, roles: ["owner", "admin"] }]),
      ),
      http.put(`${BASE}/tool-permissions`, async ({ request }) => {
        sent(await request.json());
        return HttpResponse.json([]);
      }),
    );
    show(<ProviderPanel provider={{ ...time, closed_tools: ["current_time"] }} onClose={vi.fn()} onApp={vi.fn()} />);
    await userEvent.click(await screen.findByRole("button", { name: "All tools: Owner, Admin. Choose roles" }));
    await userEvent.click(await screen.findByRole("menuitem", { name: "Editor" }));
    await waitFor(() => expect(sent).toHaveBeenCalledWith({ provider_type: "builtin", provider_id: "time", roles: ["owner", "admin", "editor"] }));
    expect(screen.getByText("not for your role")).toBeVisible();
  });

  it("asks to authorise a server that does not know the workspace, and hides no reason", async () => {
    vi.stubGlobal("open", () => null);
    server.use(http.post(`${BASE}/tool-provider/mcp/auth`, () => HttpResponse.json({ authorization_url: "https://id.example.com/go" })));
    show(<ProviderPanel provider={carriers} onClose={vi.fn()} onApp={vi.fn()} />);
    await userEvent.click(await screen.findByRole("button", { name: "Authorise" }));
    expect(await screen.findByText(/held the window back/)).toBeVisible();
    expect(screen.queryByRole("region", { name: "Tools" })).toBeNull();
    vi.unstubAllGlobals();
  });
});

describe("a server where each member has their own account", () => {
  const own: ToolProvider = { ...carriers, personal: true, signed_in: false };

  it("lets a member sign in who may not change it", async () => {
    const place = { href: "" };
    vi.stubGlobal("open", () => ({ location: place, closed: false, close: vi.fn() }));
    server.use(
      http.post(`${BASE}`, () => HttpResponse.json({ id: "w", name: "W", role: "normal" })),
      http.post(`${BASE}/tool-provider/mcp/sign-in/m1`, () => HttpResponse.json({ authorization_url: "https://id.example.com/go" })),
    );
    show(<ProviderPanel provider={own} onClose={vi.fn()} onApp={vi.fn()} />);
    const part = await screen.findByRole("region", { name: "Your sign-in" });
    expect(within(part).getByText(/You are not signed in/)).toBeVisible();
    await userEvent.click(within(part).getByRole("button", { name: "Sign in with your account" }));
    await waitFor(() => expect(place.href).toBe("https://id.example.com/go"));
    expect(screen.queryByRole("button", { name: "Edit" })).toBeNull();
    expect(screen.queryByRole("button", { name: "Sign the workspace in" })).toBeNull();
    vi.unstubAllGlobals();
  });

  it("signs oneself out, and tells that the workspace is not in", async () => {
    const out = vi.fn();
    server.use(
      http.delete(`${BASE}/tool-provider/mcp/sign-in/m1`, () => {
        out();
        return HttpResponse.json({ result: "success" });
      }),
    );
    show(<ProviderPanel provider={{ ...own, signed_in: true }} onClose={vi.fn()} onApp={vi.fn()} />);
    expect(await screen.findByText(/workspace itself is not signed in/)).toBeVisible();
    expect(await screen.findByRole("button", { name: "Sign the workspace in" })).toBeVisible();
    await userEvent.click(screen.getByRole("button", { name: "Sign out" }));
    const sure = await screen.findByRole("alertdialog");
    await userEvent.click(within(sure).getByRole("button", { name: "Sign out" }));
    await waitFor(() => expect(out).toHaveBeenCalled());
  });

  it("is one by a switch", async () => {
    const sent = vi.fn();
    const onSaved = vi.fn();
    server.use(
      http.put(`${BASE}/tool-provider/mcp`, async ({ request }) => {
        sent(await request.json());
        return HttpResponse.json({ result: "success" });
      }),
    );
    show(<McpDialog provider={carriers} onClose={vi.fn()} onSaved={onSaved} />);
    await userEvent.click(screen.getByRole("switch", { name: "Each member signs in with their own account" }));
    await userEvent.click(screen.getByRole("button", { name: "Save" }));
    await waitFor(() => expect(onSaved).toHaveBeenCalled());
    expect(sent.mock.calls[0]?.[0]).toMatchObject({ provider_id: "m1", personal: true });
  });
});

describe("a custom tool", () => {
  it("reads the schema, calls an operation and saves", async () => {
    const tested = vi.fn();
    const saved = vi.fn();
    const onSaved = vi.fn();
    server.use(
      http.post(`${BASE}/tool-provider/api/schema`, () => HttpResponse.json({ schema_type: "openapi", parameters_schema: [operation], warning: {} })),
      http.post(`${BASE}/tool-provider/api/test/pre`, async ({ request }) => {
        tested(await request.json());
        return HttpResponse.json({ result: '{"pets":[]}' });
      }),
      http.post(`${BASE}/tool-provider/api/add`, async ({ request }) => {
        saved(await request.json());
        return HttpResponse.json({ result: "success" });
      }),
    );
    show(<ApiDialog onClose={vi.fn()} onSaved={onSaved} />);
    const user = userEvent.setup();
    await user.click(screen.getByRole("button", { name: "Examples" }));
    await user.click(await screen.findByRole("menuitem", { name: "Pet store" }));
    await user.click(await screen.findByRole("button", { name: "Try listPets" }));
    const test = await screen.findByRole("dialog", { name: "Try listPets" });
    await user.type(within(test).getByLabelText(/limit/), "many");
    await user.click(within(test).getByRole("button", { name: "Call it" }));
    expect(within(test).getByText("Enter a number.")).toBeVisible();
    await user.clear(within(test).getByLabelText(/limit/));
    await user.type(within(test).getByLabelText(/limit/), "2");
    await user.click(within(test).getByRole("button", { name: "Call it" }));
    expect(await within(test).findByRole("figure", { name: "Answer" })).toHaveTextContent("pets");
    expect(tested.mock.calls[0]?.[0]).toMatchObject({
      tool_name: "listPets",
      parameters: { limit: 2 },
      credentials: { auth_type: "none" },
      schema_type: "openapi",
    });
    await user.click(within(test).getByRole("button", { name: "Close" }));
    await user.click(screen.getByRole("button", { name: "Save" }));
    expect(screen.getByText("Enter a name.")).toBeVisible();
    await user.type(screen.getByLabelText("Name"), "pets");
    await user.click(screen.getByRole("button", { name: "Utilities" }));
    await user.click(screen.getByRole("button", { name: "Save" }));
    await waitFor(() => expect(onSaved).toHaveBeenCalledWith("pets"));
    expect(saved.mock.calls[0]?.[0]).toMatchObject({
      provider: "pets",
      schema_type: "openapi",
      labels: ["utilities"],
      credentials: { auth_type: "none" },
      icon: { content: "🔧" },
    });
  });

  it("says what is wrong with a schema", async () => {
    server.use(http.post(`${BASE}/tool-provider/api/schema`, () => HttpResponse.json({ code: "invalid_param", message: "No paths found" }, { status: 400 })));
    show(<ApiDialog onClose={vi.fn()} onSaved={vi.fn()} />);
    await userEvent.type(screen.getByRole("textbox", { name: "Schema" }), "openapi");
    expect(await screen.findByText("No paths found")).toBeVisible();
  });
});

it("an MCP server is connected with its headers", async () => {
  const sent = vi.fn();
  const onSaved = vi.fn();
  server.use(
    http.post(`${BASE}/tool-provider/mcp`, async ({ request }) => {
      sent(await request.json());
      return HttpResponse.json({ ...carriers, id: "m2" });
    }),
  );
  show(<McpDialog onClose={vi.fn()} onSaved={onSaved} />);
  const user = userEvent.setup();
  await user.click(screen.getByRole("button", { name: "Connect" }));
  expect(screen.getByText(/begins with http/)).toBeVisible();
  await user.type(screen.getByLabelText("Address"), "https://mcp.example.com/mcp");
  await user.type(screen.getByLabelText("Name"), "My Carriers");
  expect(screen.getByLabelText("Server ID")).toHaveValue("my-carriers");
  await user.click(screen.getByRole("radio", { name: "Headers" }));
  await user.click(screen.getByRole("button", { name: "Header" }));
  await user.type(screen.getByLabelText("Name of header 1"), "X-Key");
  await user.type(screen.getByLabelText("Value of header 1"), "abc");
  await user.click(screen.getByRole("button", { name: "Connect" }));
  await waitFor(() => expect(onSaved).toHaveBeenCalled());
  expect(sent.mock.calls[0]?.[0]).toMatchObject({ server_url: "https://mcp.example.com/mcp", server_identifier: "my-carriers", headers: { "X-Key": "abc" } });
});

it("a program that the operator allows is an MCP server, too", async () => {
  const sent = vi.fn();
  const onSaved = vi.fn();
  server.use(
    http.get(`${BASE}/tool-provider/mcp/programs`, () => HttpResponse.json([{ name: "weather", server_url: "stdio:weather", variables: ["API_KEY", "CITY"] }])),
    http.post(`${BASE}/tool-provider/mcp`, async ({ request }) => {
      sent(await request.json());
      return HttpResponse.json({ ...carriers, id: "m3" });
    }),
  );
  show(<McpDialog onClose={vi.fn()} onSaved={onSaved} />);
  const user = userEvent.setup();
  await user.click(await screen.findByRole("radio", { name: "As a program of this installation" }));
  expect(screen.queryByLabelText("Address")).toBeNull();
  expect(screen.queryByRole("radio", { name: "Headers" })).toBeNull();
  await user.type(screen.getByLabelText("Name"), "Weather");
  await user.click(screen.getByRole("button", { name: "Connect" }));
  expect(screen.getByText("Choose a program.")).toBeVisible();
  await user.click(screen.getByRole("combobox", { name: "Program" }));
  await user.click(await screen.findByRole("option", { name: "weather" }));
  await user.type(screen.getByLabelText("API_KEY"), "abc");
  await user.click(screen.getByRole("button", { name: "Connect" }));
  await waitFor(() => expect(onSaved).toHaveBeenCalled());
  expect(sent.mock.calls[0]?.[0]).toMatchObject({ server_url: "stdio:weather", server_identifier: "weather", headers: { API_KEY: "abc" } });
});

it("a workflow becomes a tool under a name that can be called", async () => {
  const sent = vi.fn();
  const onSaved = vi.fn();
  server.use(
    http.post(`${BASE}/tool-provider/workflow/create`, async ({ request }) => {
      sent(await request.json());
      return HttpResponse.json({ result: "success" });
    }),
  );
  const start = {
    workflow_app_id: "a1",
    label: "Sum up",
    name: "sum up",
    description: "",
    icon: "",
    parameters: [{ name: "text", description: "", form: "llm", required: true }],
  };
  show(<WorkflowToolDialog start={start} labels={[]} onClose={vi.fn()} onSaved={onSaved} />);
  const user = userEvent.setup();
  await user.click(screen.getByRole("button", { name: "Save" }));
  expect(screen.getByText(/64 at most/)).toBeVisible();
  await user.clear(screen.getByLabelText("Name for the call"));
  await user.type(screen.getByLabelText("Name for the call"), "sum_up");
  await user.type(screen.getByLabelText("Description for the model"), "Sums up a text");
  await user.type(screen.getByLabelText("Description of text"), "The text");
  await user.click(screen.getByRole("button", { name: "Save" }));
  await waitFor(() => expect(onSaved).toHaveBeenCalled());
  expect(sent.mock.calls[0]?.[0]).toMatchObject({
    workflow_app_id: "a1",
    name: "sum_up",
    label: "Sum up",
    parameters: [{ name: "text", description: "The text", form: "llm" }],
  });
});

it("tools are picked for an agent, several at once", async () => {
  for (const kind of ["api", "workflow", "mcp", "app"]) server.use(http.get(`${BASE}/tools/${kind}`, () => HttpResponse.json([])));
  server.use(
    http.get(`${BASE}/tools/builtin`, () => HttpResponse.json([{ ...time, tools: [...(time.tools ?? []), { name: "weekday", label: { en_US: "Weekday" } }] }])),
  );
  const onPick = vi.fn();
  show(<PickDialog taken={(_, tool) => tool.name === "weekday"} onClose={vi.fn()} onPick={onPick} />);
  expect(await screen.findByRole("checkbox", { name: /Weekday/ })).toBeDisabled();
  await userEvent.click(screen.getByRole("checkbox", { name: /Current time/ }));
  await userEvent.click(screen.getByRole("button", { name: "Add 1 tool" }));
  expect(onPick.mock.calls[0]?.[0]).toMatchObject([{ provider: { id: "time" }, tool: { name: "current_time" } }]);
});

it("thoughts show what is called, with what, and what came back", async () => {
  const call = { name: "current_time", label: { en_US: "Current time" }, input: '{"timezone":"UTC"}', output: "" };
  const thought = { id: "t", position: 1, text: "I need the time", calls: [call] };
  const { rerender } = show(<Thoughts thoughts={[thought]} busy />);
  expect(screen.getByText("Calling Current time")).toBeVisible();
  rerender(<Thoughts thoughts={[{ ...thought, tokens: 12, calls: [{ ...call, output: "12:00", time: 0.5 }] }]} busy={false} />);
  await userEvent.click(screen.getByText("Called Current time"));
  expect(screen.getByText("I need the time")).toBeVisible();
  expect(screen.getByText("12:00")).toBeInTheDocument();
  expect(screen.getAllByText(/12 tokens/).length).toBeGreaterThan(0);
});
