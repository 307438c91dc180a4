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

export function approvalFrom(data: unknown): Approval | undefined {
  if (!isRecord(data) || text(data.id) === "") return undefined;
  const taints = Array.isArray(data.taints) ? data.taints.filter(isRecord) : [];
  return {
    id: text(data.id),
    tool: text(data.tool),
    label: text(data.label) || text(data.tool),
    input: data.arguments === undefined ? undefined : plain(data.arguments),
    taints: taints.map((taint) => ({ argument: text(taint.argument), text: text(taint.text), source: text(taint.source) })),
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
