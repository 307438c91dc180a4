/**
 * A node kind is one record. The canvas, the inspector, the palette and the problems list ask the
 * record; none of them asks which kind it is.
 */
import type { LucideIcon } from "lucide-react";
import { type ComponentType, memo } from "react";
import type { z } from "zod";
import { type Category, nodeLook } from "../../ui/nodeLooks";
import type { PortRules } from "../model/connect";
import type { GraphNode, NodeData } from "../model/document";
import type { CheckContext, Problem } from "../model/problems";
import type { AppMode, OutputVariable } from "../model/variables";

export type { Category } from "../../ui/nodeLooks";

export interface Port {
  readonly id: string;
  /** True if the port gets a row of its own on the card. */
  readonly row: boolean;
}

export interface DefaultsContext {
  readonly mode: AppMode;
  readonly model: { provider: string; name: string; mode: string } | undefined;
}

export interface PanelProps<D> {
  readonly id: string;
  readonly data: D;
  readonly update: (patch: Partial<D> & Record<string, unknown>) => void;
}

interface CardProps<D> {
  readonly data: D;
}

interface PortRowProps<D> {
  readonly data: D;
  readonly port: string;
}

export type KindProblem = Omit<Problem, "node">;

export interface KindSpec<D extends NodeData> {
  readonly type: string;
  /** Where the palette offers it; empty if it cannot be added by hand (yet). */
  readonly modes: readonly AppMode[];
  readonly hasInput?: boolean;
  readonly starts?: boolean;
  /** One per graph. */
  readonly unique?: boolean;
  /** Holds other nodes: the kind of its inner start node. */
  readonly innerStart?: string;
  /** Part of a container's frame: no settings, never a problem, not in lists. */
  readonly frame?: boolean;
  /** Where it may stand: anywhere, not inside a container, or only inside a loop. */
  readonly inside?: "anywhere" | "never" | "loop";
  /** Offers default values and an error branch; retry has its own switch. */
  readonly failable?: boolean;
  readonly retryable?: boolean;
  /** Can be run alone. */
  readonly runnable?: boolean;
  /** False if this version cannot run it. */
  readonly supported?: boolean;
  /** The palette offers one entry for each of these instead of the bare kind. */
  readonly variants?: "datasources";
  readonly schema: z.ZodType<D>;
  readonly defaults: (context: DefaultsContext) => Record<string, unknown>;
  readonly ports?: (data: D) => readonly Port[];
  readonly outputs: (data: D, mode: AppMode) => readonly OutputVariable[];
  readonly check: (data: D, context: CheckContext) => readonly KindProblem[];
  /** The port a run chose, read from the outputs of the node. */
  readonly chosenPort?: (outputs: unknown) => string | undefined;
  readonly Card?: ComponentType<CardProps<D>>;
  readonly PortRow?: ComponentType<PortRowProps<D>>;
  readonly Panel?: ComponentType<PanelProps<D>>;
}

export interface Kind {
  readonly type: string;
  readonly icon: LucideIcon;
  readonly category: Category;
  readonly modes: readonly AppMode[];
  readonly starts: boolean;
  readonly unique: boolean;
  readonly innerStart: string | undefined;
  readonly frame: boolean;
  readonly inside: "anywhere" | "never" | "loop";
  readonly failable: boolean;
  readonly retryable: boolean;
  readonly runnable: boolean;
  readonly supported: boolean;
  readonly variants: "datasources" | undefined;
  readonly defaults: (context: DefaultsContext) => Record<string, unknown>;
  readonly rules: (data: NodeData) => PortRules;
  readonly ports: (data: NodeData) => readonly Port[];
  readonly outputs: (data: NodeData, mode: AppMode) => readonly OutputVariable[];
  readonly check: (data: NodeData, context: CheckContext) => readonly KindProblem[];
  readonly chosenPort: (outputs: unknown) => string | undefined;
  readonly Card: ComponentType<{ data: NodeData }>;
  readonly PortRow: ComponentType<{ data: NodeData; port: string }>;
  readonly Panel: ComponentType<PanelProps<NodeData>>;
}

const ONE_PORT: readonly Port[] = [{ id: "source", row: false }];
/** What a node gives when it went on after an error. */
const ERRORS: readonly OutputVariable[] = [
  { name: "error_message", type: "string" },
  { name: "error_type", type: "string" },
];
const Nothing = () => null;

/** Closes a record over its data type, so that the registry holds kinds of one shape. */
export function defineKind<D extends NodeData>(spec: KindSpec<D>): Kind {
  const cache = new WeakMap<object, D>();
  const read = (data: NodeData): D => {
    const known = cache.get(data);
    if (known) return known;
    const parsed = spec.schema.safeParse(data);
    const value = parsed.success
      ? parsed.data
      : spec.schema.parse({ ...spec.defaults({ mode: "workflow", model: undefined }), type: data.type, title: data.title });
    cache.set(data, value);
    return value;
  };
  const { icon, category } = nodeLook(spec.type);
  const ports = (data: NodeData) => spec.ports?.(read(data)) ?? ONE_PORT;
  const { Card, PortRow, Panel } = spec;
  return {
    type: spec.type,
    icon,
    category,
    modes: spec.modes,
    starts: spec.starts ?? false,
    unique: spec.unique ?? false,
    innerStart: spec.innerStart,
    frame: spec.frame ?? false,
    inside: spec.inside ?? (spec.starts ? "never" : "anywhere"),
    failable: spec.failable ?? false,
    retryable: spec.retryable ?? false,
    runnable: spec.runnable ?? false,
    supported: spec.supported ?? true,
    variants: spec.variants,
    defaults: spec.defaults,
    rules: (data) => ({ hasInput: spec.hasInput ?? true, outputs: ports(data).map((p) => p.id) }),
    ports,
    outputs: (data, mode) => (data.error_strategy ? [...spec.outputs(read(data), mode), ...ERRORS] : spec.outputs(read(data), mode)),
    check: (data, context) => spec.check(read(data), context),
    chosenPort: spec.chosenPort ?? (() => undefined),
    Card: Card ? memo(({ data }: { data: NodeData }) => <Card data={read(data)} />) : Nothing,
    PortRow: PortRow
      ? memo(({ data, port }: { data: NodeData; port: string }) => <PortRow data={read(data)} port={port} />)
      : Nothing,
    Panel: Panel ? ({ id, data, update }) => <Panel id={id} data={read(data)} update={update} /> : Nothing,
  };
}

/** A field of `outputs` as text, whatever came back. */
export function outputText(outputs: unknown, key: string): string | undefined {
  if (typeof outputs !== "object" || outputs === null) return undefined;
  const value: unknown = Reflect.get(outputs, key);
  return typeof value === "string" ? value : undefined;
}

export type NodeLookup = (node: GraphNode) => Kind;
