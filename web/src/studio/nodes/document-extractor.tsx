import { lazy } from "react";
import { z } from "zod";
import { CardLine } from "./CardLine";
import { defineKind } from "./kind";
import { baseShape, flag, selectorSchema } from "./schema";

const schema = z.looseObject({ ...baseShape, variable_selector: selectorSchema, is_array_file: flag });
export type DocumentData = z.infer<typeof schema>;

export const documentExtractor = defineKind<DocumentData>({
  type: "document-extractor",
  modes: ["workflow", "advanced-chat", "rag-pipeline"],
  failable: true,
  runnable: true,
  schema,
  defaults: () => ({ variable_selector: [], is_array_file: false }),
  outputs: (data) => [{ name: "text", type: data.is_array_file ? "array[string]" : "string" }],
  check: (data) => (data.variable_selector.length < 2 ? [{ code: "noDocument" }] : []),
  Card: ({ data }) => (data.variable_selector.length > 1 ? <CardLine mono>{data.variable_selector.slice(1).join(".")}</CardLine> : null),
  Panel: lazy(() => import("../panels/DocumentPanel").then((m) => ({ default: m.DocumentPanel }))),
});
