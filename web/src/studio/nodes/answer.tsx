import { lazy } from "react";
import { z } from "zod";
import { useVariableNames } from "../store/useVariableNames";
import { CardLine } from "./CardLine";
import { defineKind } from "./kind";
import { baseShape, text } from "./schema";

const schema = z.looseObject({ ...baseShape, answer: text });
export type AnswerData = z.infer<typeof schema>;

function Card({ data }: { data: AnswerData }) {
  const named = useVariableNames(data.answer);
  return named ? <CardLine>{named}</CardLine> : null;
}

export const answer = defineKind<AnswerData>({
  type: "answer",
  modes: ["advanced-chat"],
  schema,
  defaults: () => ({ answer: "", variables: [] }),
  outputs: () => [
    { name: "answer", type: "string" },
    { name: "files", type: "array[file]" },
  ],
  check: (data) => (data.answer.trim() ? [] : [{ code: "noText" }]),
  Card,
  Panel: lazy(() => import("../panels/AnswerPanel").then((m) => ({ default: m.AnswerPanel }))),
});
