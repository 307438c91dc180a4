import { screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { delay, HttpResponse, http } from "msw";
import { describe, expect, it, vi } from "vitest";
import { show } from "../../test/render";
import { server, withServer } from "../../test/server";
import { DescribeDialog } from "./DescribeDialog";

withServer();
const ROUTE = "*/console/api/apps/describe";
const made = { status: "completed", app_id: "a1", app_mode: "workflow", problems: [], answer: "" };

function open() {
  const props = { onClose: vi.fn(), onOpen: vi.fn(), onModels: vi.fn() };
  show(<DescribeDialog {...props} />);
  return props;
}
const box = () => screen.getByLabelText("What should it do?");
const make = () => userEvent.click(screen.getByRole("button", { name: /Make a draft/ }));

describe("an app of one sentence", { timeout: 30_000 }, () => {
  it("sends an example and opens the draft", async () => {
    let sent: unknown;
    server.use(
      http.post(ROUTE, async ({ request }) => {
        sent = await request.json();
        return HttpResponse.json(made);
      }),
    );
    const { onOpen } = open();
    await userEvent.click(screen.getByRole("button", { name: /meeting notes/ }));
    await userEvent.type(box(), "!{Control>}{Enter}{/Control}");
    await vi.waitFor(() => expect(onOpen).toHaveBeenCalledWith("a1"));
    expect(sent).toEqual({ description: "Turn rough meeting notes into minutes with decisions, tasks and open questions!" });
  });

  it("asks for a sentence before it asks the model", async () => {
    open();
    await make();
    expect(screen.getByText("Describe the job in a sentence.")).toBeInTheDocument();
  });

  it("says what happens, stops, and keeps the text", async () => {
    server.use(
      http.post(ROUTE, async () => {
        await delay("infinite");
        return HttpResponse.json(made);
      }),
    );
    const { onOpen } = open();
    await userEvent.type(box(), "Sort mails");
    await make();
    expect(await screen.findByRole("status")).toHaveTextContent("The default model is planning the app.");
    await userEvent.click(screen.getByRole("button", { name: "Stop" }));
    expect(await screen.findByRole("button", { name: /Make a draft/ })).toBeInTheDocument();
    expect(box()).toHaveValue("Sort mails");
    expect(screen.queryByRole("alert")).toBeNull();
    expect(onOpen).not.toHaveBeenCalled();
  });

  it("leads to the models when there is none", async () => {
    server.use(http.post(ROUTE, () => HttpResponse.json({ code: "provider_not_initialize", message: "There is no model.", status: 400 }, { status: 400 })));
    const { onModels } = open();
    await userEvent.type(box(), "Sort mails");
    await make();
    expect(await screen.findByRole("alert")).toHaveTextContent("There is no model.");
    await userEvent.click(screen.getByRole("button", { name: "Choose a model" }));
    expect(onModels).toHaveBeenCalled();
  });

  it("shows a plan that cannot be used", async () => {
    const told = { status: "unusable", app_id: null, app_mode: null, problems: ["A workflow needs steps."], answer: "{}" };
    server.use(http.post(ROUTE, () => HttpResponse.json(told)));
    const { onOpen } = open();
    await userEvent.type(box(), "Sort mails");
    await make();
    expect(await screen.findByRole("alert")).toHaveTextContent("its plan makes no app");
    expect(screen.getByText("A workflow needs steps.")).toBeInTheDocument();
    expect(screen.getByRole("button", { name: /Try again/ })).toBeInTheDocument();
    expect(onOpen).not.toHaveBeenCalled();
  });
});
