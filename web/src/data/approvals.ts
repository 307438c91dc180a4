/** Answers to agents that ask whether they may call a tool. */
import { post } from "../lib/http";

export const answerApproval = (id: string, action: "approve" | "deny", reason: string) =>
  post(`/workspaces/current/tool-approvals/${id}`, { action, ...(reason.trim() ? { reason: reason.trim() } : {}) });
