import { Box } from "lucide-react";
import { lazy } from "react";
import { useTranslation } from "react-i18next";
import { z } from "zod";
import { useVariableNames } from "../store/useVariableNames";
import { CardLine } from "./CardLine";
import { defineKind, type KindProblem, outputText } from "./kind";
import { baseShape, listOf, memorySchema, modelProblems, modelSchema, NO_MODEL, selectorSchema, text, visionSchema } from "./schema";

export const classSchema = z.looseObject({ id: z.union([z.string(), z.number()]).catch("").transform(String), name: text, label: z.string().nullish() });
export type QuestionClass = z.infer<typeof classSchema>;

const schema = z.looseObject({
  ...baseShape,
  query_variable_selector: selectorSchema,
  model: modelSchema,
  classes: listOf(classSchema),
  instruction: text,
  memory: memorySchema,
  vision: visionSchema,
});
export type ClassifierData = z.infer<typeof schema>;

function PortRow({ data, port }: { data: ClassifierData; port: string }) {
  const { t } = useTranslation("studio");
  const index = data.classes.findIndex((c) => c.id === port);
  const name = useVariableNames(data.classes[index]?.name ?? "");
  return (
    <>
      <span className="st-branch-key model">{index + 1}</span>
      <span className="st-clip" title={name}>
        {name || t("classifier.unnamed")}
      </span>
    </>
  );
}

export const questionClassifier = defineKind<ClassifierData>({
  type: "question-classifier",
  modes: ["workflow", "advanced-chat", "rag-pipeline"],
  runnable: true,
  schema,
  defaults: ({ mode, model }) => ({
    query_variable_selector: mode === "advanced-chat" ? ["sys", "query"] : [],
    model: { ...NO_MODEL, ...model },
    classes: [
      { id: "1", name: "" },
      { id: "2", name: "" },
    ],
    instruction: "",
    vision: { enabled: false },
  }),
  ports: (data) => data.classes.map((c) => ({ id: c.id, row: true })),
  outputs: () => [
    { name: "class_name", type: "string" },
    { name: "class_id", type: "string" },
    { name: "usage", type: "object" },
  ],
  check: (data): KindProblem[] => {
    const out: KindProblem[] = [...modelProblems(data)];
    if (data.query_variable_selector.length < 2) out.push({ code: "noQuestion" });
    if (data.classes.length < 2) out.push({ code: "tooFewClasses" });
    data.classes.forEach((c, i) => {
      if (!c.name.trim()) out.push({ code: "unnamedClass", values: { number: i + 1 } });
    });
    return out;
  },
  chosenPort: (out) => outputText(out, "class_id"),
  Card: ({ data }) => (data.model.name ? <CardLine icon={Box}>{data.model.name}</CardLine> : null),
  PortRow,
  Panel: lazy(() => import("../panels/ClassifierPanel").then((m) => ({ default: m.ClassifierPanel }))),
});
