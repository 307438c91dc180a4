import { act, renderHook, waitFor } from "@testing-library/react";
import { beforeEach, expect, it, vi } from "vitest";
import { uploadFile } from "./api";
import { type Limits, useUploads } from "./useUploads";

vi.mock("./api", () => ({ uploadFile: vi.fn(() => Promise.resolve({ id: "one" })) }));

const LIMITS: Limits = { size: 10, types: ["txt"], atOnce: 2 };

beforeEach(() => vi.mocked(uploadFile).mockClear());

it("files chosen before the limits are known are checked before they are sent", async () => {
  const { result, rerender } = renderHook(({ limits }: { limits: Limits | undefined }) => useUploads(limits), {
    initialProps: { limits: undefined as Limits | undefined },
  });
  const chosen = [new File(["a"], "a.txt"), new File(["b"], "b.exe"), new File(["c"], "c.txt")];
  act(() => result.current.add(chosen));
  expect(result.current.uploads.map((each) => each.name)).toEqual(["a.txt", "b.exe", "c.txt"]);
  act(() => result.current.remove(result.current.uploads[2]?.key ?? ""));
  expect(uploadFile).not.toHaveBeenCalled();

  rerender({ limits: LIMITS });
  await waitFor(() => expect(result.current.uploads[0]?.id).toBe("one"));
  expect(result.current.uploads[1]?.problem).toEqual({ code: "type" });
  expect(vi.mocked(uploadFile).mock.calls.map(([file]) => file.name)).toEqual(["a.txt"]);
});
