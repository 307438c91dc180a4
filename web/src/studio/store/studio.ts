/** The state of one open studio. The document changes only through `edit`, `undo` and `redo`. */
import { create } from "zustand";
import type { Owner } from "../api";
import { apply, type Change } from "../model/changes";
import { emptyDocument, type Point, type StudioDocument, type Viewport } from "../model/document";
import { emptyHistory, type History, record, redo as redoStep, undo as undoStep } from "../model/history";
import type { Problem } from "../model/problems";
import { idleRun, type RunState, type Span } from "../model/run";
import type { AppMode } from "../model/variables";

export interface PaletteRequest {
  /** Where the list opens, in pixels of the window. */
  readonly screen: Point;
  /** Where the node goes, in the graph; absent means "behind `from`" or the middle of the view. */
  readonly place?: Point;
  readonly from?: { readonly source: string; readonly sourceHandle: string };
  readonly edge?: string;
  /** Changes the kind of this node instead of adding one. */
  readonly replace?: string;
}

export type SidePanel = "environment" | "conversation" | "inputs" | "features" | "versions" | "preview";
export type TrayTab = "input" | "trace" | "variables" | "problems" | "history";
export type InspectorTab = "settings" | "lastRun" | "errors" | "notes";

export type SyncStatus = "saved" | "dirty" | "saving" | "failed" | "conflict";

export interface Sync {
  readonly status: SyncStatus;
  readonly hash: string | undefined;
  readonly savedAt: number | undefined;
  readonly error?: string;
  /** The version on the server when it is not the one we started from. */
  readonly theirs?: { readonly document: StudioDocument; readonly hash: string; readonly by: string };
}

export interface Preview {
  readonly kind: "version" | "run";
  readonly id: string;
  readonly title: string;
  readonly document: StudioDocument;
}

export type NodeRun =
  | { readonly id: string; readonly status: "running" }
  | { readonly id: string; readonly status: "done"; readonly result: unknown }
  | { readonly id: string; readonly status: "failed"; readonly error: string; readonly code: string };

export interface StudioState {
  readonly owner: Owner;
  readonly mode: AppMode;
  readonly loaded: boolean;
  readonly document: StudioDocument;
  readonly history: History;
  readonly viewport: Viewport;
  readonly selection: ReadonlySet<string>;
  readonly selectedEdges: ReadonlySet<string>;
  readonly inspecting: string | undefined;
  readonly inspectorTab: InspectorTab;
  readonly side: SidePanel | undefined;
  readonly tray: { readonly open: boolean; readonly tab: TrayTab };
  readonly tool: "pointer" | "hand";
  readonly palette: PaletteRequest | undefined;
  readonly connecting: string | undefined;
  /** While ⇧ is held: the node in question and everything it is linked to by variables. */
  readonly highlight: string | undefined;
  readonly linked: ReadonlySet<string>;
  readonly treeView: boolean;
  readonly run: RunState;
  /** From the last stored run, for the footers of nodes before anything ran on this page. */
  readonly lastSpans: ReadonlyMap<string, Span>;
  /** The last run of one node alone. */
  readonly nodeRun: NodeRun | undefined;
  /** The node somebody wants to run alone; its form asks for what is missing. */
  readonly nodeRunAsked: string | undefined;
  readonly problems: readonly Problem[];
  readonly sync: Sync;
  readonly preview: Preview | undefined;
  readonly publishedHash: string | undefined;
  readonly publishedAt: number | undefined;
}

const initial: StudioState = {
  owner: "",
  mode: "workflow",
  loaded: false,
  document: emptyDocument,
  history: emptyHistory,
  viewport: { x: 0, y: 0, zoom: 1 },
  selection: new Set(),
  selectedEdges: new Set(),
  inspecting: undefined,
  inspectorTab: "settings",
  side: undefined,
  tray: { open: false, tab: "trace" },
  tool: "pointer",
  palette: undefined,
  connecting: undefined,
  highlight: undefined,
  linked: new Set(),
  treeView: false,
  run: idleRun,
  lastSpans: new Map(),
  nodeRun: undefined,
  nodeRunAsked: undefined,
  problems: [],
  sync: { status: "saved", hash: undefined, savedAt: undefined },
  preview: undefined,
  publishedHash: undefined,
  publishedAt: undefined,
};

export const useStudio = create<StudioState>(() => initial);

const { getState, setState } = useStudio;

export function openStudio(state: Partial<StudioState>): void {
  setState({ ...initial, ...state }, true);
}

export function set(patch: Partial<StudioState>): void {
  setState(patch);
}

/** The document on the screen: the draft, or the version or run that is being looked at. */
export function shown(state: StudioState): StudioDocument {
  return state.preview?.document ?? state.document;
}

export function isReadOnly(state: StudioState): boolean {
  return state.preview !== undefined;
}

interface EditOptions {
  readonly subject?: string;
  readonly merge?: string;
}

/** Applies changes and remembers how to take them back. */
export function edit(label: string, changes: readonly Change[], options: EditOptions = {}): void {
  const state = getState();
  if (changes.length === 0 || isReadOnly(state)) return;
  setState({
    document: apply(state.document, changes),
    history: record(state.history, { label, changes, at: Date.now(), ...options }),
    sync: touched(state.sync),
  });
}

function touched(sync: Sync): Sync {
  return sync.status === "conflict" ? sync : { ...sync, status: "dirty" };
}

export function undo(): void {
  step(undoStep(getState().history));
}

export function redo(): void {
  step(redoStep(getState().history));
}

function step(result: ReturnType<typeof undoStep>): void {
  const state = getState();
  if (!result || isReadOnly(state)) return;
  const document = apply(state.document, result.changes);
  const alive = (ids: ReadonlySet<string>, items: { has(id: string): boolean }) => new Set([...ids].filter((id) => items.has(id)));
  setState({
    document,
    history: result.history,
    sync: touched(state.sync),
    selection: alive(state.selection, document.nodes),
    selectedEdges: alive(state.selectedEdges, document.edges),
    inspecting: state.inspecting && document.nodes.has(state.inspecting) ? state.inspecting : undefined,
  });
}

/** Goes to a place in the history list. */
export function jump(position: number): void {
  for (let guard = 0; guard < 1000; guard += 1) {
    const current = getState().history.position;
    if (current === position) return;
    if (position < current) undo();
    else redo();
  }
}

/** Replaces the draft by one from the server (conflict, restore); the history starts anew. */
export function takeOver(document: StudioDocument, sync: Sync): void {
  const state = getState();
  const inspecting = state.inspecting && document.nodes.has(state.inspecting) ? state.inspecting : undefined;
  setState({ document, sync, history: emptyHistory, selection: new Set(), selectedEdges: new Set(), inspecting });
}
