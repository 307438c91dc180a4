import { screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { HttpResponse, http } from "msw";
import { useState } from "react";
import { beforeEach, expect, it, vi } from "vitest";
import { show } from "../../test/render";
import { server, withServer } from "../../test/server";
import type { StartField } from "../nodes/start";
import { connectToServer } from "../serverTransport";
import { InputForm, type Values } from "./InputForm";

vi.setConfig({ testTimeout: 30_000 });
withServer();
connectToServer();

beforeEach(() =>
  server.use(
    http.get("*/console/api/files/upload", () => HttpResponse.json({ file_size_limit: 15, image_file_size_limit: 10 })),
    http.post("*/console/api/files/upload", () => HttpResponse.json({ id: "f1", name: "cat.png", mime_type: "image/png" }, { status: 201 })),
  ),
);

const field = (part: Partial<StartField>): StartField =>
  ({ variable: "seen", label: "Seen", type: "file-list", required: false, hide: false, options: [], allowed_file_types: ["image"], allowed_file_extensions: [], allowed_file_upload_methods: [], max_length: 2, ...part }) as StartField;

function Form({ of, onChange }: { of: StartField; onChange: (values: Values) => void }) {
  const [values, setValues] = useState<Values>({});
  const change = (next: Values) => {
    setValues(next);
    onChange(next);
  };
  return <InputForm fields={[of]} values={values} tried={false} onChange={change} />;
}

it("files of a field are of its kinds, and no more than it takes", async () => {
  const onChange = vi.fn();
  show(<Form of={field({})} onChange={onChange} />);
  const picker = await screen.findByLabelText(/^Seen/);
  expect(picker).toHaveAttribute("accept", expect.stringContaining(".png"));
  const cat = new File(["PNG"], "cat.png", { type: "image/png" });
  await userEvent.upload(picker, [cat, new File(["x"], "a.pdf", { type: "application/pdf" })], { applyAccept: false });
  const stored = { type: "image", transfer_method: "local_file", upload_file_id: "f1", name: "cat.png" };
  await waitFor(() => expect(onChange).toHaveBeenLastCalledWith({ seen: [stored] }));
  expect(await screen.findByText("This app does not take files like a.pdf.")).toBeInTheDocument();
  await userEvent.type(screen.getByRole("textbox"), "https://example.com/b.jpg");
  await userEvent.click(screen.getByRole("button", { name: "Add" }));
  const linked = { type: "image", transfer_method: "remote_url", url: "https://example.com/b.jpg", name: "https://example.com/b.jpg" };
  expect(onChange).toHaveBeenLastCalledWith({ seen: [stored, linked] });
  await userEvent.upload(picker, cat, { applyAccept: false });
  expect(await screen.findByText("2 files are the limit here.")).toBeInTheDocument();
});

it("a field that takes links alone has no picker", async () => {
  show(<Form of={field({ type: "file", allowed_file_upload_methods: ["remote_url"] })} onChange={vi.fn()} />);
  expect(await screen.findByPlaceholderText("https://")).toBeInTheDocument();
  expect(document.querySelector("input[type=file]")).toBeNull();
});
