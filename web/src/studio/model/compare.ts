/** Two versions of a draft side by side: what differs, node by node, for conflicts and publishing. */
import { difference } from "./changes";
import type { StudioDocument } from "./document";

export type DifferenceKind = "added" | "removed" | "changed" | "moved";

export interface DifferenceRow {
  readonly id: string;
  readonly what: "node" | "edge" | "features" | "environment" | "conversation" | "inputs";
  readonly title: string;
  readonly type: string;
  readonly kind: DifferenceKind;
  /** Names of the settings that differ. */
  readonly fields: readonly string[];
  /** The same with what they were and what they are. */
  readonly values: readonly { readonly name: string; readonly before: unknown; readonly after: unknown }[];
}

export function compare(from: StudioDocument, to: StudioDocument): DifferenceRow[] {
  const title = (id: string) => to.nodes.get(id)?.data.title ?? from.nodes.get(id)?.data.title ?? id;
  return difference(from, to).map((change): DifferenceRow => {
    switch (change.on) {
      case "node": {
        const fields = changedKeys(change.before?.data, change.after?.data);
        const kind = !change.before ? "added" : !change.after ? "removed" : fields.length > 0 ? "changed" : "moved";
        const type = (change.after ?? change.before)?.data.type ?? "";
        const values = fields.map((name) => ({ name, before: change.before?.data[name], after: change.after?.data[name] }));
        return { id: change.id, what: "node", title: title(change.id), type, kind, fields, values };
      }
      case "edge": {
        const edge = change.after ?? change.before;
        const name = edge ? `${title(edge.source)} → ${title(edge.target)}` : change.id;
        const kind = !change.before ? "added" : !change.after ? "removed" : "changed";
        return { id: change.id, what: "edge", title: name, type: "", kind, fields: [], values: [] };
      }
      default:
        return { id: change.on, what: change.on, title: "", type: "", kind: "changed", ...settings(change.before, change.after) };
    }
  });
}

/** Features by their names, variables and fields by theirs. */
function settings(before: unknown, after: unknown): Pick<DifferenceRow, "fields" | "values"> {
  const named = (value: unknown): Record<string, unknown> => {
    if (Array.isArray(value)) return Object.fromEntries(value.map((v: { name?: unknown; variable?: unknown }, i) => [String(v.name ?? v.variable ?? i), v]));
    return typeof value === "object" && value !== null ? { ...value } : {};
  };
  const [left, right] = [named(before), named(after)];
  const fields = changedKeys(left, right);
  return { fields, values: fields.map((name) => ({ name, before: left[name], after: right[name] })) };
}

function changedKeys(before: object | undefined, after: object | undefined): string[] {
  if (!before || !after) return [];
  const left = new Map<string, unknown>(Object.entries(before));
  const right = new Map<string, unknown>(Object.entries(after));
  const keys = new Set([...left.keys(), ...right.keys()]);
  return [...keys].filter((key) => JSON.stringify(left.get(key)) !== JSON.stringify(right.get(key)));
}
