/** Where a document is: its state for the eye, and whether something still happens to it. */
import { Archive, CircleCheck, CircleMinus, CirclePause, CircleX, Hourglass, LoaderCircle, type LucideIcon } from "lucide-react";
import type { Tone } from "../../ui/Marks";
import type { DisplayStatus, IndexingStatus, KnowledgeDocument } from "./types";

const MOVING: readonly string[] = ["waiting", "parsing", "cleaning", "splitting", "indexing"];

/** True while the server still works on it, or will. */
export function isUnfinished(status: IndexingStatus | string): boolean {
  return MOVING.includes(status);
}

export interface StatusLook {
  readonly icon: LucideIcon;
  readonly tone: Tone;
  readonly spins: boolean;
}

const LOOKS: Readonly<Record<DisplayStatus, StatusLook>> = {
  queuing: { icon: Hourglass, tone: "plain", spins: false },
  indexing: { icon: LoaderCircle, tone: "run", spins: true },
  paused: { icon: CirclePause, tone: "pau", spins: false },
  error: { icon: CircleX, tone: "bad", spins: false },
  available: { icon: CircleCheck, tone: "ok", spins: false },
  disabled: { icon: CircleMinus, tone: "plain", spins: false },
  archived: { icon: Archive, tone: "line", spins: false },
};

export function lookOf(status: DisplayStatus): StatusLook {
  return LOOKS[status];
}

export const FILTERS: readonly DisplayStatus[] = ["available", "indexing", "queuing", "paused", "error", "disabled", "archived"];

/** The state by the server's rule, where an answer comes without it. */
export function displayOf(
  doc: Pick<KnowledgeDocument, "indexing_status" | "enabled" | "archived"> & { readonly display_status?: DisplayStatus | null },
): DisplayStatus {
  if (doc.display_status) return doc.display_status;
  if (doc.indexing_status === "waiting") return "queuing";
  if (doc.indexing_status === "paused" || doc.indexing_status === "error") return doc.indexing_status;
  if (doc.indexing_status !== "completed") return "indexing";
  return doc.archived ? "archived" : doc.enabled ? "available" : "disabled";
}

/** How much of the work is done, 0 to 1. */
export function progressOf(doc: {
  readonly indexing_status: string;
  readonly completed_segments?: number | null;
  readonly total_segments?: number | null;
}): number {
  if (doc.indexing_status === "completed") return 1;
  const total = doc.total_segments ?? 0;
  return total > 0 ? Math.min(1, (doc.completed_segments ?? 0) / total) : 0;
}

/** What can be done to documents in these states. */
export function canDo(status: DisplayStatus) {
  return {
    enable: status === "disabled",
    disable: status === "available",
    archive: status === "available" || status === "disabled",
    unarchive: status === "archived",
    pause: status === "queuing" || status === "indexing",
    resume: status === "paused",
    retry: status === "error",
    rename: status !== "archived",
  };
}
