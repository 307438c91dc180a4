import { screen, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { HttpResponse, http } from "msw";
import { describe, expect, it, vi } from "vitest";
import type { AppDetail } from "../../data/apps";
import { addMonths, startOfDay } from "../../lib/zone";
import { show } from "../../test/render";
import { server, withServer } from "../../test/server";
import { changeOf, comparedTo, fill, scaleOf, segments, totalOf, viewOf } from "./figures";
import { MonitorPage } from "./MonitorPage";
import { bucketsOf, monitorSearch, spanOf } from "./span";

const NOW = new Date("2026-11-22T01:30:20Z");
const CREATED = new Date("2026-11-01T12:00:00Z");

describe("the time range", () => {
  it("is days of the account's zone", () => {
    const span = spanOf({}, NOW, "America/New_York", CREATED);
    // There it is still the day before.
    expect(span.days).toEqual(["2026-11-15", "2026-11-16", "2026-11-17", "2026-11-18", "2026-11-19", "2026-11-20", "2026-11-21"]);
    expect([span.start, span.end]).toEqual(["2026-11-15 00:00", "2026-11-21 20:31"]);
    expect([span.before?.start, span.before?.end]).toEqual(["2026-11-08 00:00", "2026-11-14 20:31"]);
    expect([span.open, span.buckets, span.barsUntil.toISOString()]).toEqual([true, 56, "2026-11-22T05:00:00.000Z"]);
  });

  it.each([
    ["24h", "2026-11-21", 2, 24],
    ["30d", "2026-10-24", 30, 30],
    ["3m", "2026-08-22", 93, 93],
    ["12m", "2025-11-22", 366, 53],
    ["mtd", "2026-11-01", 22, 22],
    ["qtd", "2026-10-01", 53, 53],
    ["ytd", "2026-01-01", 326, 47],
    ["all", "2026-11-01", 22, 22],
  ] as const)("%s", (range, first, days, buckets) => {
    const span = spanOf({ range }, NOW, "UTC", CREATED);
    expect([span.days[0], span.days.length, span.buckets]).toEqual([first, days, buckets]);
    expect(span.before === undefined).toBe(range === "all");
  });

  it("may be days of one's own, none of them to come", () => {
    const span = spanOf({ range: "custom", from: "2026-11-03", to: "2026-11-04" }, NOW, "UTC", CREATED);
    expect([span.days, span.open, span.end]).toEqual([["2026-11-03", "2026-11-04"], false, "2026-11-05 00:00"]);
    expect(spanOf({ range: "custom", from: "2026-12-03", to: "2026-12-09" }, NOW, "UTC", CREATED).days).toEqual(["2026-11-22"]);
    expect(monitorSearch.parse({ range: "custom", from: "2026-02-30", to: "x" })).toEqual({ range: "custom" });
  });

  it("knows clocks that change and months that are short", () => {
    expect(startOfDay("2026-03-29", "Europe/Berlin").toISOString()).toBe("2026-03-28T23:00:00.000Z");
    expect(startOfDay("2026-03-30", "Europe/Berlin").toISOString()).toBe("2026-03-29T22:00:00.000Z");
    expect(addMonths("2026-05-31", -3)).toBe("2026-02-28");
    expect([1, 7, 30, 365, 4000].map(bucketsOf)).toEqual([24, 56, 30, 53, 240]);
  });
});

describe("figures", () => {
  const { count, tops, beside: speed } = viewOf("chat");
  const [users, cost, liked] = tops;

  it("fill the days without anything: zero for counts, unknown for measures", () => {
    const days = ["2026-11-20", "2026-11-21"];
    const data = [
      { date: "2026-11-20", liked: null, rated: 0 },
      { date: "2026-11-21", message_count: 4, tps: 12.5, total_price: "0.0120000", liked: 0.25, rated: 8 },
    ];
    expect([count, speed, cost, liked].map((figure) => figure && fill(figure, days, data))).toEqual([
      [0, 4],
      [null, 12.5],
      [0, 0.012],
      [null, 0.25],
    ]);
  });

  it("weigh the share of likes by what was rated", () => {
    const weigh = typeof liked?.total === "object" ? liked.total : undefined;
    expect(weigh && fill(weigh, ["2026-11-20", "2026-11-21"], [{ date: "2026-11-21", rated: 3 }])).toEqual([0, 3]);
  });

  it("make one number of many days", () => {
    expect(totalOf(count, [1, 2, 3], [])).toBe(6);
    expect(users && totalOf(users, [1, 0, 2], [])).toBe(1);
    expect(users && totalOf(users, [3], [], 3)).toBe(1);
    expect(liked && totalOf(liked, [0.5, null, 0.1], [10, 5, 30])).toBeCloseTo(0.2);
    expect(liked && totalOf(liked, [null], [0])).toBeUndefined();
  });

  it("say how a number moved, and whether that is good", () => {
    expect(changeOf({ unit: "count" }, 12, 10)).toEqual({ value: expect.closeTo(0.2), points: false, mood: "even" });
    expect(changeOf({ unit: "seconds", better: "less" }, 12, 10)?.mood).toBe("bad");
    expect(changeOf({ unit: "percent", better: "more" }, 0.98, 0.9)).toEqual({ value: expect.closeTo(0.08), points: true, mood: "good" });
    expect(changeOf({ unit: "count" }, 12, 0)).toBeUndefined();
    expect(changeOf({ unit: "count" }, 10, 10)).toBeUndefined();
  });

  it.each([
    ["count", 12, true, undefined, "none"],
    ["count", 12, true, 0, "none"],
    ["count", 0, true, 0, undefined],
    ["count", 12, true, 12, "same"],
    ["money", 0.5, true, 0, undefined],
    ["percent", 1, true, 1, "same"],
    ["percent", 1, true, undefined, "none"],
    ["seconds", 2, false, undefined, undefined],
    ["seconds", undefined, true, 2, undefined],
  ] as const)("%s %s beside what was before (%s, %s): %s", (unit, now, known, value, said) => expect(comparedTo({ unit }, now, { known, value })).toBe(said));

  it.each<[number, boolean, number[]]>([
    [0, true, [0, 1]],
    [3, true, [0, 1, 2, 3]],
    [9412, true, [0, 2500, 5000, 7500, 10_000]],
    [0.13, false, [0, 0.05, 0.1, 0.15]],
    [4.65, false, [0, 2, 4, 6]],
  ])("an axis up to %d", (top, whole, marks) => expect(scaleOf(top, whole)).toEqual(marks));

  it("lines have gaps where nothing is known", () => expect(segments([null, 1, 2, null, null, 3])).toEqual([[1, 2], [5]]));
});

const app = {
  id: "a1",
  name: "Help desk",
  mode: "workflow",
  created_at: 1_760_000_000,
  enable_site: false,
  workflow: null,
  site: null,
} as unknown as AppDetail;

const bars = (failed: number) => ({
  step_seconds: 10_800,
  total: 12,
  succeeded: 12 - failed,
  failed,
  other: 0,
  buckets: [
    { at: 1_763_600_000, total: 5, succeeded: 5, failed: 0, other: 0 },
    { at: 1_763_610_800, total: 7, succeeded: 7 - failed, failed, other: 0 },
  ],
});

// A loaded machine draws slowly.
const LONG = { timeout: 20_000 };

describe("the page", LONG, () => {
  withServer();
  const answers = (failed: number, days: () => Response = () => HttpResponse.json({ data: [] })) => [
    http.get("*/console/api/account/profile", () => HttpResponse.json({ id: "1", name: "Mara", timezone: "Europe/Berlin" })),
    http.post("*/console/api/workspaces/current", () => HttpResponse.json({ id: "w", name: "W", role: "editor" })),
    http.get("*/console/api/apps/figures", ({ request }) => {
      const before = new URL(request.url).searchParams.get("before") === "true" ? { p95_seconds: 2.1 } : null;
      return HttpResponse.json({ data: [{ app_id: "a1", p95_seconds: 2.31, before }] });
    }),
    http.get("*/console/api/apps/a1/workflow-app-logs/histogram", () => HttpResponse.json(bars(failed))),
    http.get("*/console/api/apps/a1/workflow/statistics/slow-nodes", () => HttpResponse.json({ data: [], sampled: false })),
    http.get("*/console/api/apps/a1/workflow/statistics/:name", days),
    http.get("*/console/api/workspaces/current/model-spend/groups", ({ request }) => {
      const { searchParams } = new URL(request.url);
      const row = {
        name: "gpt-x",
        provider: "langgenius/openai/openai",
        label: null,
        price: "1.5000000",
        currency: "USD",
        calls: 42,
        failed: 1,
        total_tokens: 900,
      };
      return HttpResponse.json({ data: searchParams.get("app_id") === "a1" && searchParams.get("by") === "model" ? [row] : [] });
    }),
  ];

  it("shows the numbers, reads them with the keys and as a table, and leads to the log", async () => {
    server.use(...answers(4));
    const logs = vi.fn();
    show(<MonitorPage app={app} search={{}} onSearch={vi.fn()} onLogs={logs} />);
    expect(await screen.findByText("66.7%", {}, LONG)).toBeVisible();
    expect(await screen.findByText(/^2\.31.s$/, {}, LONG)).toBeVisible();
    expect(screen.getByText(/^\+10%/)).toHaveTextContent("+10% worse");
    expect(screen.getByText("Times of Europe/Berlin")).toBeVisible();
    expect(await screen.findByText(/4 of 12 failed\./)).toBeVisible();
    const chart = await screen.findByRole("group", { name: /^Runs, 12/ }, LONG);
    chart.focus();
    await userEvent.keyboard("{End}");
    expect(within(chart).getByRole("status")).toHaveTextContent(/done 3, failed 4/);
    await userEvent.keyboard("{Enter}");
    expect(logs).toHaveBeenCalledWith({ since: 1_763_610_800, until: 1_763_621_600, failed: false });
    await userEvent.click(screen.getByRole("button", { name: "See the runs" }));
    expect(logs).toHaveBeenLastCalledWith(expect.objectContaining({ failed: true }));
    await userEvent.click(screen.getByRole("button", { name: "Show “Runs” as a table" }));
    expect(within(screen.getAllByRole("region", { name: "Runs" }).at(-1) ?? chart).getAllByRole("row")).toHaveLength(3);
  });

  it("says once that there was nothing before", async () => {
    const nothing = { ...bars(0), total: 0, succeeded: 0, buckets: [] };
    server.use(
      http.get("*/console/api/apps/a1/workflow-app-logs/histogram", ({ request }) =>
        HttpResponse.json(new URL(request.url).searchParams.get("buckets") === "1" ? nothing : bars(0)),
      ),
    );
    server.use(...answers(0).filter((each) => !each.info.header.includes("histogram")));
    show(<MonitorPage app={app} search={{}} onSearch={vi.fn()} onLogs={vi.fn()} />);
    expect(await screen.findByText(/^2\.31.s$/, {}, LONG)).toBeVisible();
    expect(await screen.findAllByText("no data before", {}, LONG)).toHaveLength(1);
    expect(screen.queryByText(/^\+10%/)).toBeNull();
  });

  it("keeps what works when one figure fails", async () => {
    server.use(...answers(0, () => HttpResponse.json({ code: "internal", message: "No luck.", status: 500 }, { status: 500 })));
    show(<MonitorPage app={app} search={{}} onSearch={vi.fn()} onLogs={vi.fn()} />);
    expect(await screen.findByRole("group", { name: /^Runs, 12/ }, LONG)).toBeVisible();
    expect((await screen.findAllByText("This figure could not be read", {}, LONG)).length).toBeGreaterThan(0);
    expect(screen.queryByText(/of 12 failed/)).toBeNull();
  });

  it("tells what each model cost", async () => {
    server.use(...answers(0));
    show(<MonitorPage app={app} search={{}} onSearch={vi.fn()} onLogs={vi.fn()} />);
    const row = await screen.findByRole("row", { name: /^gpt-x/ }, LONG);
    expect(
      within(row)
        .getAllByRole("cell")
        .map((cell) => cell.textContent),
    ).toEqual([expect.stringContaining("1.5"), "42", "1", "900"]);
  });

  it("draws response times as lines, and tells where only some were measured", async () => {
    const day = { date: "2026-01-03", measured: 20_000, p50: 1.5, p95: 4, p99: 7, first_token_p50: null, sampled: true };
    server.use(...answers(0, () => HttpResponse.json({ data: [day] })));
    show(<MonitorPage app={app} search={{ range: "custom", from: "2026-01-02", to: "2026-01-04" }} onSearch={vi.fn()} onLogs={vi.fn()} />);
    const chart = await screen.findByRole("group", { name: /^Response times, p95 up to 4/ }, LONG);
    expect(screen.getByText(/^On 1 day there were so many/)).toBeVisible();
    chart.focus();
    await userEvent.keyboard("{Home}");
    expect(within(chart).getByRole("status")).toHaveTextContent(/p50 –, p95 –, p99 –$/);
    await userEvent.keyboard("{ArrowRight}");
    expect(within(chart).getByRole("status")).toHaveTextContent(/p50 1\.5.*, p95 4.*, p99 7/);
    expect(within(chart).getByRole("status")).not.toHaveTextContent(/first token/);
  });

  it("lists the slow nodes, and says when there are none", async () => {
    const node = { node_id: "n1", node_type: "llm", title: "Assess photo", executions: 41, failed: 2, p50: 0.5, p95: 2.6 };
    const path = "*/console/api/apps/a1/workflow/statistics/slow-nodes";
    server.use(
      http.get(path, () => HttpResponse.json({ data: [node], sampled: true })),
      ...answers(0),
    );
    const logs = vi.fn();
    const { unmount } = show(<MonitorPage app={app} search={{}} onSearch={vi.fn()} onLogs={logs} />);
    const row = await screen.findByRole("row", { name: /^Assess photo/ }, LONG);
    const cells = within(row)
      .getAllByRole("cell")
      .map((cell) => cell.textContent?.replace(/\s/g, " "));
    expect(cells).toEqual([expect.stringMatching(/^2\.6/), expect.stringMatching(/500 ms|0\.5/), "2", "41"]);
    expect(screen.getByText(/^Of the newest runs/)).toBeVisible();
    await userEvent.click(screen.getByRole("button", { name: "Open in logs" }));
    expect(logs).toHaveBeenCalledWith(expect.objectContaining({ failed: false }));
    unmount();
    server.use(http.get(path, () => HttpResponse.json({ data: [], sampled: false })));
    show(<MonitorPage app={app} search={{}} onSearch={vi.fn()} onLogs={logs} />);
    expect(await screen.findByText("No node ran in these days", {}, LONG)).toBeVisible();
  });

  it("tells when half of the answers of a chat had begun, and nearly all", async () => {
    const chat = { ...app, mode: "chat" } as AppDetail;
    const times = ({ request }: { request: Request }) => {
      const before = (new URL(request.url).searchParams.get("start") ?? "") < "2026-01-02";
      const day = { date: "2026-01-02", p50: 1, p95: 3, p99: 4, first_token_p50: before ? 0.5 : 0.46, first_token_p95: 0.9, sampled: false };
      return HttpResponse.json({ data: [day] });
    };
    server.use(
      http.get("*/console/api/apps/a1/statistics/response-times", times),
      http.get("*/console/api/apps/a1/statistics/user-satisfaction-rate", () =>
        HttpResponse.json({ data: [{ date: "2026-01-03", rate: 30, liked: 0.75, rated: 4 }] }),
      ),
      http.get("*/console/api/apps/a1/statistics/:name", () => HttpResponse.json({ data: [] })),
      ...answers(0),
    );
    show(<MonitorPage app={chat} search={{ range: "custom", from: "2026-01-02", to: "2026-01-05" }} onSearch={vi.fn()} onLogs={vi.fn()} />);
    const value = await screen.findByTitle(/^95 of 100 answers began within/, {}, LONG);
    expect(value).toHaveTextContent(/0\.46|460/);
    expect(await screen.findByText(/^-8%|^−8%/, {}, LONG)).toHaveTextContent("better");
    expect(await screen.findByTitle("Of 4 rated answers.", {}, LONG)).toHaveTextContent(/75%$/);
    expect(screen.queryByRole("heading", { name: "Slow and failing nodes" })).toBeNull();
  });

  it("measures a long time as one, and compares it with the one before", async () => {
    const days = ({ request }: { request: Request }) => {
      const { searchParams } = new URL(request.url);
      if (searchParams.get("whole") !== "true") return HttpResponse.json({ data: [] });
      const now = (searchParams.get("start") ?? "").startsWith("2026-01-02");
      return HttpResponse.json({ data: [{ date: "2026-01-02", p50: 1, p95: now ? 3.3 : 3, sampled: now }] });
    };
    server.use(http.get("*/console/api/apps/a1/workflow/statistics/response-times", days), ...answers(0));
    show(<MonitorPage app={app} search={{ range: "custom", from: "2026-01-02", to: "2026-02-05" }} onSearch={vi.fn()} onLogs={vi.fn()} />);
    const value = await screen.findByTitle("Of the newest answers: there were too many to measure all.", {}, LONG);
    expect(value).toHaveTextContent(/3\.30.s$/);
    expect(await screen.findByText(/^\+10%/, {}, LONG)).toHaveTextContent("+10% worse");
  });

  it("takes days of one's own", async () => {
    server.use(...answers(0));
    const found = vi.fn();
    show(<MonitorPage app={app} search={{ range: "custom", from: "2026-01-02", to: "2026-01-05" }} onSearch={found} onLogs={vi.fn()} />);
    await userEvent.click(await screen.findByRole("button", { name: /2, 2026.*5, 2026/ }, LONG));
    const first = screen.getByLabelText("First day");
    await userEvent.clear(first);
    await userEvent.type(first, "2026-01-09");
    expect(screen.getByRole("button", { name: "Show these days" })).toBeDisabled();
    await userEvent.clear(first);
    await userEvent.type(first, "2026-01-04");
    await userEvent.click(screen.getByRole("button", { name: "Show these days" }));
    expect(found).toHaveBeenCalledWith({ range: "custom", from: "2026-01-04", to: "2026-01-05" });
  });
});
