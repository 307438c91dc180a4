import { screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { HttpResponse, http } from "msw";
import { expect, it, vi } from "vitest";
import { show } from "../../test/render";
import { server, withServer } from "../../test/server";
import { TemplateGallery } from "./TemplateGallery";

withServer();

const template = (id: string, name: string, category: string, can_trial = true) => ({
  app: { id, name, mode: "workflow", icon: "📚", icon_type: "emoji", icon_url: null },
  description: `About ${name}`,
  category,
  can_trial,
});
const list = http.get("*/console/api/explore/apps", () =>
  HttpResponse.json({
    recommended_apps: [template("t1", "Summary", "Research"), template("t2", "Translator", "Writing", false)],
    categories: ["Research", "Writing"],
  }),
);

it("makes an app of a template and opens it", async () => {
  const sent = vi.fn();
  server.use(
    list,
    http.get("*/console/api/explore/apps/t2", () => HttpResponse.json({ export_data: "app: {name: Translator}" })),
    http.post("*/console/api/apps/imports", async ({ request }) => {
      sent(await request.json());
      return HttpResponse.json({ id: "i1", app_id: "a1", status: "completed", error: "" });
    }),
  );
  const open = vi.fn();
  show(<TemplateGallery onOpen={open} />);
  await userEvent.click(await screen.findByRole("radio", { name: "Writing" }));
  expect(screen.queryByText("Summary")).not.toBeInTheDocument();
  await userEvent.click(screen.getByRole("button", { name: "Create Translator" }));
  await vi.waitFor(() => expect(open).toHaveBeenCalled());
  expect(open.mock.calls[0]?.[0]).toBe("a1");
  expect(sent).toHaveBeenCalledWith({ mode: "yaml-content", yaml_content: "app: {name: Translator}" });
});

it("runs a template in a frame before an app is made of it", async () => {
  server.use(
    list,
    http.get("*/console/api/explore/apps/t1", () => HttpResponse.json({ export_data: "app: {name: Summary}" })),
    http.post("*/console/api/apps/imports", () => HttpResponse.json({ id: "i1", app_id: "a2", status: "completed", error: "" })),
  );
  const open = vi.fn();
  show(<TemplateGallery onOpen={open} />);
  await userEvent.click(await screen.findByRole("button", { name: "Try Summary" }));
  expect(screen.getByRole("dialog", { name: "Try Summary" })).toBeInTheDocument();
  expect(screen.getByTitle("Summary")).toHaveAttribute("src", expect.stringMatching(/^\/trial\/t1\?locale=/));
  await userEvent.click(screen.getByRole("button", { name: "Create Summary" }));
  await vi.waitFor(() => expect(open).toHaveBeenCalled());
  expect(open.mock.calls[0]?.[0]).toBe("a2");
});

it("offers no trial where there is none", async () => {
  server.use(list);
  show(<TemplateGallery onOpen={vi.fn()} />);
  expect(await screen.findByRole("button", { name: "Create Translator" })).toBeInTheDocument();
  expect(screen.queryByRole("button", { name: "Try Translator" })).not.toBeInTheDocument();
});

it("says when the templates cannot be read", async () => {
  server.use(http.get("*/console/api/explore/apps", () => HttpResponse.json({ code: "x", message: "broken" }, { status: 500 })));
  show(<TemplateGallery onOpen={vi.fn()} />);
  expect(await screen.findByText("The templates could not be read", undefined, { timeout: 5000 })).toBeInTheDocument();
});
