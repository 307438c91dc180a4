/** Agents that ask whether they may call a tool: their open questions, and answers to them. */
import { queryOptions } from "@tanstack/react-query";
import { type Approval, approvalFrom } from "../lib/approvals";
import { get, post } from "../lib/http";

export interface OpenApproval extends Approval {
  readonly app: string;
  /** Unix seconds. */
  readonly until: number;
}

const EVERY = 10_000;

/** All that this member may answer, looked at again every ten seconds. */
export const openApprovals = queryOptions({
  queryKey: ["approvals", "open"],
  queryFn: async (): Promise<readonly OpenApproval[]> => {
    const { data } = await get<{ data: readonly Readonly<Record<string, unknown>>[] }>("/workspaces/current/tool-approvals");
    return data.flatMap((each) => {
      const asked = approvalFrom(each);
      return asked ? [{ ...asked, app: String(each.app_id ?? ""), until: Number(each.expires_at ?? 0) }] : [];
    });
  },
  refetchInterval: EVERY,
  retry: false,
});

export const answerApproval = (id: string, action: "approve" | "deny", reason: string) =>
  post(`/workspaces/current/tool-approvals/${id}`, { action, ...(reason.trim() ? { reason: reason.trim() } : {}) });
