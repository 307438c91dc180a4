/** The coloured tile of a node kind, light enough for pages without the canvas. */
import {
  BookOpen,
  Bot,
  Box,
  Braces,
  Brain,
  CirclePlay,
  Code,
  CornerDownLeft,
  FileText,
  Globe,
  ListFilter,
  ListTree,
  type LucideIcon,
  Merge,
  Repeat,
  RotateCw,
  Shuffle,
  Split,
  SquareFunction,
  UserRound,
  Wrench,
} from "lucide-react";

const KINDS: Readonly<Record<string, readonly [LucideIcon, string]>> = {
  start: [CirclePlay, "flow"],
  end: [CornerDownLeft, "flow"],
  answer: [CornerDownLeft, "flow"],
  llm: [Brain, "model"],
  agent: [Bot, "model"],
  "question-classifier": [ListTree, "model"],
  "parameter-extractor": [Braces, "model"],
  "knowledge-retrieval": [BookOpen, "knowledge"],
  "document-extractor": [FileText, "knowledge"],
  "if-else": [Split, "logic"],
  iteration: [Repeat, "logic"],
  loop: [RotateCw, "logic"],
  "list-operator": [ListFilter, "logic"],
  code: [Code, "transform"],
  "template-transform": [SquareFunction, "transform"],
  "variable-aggregator": [Merge, "transform"],
  assigner: [Shuffle, "transform"],
  "http-request": [Globe, "connect"],
  tool: [Wrench, "connect"],
  "human-input": [UserRound, "human"],
};

export function NodeTile({ kind }: { kind: string }) {
  const [Icon, cat] = KINDS[kind] ?? [Box, "flow"];
  return (
    <span className="tile" data-size="xs" data-cat={cat} aria-hidden>
      <Icon size={12} strokeWidth={2} />
    </span>
  );
}
