import { screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { HttpResponse, http } from "msw";
import { describe, expect, it, vi } from "vitest";
import { show } from "../../test/render";
import { server, withServer } from "../../test/server";
import type { Budget, Sum } from "./api";
import { bodyOf, byDay, currenciesOf, draftOf, EMPTY, moodOf, newSecret, totalsOf, wrongOf } from "./figures";
import { MonthSpend } from "./MonthSpend";
import { UsagePage } from "./UsagePage";

vi.mock("@tanstack/react-router", async (original) => ({ ...(await original<object>()), ...(await import("../../test/router")) }));

const sum = (change: Partial<Sum>): Sum => ({
  currency: "USD",
  price: "0.5000000",
  calls: 2,
  failed: 0,
  prompt_tokens: 100,
  cached_tokens: 20,
  completion_tokens: 10,
  total_tokens: 110,
  latency_ms: 3000,
  hits: 0,
  saved_tokens: 0,
  saved_price: "0",
  ...change,
});

describe("figures", () => {
  const summary = {
    total: [],
    days: [{ date: "2026-11-20", sums: [sum({}), sum({ currency: "RMB", price: "7.0000000" })] }],
  };

  it("have a value for each day; money is of one currency, tokens of all", () => {
    const days = ["2026-11-19", "2026-11-20"];
    expect(byDay(summary, days, (each) => Number(each.price), "USD")).toEqual([0, 0.5]);
    expect(byDay(summary, days, (each) => each.prompt_tokens)).toEqual([0, 200]);
  });

  it("show the currency first in which something was paid", () => {
    expect(currenciesOf([sum({ calls: 9, price: "0.0000000" }), sum({ currency: "RMB", calls: 1 })])).toEqual(["RMB", "USD"]);
    expect(totalsOf([sum({ failed: 1 }), sum({ currency: "RMB" })])).toEqual({
      calls: 4,
      failed: 1,
      tokens: 220,
      prompt: 200,
      cached: 40,
      completion: 20,
      hits: 0,
      savedTokens: 0,
    });
  });
});

const budget: Budget = {
  id: "b1",
  name: "Team",
  scope: "workspace",
  subject: null,
  subject_name: null,
  period: "month",
  action: "stop",
  token_limit: null,
  money_limit: "25.00",
  currency: "USD",
  calls_per_minute: 6,
  enabled: true,
  mail: true,
  webhook_url: null,
  has_webhook_secret: false,
  used_tokens: 1200,
  used_money: "20.5000000",
  ratio: 0.82,
  created_at: 1,
  updated_at: 1,
};

describe("a budget's form", () => {
  it.each([
    ["name", { name: " " }],
    ["limit", { money: "" }],
    ["money", { money: "much" }],
    ["money", { money: "0" }],
    ["tokens", { tokens: "1.5" }],
    ["perMinute", { action: "throttle", perMinute: "0" }],
    ["secret", { url: "https://a.test" }],
    ["secret", { url: "https://a.test", secret: "short" }],
    [undefined, {}],
    [undefined, { money: "", tokens: "5" }],
    [undefined, { url: "https://a.test", secret: newSecret() }],
  ] as const)("tells that %s is wrong", (wrong, change) => {
    expect(wrongOf({ ...EMPTY, name: "Team", money: "25.00", ...change }, false)).toBe(wrong);
  });

  it("keeps what it does not show, and says nothing of what is not chosen", () => {
    const draft = draftOf({ ...budget, webhook_url: "https://a.test", has_webhook_secret: true });
    expect(wrongOf(draft, true)).toBeUndefined();
    expect(bodyOf(draft)).toMatchObject({ webhook_url: "https://a.test", webhook_secret: null, money_limit: "25.00", token_limit: null, subject: null });
    expect(bodyOf({ ...draft, scope: "user", subject: " ann ", tokens: "100", action: "throttle" })).toMatchObject({
      subject: "ann",
      token_limit: 100,
      calls_per_minute: 6,
    });
  });

  it("looks worse the more is used", () => {
    expect([0.5, 0.8, 1].map((ratio) => moodOf({ ratio, enabled: true }))).toEqual(["ok", "warn", "bad"]);
    expect(moodOf({ ratio: 2, enabled: false })).toBe("plain");
  });
});

// A loaded machine draws slowly.
const LONG = { timeout: 20_000 };

describe("the page", LONG, () => {
  withServer();
  const call = {
    id: "c1",
    app_name: "Help desk",
    user_name: "ann",
    provider: "langgenius/openai/openai",
    model: "gpt-4o-mini",
    kind: "llm",
    wanted_model: "gpt-4o",
    prompt_tokens: 40,
    cached_tokens: 0,
    completion_tokens: 2,
    price: "0.0002000",
    currency: "USD",
    estimated: true,
    latency_ms: 1200,
    first_token_ms: 300,
    outcome: "cancelled",
    created_at: 1_763_600_000,
  };
  const keys = [{ id: "k1", name: "Reports" }];
  const alert = {
    id: "al1",
    budget_id: "b1",
    subject: "",
    period_start: "2026-11-01",
    threshold: 80,
    used_tokens: 1,
    used_money: "1",
    status: "none",
    created_at: 1_763_600_000,
  };
  const answers = (role = "admin", budgets: readonly Budget[] = [budget]) => [
    http.get("*/console/api/workspaces/current/gateway-keys", () => HttpResponse.json({ data: keys })),
    http.get("*/console/api/account/profile", () => HttpResponse.json({ id: "1", name: "Mara", timezone: "UTC" })),
    http.post("*/console/api/workspaces/current", () => HttpResponse.json({ id: "w", name: "W", role })),
    http.get("*/console/api/workspaces/current/model-spend", () => HttpResponse.json({ total: [sum({})], days: [] })),
    http.get("*/console/api/workspaces/current/model-spend/groups", ({ request }) => {
      const by = new URL(request.url).searchParams.get("by");
      return HttpResponse.json({ data: [{ ...sum({}), name: by === "app" ? "a1" : "gpt-4o-mini", label: by === "app" ? "Help desk" : null, provider: null }] });
    }),
    http.get("*/console/api/workspaces/current/model-spend/calls", ({ request }) =>
      HttpResponse.json({ data: new URL(request.url).searchParams.get("status") === "failed" ? [] : [call], has_more: false }),
    ),
    http.get("*/console/api/workspaces/current/model-budgets", () =>
      HttpResponse.json({ data: budgets, alerts: [alert, { ...alert, id: "al2", budget_id: "gone" }] }),
    ),
  ];

  it("shows sums, groups, calls and budgets", async () => {
    server.use(...answers());
    show(<UsagePage search={{}} onSearch={vi.fn()} />);
    const groups = await screen.findByRole("region", { name: "By whom" }, LONG);
    expect(await within(groups).findByRole("row", { name: /gpt-4o-mini/ }, LONG)).toHaveTextContent("$0.5000");
    await userEvent.click(screen.getByRole("radio", { name: "App" }));
    await waitFor(() => expect(screen.getByRole("row", { name: /^Help desk/ })).toBeVisible(), LONG);
    const row = await screen.findByRole("row", { name: /in place of gpt-4o/ }, LONG);
    expect(row).toHaveTextContent("≈ 40 + 2");
    expect(row).toHaveTextContent("Given up");
    await userEvent.click(screen.getByRole("radio", { name: "Not answered" }));
    expect(await screen.findByText("Every call was answered in this time.", {}, LONG)).toBeVisible();
    expect(screen.getByRole("meter", { name: "Used" })).toHaveAttribute("aria-valuenow", "82");
    expect(screen.getByText("$20.50 of $25.00")).toBeVisible();
    expect(within(screen.getByRole("list", { name: "Last alerts" })).getAllByRole("listitem")).toHaveLength(1);
    expect(screen.getByText("80 % of “Team” was used.")).toBeVisible();
  });

  it("names the key of the gateway that called, and offers keys to a budget", async () => {
    const sent = vi.fn();
    server.use(
      http.get("*/console/api/workspaces/current/model-spend/calls", () =>
        HttpResponse.json({ data: [{ ...call, id: "c2", app_name: null, user_name: null, key_id: "k1", key_name: "Reports" }], has_more: false }),
      ),
      http.post("*/console/api/workspaces/current/model-budgets", async ({ request }) => {
        sent(await request.json());
        return HttpResponse.json(budget);
      }),
      ...answers("owner", []),
    );
    show(<UsagePage search={{}} onSearch={vi.fn()} />);
    expect(await screen.findByRole("cell", { name: "Reports" }, LONG)).toBeVisible();
    await userEvent.click(await screen.findByRole("button", { name: "New budget" }, LONG));
    const dialog = within(await screen.findByRole("dialog", {}, LONG));
    await userEvent.type(dialog.getByLabelText("Name"), "Nightly");
    await userEvent.type(dialog.getByLabelText("Limit of tokens"), "100");
    await userEvent.click(dialog.getByRole("combobox", { name: "For" }));
    await userEvent.click(await screen.findByRole("option", { name: "Gateway key" }));
    await userEvent.click(dialog.getByRole("combobox", { name: "Which one" }));
    await userEvent.click(await screen.findByRole("option", { name: "Reports" }));
    await userEvent.click(dialog.getByRole("button", { name: "Save" }));
    await waitFor(() => expect(sent).toHaveBeenCalledWith(expect.objectContaining({ scope: "key", subject: "k1", token_limit: 100 })), LONG);
  });

  it("makes a budget, and tells what is wrong with it first", async () => {
    const sent = vi.fn();
    server.use(
      ...answers("owner", []),
      http.post("*/console/api/workspaces/current/model-budgets", async ({ request }) => {
        sent(await request.json());
        return HttpResponse.json(budget);
      }),
    );
    show(<UsagePage search={{}} onSearch={vi.fn()} />);
    await userEvent.click(await screen.findByRole("button", { name: "New budget" }, LONG));
    const dialog = await screen.findByRole("dialog", {}, LONG);
    await userEvent.type(within(dialog).getByLabelText("Name"), "Team");
    await userEvent.click(within(dialog).getByRole("button", { name: "Save" }));
    expect(await within(dialog).findByText("Set a limit of money, of tokens, or both.")).toBeVisible();
    await userEvent.type(within(dialog).getByLabelText("Limit of money"), "25");
    await userEvent.click(within(dialog).getByRole("button", { name: "Save" }));
    await waitFor(
      () => expect(sent).toHaveBeenCalledWith(expect.objectContaining({ name: "Team", money_limit: "25", scope: "workspace", action: "stop" })),
      LONG,
    );
    await waitFor(() => expect(screen.queryByRole("dialog")).toBeNull(), LONG);
  });

  it("lets editors look, and nobody else", async () => {
    server.use(...answers("editor"));
    const { unmount } = show(<UsagePage search={{}} onSearch={vi.fn()} />);
    expect(await screen.findByText("$20.50 of $25.00", {}, LONG)).toBeVisible();
    expect(screen.queryByRole("button", { name: "New budget" })).toBeNull();
    unmount();
    server.use(...answers("normal"));
    show(<UsagePage search={{}} onSearch={vi.fn()} />);
    expect(await screen.findByText("Owners, admins and editors can see this.", {}, LONG)).toBeVisible();
  });

  it("tells at home what this month has cost, and of how much", async () => {
    server.use(...answers());
    const { unmount } = show(<MonthSpend />);
    expect(await screen.findByRole("link", {}, LONG)).toHaveTextContent("Spent this month $20.50of $25.00");
    unmount();
    server.use(...answers("admin", [{ ...budget, enabled: false }]));
    const other = show(<MonthSpend />);
    expect(await screen.findByRole("link", {}, LONG)).toHaveTextContent("Spent this month $0.50");
    other.unmount();
    server.use(...answers("normal"));
    show(<MonthSpend />);
    expect(screen.queryByRole("link")).toBeNull();
  });

  it("keeps what works when one part fails", async () => {
    server.use(
      http.get("*/console/api/workspaces/current/model-spend/calls", () =>
        HttpResponse.json({ code: "internal", message: "No luck.", status: 500 }, { status: 500 }),
      ),
      ...answers(),
    );
    show(<UsagePage search={{}} onSearch={vi.fn()} />);
    expect(await screen.findByText("The calls could not be read", {}, LONG)).toBeVisible();
    expect(await screen.findByText("$20.50 of $25.00", {}, LONG)).toBeVisible();
  });
});
