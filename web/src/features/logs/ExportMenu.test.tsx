import { screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { HttpResponse, http } from "msw";
import { expect, it, vi } from "vitest";
import type { AppDetail } from "../../data/apps";
import { saveBlob } from "../../lib/save";
import { show } from "../../test/render";
import { server, withServer } from "../../test/server";
import { ExportMenu } from "./ExportMenu";

vi.mock("../../lib/save", async (original) => ({ ...(await original<object>()), saveBlob: vi.fn() }));
withServer();

it("asks for what is filtered, in the format that was chosen", { timeout: 20_000 }, async () => {
  const asked = vi.fn();
  server.use(
    http.get("*/console/api/apps/a1/logs/export", ({ request }) => {
      asked(new URL(request.url).search);
      return HttpResponse.text("{}\n");
    }),
  );
  const app = { id: "a1", name: "Help desk" } as unknown as AppDetail;
  show(<ExportMenu app={app} filter={{ keyword: "lamp", status: undefined, annotation_status: "annotated" }} />);
  await userEvent.click(screen.getByRole("button", { name: "Export" }));
  await userEvent.click(await screen.findByRole("menuitem", { name: /JSONL/ }));
  await waitFor(() => expect(saveBlob).toHaveBeenCalledWith("Help desk log.jsonl", expect.anything()));
  expect(asked).toHaveBeenCalledWith("?keyword=lamp&annotation_status=annotated&format=jsonl");
});
