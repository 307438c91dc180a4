/** The sign and the colour of each node kind, for the canvas and for every page that names a node. */
import {
  AlarmClock,
  Blocks,
  BookOpen,
  BookUp,
  Bot,
  CircleStop,
  Code2,
  Combine,
  CornerDownLeft,
  Database,
  FileCode2,
  FileText,
  Flag,
  Globe,
  ListChecks,
  ListFilter,
  type LucideIcon,
  PenLine,
  Play,
  Plug,
  RefreshCw,
  Repeat,
  Sparkles,
  Split,
  Tags,
  UserCheck,
  Webhook,
  Wrench,
} from "lucide-react";

export type Category = "flow" | "model" | "knowledge" | "logic" | "transform" | "connect" | "human";

export interface NodeLook {
  readonly icon: LucideIcon;
  readonly category: Category;
}

const LOOKS: Readonly<Record<string, NodeLook>> = {
  answer: { icon: CornerDownLeft, category: "flow" },
  end: { icon: Flag, category: "flow" },
  start: { icon: Play, category: "flow" },
  "trigger-schedule": { icon: AlarmClock, category: "flow" },
  "trigger-webhook": { icon: Webhook, category: "flow" },
  "iteration-start": { icon: Play, category: "flow" },
  "loop-start": { icon: Play, category: "flow" },
  "trigger-plugin": { icon: Plug, category: "flow" },
  agent: { icon: Bot, category: "model" },
  llm: { icon: Sparkles, category: "model" },
  "parameter-extractor": { icon: ListChecks, category: "model" },
  "question-classifier": { icon: Tags, category: "model" },
  "document-extractor": { icon: FileText, category: "knowledge" },
  "knowledge-retrieval": { icon: BookOpen, category: "knowledge" },
  datasource: { icon: Database, category: "knowledge" },
  "knowledge-index": { icon: BookUp, category: "knowledge" },
  "if-else": { icon: Split, category: "logic" },
  iteration: { icon: Repeat, category: "logic" },
  "list-operator": { icon: ListFilter, category: "logic" },
  loop: { icon: RefreshCw, category: "logic" },
  "loop-end": { icon: CircleStop, category: "logic" },
  assigner: { icon: PenLine, category: "transform" },
  code: { icon: Code2, category: "transform" },
  "template-transform": { icon: FileCode2, category: "transform" },
  "variable-aggregator": { icon: Combine, category: "transform" },
  "variable-assigner": { icon: Combine, category: "transform" },
  "http-request": { icon: Globe, category: "connect" },
  tool: { icon: Wrench, category: "connect" },
  "human-input": { icon: UserCheck, category: "human" },
};

const UNKNOWN: NodeLook = { icon: Blocks, category: "connect" };

/** A kind nobody knows is from a newer version or another product. */
export function nodeLook(type: string): NodeLook {
  return LOOKS[type] ?? UNKNOWN;
}
