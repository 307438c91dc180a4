/** What the canvas and the panels do: each an edit of the document or a change of what is shown. */
import { type Connection, outputPorts, refuse } from "../model/connect";
import { copy as copyText, paste as pasteText } from "../model/clipboard";
import { absolute, containerAt } from "../model/containers";
import { containerOf, type GraphNode, isNote, type NodeData, NOTE, type Point, type StudioDocument } from "../model/document";
import * as edits from "../model/edits";
import { newNodeId } from "../model/ids";
import { type Size, tidy as tidyChanges } from "../model/layout";
import { type Direction, neighbour, users, uses } from "../model/neighbours";
import { renameField as renameInData } from "../model/references";
import type { Change } from "../model/changes";
import { kindOf, portsOf } from "../nodes/registry";
import { storedNote } from "../model/note";
import { edit, type InspectorTab, isReadOnly, type PaletteRequest, set, shown, type SidePanel, type TrayTab, useStudio } from "./studio";
import { getView } from "./view";

const state = () => useStudio.getState();

/* ---- looking ---- */

export function select(ids: readonly string[]): void {
  set({ selection: new Set(ids), selectedEdges: new Set() });
}

export function inspect(id: string, tab?: InspectorTab): void {
  set({ selection: new Set([id]), selectedEdges: new Set(), inspecting: id, side: undefined, ...(tab ? { inspectorTab: tab } : {}) });
  getView()?.reveal(id);
}

/** Opens a node from somewhere else than the canvas. */
export const goTo = inspect;

export function closeInspector(): void {
  set({ inspecting: undefined });
}

export function openSide(side: SidePanel): void {
  set({ side: state().side === side ? undefined : side, inspecting: undefined });
}

export function openTray(tab: TrayTab): void {
  set({ tray: { open: true, tab } });
}

export function toggleTray(): void {
  const { tray } = state();
  set({ tray: { ...tray, open: !tray.open } });
}

export function openPalette(request: PaletteRequest): void {
  if (!isReadOnly(state())) set({ palette: request });
}

export function closePalette(): void {
  set({ palette: undefined });
}

export function highlight(id: string | undefined): void {
  const { document, highlight: now } = state();
  if (now === id) return;
  const linked = id ? new Set([id, ...users(document, id), ...uses(document, id)]) : new Set<string>();
  set({ highlight: id, linked });
}

export function toNeighbour(direction: Direction): void {
  const { selection, inspecting } = state();
  const [from] = selection;
  const to = from ? neighbour(shown(state()), from, direction) : shown(state()).nodes.keys().next().value;
  if (!to) return;
  if (inspecting) goTo(to);
  else {
    select([to]);
    getView()?.reveal(to);
  }
  getView()?.focus(to);
}

/* ---- editing ---- */

export interface NewNode {
  readonly type: string;
  readonly title: string;
  readonly model: { provider: string; name: string; mode: string } | undefined;
  /** Settings it starts with besides those of its kind, such as the tool that was chosen. */
  readonly data?: Readonly<Record<string, unknown>>;
}

function build(document: StudioDocument, wanted: NewNode, position: Point): GraphNode {
  const kind = kindOf(wanted.type);
  const data: NodeData = {
    ...kind.defaults({ mode: state().mode, model: wanted.model }),
    ...wanted.data,
    type: wanted.type,
    title: edits.freeTitle(document, wanted.title),
    desc: "",
  };
  return { id: newNodeId(document.nodes), type: "custom", position, positionAbsolute: position, sourcePosition: "right", targetPosition: "left", data };
}

/** The frame a node asked for this way would stand in. */
export function containerFor(document: StudioDocument, request: PaletteRequest | undefined): GraphNode | undefined {
  const edge = request?.edge ? document.edges.get(request.edge) : undefined;
  const beside = document.nodes.get(request?.from?.source ?? edge?.source ?? request?.replace ?? "");
  if (!beside) return request?.place ? containerAt(document, request.place) : undefined;
  const id = containerOf(beside);
  return id === undefined ? undefined : document.nodes.get(id);
}

/** Whether a kind may stand in this frame, or outside of all. */
export function mayStand(type: string, container: GraphNode | undefined): boolean {
  const { inside } = kindOf(type);
  if (!container) return inside !== "loop";
  return inside === "anywhere" || (inside === "loop" && container.data.type === "loop");
}

const DRAWN: Size = { width: 188, height: 96 };

function sizeOf(node: GraphNode): Size {
  return getView()?.sizeOf(node.id) ?? DRAWN;
}

/** Adds a node where the palette was asked for: behind a port, on an edge, at a place, or instead of a node. */
export function addNode(wanted: NewNode, request: PaletteRequest | undefined): void {
  const { document } = state();
  if (request?.replace) {
    changeKind(request.replace, wanted);
    return;
  }
  const container = containerFor(document, request);
  set({ palette: undefined });
  if (!mayStand(wanted.type, container)) return;
  const source = request?.from ? document.nodes.get(request.from.source) : undefined;
  const corner = container ? absolute(document, container) : { x: 0, y: 0 };
  const given = request?.place ? { x: Math.round(request.place.x - corner.x), y: Math.round(request.place.y - corner.y) } : undefined;
  const place = given ?? (source ? edits.placeAfter(document, source.id) : edits.freePlace(document, getView()?.centre() ?? { x: 80, y: 200 }));
  const fresh = build(document, wanted, container ? { x: Math.max(place.x, 12), y: Math.max(place.y, 52) } : place);
  const node = container ? edits.inside(document, fresh, container) : fresh;
  let changes: Change[];
  if (request?.from && source) changes = edits.addAfter(document, node, request.from, portsOf);
  else if (request?.edge) changes = edits.insertOnEdge(document, node, request.edge, portsOf);
  else changes = edits.addNode(node);
  edit("edit.add", edits.withRoom(document, changes, container?.id, sizeOf), { subject: node.data.title });
  inspect(node.id, "settings");
  // Drawn in the next frames; the keyboard goes on from the new node.
  setTimeout(() => getView()?.focus(node.id), 80);
}

function changeKind(id: string, wanted: NewNode): void {
  const { document } = state();
  const before = document.nodes.get(id);
  if (!before) return;
  const fresh = build(document, wanted, before.position);
  set({ palette: undefined, inspectorTab: "settings" });
  edit("edit.changeKind", edits.changeKind(document, id, fresh.data, portsOf), { subject: before.data.title });
}

export function addNote(position?: Point): void {
  const { document } = state();
  const place = position ?? getView()?.centre() ?? { x: 0, y: 0 };
  const data = { type: "", title: "", desc: "", text: storedNote(""), theme: "yellow", author: "", showAuthor: false, width: 240, height: 120 };
  const node: GraphNode = { id: newNodeId(document.nodes), type: NOTE, position: place, width: 240, height: 120, data };
  edit("edit.addNote", edits.addNode(node));
  select([node.id]);
}

export function connect(wanted: Connection): boolean {
  const changes = edits.connect(state().document, wanted, portsOf);
  edit("edit.connect", changes, { subject: state().document.nodes.get(wanted.source)?.data.title });
  return changes.length > 0;
}

export function canConnect(wanted: Connection): boolean {
  return refuse(state().document, wanted, portsOf) === undefined;
}

/** Every legal connection that starts at this node, for connecting by keyboard. */
export function possibleConnections(id: string): Connection[] {
  const { document } = state();
  const source = document.nodes.get(id);
  if (!source) return [];
  return outputPorts(source, portsOf).flatMap((sourceHandle) =>
    [...document.nodes.keys()]
      .map((target) => ({ source: id, sourceHandle, target }))
      .filter((wanted) => refuse(document, wanted, portsOf) === undefined),
  );
}

export function removeEdges(ids: readonly string[]): void {
  edit("edit.disconnect", edits.disconnect(state().document, ids));
}

export function removeSelection(): void {
  const { document, selection, selectedEdges } = state();
  remove([...selection], [...selectedEdges].filter((id) => document.edges.has(id)));
}

export function remove(nodes: readonly string[], edges: readonly string[] = []): void {
  const { document, inspecting } = state();
  const nodeChanges = edits.removeNodes(document, nodes);
  const gone = new Set(nodeChanges.flatMap((c) => (c.on === "edge" ? [c.id] : [])));
  const edgeChanges = edits.disconnect(document, edges.filter((id) => !gone.has(id)));
  const [first] = nodes;
  const subject = nodes.length === 1 && first ? document.nodes.get(first)?.data.title : undefined;
  edit(nodes.length > 0 ? "edit.remove" : "edit.disconnect", [...edgeChanges, ...nodeChanges], { subject });
  set({ selection: new Set(), selectedEdges: new Set(), inspecting: inspecting && nodes.includes(inspecting) ? undefined : inspecting });
}

export function move(positions: ReadonlyMap<string, Point>, merge?: string): void {
  edit("edit.move", edits.moveNodes(state().document, positions), { merge });
}

export function nudge(dx: number, dy: number): void {
  const { document, selection } = state();
  const to = new Map<string, Point>();
  for (const id of selection) {
    const node = document.nodes.get(id);
    if (node) to.set(id, { x: node.position.x + dx, y: node.position.y + dy });
  }
  move(to, "nudge");
}

export function resize(id: string, size: Size, position?: Point): void {
  const whole = { width: Math.round(size.width), height: Math.round(size.height) };
  const place = position ? { x: Math.round(position.x), y: Math.round(position.y) } : undefined;
  edit("edit.resize", edits.resizeNode(state().document, id, whole, place));
}

/** Changes settings of a node; typing in one field is one step of undo. */
export function updateNode(id: string, patch: Readonly<Record<string, unknown>>): void {
  const { document } = state();
  const merge = `${id}:${Object.keys(patch).sort().join()}`;
  const subject = document.nodes.get(id)?.data.title;
  edit("edit.settings", edits.updateData(document, id, patch, portsOf), { merge, subject });
}

/** Renames a variable of a node or scope, and every reference to it, as one step. */
export function renameVariable(scope: string, before: string, after: string, own: readonly Change[]): void {
  const { document } = state();
  const changes: Change[] = [...own];
  for (const node of document.nodes.values()) {
    if (node.id === scope || isNote(node)) continue;
    const data = renameInData(node.data, scope, before, after);
    if (JSON.stringify(data) !== JSON.stringify(node.data)) {
      changes.push({ on: "node", id: node.id, before: node, after: { ...node, data } });
    }
  }
  edit("edit.rename", changes, { merge: `rename:${scope}` });
}

/** The patch as changes, for actions that join it with others. */
export function settingsChanges(id: string, patch: Readonly<Record<string, unknown>>): Change[] {
  return edits.updateData(state().document, id, patch, portsOf);
}

export function setFeatures(patch: Readonly<Record<string, unknown>>): void {
  const { features } = state().document;
  edit("edit.features", [{ on: "features", before: features, after: { ...features, ...patch } }], { merge: `features:${Object.keys(patch).join()}` });
}

export function setVariables(on: "environment" | "conversation", after: StudioDocument["environment"]): Change[] {
  return [{ on, before: state().document[on], after }];
}

export function tidy(sizeOf: (id: string) => Size | undefined): void {
  const { document } = state();
  edit("edit.tidy", tidyChanges(document, (node) => sizeOf(node.id) ?? { width: 188, height: 90 }, portsOf));
  getView()?.fitSoon();
}

/* ---- clipboard ---- */

let inPage = "";
let pastes = 0;

function chosen(): string[] {
  return [...state().selection];
}

export async function copySelection(): Promise<void> {
  const text = copyText(shown(state()), chosen());
  if (!text) return;
  inPage = text;
  pastes = 0;
  // Refused without HTTPS or permission; the copy inside the page still works.
  await navigator.clipboard?.writeText(text).catch(() => undefined);
}

export function pasteClip(text: string | undefined, at?: Point): boolean {
  const { document } = state();
  const unique = (type: string) => kindOf(type).unique;
  pastes += 1;
  const pasted = pasteText(document, text ?? inPage, at, unique) ?? pasteText(document, inPage, at, unique);
  if (!pasted || pasted.ids.length === 0) return false;
  edit("edit.paste", shifted(pasted.changes, at ? 0 : (pastes - 1) * 24));
  select(pasted.ids);
  return true;
}

function shifted(changes: readonly Change[], by: number): Change[] {
  return changes.map((c) => {
    if (by === 0 || c.on !== "node" || !c.after || c.after.parentId) return c;
    const { position } = c.after;
    return { ...c, after: { ...c.after, position: { x: position.x + by, y: position.y + by } } };
  });
}

export function duplicateSelection(): void {
  const text = copyText(state().document, chosen());
  const pasted = text ? pasteText(state().document, text, undefined, (type) => kindOf(type).unique) : undefined;
  if (!pasted || pasted.ids.length === 0) return;
  const holders = new Set(pasted.ids.flatMap((id) => pasted.changes.flatMap((c) => (c.on === "node" && c.id === id && c.after ? (containerOf(c.after) ?? []) : []))));
  let changes: Change[] = pasted.changes;
  for (const holder of holders) changes = edits.withRoom(state().document, changes, holder, sizeOf);
  edit("edit.duplicate", changes);
  select(pasted.ids);
}
