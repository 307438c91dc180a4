import { HttpResponse, http } from "msw";
import { expect, it } from "vitest";
import { server, withServer } from "../test/server";
import { pageOf } from "./address";
import { MemberApi } from "./member";

withServer();

it.each([
  ["installed", "/parameters", "/console/api/installed-apps/x1/parameters", true],
  ["trial", "/parameters", "/console/api/trial-apps/x1/parameters", false],
  ["trial", "/workflow/r1/events", "/console/api/workflow/r1/events", false],
] as const)("asks the console as %s for %s", async (kind, path, asked, isKept) => {
  const seen: string[] = [];
  server.use(
    http.get("*/console/api/*", ({ request }) => {
      seen.push(new URL(request.url).pathname);
      return HttpResponse.json({});
    }),
  );
  const api = new MemberApi(kind, "x1");
  await api.json(path);
  expect(seen).toEqual([asked]);
  expect([api.isKept, api.isShared]).toEqual([isKept, false]);
});

it("knows the page of a template", () => {
  expect(pageOf("/trial/0193c000-0000-7000-8000-000000000001")).toEqual({ kind: "trial", code: "0193c000-0000-7000-8000-000000000001" });
});
