/** Looking at a version or an earlier run: read only, and back to the draft. */
import type { Version } from "../api";
import { readDocument } from "../model/document";
import { difference } from "../model/changes";
import { idleRun } from "../model/run";
import { flush } from "./autosave";
import { leaveRun, loadRun, wait } from "./runner";
import { edit, set, useStudio } from "./studio";

export async function openRun(id: string, title: string): Promise<void> {
  const { run, graph } = await loadRun(id);
  const { document } = readDocument({ graph });
  const shownDocument = document.nodes.size > 0 ? document : useStudio.getState().document;
  leaveRun();
  set({
    run,
    // A run that waits is answered in the panel of runs.
    ...(run.forms.length > 0 ? { side: "preview" as const } : {}),
    preview: { kind: "run", id, title, document: shownDocument },
    inspecting: undefined,
    selection: new Set(),
    tray: { open: true, tab: "trace" },
  });
  void wait();
}

export function openVersion(version: Version, title: string): void {
  const { document } = readDocument(version);
  leaveRun();
  set({ preview: { kind: "version", id: version.id, title, document }, run: idleRun, inspecting: undefined, selection: new Set() });
}

export function closePreview(): void {
  leaveRun();
  set({ preview: undefined, run: idleRun });
}

/** The version becomes the draft; one undo takes it back. */
export async function restoreVersion(): Promise<void> {
  const { preview, document } = useStudio.getState();
  if (preview?.kind !== "version") return;
  const target = { ...preview.document, environment: document.environment };
  set({ preview: undefined });
  edit("edit.restore", difference(document, target), { subject: preview.title });
  await flush().catch(() => undefined);
}
