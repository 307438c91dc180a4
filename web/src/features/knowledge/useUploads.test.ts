import { act, renderHook, waitFor } from "@testing-library/react";
import { HttpResponse, http } from "msw";
import { expect, it } from "vitest";
import { server, withServer } from "../../test/server";
import { type Limits, useUploads } from "./useUploads";

withServer();

const LIMITS: Limits = { size: 10, types: ["txt"], atOnce: 2 };

it("files chosen before the limits are known are checked before they are sent", async () => {
  let sent = 0;
  server.use(
    http.post("*/console/api/files/upload", () => {
      sent += 1;
      return HttpResponse.json({ id: `f${sent}` }, { status: 201 });
    }),
  );
  const { result, rerender } = renderHook(({ limits }: { limits: Limits | undefined }) => useUploads(limits), {
    initialProps: { limits: undefined as Limits | undefined },
  });
  act(() => result.current.add([new File(["a"], "a.txt"), new File(["b"], "b.exe"), new File(["c"], "c.txt")]));
  expect(result.current.uploads.map((each) => each.name)).toEqual(["a.txt", "b.exe", "c.txt"]);
  act(() => result.current.remove(result.current.uploads[2]?.key ?? ""));
  expect(result.current.uploads.map((each) => [each.id, each.problem])).toEqual([
    [undefined, undefined],
    [undefined, undefined],
  ]);
  expect(sent).toBe(0);

  rerender({ limits: LIMITS });
  await waitFor(() => expect(result.current.uploads[0]?.id).toBe("f1"), { timeout: 10_000 });
  expect(result.current.uploads[1]?.problem).toEqual({ code: "type" });
  expect(sent).toBe(1);
}, 20_000);
