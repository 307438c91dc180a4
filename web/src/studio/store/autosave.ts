/** Saves the draft by itself; a draft that changed on the server is a conflict, never overwritten silently. */
import { getDraft, saveDraft } from "../api";
import { readDocument, type StudioDocument, type Viewport, writeGraph } from "../model/document";
import { findProblems } from "../model/problems";
import type { AppMode } from "../model/variables";
import { rulesFor } from "../nodes/registry";
import { RequestError, transport } from "../transport";
import { set, type Sync, takeOver, useStudio } from "./studio";

const SAVE_AFTER_MS = 1_500;
const RETRY_AFTER_MS = 8_000;
const CHECK_AFTER_MS = 250;

let timer: ReturnType<typeof setTimeout> | undefined;
let checkTimer: ReturnType<typeof setTimeout> | undefined;
let saving: Promise<void> | undefined;

const state = () => useStudio.getState();

/** Secrets come masked; the mask means "keep what is stored". */
const HIDDEN = "[__HIDDEN__]";
const MASK = /^\*{8,}$/;

/** What is saved of a draft: a pipeline has input fields of its own, and neither features nor a conversation. */
export function draftBody(document: StudioDocument, mode: AppMode, viewport: Viewport): Record<string, unknown> {
  const environment = document.environment.map((v) =>
    v.value_type === "secret" && typeof v.value === "string" && MASK.test(v.value) ? { ...v, value: HIDDEN } : v,
  );
  return {
    graph: writeGraph(document, viewport),
    environment_variables: environment,
    ...(mode === "rag-pipeline" ? { rag_pipeline_variables: document.inputs } : { features: document.features, conversation_variables: document.conversation }),
  };
}

function body(document: StudioDocument, hash: string | undefined): Record<string, unknown> {
  const { mode, viewport } = state();
  return { ...draftBody(document, mode, viewport), ...(hash ? { hash } : {}) };
}

async function save(): Promise<void> {
  const { owner, document, sync } = state();
  if (sync.status === "conflict") return;
  set({ sync: { ...sync, status: "saving", error: undefined } });
  try {
    const { hash } = await saveDraft(owner, body(document, sync.hash));
    const unchanged = state().document === document;
    set({ sync: { status: unchanged ? "saved" : "dirty", hash, savedAt: Date.now() } });
    if (!unchanged) schedule();
  } catch (error) {
    await failed(error, sync);
  }
}

async function failed(error: unknown, sync: Sync): Promise<void> {
  if (error instanceof RequestError && error.code === "draft_workflow_not_sync") {
    const draft = await getDraft(state().owner).catch(() => undefined);
    if (draft?.hash) {
      const theirs = { document: readDocument(draft.json).document, hash: draft.hash, by: draft.updatedBy };
      set({ sync: { ...sync, status: "conflict", theirs } });
      return;
    }
  }
  const message = error instanceof Error ? error.message : String(error);
  set({ sync: { ...sync, status: "failed", error: message } });
  const final = error instanceof RequestError && error.status >= 400 && error.status < 500 && error.status !== 429;
  if (!final) schedule(RETRY_AFTER_MS);
}

function schedule(after = SAVE_AFTER_MS): void {
  clearTimeout(timer);
  timer = setTimeout(() => void flush().catch(() => undefined), after);
}

/** Saves now if there is something to save; runs and publishing wait for it. */
export async function flush(): Promise<void> {
  clearTimeout(timer);
  if (saving) await saving;
  const { status } = state().sync;
  if (status === "conflict") throw new RequestError(409, "draft_workflow_not_sync", "conflict");
  if (status === "saved") return;
  saving = save().finally(() => {
    saving = undefined;
  });
  await saving;
  const after = state().sync;
  if (after.status === "failed" || after.status === "conflict") throw new RequestError(0, "not_saved", after.error ?? "conflict");
}

/** Our draft wins: it is saved on top of theirs. */
export function keepMine(): void {
  const { sync } = state();
  if (!sync.theirs) return;
  set({ sync: { status: "dirty", hash: sync.theirs.hash, savedAt: sync.savedAt } });
  void flush().catch(() => undefined);
}

export function takeTheirs(): void {
  const { sync } = state();
  if (!sync.theirs) return;
  takeOver(sync.theirs.document, { status: "saved", hash: sync.theirs.hash, savedAt: Date.now() });
}

function check(): void {
  clearTimeout(checkTimer);
  checkTimer = setTimeout(() => {
    const { document, mode } = state();
    set({ problems: findProblems(document, mode, rulesFor(mode)) });
  }, CHECK_AFTER_MS);
}

/** Watches the document while the studio is open. Returns how to stop. */
export function startAutosave(): () => void {
  check();
  const unsubscribe = useStudio.subscribe((now, before) => {
    if (now.document === before.document) return;
    check();
    if (now.sync.status === "dirty") schedule();
  });
  const leave = () => {
    const { owner, document, sync } = state();
    if (sync.status === "dirty" || sync.status === "failed") {
      transport().beacon(`${owner}/workflows/draft`, body(document, sync.hash));
    }
  };
  window.addEventListener("pagehide", leave);
  const online = () => {
    if (state().sync.status === "failed") void flush().catch(() => undefined);
  };
  window.addEventListener("online", online);
  return () => {
    unsubscribe();
    leave();
    clearTimeout(timer);
    clearTimeout(checkTimer);
    window.removeEventListener("pagehide", leave);
    window.removeEventListener("online", online);
  };
}
