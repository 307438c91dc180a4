/** The nodes of the open studio as the palette of the shell shows them. */
import { useEffect } from "react";
import { useTranslation } from "react-i18next";
import type { CanvasNode, Fact } from "../../features/shell/paletteRows";
import { showCanvas } from "../../features/shell/state";
import { type Format, useFormat } from "../canvas/useFormat";
import { type GraphNode, isNote, type StudioDocument } from "../model/document";
import { kindOf } from "../nodes/registry";
import { inspect } from "./actions";
import { set, shown, type StudioState, useStudio } from "./studio";

type Words = ReturnType<typeof useTranslation<"studio">>["t"];

/** So much of a text is shown; the rest is in the inspector. */
const EXCERPT = 600;
const REFERENCE = /\{\{#\s*([^.#{}]+)\.([^#{}]+?)\s*#\}\}/g;

const text = (value: unknown): string => (typeof value === "string" ? value : "");

/** What a node is made of, where that is text: code, prompts, a template, an address. */
export function excerptOf(document: StudioDocument, node: GraphNode): string | undefined {
  const { code, prompt_template: prompts, template, answer, url, method, query } = node.data;
  const prompt = Array.isArray(prompts) ? prompts.map((each: { text?: unknown } | null) => text(each?.text)).filter(Boolean).join("\n\n") : "";
  const request = text(url) ? `${text(method).toUpperCase()} ${text(url)}` : "";
  const found = text(code) || prompt || text(template) || text(answer) || request || text(query);
  const named = found.replace(REFERENCE, (_, id: string, field: string) => `{${document.nodes.get(id)?.data.title ?? id} / ${field}}`);
  return named.trim().slice(0, EXCERPT) || undefined;
}

function factsOf(state: StudioState, document: StudioDocument, id: string, t: Words, format: Format): Fact[] {
  const span = state.run.latest.get(id) ?? state.lastSpans.get(id);
  const next = [...document.edges.values()].filter((edge) => edge.source === id).map((edge) => document.nodes.get(edge.target)?.data.title);
  const seconds = span?.end === undefined ? undefined : span.end - span.start;
  const facts: [string, string | undefined][] = [
    [t("things.lastRun"), seconds === undefined ? undefined : format.duration(seconds)],
    [t("trace.tokens"), span?.tokens ? format.number(span.tokens) : undefined],
    [t("things.goesTo"), [...new Set(next.filter(Boolean))].join(", ")],
  ];
  return facts.flatMap(([label, value]) => (value ? [[label, value] as const] : []));
}

function nodesOf(state: StudioState, t: Words, format: Format): CanvasNode[] {
  const document = shown(state);
  return [...document.nodes.values()].flatMap((node) => {
    const kind = kindOf(node.data.type);
    if (isNote(node) || kind.frame) return [];
    const title = node.data.title || t("node.untitled");
    const mayRun = kind.runnable && state.preview === undefined;
    const open = () => inspect(node.id);
    const run = () => {
      inspect(node.id, "lastRun");
      set({ nodeRunAsked: node.id });
    };
    return [
      {
        id: node.id,
        kind: node.data.type,
        title,
        about: t(`kinds.${node.data.type}.name`, { defaultValue: node.data.type }),
        open,
        preview: {
          excerpt: excerptOf(document, node),
          facts: factsOf(state, document, node.id, t, format),
          actions: [{ label: t("things.show"), run: open }, ...(mayRun ? [{ label: t("inspector.runNode"), run }] : [])],
        },
      },
    ];
  });
}

/** Lets the palette find the nodes while the studio is open. */
export function useThings(): void {
  const { t } = useTranslation("studio");
  const format = useFormat();
  useEffect(() => {
    showCanvas(() => nodesOf(useStudio.getState(), t, format));
    return () => showCanvas(undefined);
  }, [t, format]);
}
