import { lazy } from "react";
import { z } from "zod";
import { CardLine } from "./CardLine";
import { defineKind } from "./kind";
import { baseShape, inputProblems, inputsSchema, text } from "./schema";

const schema = z.looseObject({ ...baseShape, variables: inputsSchema, template: text });
export type TemplateData = z.infer<typeof schema>;

export const templateTransform = defineKind<TemplateData>({
  type: "template-transform",
  modes: ["workflow", "advanced-chat", "rag-pipeline"],
  runnable: true,
  schema,
  defaults: () => ({ variables: [], template: "" }),
  outputs: () => [{ name: "output", type: "string" }],
  check: (data) => [...(data.template.trim() ? [] : [{ code: "noTemplate" }]), ...inputProblems(data.variables)],
  Card: ({ data }) => (data.template.trim() ? <CardLine mono>{data.template.trim().split("\n")[0]}</CardLine> : null),
  Panel: lazy(() => import("../panels/TemplatePanel").then((m) => ({ default: m.TemplatePanel }))),
});
