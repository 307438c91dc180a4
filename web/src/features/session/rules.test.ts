import { describe, expect, it } from "vitest";
import { email, password, strength } from "./rules";

const problem = (text: string) => email.safeParse(text).error?.issues[0]?.message;

describe("e-mail", () => {
  it.each([
    ["", "required"],
    ["mara", "emailAt"],
    ["mara@", "emailAt"],
    ["a@b@c.de", "emailAt"],
    ["mara@halden", "email"],
    ["mara@.eu", "email"],
    ["mara@halden.eu", undefined],
    [" mara@halden.co.uk ", undefined],
  ])("%s", (text, expected) => expect(problem(text)).toBe(expected));
});

describe("password", () => {
  it.each([
    ["short1", false],
    ["lettersonly", false],
    ["12345678", false],
    ["letters1", true],
    ["密码密码密码密码1", true],
  ])("%s", (text, good) => expect(password.safeParse(text).success).toBe(good));

  it("grows stronger with length and kinds", () => {
    expect(["", "abc", "abcdefg1", "Abcdefghij1", "Abcdefghijkl-mn1"].map((text) => strength(text).bars)).toEqual([0, 1, 2, 3, 4]);
  });
});
