import { lazy } from "react";
import { z } from "zod";
import { CardLine } from "./CardLine";
import { defineKind, type KindProblem } from "./kind";
import { baseShape, inputProblems, inputsSchema, NAME, text } from "./schema";

export const CODE_TYPES = ["string", "number", "boolean", "object", "array[string]", "array[number]", "array[boolean]", "array[object]"];

const schema = z.looseObject({
  ...baseShape,
  variables: inputsSchema,
  code_language: z.string().catch("javascript"),
  code: text,
  outputs: z.record(z.string(), z.looseObject({ type: z.string().catch("string") })).catch({}),
});
export type CodeData = z.infer<typeof schema>;

export const LANGUAGES = ["python3", "javascript"];

export const LANGUAGE_NAMES: Readonly<Record<string, string>> = { python3: "Python 3", javascript: "JavaScript" };

/** What the code of a new node does, in each language. */
export const STARTERS: Readonly<Record<string, string>> = {
  javascript: `function main({ text }) {
  return { result: text.trim() };
}
`,
  python3: `def main(text: str) -> dict:
    return {"result": text.strip()}
`,
};

function check(data: CodeData): KindProblem[] {
  const out: KindProblem[] = [];
  if (!LANGUAGES.includes(data.code_language)) out.push({ code: "badLanguage", values: { language: data.code_language } });
  if (!data.code.trim()) out.push({ code: "noCode" });
  else if (!/\bmain\b/.test(data.code)) out.push({ code: "noMain" });
  const names = Object.keys(data.outputs);
  if (names.length === 0) out.push({ code: "noOutputs" });
  for (const name of names) if (!NAME.test(name)) out.push({ code: "badName", values: { name } });
  return [...out, ...inputProblems(data.variables)];
}

export const code = defineKind<CodeData>({
  type: "code",
  modes: ["workflow", "advanced-chat", "rag-pipeline"],
  failable: true,
  retryable: true,
  runnable: true,
  schema,
  defaults: () => ({
    variables: [{ variable: "text", value_selector: [] }],
    code_language: "python3",
    code: STARTERS.python3 ?? "",
    outputs: { result: { type: "string", children: null } },
  }),
  outputs: (data) => Object.entries(data.outputs).map(([name, output]) => ({ name, type: output.type })),
  check,
  Card: ({ data }) => (
    <>
      <CardLine>{LANGUAGE_NAMES[data.code_language] ?? data.code_language}</CardLine>
      <CardLine mono>{Object.keys(data.outputs).join(", ")}</CardLine>
    </>
  ),
  Panel: lazy(() => import("../panels/CodePanel").then((m) => ({ default: m.CodePanel }))),
});
