import { lazy } from "react";
import { useTranslation } from "react-i18next";
import { z } from "zod";
import { type Condition, conditionSchema, isComplete, needsValue } from "../model/conditions";
import { defineKind, outputText } from "./kind";
import { baseShape } from "./schema";

export const caseSchema = z.looseObject({
  case_id: z.string().catch(""),
  logical_operator: z.string().nullish().catch("and").transform((v) => v ?? "and"),
  conditions: z.array(conditionSchema).nullish().catch([]).transform((v) => v ?? []),
});
export type BranchCase = z.infer<typeof caseSchema>;

const schema = z.looseObject({
  ...baseShape,
  cases: z.array(caseSchema).nullish().catch([]).transform((v) => v ?? []),
});
export type IfElseData = z.infer<typeof schema>;

export const ELSE = "false";

function conditionText(condition: Condition, operator: (name: string) => string): string {
  const name = condition.variable_selector.slice(1).join(".");
  const value = Array.isArray(condition.value) ? condition.value.join(", ") : String(condition.value ?? "");
  const shown = needsValue(condition.comparison_operator) ? value.replace(/\{\{#[^#]*\.([^.#]+)#\}\}/g, "$1") : "";
  return [name, operator(condition.comparison_operator), shown].filter(Boolean).join(" ");
}

function PortRow({ data, port }: { data: IfElseData; port: string }) {
  const { t } = useTranslation("studio");
  const index = data.cases.findIndex((c) => c.case_id === port);
  const branch = data.cases[index];
  const key = index < 0 ? t("ifElse.else") : index === 0 ? t("ifElse.if") : t("ifElse.elif");
  const first = branch?.conditions[0];
  const more = (branch?.conditions.length ?? 0) - 1;
  const label = first && first.variable_selector.length > 1 ? conditionText(first, (o) => t(`operators.${o}`, o)) : "";
  return (
    <>
      <span className="st-branch-key">{key}</span>
      <span className="st-clip">{index < 0 ? t("ifElse.anythingElse") : label || t("ifElse.noCondition")}</span>
      {more > 0 ? <span className="st-line-right">+{more}</span> : null}
    </>
  );
}

export const ifElse = defineKind<IfElseData>({
  type: "if-else",
  modes: ["workflow", "advanced-chat", "rag-pipeline"],
  runnable: true,
  schema,
  defaults: () => ({ cases: [{ case_id: "true", logical_operator: "and", conditions: [] }] }),
  ports: (data) => [...data.cases.map((c) => ({ id: c.case_id, row: true })), { id: ELSE, row: true }],
  outputs: () => [
    { name: "result", type: "boolean" },
    { name: "selected_case_id", type: "string" },
  ],
  check: (data) =>
    data.cases.flatMap((branch, i) => {
      if (branch.conditions.length === 0) return [{ code: "noConditions", values: { number: i + 1 } }];
      return branch.conditions.every(isComplete) ? [] : [{ code: "incompleteCondition", values: { number: i + 1 } }];
    }),
  chosenPort: (outputs) => outputText(outputs, "selected_case_id"),
  PortRow,
  Panel: lazy(() => import("../panels/IfElsePanel").then((m) => ({ default: m.IfElsePanel }))),
});
