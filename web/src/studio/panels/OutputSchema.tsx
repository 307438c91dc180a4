/** The JSON schema of a structured answer. Kept as typed until it is JSON again. */
import { Sparkles } from "lucide-react";
import { useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { CodeEditor } from "../editors/CodeEditor";
import type { ModelChoice } from "../nodes/schema";
import { IconButton, Wrong } from "../parts/controls";
import { GenerateHere } from "./GenerateHere";

const STARTER = { type: "object", properties: { answer: { type: "string", description: "" } }, required: ["answer"], additionalProperties: false };

interface Props {
  readonly model: ModelChoice;
  readonly schema: unknown;
  readonly onChange: (schema: unknown) => void;
}

export function OutputSchema({ model, schema, onChange }: Props) {
  const { t } = useTranslation("studio");
  const [text, setText] = useState(() => JSON.stringify(schema ?? STARTER, null, 2));
  const [wrong, setWrong] = useState<string>();
  const [generating, setGenerating] = useState(false);
  const report = useRef(onChange);
  report.current = onChange;
  const missing = schema === undefined || schema === null;
  useEffect(() => {
    if (missing) report.current(STARTER);
  }, [missing]);
  const change = (next: string) => {
    setText(next);
    try {
      const parsed: unknown = JSON.parse(next);
      const object = typeof parsed === "object" && parsed !== null && !Array.isArray(parsed);
      setWrong(object ? undefined : t("llm.schemaObject"));
      if (object) onChange(parsed);
    } catch (error) {
      setWrong(error instanceof Error ? error.message : String(error));
    }
  };
  return (
    <>
      <div className="st-box">
        <div className="st-box-head">
          <span className="st-grow">{t("llm.schema")}</span>
          <IconButton label={t("llm.generateSchema")} icon={Sparkles} onClick={() => setGenerating(true)} />
        </div>
        <CodeEditor label={t("llm.schema")} language="json" value={text} onChange={change} />
      </div>
      {wrong ? <Wrong>{wrong}</Wrong> : null}
      {generating ? <GenerateHere kind="schema" current={text} model={model} onClose={() => setGenerating(false)} onText={change} /> : null}
    </>
  );
}
