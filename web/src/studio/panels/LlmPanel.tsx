/** A model call: model, messages, memory, vision, structured output. */
import { Plus } from "lucide-react";
import { useTranslation } from "react-i18next";
import { ModelField } from "../editors/ModelField";
import { VariableField } from "../editors/VariableField";
import type { PanelProps } from "../nodes/kind";
import { type LlmData, messagesOf, type PromptMessage } from "../nodes/llm";
import { Button, SwitchRow } from "../parts/controls";
import { MessageBox } from "./MessageBox";
import { MemoryFields, VisionFields } from "./ModelExtras";
import { NamedInputs } from "./NamedInputs";
import { OutputSchema } from "./OutputSchema";

const MAX_MESSAGES = 10;

export function LlmPanel({ id, data, update }: PanelProps<LlmData>) {
  return (
    <>
      <section className="st-section">
        <ModelField value={data.model} onChange={(model) => update({ model })} />
      </section>
      <ContextSection id={id} data={data} update={update} />
      <PromptSection id={id} data={data} update={update} />
      <MoreSection id={id} data={data} update={update} />
    </>
  );
}

function PromptSection({ id, data, update }: PanelProps<LlmData>) {
  const { t } = useTranslation("studio");
  const messages = messagesOf(data);
  const chat = Array.isArray(data.prompt_template);
  const write = (next: readonly PromptMessage[]) => {
    const [only] = next;
    if (chat || !only) update({ prompt_template: [...next] });
    else {
      const { role: _, id: __, ...rest } = only;
      update({ prompt_template: rest });
    }
  };
  const usesJinja = messages.some((m) => m.edition_type === "jinja2");
  const last = messages.at(-1)?.role;
  return (
    <>
      <section className="st-section">
        <div className="st-between">
          <span className="st-label">{t("llm.prompt")}</span>
          {chat && messages.length < MAX_MESSAGES ? (
            <Button look="quiet" size="sm" icon={Plus} onClick={() => write([...messages, { id: crypto.randomUUID(), role: last === "user" ? "assistant" : "user", text: "" }])}>
              {t("llm.addMessage")}
            </Button>
          ) : null}
        </div>
        {messages.map((message, i) => (
          <MessageBox
            key={message.id ?? i}
            node={id}
            message={message}
            chat={chat}
            model={data.model}
            context={data.context.variable_selector.length > 1}
            onChange={(next) => write(messages.map((m, j) => (j === i ? next : m)))}
            onRemove={messages.length > 1 ? () => write(messages.filter((_, j) => j !== i)) : undefined}
            onMove={(by) => {
              const next = [...messages];
              const [moved] = next.splice(i, 1);
              if (moved) next.splice(i + by, 0, moved);
              write(next);
            }}
            canUp={i > 0}
            canDown={i < messages.length - 1}
          />
        ))}
      </section>
      {usesJinja ? (
        <NamedInputs
          node={id}
          title={t("llm.jinjaInputs")}
          hint={t("llm.jinjaHint")}
          base="arg"
          rows={data.prompt_config?.jinja2_variables ?? []}
          add={(variable) => ({ variable, value_selector: [] })}
          onChange={(jinja2_variables) => update({ prompt_config: { ...data.prompt_config, jinja2_variables } })}
        />
      ) : null}
    </>
  );
}

function ContextSection({ id, data, update }: PanelProps<LlmData>) {
  const { t } = useTranslation("studio");
  return (
    <section className="st-section">
      <div className="st-between">
        <span className="st-label">{t("llm.context")}</span>
        <span className="st-meta">{t("common.optional")}</span>
      </div>
      <VariableField
        node={id}
        label={t("llm.context")}
        value={data.context.variable_selector}
        types={CONTEXT_TYPES}
        onChange={(variable_selector) => update({ context: { ...data.context, enabled: true, variable_selector } })}
        onClear={() => update({ context: { ...data.context, enabled: false, variable_selector: [] } })}
      />
    </section>
  );
}

const CONTEXT_TYPES = ["string", "array[object]", "array[string]"];
function MoreSection({ id, data, update }: PanelProps<LlmData>) {
  const { t } = useTranslation("studio");
  return (
    <section className="st-section">
      <MemoryFields query node={id} value={data.memory} onChange={(memory) => update({ memory })} />
      <VisionFields node={id} value={data.vision} onChange={(vision) => update({ vision })} />
      <SwitchRow label={t("llm.structured")} checked={data.structured_output_enabled} onChange={(structured_output_enabled) => update({ structured_output_enabled })} />
      {data.structured_output_enabled ? <OutputSchema model={data.model} schema={data.structured_output?.schema} onChange={(schema) => update({ structured_output: { ...data.structured_output, schema } })} /> : null}
      <SwitchRow label={t("llm.separateReasoning")} note={t("llm.separateReasoningNote")} checked={data.reasoning_format === "separated"} onChange={(on) => update({ reasoning_format: on ? "separated" : "tagged" })} />
    </section>
  );
}
