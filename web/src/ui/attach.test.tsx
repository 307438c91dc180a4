import { screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { HttpResponse, http } from "msw";
import { beforeEach, expect, it, vi } from "vitest";
import { rulesFrom } from "../lib/files";
import { show } from "../test/render";
import { server, withServer } from "../test/server";
import { AttachButton, AttachedFiles, useAttachments } from "./Attach";

vi.setConfig({ testTimeout: 30_000 });
withServer();

const RULES = rulesFrom({
  enabled: true,
  allowed_file_types: ["image", "custom"],
  allowed_file_extensions: ["log"],
  allowed_file_upload_methods: ["local_file", "remote_url"],
  number_limits: 2,
});

let failing = false;
beforeEach(() => {
  failing = false;
  server.use(
    http.get("*/console/api/files/upload", () => HttpResponse.json({ file_size_limit: 15, image_file_size_limit: 10 })),
    http.post("*/console/api/files/upload", () =>
      failing
        ? HttpResponse.json({ code: "file_too_large", message: "Too large for this server.", status: 413 }, { status: 413 })
        : HttpResponse.json({ id: "f1", name: "cat.png" }, { status: 201 }),
    ),
  );
});

function Box({ onSend }: { onSend: (sent: unknown) => void }) {
  const attached = useAttachments(RULES);
  return (
    <>
      <AttachedFiles attached={attached} />
      <AttachButton attached={attached} />
      <button type="button" disabled={attached.waits} onClick={() => onSend(attached.sent())}>
        Send
      </button>
    </>
  );
}

const image = (name: string) => new File(["PNG"], name, { type: "image/png" });
// What the picker would hide may be dropped all the same.
const choose = (...files: File[]) => userEvent.upload(screen.getByLabelText("Choose files"), files, { applyAccept: false });

it("sends what was uploaded and linked, in the names of the server", async () => {
  const onSend = vi.fn();
  show(<Box onSend={onSend} />);
  await screen.findByRole("button", { name: "Add files" });
  await choose(image("cat.png"));
  await waitFor(() => expect(screen.getByRole("button", { name: "Send" })).toBeEnabled());
  await userEvent.click(screen.getByRole("button", { name: "Add files" }));
  await userEvent.click(await screen.findByRole("menuitem", { name: "Add a link" }));
  await userEvent.type(screen.getByLabelText("Address of the file"), "ftp://x{Enter}");
  expect(await screen.findByText("Start with http:// or https://")).toBeInTheDocument();
  await userEvent.clear(screen.getByLabelText("Address of the file"));
  await userEvent.type(screen.getByLabelText("Address of the file"), "https://example.com/a.log{Enter}");
  await userEvent.click(screen.getByRole("button", { name: "Send" }));
  expect(onSend).toHaveBeenCalledWith([
    { name: "cat.png", mapping: { type: "image", transfer_method: "local_file", upload_file_id: "f1" } },
    { name: "a.log", mapping: { type: "custom", transfer_method: "remote_url", url: "https://example.com/a.log" } },
  ]);
});

it("says why a file is not taken, and takes no more than are allowed", async () => {
  show(<Box onSend={vi.fn()} />);
  await screen.findByRole("button", { name: "Add files" });
  await choose(new File(["x"], "notes.pdf", { type: "application/pdf" }));
  expect(await screen.findByText("This app does not take files like notes.pdf.")).toBeInTheDocument();
  await choose(image("a.png"), image("b.png"), image("c.png"));
  expect(await screen.findByText("2 files are the limit here.")).toBeInTheDocument();
  expect(screen.getAllByRole("listitem")).toHaveLength(2);
});

it("tells what the server said, and sends again", async () => {
  failing = true;
  const onSend = vi.fn();
  show(<Box onSend={onSend} />);
  await screen.findByRole("button", { name: "Add files" });
  await choose(image("cat.png"));
  expect(await screen.findByText("Too large for this server.")).toBeInTheDocument();
  expect(screen.getByRole("button", { name: "Send" })).toBeDisabled();
  failing = false;
  await userEvent.click(screen.getByRole("button", { name: "Send cat.png again" }));
  await waitFor(() => expect(screen.getByRole("button", { name: "Send" })).toBeEnabled());
  await userEvent.click(screen.getByRole("button", { name: "Remove cat.png" }));
  expect(screen.queryByRole("listitem")).toBeNull();
});
