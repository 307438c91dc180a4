/** What a node run alone needs from elsewhere: which of it is there, and what a person must give. */
import { useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { nodeVariables, scopeVariables } from "../api";
import type { GraphNode, StudioDocument } from "../model/document";
import { outsideReferences } from "../model/outside";
import type { Selector } from "../model/references";
import { RAG } from "../model/inputs";
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

const GIVEN_BY_SERVER = new Set(["user_id", "app_id", "workflow_id", "workflow_run_id", "conversation_id", "dialogue_count", "timestamp"]);

/** A field of a pipeline that has a default, or may stay empty, is filled in by the server. */
function mustAsk(document: StudioDocument, selector: Selector): boolean {
  const [scope, owner, name] = selector;
  if (scope !== RAG) return true;
  const field = document.inputs.find((f) => f.belong_to_node_id === owner && f.variable === name);
  return field?.required === true && (field.default_value === undefined || field.default_value === null || field.default_value === "");
}

export function useNeeds(node: GraphNode) {
  const owner = useStudio((s) => s.owner);
  const document = useStudio((s) => s.document);
  const groups = useVariables(node.id, true);
  const needed = useMemo(() => outsideReferences(document, node).filter((s) => !(s[0] === "sys" && GIVEN_BY_SERVER.has(s[1] ?? ""))), [document, node]);
  return useQuery({
    staleTime: 0,
    gcTime: 0,
    queryKey: ["draft-needs", owner, node.id, needed.map((s) => s.join(".")).join()],
    queryFn: async (): Promise<Needs> => {
      const sources = [...new Set(needed.map((s) => s[0] ?? ""))].filter((scope) => scope !== RAG);
      const lists = await Promise.all(
        sources.map((id) => (id === "sys" ? scopeVariables(owner, "system") : id === "conversation" ? scopeVariables(owner, "conversation") : nodeVariables(owner, id)).catch(() => [])),
      );
      const kept = new Set(lists.flat().map((v) => v.selector.slice(0, 2).join(".")));
      const rest = needed.filter((s) => !kept.has(s.slice(0, 2).join(".")));
      const missing: Need[] = [];
      const known: Record<string, unknown> = {};
      for (const selector of rest) {
        const key = `#${selector.join(".")}#`;
        const value = computedValue(selector);
        if (value !== undefined) known[key] = value;
        else if (mustAsk(document, selector)) missing.push({ selector, key, type: resolve(groups, selector)?.type ?? "string" });
      }
      return { missing, known };
    },
  });
}
