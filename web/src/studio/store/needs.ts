/** What a node run alone needs from elsewhere: which of it is there, and what a person must give. */
import { useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { nodeVariables, scopeVariables } from "../api";
import { childrenOf, isContainer } from "../model/containers";
import type { GraphNode, StudioDocument } from "../model/document";
import { references, type Selector } from "../model/references";
import { resolve } from "../model/variables";
import { computedValue, useVariables } from "./useVariables";
import { useStudio } from "./studio";

export interface Need {
  readonly selector: Selector;
  /** How a node run is given this value. */
  readonly key: string;
  readonly type: string;
}

export interface Needs {
  /** Never computed: a person must fill them in. */
  readonly missing: readonly Need[];
  /** Values the server does not keep but a run on the screen has. */
  readonly known: Readonly<Record<string, unknown>>;
}

/** Every variable a node reads from outside of itself; a container reads what its nodes read. */
export function outsideReferences(document: StudioDocument, node: GraphNode): Selector[] {
  const inside = new Set([node.id]);
  const parts = [node];
  for (let i = 0; i < parts.length; i += 1) {
    const part = parts[i];
    if (!part || !isContainer(part)) continue;
    for (const child of childrenOf(document, part.id)) {
      inside.add(child.id);
      parts.push(child);
    }
  }
  const found = new Map<string, Selector>();
  for (const part of parts) {
    for (const selector of references(part.data)) {
      const [scope = ""] = selector;
      if (inside.has(scope) || scope === "env" || scope === "$output") continue;
      found.set(selector.join("."), selector);
    }
  }
  return [...found.values()];
}

const GIVEN_BY_SERVER = new Set(["user_id", "app_id", "workflow_id", "workflow_run_id", "conversation_id", "dialogue_count", "timestamp"]);

export function useNeeds(node: GraphNode) {
  const appId = useStudio((s) => s.appId);
  const document = useStudio((s) => s.document);
  const groups = useVariables(node.id, true);
  const needed = useMemo(() => outsideReferences(document, node).filter((s) => !(s[0] === "sys" && GIVEN_BY_SERVER.has(s[1] ?? ""))), [document, node]);
  return useQuery({
    staleTime: 0,
    gcTime: 0,
    queryKey: ["draft-needs", appId, node.id, needed.map((s) => s.join(".")).join()],
    queryFn: async (): Promise<Needs> => {
      const sources = [...new Set(needed.map((s) => s[0] ?? ""))];
      const lists = await Promise.all(
        sources.map((id) => (id === "sys" ? scopeVariables(appId, "system") : id === "conversation" ? scopeVariables(appId, "conversation") : nodeVariables(appId, id)).catch(() => [])),
      );
      const kept = new Set(lists.flat().map((v) => v.selector.slice(0, 2).join(".")));
      const rest = needed.filter((s) => !kept.has(s.slice(0, 2).join(".")));
      const missing: Need[] = [];
      const known: Record<string, unknown> = {};
      for (const selector of rest) {
        const key = `#${selector.join(".")}#`;
        const value = computedValue(selector);
        if (value === undefined) missing.push({ selector, key, type: resolve(groups, selector)?.type ?? "string" });
        else known[key] = value;
      }
      return { missing, known };
    },
  });
}
