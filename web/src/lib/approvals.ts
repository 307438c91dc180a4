/** Questions of an agent whether it may call a tool, as a stream tells them. Pure; for the Studio and for published pages. */
import { plain } from "./thoughts";

export interface Taint {
  readonly argument: string;
  readonly text: string;
  readonly source: string;
}

export interface Approval {
  readonly id: string;
  readonly tool: string;
  readonly label: string;
  /** What the model wants to call it with, as JSON; none where only members see it. */
  readonly input: string | undefined;
  /** What in it was read somewhere else. */
  readonly taints: readonly Taint[];
  /** Only a member of the workspace may answer. */
  readonly byMember: boolean;
}

type Json = Readonly<Record<string, unknown>>;

const isRecord = (value: unknown): value is Json => typeof value === "object" && value !== null && !Array.isArray(value);
const text = (value: unknown): string => (typeof value === "string" ? value : "");

/** What was asked about a call, and how it ended: from the log of a run. */
export interface Decided {
  /** `approved`, `denied`, `timed_out` or `unasked`. */
  readonly decision: string;
  readonly reason: string;
  readonly by: string;
  /** Seconds until the answer. */
  readonly waited: number;
  readonly taints: readonly Taint[];
}

const taintsFrom = (list: unknown): readonly Taint[] =>
  (Array.isArray(list) ? list : []).filter(isRecord).map((taint) => ({ argument: text(taint.argument), text: text(taint.text), source: text(taint.source) }));

export function decidedFrom(value: unknown): Decided | undefined {
  if (!isRecord(value) || text(value.decision) === "") return undefined;
  return {
    decision: text(value.decision),
    reason: text(value.reason),
    by: text(value.by),
    waited: typeof value.waited === "number" ? value.waited : 0,
    taints: taintsFrom(value.taints),
  };
}

export function approvalFrom(data: unknown): Approval | undefined {
  if (!isRecord(data) || text(data.id) === "") return undefined;
  return {
    id: text(data.id),
    tool: text(data.tool),
    label: text(data.label) || text(data.tool),
    input: data.arguments === undefined ? undefined : plain(data.arguments),
    taints: taintsFrom(data.taints),
    byMember: data.approver === "member",
  };
}

/** The open questions after an event; the same list where it tells of none. */
export function withApproval(open: readonly Approval[], event: string | undefined, data: unknown): readonly Approval[] {
  if (event === "tool_approval_required") {
    const asked = approvalFrom(data);
    return asked ? [...open.filter((known) => known.id !== asked.id), asked] : open;
  }
  if (event === "tool_approval_answered" && isRecord(data)) return open.filter((known) => known.id !== data.id);
  return open;
}
