import { screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { HttpResponse, http } from "msw";
import { expect, it, vi } from "vitest";
import { show } from "../../test/render";
import { server, withServer } from "../../test/server";
import { ImportDialog } from "./ImportDialog";

withServer();
const result = { id: "i1", app_id: "a1", app_mode: "workflow", current_dsl_version: "0.6.0", imported_dsl_version: "0.6.0", error: "" };
const missing = (list: unknown[]) => http.get("*/console/api/apps/imports/a1/check-dependencies", () => HttpResponse.json({ leaked_dependencies: list }));
const file = (text = "app: {}") => new File([text], "triage.yml", { type: "application/yaml" });
const start = () => userEvent.click(screen.getByRole("button", { name: "Import" }));

it("imports a file, names missing plugins and opens the app", async () => {
  server.use(
    http.post("*/console/api/apps/imports", async ({ request }) => HttpResponse.json((await request.json()) ? { ...result, status: "completed" } : {})),
    missing([{ type: "marketplace", value: { marketplace_plugin_unique_identifier: "langgenius/slack:0.2.0@9c" }, current_identifier: null }]),
  );
  const open = vi.fn();
  show(<ImportDialog file={file()} onClose={vi.fn()} onOpen={open} />);
  await start();
  expect(await screen.findByText("Imported")).toBeInTheDocument();
  expect(await screen.findByText("langgenius/slack:0.2.0")).toBeInTheDocument();
  await userEvent.click(screen.getByRole("button", { name: "Open the app" }));
  expect(open).toHaveBeenCalledWith("a1");
});

it("asks before it imports a file from the future", async () => {
  server.use(
    http.post("*/console/api/apps/imports", () =>
      HttpResponse.json({ ...result, app_id: null, status: "pending", imported_dsl_version: "1.4.0" }, { status: 202 }),
    ),
    http.post("*/console/api/apps/imports/i1/confirm", () => HttpResponse.json({ ...result, status: "completed" })),
    missing([]),
  );
  show(<ImportDialog file={file()} onClose={vi.fn()} onOpen={vi.fn()} />);
  await start();
  expect(await screen.findByText(/1\.4\.0/)).toBeInTheDocument();
  await userEvent.click(screen.getByRole("button", { name: "Import anyway" }));
  expect(await screen.findByText("Imported")).toBeInTheDocument();
});

it("keeps the pasted text when the server refuses it", async () => {
  server.use(
    http.post("*/console/api/apps/imports", () => HttpResponse.json({ ...result, app_id: null, status: "failed", error: "line 3: not YAML" }, { status: 400 })),
  );
  show(<ImportDialog onClose={vi.fn()} onOpen={vi.fn()} />);
  await userEvent.click(screen.getByRole("radio", { name: "Text" }));
  await userEvent.type(screen.getByLabelText("Content of the file"), "a: b: c");
  await start();
  expect(await screen.findByRole("alert")).toHaveTextContent("line 3: not YAML");
  expect(screen.getByLabelText("Content of the file")).toHaveValue("a: b: c");
});
