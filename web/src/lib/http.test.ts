import { HttpResponse, http } from "msw";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { server, withServer } from "../test/server";
import { get, HttpError, onSignedOut, post } from "./http";

withServer();
const leave = vi.fn();
beforeEach(() => {
  leave.mockReset();
  onSignedOut(leave);
  // biome-ignore lint/suspicious/noDocumentCookie: what the server would set
  document.cookie = "csrf_token=tok";
});

const failure = (status: number, body: Record<string, unknown>) => HttpResponse.json(body, { status, headers: { "x-request-id": "r1" } });

describe("http", () => {
  it("sends the CSRF token and reads JSON", async () => {
    server.use(
      http.get("*/console/api/apps", ({ request }) =>
        HttpResponse.json({
          token: request.headers.get("X-CSRF-Token"),
          page: new URL(request.url).searchParams.get("page"),
          none: new URL(request.url).searchParams.has("q"),
        }),
      ),
    );
    expect(await get("/apps", { page: 2, q: undefined })).toEqual({ token: "tok", page: "2", none: false });
  });

  it("refreshes once for several requests and repeats them", async () => {
    let refreshed = 0;
    server.use(
      http.get("*/console/api/a", () => (refreshed ? HttpResponse.json(1) : failure(401, { code: "unauthorized", message: "no" }))),
      http.post("*/console/api/refresh-token", async () => {
        refreshed += 1;
        return HttpResponse.json({ result: "success" });
      }),
    );
    expect(await Promise.all([get("/a"), get("/a"), get("/a")])).toEqual([1, 1, 1]);
    expect(refreshed).toBe(1);
    expect(leave).not.toHaveBeenCalled();
  });

  it("leaves for sign-in when the refresh is refused, for set-up when there is none", async () => {
    server.use(
      http.get("*/console/api/a", () => failure(401, { code: "unauthorized", message: "no" })),
      http.get("*/console/api/b", () => failure(401, { code: "not_setup", message: "no" })),
      http.post("*/console/api/refresh-token", () => failure(401, { result: "fail", message: "x" })),
    );
    await expect(get("/a")).rejects.toMatchObject({ status: 401 });
    expect(leave).toHaveBeenLastCalledWith("signin");
    await expect(get("/b")).rejects.toMatchObject({ code: "not_setup" });
    expect(leave).toHaveBeenLastCalledWith("install");
  });

  it("names the code, the field and the request of an error", async () => {
    server.use(http.post("*/console/api/apps", () => failure(400, { code: "invalid_param", message: "name is too long", status: 400, params: "name" })));
    const error: unknown = await post("/apps", {}).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(HttpError);
    expect(error).toMatchObject({ status: 400, code: "invalid_param", message: "name is too long", field: "name", requestId: "r1" });
  });

  it.each([
    ["an older handler", HttpResponse.json({ error: "bad file" }, { status: 400 }), "bad file"],
    ["a proxy", new HttpResponse("<h1>Bad gateway</h1>", { status: 502 }), "<h1>Bad gateway</h1>"],
  ])("reads the failure of %s", async (_name, response, message) => {
    server.use(http.get("*/console/api/a", () => response));
    await expect(get("/a")).rejects.toMatchObject({ message });
  });

  it("reads nothing from a 204", async () => {
    server.use(http.get("*/console/api/a", () => new HttpResponse(null, { status: 204 })));
    expect(await get("/a")).toBeNull();
  });
});
