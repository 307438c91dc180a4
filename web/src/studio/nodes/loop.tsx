import { lazy } from "react";
import { useTranslation } from "react-i18next";
import { z } from "zod";
import { conditionSchema, isComplete } from "../model/conditions";
import { CardLine } from "./CardLine";
import { defineKind, type KindProblem } from "./kind";
import { baseShape, listOf, NAME, text } from "./schema";

export const LOOP_TYPES = ["string", "number", "boolean", "object", "array[string]", "array[number]", "array[boolean]", "array[object]"];
export const MOST_ROUNDS = 100;

export const loopVariableSchema = z.looseObject({
  id: text,
  label: text,
  var_type: z.string().catch("string"),
  value_type: z.string().catch("constant"),
  value: z.unknown().optional(),
});
export type LoopVariable = z.infer<typeof loopVariableSchema>;

const schema = z.looseObject({
  ...baseShape,
  start_node_id: text,
  loop_count: z.number().nullish().catch(10).transform((v) => v ?? 10),
  logical_operator: z.string().nullish().catch("and").transform((v) => v ?? "and"),
  break_conditions: listOf(conditionSchema),
  loop_variables: listOf(loopVariableSchema),
});
export type LoopData = z.infer<typeof schema>;

function Card({ data }: { data: LoopData }) {
  const { t } = useTranslation("studio");
  return <span className="st-badge">{t("loop.atMost", { count: data.loop_count })}</span>;
}

export const loop = defineKind<LoopData>({
  type: "loop",
  modes: ["workflow", "advanced-chat", "rag-pipeline"],
  inside: "never",
  innerStart: "loop-start",
  runnable: true,
  schema,
  defaults: () => ({ start_node_id: "", loop_count: 10, logical_operator: "and", break_conditions: [], loop_variables: [], error_handle_mode: "terminated" }),
  outputs: (data) => [...data.loop_variables.filter((v) => v.label).map((v) => ({ name: v.label, type: v.var_type })), { name: "loop_round", type: "number" }],
  check: (data, { held }): KindProblem[] => {
    const out: KindProblem[] = [];
    if (held === 0) out.push({ code: "emptyFrame" });
    if (!Number.isInteger(data.loop_count) || data.loop_count < 1 || data.loop_count > MOST_ROUNDS) out.push({ code: "badRounds", values: { limit: MOST_ROUNDS } });
    if (!data.break_conditions.every(isComplete)) out.push({ code: "incompleteStop" });
    const names = data.loop_variables.map((v) => v.label);
    for (const [i, variable] of data.loop_variables.entries()) {
      if (!NAME.test(variable.label)) out.push({ code: "badName", values: { name: variable.label } });
      else if (names.indexOf(variable.label) !== i) out.push({ code: "sameName", values: { name: variable.label } });
      if (variable.value_type === "variable" && !(Array.isArray(variable.value) && variable.value.length > 1)) out.push({ code: "noValue", values: { name: variable.label } });
    }
    return out;
  },
  Card,
  Panel: lazy(() => import("../panels/LoopPanel").then((m) => ({ default: m.LoopPanel }))),
});

const plain = z.looseObject(baseShape);

function ExitCard() {
  const { t } = useTranslation("studio");
  return <CardLine>{t("loop.exitHint")}</CardLine>;
}

function ExitPanel() {
  const { t } = useTranslation("studio");
  return (
    <section className="st-section">
      <span className="st-hint">{t("loop.exitText")}</span>
    </section>
  );
}

export const loopEnd = defineKind({
  type: "loop-end",
  modes: ["workflow", "advanced-chat", "rag-pipeline"],
  inside: "loop",
  schema: plain,
  defaults: () => ({}),
  ports: () => [],
  outputs: () => [],
  check: () => [],
  Card: ExitCard,
  Panel: ExitPanel,
});
