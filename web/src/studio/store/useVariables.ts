/** The variables a node may use, for pickers and chips. */
import { useMemo } from "react";
import { valueAt } from "../model/fork";
import { available, nameAt, resolve, type VariableGroup } from "../model/variables";
import type { Selector } from "../model/references";
import { kindOf, outputsFor } from "../nodes/registry";
import type { Category } from "../nodes/kind";
import { shown, useStudio } from "./studio";

/** `inside`: with what a container holds. */
export function useVariables(id: string, inside = false): VariableGroup[] {
  const document = useStudio(shown);
  const mode = useStudio((s) => s.mode);
  return useMemo(() => available(document, id, mode, outputsFor(mode), inside), [document, id, mode, inside]);
}

export interface ChipLook {
  readonly source: string;
  readonly name: string;
  readonly kind: string;
  readonly category: Category;
  readonly state: "ok" | "gone" | "notBefore";
}

const SPECIAL = new Set(["context", "histories", "query", "url"]);
/** In the text of a form: the field a person fills in. */
export const FORM_FIELD = "$output";

/** How a reference is drawn: by node title and field, crimson when it leads nowhere. */
export function useChip(id: string, selector: Selector): ChipLook {
  const groups = useVariables(id, true);
  const first = nameAt(selector);
  const scope = selector[first - 1] ?? "";
  const path = selector.slice(first);
  const node = useStudio((s) => shown(s).nodes.get(scope));
  const own = useStudio((s) => shown(s).nodes.get(id));
  if (selector.length === 1 && SPECIAL.has(scope)) {
    return { source: "", name: scope, kind: "", category: scope === "url" ? "human" : "knowledge", state: "ok" };
  }
  if (scope === FORM_FIELD) {
    const inputs: unknown = own?.data.inputs;
    const there = Array.isArray(inputs) && inputs.some((i: unknown) => typeof i === "object" && i !== null && Reflect.get(i, "output_variable_name") === path[0]);
    return { source: "", name: path.join("."), kind: "human-input", category: "human", state: there ? "ok" : "gone" };
  }
  const kind = node?.data.type ?? "";
  const found = resolve(groups, selector);
  if (first > 1) return { source: node?.data.title ?? "", name: path.join("."), kind, category: "flow", state: found ? "ok" : "gone" };
  const state = found || scope === "sys" ? "ok" : node && !groups.some((g) => g.id === scope) ? "notBefore" : "gone";
  return { source: node?.data.title ?? "", name: path.join("."), kind, category: node ? kindOf(kind).category : "flow", state };
}

/** The value a variable had in this session's run or the last stored one. */
export function computedValue(selector: Selector): unknown {
  const { run, lastSpans } = useStudio.getState();
  const [scope = "", ...path] = selector;
  // Fields of a pipeline are inputs of the run, under their names alone.
  if (nameAt(selector) > 1) return valueAt(run.inputs, selector.slice(nameAt(selector)));
  return valueAt((run.latest.get(scope) ?? lastSpans.get(scope))?.outputs, path);
}

/** The same as a short text, for lists. */
export function lastValue(selector: Selector): string | undefined {
  const value = computedValue(selector);
  if (value === undefined) return undefined;
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}
