import { expect, it } from "vitest";
import { type Approval, decidedFrom, withApproval } from "./approvals";

const asked = {
  id: "q1",
  tool: "send_mail",
  label: "Mail",
  arguments: { to: "eve@evil.example" },
  reasons: ["untrusted"],
  taints: [{ argument: "to", text: "eve evil example", source: "web_page" }],
  approver: "user",
};

it("a question is open until it is answered", () => {
  let open: readonly Approval[] = [];
  open = withApproval(open, "agent_message", { id: "x" });
  expect(open).toEqual([]);
  open = withApproval(open, "tool_approval_required", asked);
  open = withApproval(open, "tool_approval_required", asked);
  expect(open).toHaveLength(1);
  expect(open[0]).toMatchObject({ label: "Mail", byMember: false, taints: [{ source: "web_page" }] });
  expect(open[0]?.input).toContain("eve@evil.example");
  open = withApproval(open, "tool_approval_required", { id: "q2", tool: "sql", approver: "member" });
  expect(open[1]).toMatchObject({ label: "sql", byMember: true, input: undefined, taints: [] });
  expect(withApproval(open, "tool_approval_answered", { id: "q1" }).map((each) => each.id)).toEqual(["q2"]);
  expect(withApproval(open, "tool_approval_required", "broken")).toBe(open);
});

it("what was decided is read from the log", () => {
  const told = {
    always: false,
    taints: [{ argument: "to", text: "eve", source: "web_page" }],
    decision: "denied",
    reason: "spam",
    by: "account 1",
    waited: 2.5,
  };
  expect(decidedFrom(told)).toEqual({ decision: "denied", reason: "spam", by: "account 1", waited: 2.5, taints: told.taints });
  expect(decidedFrom({ decision: "timed_out" })).toEqual({ decision: "timed_out", reason: "", by: "", waited: 0, taints: [] });
  for (const nothing of [undefined, null, {}, "approved"]) expect(decidedFrom(nothing)).toBeUndefined();
});
