import { lazy } from "react";
import { useTranslation } from "react-i18next";
import { z } from "zod";
import { resolve, type OutputVariable } from "../model/variables";
import { CardLine } from "./CardLine";
import { defineKind, type KindProblem } from "./kind";
import { baseShape, flag, NAME, selectorSchema, text } from "./schema";

const selectorsSchema = z.array(selectorSchema).nullish().catch([]).transform((v) => v ?? []);

export const groupSchema = z.looseObject({
  groupId: text,
  group_name: text,
  output_type: z.string().catch("any"),
  variables: selectorsSchema,
});
export type AggregatorGroup = z.infer<typeof groupSchema>;

const schema = z.looseObject({
  ...baseShape,
  output_type: z.string().catch("any"),
  variables: selectorsSchema,
  advanced_settings: z
    .looseObject({ group_enabled: flag, groups: z.array(groupSchema).nullish().catch([]).transform((v) => v ?? []) })
    .nullish()
    .catch(undefined),
});
export type AggregatorData = z.infer<typeof schema>;

function outputs(data: AggregatorData): OutputVariable[] {
  if (!data.advanced_settings?.group_enabled) return [{ name: "output", type: data.output_type }];
  return data.advanced_settings.groups.map((g) => ({
    name: g.group_name,
    type: "object",
    children: [{ name: "output", type: g.output_type }],
  }));
}

function Card({ data }: { data: AggregatorData }) {
  const { t } = useTranslation("studio");
  const groups = data.advanced_settings?.group_enabled ? data.advanced_settings.groups : undefined;
  if (groups) return <CardLine mono>{groups.map((g) => g.group_name).join(", ")}</CardLine>;
  return data.variables.length > 0 ? <CardLine>{t("aggregator.firstOf", { count: data.variables.length })}</CardLine> : null;
}

export const variableAggregator = defineKind<AggregatorData>({
  type: "variable-aggregator",
  modes: ["workflow", "advanced-chat", "rag-pipeline"],
  runnable: true,
  schema,
  defaults: () => ({ output_type: "any", variables: [] }),
  outputs,
  check: (data, { variables }): KindProblem[] => {
    const groups = data.advanced_settings?.group_enabled
      ? data.advanced_settings.groups
      : [{ group_name: "output", variables: data.variables }];
    return groups.flatMap((group): KindProblem[] => {
      if (!NAME.test(group.group_name)) return [{ code: "badName", values: { name: group.group_name } }];
      const chosen = group.variables.filter((s) => s.length > 1);
      if (chosen.length === 0) return [{ code: "noVariables", values: { name: group.group_name } }];
      const types = new Set(chosen.map((s) => resolve(variables, s)?.type ?? "any").filter((type) => type !== "any"));
      return types.size > 1 ? [{ code: "mixedTypes", values: { types: [...types].join(", ") } }] : [];
    });
  },
  Card,
  Panel: lazy(() => import("../panels/AggregatorPanel").then((m) => ({ default: m.AggregatorPanel }))),
});
