/** What every model node may have: memory of the conversation and files to look at. */
import { Sparkles } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { PromptEditor } from "../editors/PromptEditor";
import { VariableField } from "../editors/VariableField";
import type { Memory, ModelChoice, Vision } from "../nodes/schema";
import { IconButton, NumberField, SelectField, SwitchRow } from "../parts/controls";
import { useStudio } from "../store/studio";
import { GenerateHere } from "./GenerateHere";

const VISION_TYPES = ["file", "array[file]"];
const ALL_MESSAGES = 50;

interface MemoryProps {
  readonly node: string;
  readonly value: Memory;
  readonly onChange: (memory: Memory | undefined) => void;
  /** Whether the message of the person is written here too. */
  readonly query?: boolean;
}

/** Only a chat has something to remember. */
export function MemoryFields({ node, value, onChange, query }: MemoryProps) {
  const { t } = useTranslation("studio");
  const mode = useStudio((s) => s.mode);
  if (mode !== "advanced-chat") return null;
  const memory = value ?? undefined;
  const window = memory?.window;
  const fresh: Memory = { window: { enabled: false, size: ALL_MESSAGES }, ...(query ? { query_prompt_template: "{{#sys.query#}}\n\n{{#sys.files#}}" } : {}) };
  return (
    <>
      <SwitchRow label={t("llm.memory")} note={window?.enabled && window.size ? t("llm.memoryLast", { count: window.size }) : ""} checked={memory !== undefined} onChange={(on) => onChange(on ? fresh : undefined)} />
      {memory ? (
        <>
          <SwitchRow label={t("llm.memoryWindow")} checked={Boolean(window?.enabled)} onChange={(enabled) => onChange({ ...memory, window: { ...window, enabled, size: window?.size ?? ALL_MESSAGES } })} />
          {window?.enabled ? <NumberField label={t("llm.memorySize")} min={1} max={100} value={window.size ?? undefined} onChange={(size) => onChange({ ...memory, window: { ...window, size: size ?? null } })} /> : null}
          {query ? (
            <div className="st-box">
              <div className="st-box-head">
                <span>{t("llm.memoryQuery")}</span>
              </div>
              <PromptEditor node={node} label={t("llm.memoryQuery")} value={memory.query_prompt_template ?? ""} onChange={(query_prompt_template) => onChange({ ...memory, query_prompt_template })} />
            </div>
          ) : null}
        </>
      ) : null}
    </>
  );
}

interface VisionProps {
  readonly node: string;
  readonly value: Vision;
  readonly onChange: (vision: Vision) => void;
}

export function VisionFields({ node, value, onChange }: VisionProps) {
  const { t } = useTranslation("studio");
  const mode = useStudio((s) => s.mode);
  const configs = value.configs ?? { variable_selector: mode === "advanced-chat" ? ["sys", "files"] : [], detail: "high" };
  return (
    <>
      <SwitchRow label={t("llm.vision")} checked={value.enabled} onChange={(enabled) => onChange({ ...value, enabled, ...(enabled ? { configs } : {}) })} />
      {value.enabled ? (
        <>
          <VariableField node={node} label={t("llm.visionVariable")} types={VISION_TYPES} value={configs.variable_selector} onChange={(variable_selector) => onChange({ ...value, configs: { ...configs, variable_selector } })} />
          <SelectField label={t("llm.visionDetail")} value={configs.detail} options={["high", "low"].map((d) => ({ value: d, label: t(`llm.details.${d}`) }))} onChange={(detail) => onChange({ ...value, configs: { ...configs, detail } })} />
        </>
      ) : null}
    </>
  );
}

interface InstructionProps {
  readonly node: string;
  readonly label: string;
  readonly hint?: string;
  readonly value: string;
  /** The model that may write it, and what that is told of the place. */
  readonly generator?: { readonly model: ModelChoice; readonly facts: string };
  readonly onChange: (value: string) => void;
}

/** A prompt with a head of its own, for instructions that are not messages. */
export function InstructionBox({ node, label, hint, value, generator, onChange }: InstructionProps) {
  const { t } = useTranslation("studio");
  const [generating, setGenerating] = useState(false);
  return (
    <>
      <div className="st-box">
        <div className="st-box-head">
          <span className="st-grow">{label}</span>
          <span className="st-num">{t("prompt.characters", { count: value.length })}</span>
          {generator ? <IconButton label={t("prompt.generateText", { label })} icon={Sparkles} onClick={() => setGenerating(true)} /> : null}
        </div>
        <PromptEditor node={node} label={label} placeholder={t("prompt.placeholder")} value={value} onChange={onChange} />
      </div>
      {generator && generating ? (
        <GenerateHere node={node} kind="prompt" current={value} {...generator} onClose={() => setGenerating(false)} onText={onChange} />
      ) : null}
      {hint ? <span className="st-hint">{hint}</span> : null}
    </>
  );
}
