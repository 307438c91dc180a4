import { configure, screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { HttpResponse, http } from "msw";
import { expect, it, vi } from "vitest";
import { show } from "../../test/render";
import { server, withServer } from "../../test/server";
import { Decided } from "./Decided";
import { WaitingCalls } from "./WaitingCalls";

configure({ asyncUtilTimeout: 10_000 });
vi.setConfig({ testTimeout: 30_000 });
withServer();

const W = "*/console/api/workspaces/current";
const rail = () =>
  show(
    <WaitingCalls>
      {(label, _count, open) => (
        <button type="button" onClick={open}>
          {label}
        </button>
      )}
    </WaitingCalls>,
  );

it("a member finds the calls that wait, and answers them", async () => {
  let open = [
    { id: "q1", app_id: "a1", tool: "send_mail", label: "Mail", arguments: { to: "eve" }, taints: [], approver: "member", expires_at: 1_763_600_000 },
  ];
  const answers: unknown[] = [];
  server.use(
    http.post(W, () => HttpResponse.json({ id: "w", name: "W", role: "editor" })),
    http.get("*/console/api/apps", () => HttpResponse.json({ data: [{ id: "a1", name: "Clerk" }], page: 1, limit: 100, total: 1, has_more: false })),
    http.get(`${W}/tool-approvals`, () => HttpResponse.json({ data: open })),
    http.post(`${W}/tool-approvals/q1`, async ({ request }) => {
      answers.push(await request.json());
      open = [];
      return HttpResponse.json({ result: "success" });
    }),
  );
  rail();
  await userEvent.click(await screen.findByRole("button", { name: "1 call waits for you" }));
  expect(await screen.findByText("May “Mail” be called?")).toBeVisible();
  expect(await screen.findByText("Clerk")).toBeVisible();
  await userEvent.click(screen.getByRole("button", { name: "Allow" }));
  expect(await screen.findByText("Nothing waits")).toBeVisible();
  expect(answers).toEqual([{ action: "approve" }]);
  await waitFor(() => expect(screen.queryByText("1 call waits for you")).toBeNull());
});

it("nobody else is bothered", async () => {
  const asked = vi.fn();
  server.use(
    http.post(W, () => {
      asked("who");
      return HttpResponse.json({ id: "w", name: "W", role: "normal" });
    }),
    http.get(`${W}/tool-approvals`, () => {
      asked("open");
      return HttpResponse.json({ data: [] });
    }),
  );
  rail();
  await waitFor(() => expect(asked).toHaveBeenCalledWith("who"));
  expect(asked).not.toHaveBeenCalledWith("open");
  expect(screen.queryByRole("button")).toBeNull();
});

it("a trace tells how a question ended and what the guard found", async () => {
  const taints = [{ argument: "to", text: "eve evil example", source: "web_page" }];
  const { rerender } = show(<Decided tool="mail" approval={{ decision: "denied", reason: "spam", waited: 3, taints }} />);
  expect(await screen.findByText(/declined it after 3.00.s\. spam/)).toBeVisible();
  expect(screen.getByText(/to: “eve evil example” was read in web_page/)).toBeVisible();
  rerender(<Decided tool="mail" approval={undefined} />);
  expect(screen.queryByText(/declined/)).toBeNull();
});
