import { describe, expect, it } from "vitest";
import { ApiError } from "./api";
import { packed, problemOf, waysFrom } from "./ways";

describe("sign-in to a page", () => {
  it("offers what the server allows", () => {
    for (const [auth, password, code] of [
      [{}, true, false],
      [{ allow_email_code_login: true, allow_email_password_login: false }, false, true],
      [{ allow_email_code_login: true, allow_email_password_login: true }, true, true],
    ] as const) {
      expect(waysFrom({ webapp_auth: auth })).toEqual({ password, code });
    }
    expect(waysFrom({})).toEqual({ password: true, code: false });
  });

  it("packs texts as base64 of their UTF-8", () => {
    expect(packed("123456")).toBe("MTIzNDU2");
    expect(packed("密")).toBe("5a+G");
  });

  it("says what went wrong", () => {
    const of = (status: number) => new ApiError(status, "x", "");
    expect(problemOf(of(400), "code")).toBe("signIn.badCode");
    expect(problemOf(of(401), "password")).toBe("signIn.failed");
    expect(problemOf(of(429), "code")).toBe("signIn.tooMany");
    expect(problemOf(of(0), "code")).toBe("closed.offline.title");
    expect(problemOf(of(503), "code")).toBe("closed.server.title");
    expect(problemOf(null, "code")).toBe("closed.unknown.title");
  });
});
