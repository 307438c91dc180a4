/** All node kinds by type. Adding a kind is adding its record here. */
import { FAIL, type PortsOf } from "../model/connect";
import type { GraphNode } from "../model/document";
import type { KindRules } from "../model/problems";
import type { AppMode } from "../model/variables";
import { agent } from "./agent";
import { answer } from "./answer";
import { assigner } from "./assigner";
import { code } from "./code";
import { datasource } from "./datasource";
import { documentExtractor } from "./document-extractor";
import { end } from "./end";
import { httpRequest } from "./http-request";
import { humanInput } from "./human-input";
import { ifElse } from "./if-else";
import { iterationStart, loopStart } from "./inner";
import { iteration } from "./iteration";
import type { Kind } from "./kind";
import { knowledgeIndex } from "./knowledge-index";
import { knowledgeRetrieval } from "./knowledge-retrieval";
import { unknownKind } from "./later";
import { listOperator } from "./list-operator";
import { llm } from "./llm";
import { loop, loopEnd } from "./loop";
import { parameterExtractor } from "./parameter-extractor";
import { questionClassifier } from "./question-classifier";
import { start } from "./start";
import { templateTransform } from "./template-transform";
import { tool } from "./tool";
import { triggerPlugin } from "./trigger-plugin";
import { triggerSchedule } from "./trigger-schedule";
import { triggerWebhook } from "./trigger-webhook";
import { variableAggregator } from "./variable-aggregator";

/** In the order of the palette. */
const KINDS: readonly Kind[] = [
  start,
  triggerWebhook,
  triggerSchedule,
  triggerPlugin,
  datasource,
  answer,
  end,
  llm,
  agent,
  questionClassifier,
  parameterExtractor,
  knowledgeRetrieval,
  knowledgeIndex,
  documentExtractor,
  ifElse,
  iteration,
  loop,
  loopEnd,
  listOperator,
  code,
  templateTransform,
  variableAggregator,
  assigner,
  httpRequest,
  tool,
  humanInput,
  iterationStart,
  loopStart,
];

const byType = new Map(KINDS.map((kind) => [kind.type, kind]));
// The old name of the aggregator; the node keeps it, so that files go out as they came in.
byType.set("variable-assigner", variableAggregator);

export function kindOf(type: string): Kind {
  return byType.get(type) ?? unknownKind;
}

export function kindsFor(mode: AppMode): Kind[] {
  return KINDS.filter((kind) => kind.modes.includes(mode));
}

export const portsOf: PortsOf = (node) => kindOf(node.data.type).rules(node.data);

/** The port a finished node went on by, where that is not its ordinary one. */
export function portTaken(node: GraphNode | undefined, span: { readonly status: string; readonly outputs?: unknown }): string | undefined {
  if (!node) return undefined;
  if (span.status === "exception" && node.data.error_strategy === FAIL) return FAIL;
  return kindOf(node.data.type).chosenPort(span.outputs);
}

export function outputsFor(mode: AppMode) {
  return (node: GraphNode) => kindOf(node.data.type).outputs(node.data, mode);
}

export function rulesFor(mode: AppMode): KindRules {
  return {
    portsOf,
    outputsOf: outputsFor(mode),
    starts: (type) => kindOf(type).starts,
    check: (node, context) => kindOf(node.data.type).check(node.data, context),
  };
}
