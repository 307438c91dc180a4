/** Kinds that import, draw and export, but that this version does not run. */
import {
  AlarmClock,
  Bot,
  BookOpen,
  BookUp,
  Blocks,
  Database,
  type LucideIcon,
  Plug,
  UserCheck,
  Webhook,
  Wrench,
} from "lucide-react";
import { lazy } from "react";
import { z } from "zod";
import type { NodeData } from "../model/document";
import type { OutputVariable } from "../model/variables";
import { type Category, defineKind, type Kind, outputText, type Port } from "./kind";
import { baseShape } from "./schema";

const schema = z.looseObject(baseShape);
type LaterData = z.infer<typeof schema>;

const Panel = lazy(() => import("../panels/LaterPanel").then((m) => ({ default: m.LaterPanel })));

interface Later {
  readonly type: string;
  readonly icon: LucideIcon;
  readonly category: Category;
  readonly hasInput?: boolean;
  readonly starts?: boolean;
  readonly outputs?: readonly OutputVariable[] | ((data: NodeData) => readonly OutputVariable[]);
  readonly ports?: (data: NodeData) => readonly Port[];
  readonly chosen?: string;
  /** Part of a container's frame, not a node of its own: never a problem. */
  readonly inner?: boolean;
}

function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function named(items: unknown, nameKey: string, typeKey: string): OutputVariable[] {
  return list(items).flatMap((item) => {
    if (typeof item !== "object" || item === null) return [];
    const name: unknown = Reflect.get(item, nameKey);
    const type: unknown = Reflect.get(item, typeKey);
    return typeof name === "string" && name ? [{ name, type: typeof type === "string" ? type : "any" }] : [];
  });
}

function idPorts(items: unknown): Port[] {
  return list(items).flatMap((item) => {
    const id: unknown = typeof item === "object" && item !== null ? Reflect.get(item, "id") : undefined;
    return typeof id === "string" ? [{ id, row: true }] : [];
  });
}

const TEXT_FILES_JSON: readonly OutputVariable[] = [
  { name: "text", type: "string" },
  { name: "files", type: "array[file]" },
  { name: "json", type: "array[object]" },
];

function later(spec: Later): Kind {
  const { outputs } = spec;
  return defineKind<LaterData>({
    type: spec.type,
    icon: spec.icon,
    category: spec.category,
    modes: [],
    hasInput: spec.hasInput,
    starts: spec.starts,
    supported: spec.inner ?? false,
    schema,
    defaults: () => ({}),
    ports: spec.ports,
    outputs: typeof outputs === "function" ? outputs : () => outputs ?? [],
    check: () => (spec.inner ? [] : [{ code: "laterVersion", values: { kind: spec.type } }]),
    chosenPort: (out) => (spec.chosen ? outputText(out, spec.chosen) : undefined),
    Panel,
  });
}

const NO_PORTS = () => [];

export const laterKinds: readonly Kind[] = [
  later({ type: "knowledge-retrieval", icon: BookOpen, category: "knowledge", outputs: [{ name: "result", type: "array[object]" }] }),
  later({ type: "knowledge-index", icon: BookUp, category: "knowledge", ports: NO_PORTS }),
  later({ type: "datasource", icon: Database, category: "knowledge", hasInput: false, starts: true }),
  later({ type: "agent", icon: Bot, category: "model", outputs: [...TEXT_FILES_JSON, { name: "usage", type: "object" }] }),
  later({ type: "tool", icon: Wrench, category: "connect", outputs: TEXT_FILES_JSON }),
  later({
    type: "human-input",
    icon: UserCheck,
    category: "human",
    ports: (data) => [...idPorts(data.user_actions), { id: "__timeout__", row: true }],
    chosen: "__action_id",
    outputs: (data) => [
      ...named(data.inputs, "output_variable_name", "value_type"),
      { name: "__action_id", type: "string" },
      { name: "__action_value", type: "string" },
      { name: "__rendered_content", type: "string" },
    ],
  }),
  later({
    type: "trigger-webhook",
    icon: Webhook,
    category: "flow",
    hasInput: false,
    starts: true,
    outputs: (data) => [
      ...named(data.params, "name", "type"),
      ...named(data.body, "name", "type"),
      ...named(data.headers, "name", "type").map((h) => ({ ...h, name: h.name.replaceAll("-", "_") })),
      { name: "_webhook_raw", type: "object" },
    ],
  }),
  later({ type: "trigger-schedule", icon: AlarmClock, category: "flow", hasInput: false, starts: true }),
  later({ type: "trigger-plugin", icon: Plug, category: "flow", hasInput: false, starts: true }),
];

/** A kind nobody knows: from a newer version or another product. */
export const unknownKind: Kind = later({ type: "unknown", icon: Blocks, category: "connect" });
