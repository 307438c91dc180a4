/** Values read out of a text: the model, the text, the parameters it looks for. */
import { Pencil, Plus, Trash2 } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { ModelField } from "../editors/ModelField";
import { VariableField } from "../editors/VariableField";
import type { PanelProps } from "../nodes/kind";
import { type ExtractorData, type ExtractorParameter, PARAMETER_TYPES, parameterProblem } from "../nodes/parameter-extractor";
import { freeName } from "../nodes/schema";
import { typeIcon } from "../nodes/typeIcon";
import { Button, IconButton, SelectField, SwitchRow, TextField } from "../parts/controls";
import { Dialog } from "../parts/Dialog";
import { renameVariable, settingsChanges } from "../store/actions";
import { InstructionBox, MemoryFields, VisionFields } from "./ModelExtras";

const TEXT = ["string"];
const MODES = ["function_call", "prompt"];

export function ExtractorPanel({ id, data, update }: PanelProps<ExtractorData>) {
  const { t } = useTranslation("studio");
  const wanted = data.parameters.map(({ name, type }) => `${name} (${type})`);
  const facts = `It tells a model how to read these values out of a text; their names, types and descriptions are given beside it: ${wanted.join(", ") || "none yet"}.`;
  return (
    <>
      <section className="st-section">
        <ModelField value={data.model} onChange={(model) => update({ model })} />
        <span className="st-label">{t("extractor.input")}</span>
        <VariableField node={id} label={t("extractor.input")} types={TEXT} value={data.query} onChange={(query) => update({ query })} />
      </section>
      <Parameters id={id} data={data} update={update} />
      <section className="st-section">
        <InstructionBox node={id} label={t("extractor.instruction")} hint={t("extractor.instructionHint")} value={data.instruction} generator={{ model: data.model, facts }} onChange={(instruction) => update({ instruction })} />
        <SelectField label={t("extractor.mode")} hint={t(`extractor.modeHints.${data.reasoning_mode}`, { defaultValue: "" })} value={data.reasoning_mode} options={MODES.map((m) => ({ value: m, label: t(`extractor.modes.${m}`) }))} onChange={(reasoning_mode) => update({ reasoning_mode })} />
        <MemoryFields node={id} value={data.memory} onChange={(memory) => update({ memory })} />
        <VisionFields node={id} value={data.vision} onChange={(vision) => update({ vision })} />
      </section>
    </>
  );
}

function Parameters({ id, data, update }: PanelProps<ExtractorData>) {
  const { t } = useTranslation("studio");
  const [editing, setEditing] = useState<number>();
  const rows = data.parameters;
  const fresh: ExtractorParameter = { name: freeName(rows.map((r) => r.name), "value"), type: "string", options: [], description: "", required: false };
  const save = (index: number, next: ExtractorParameter) => {
    const before = rows[index];
    const parameters = before ? rows.map((r, i) => (i === index ? next : r)) : [...rows, next];
    setEditing(undefined);
    if (before && before.name !== next.name) renameVariable(id, before.name, next.name, settingsChanges(id, { parameters }));
    else update({ parameters });
  };
  const open = editing === undefined ? undefined : (rows[editing] ?? fresh);
  return (
    <section className="st-section" aria-label={t("extractor.parameters")}>
      <div className="st-between">
        <span className="st-label">{t("extractor.parameters")}</span>
        <Button look="quiet" size="sm" icon={Plus} onClick={() => setEditing(rows.length)}>
          {t("common.add")}
        </Button>
      </div>
      {rows.length === 0 ? <span className="st-hint">{t("extractor.none")}</span> : null}
      {rows.map((row, i) => {
        const Icon = typeIcon(row.type);
        return (
          <div className="st-row" key={row.name || i}>
            <button type="button" className="st-pick" onClick={() => setEditing(i)} aria-label={t("start.edit", { name: row.name })}>
              <Icon size={13} strokeWidth={2} aria-hidden />
              <span className="st-mono st-field-name">{row.name}</span>
              <span className="st-meta st-clip">{row.description}</span>
              {row.required ? <span className="st-badge">{t("start.required")}</span> : null}
              <Pencil size={12} strokeWidth={2} aria-hidden />
            </button>
            <IconButton label={t("inputs.remove", { name: row.name })} icon={Trash2} onClick={() => update({ parameters: rows.filter((_, j) => j !== i) })} />
          </div>
        );
      })}
      {open ? <ParameterDialog parameter={open} others={rows.filter((_, i) => i !== editing)} onClose={() => setEditing(undefined)} onSave={(next) => save(editing ?? rows.length, next)} /> : null}
    </section>
  );
}

interface DialogProps {
  readonly parameter: ExtractorParameter;
  readonly others: readonly ExtractorParameter[];
  readonly onClose: () => void;
  readonly onSave: (parameter: ExtractorParameter) => void;
}

function ParameterDialog({ parameter, others, onClose, onSave }: DialogProps) {
  const { t } = useTranslation("studio");
  const [draft, setDraft] = useState(parameter);
  const [tried, setTried] = useState(false);
  const put = (patch: Partial<ExtractorParameter>) => setDraft((now) => ({ ...now, ...patch }));
  const problem = parameterProblem(draft, [...others, draft]);
  const says = (...codes: string[]) => (tried && problem && codes.includes(problem.code) ? t(`problems.${problem.code}`, problem.values) : undefined);
  const save = () => {
    setTried(true);
    if (!problem) onSave(draft.type === "select" ? draft : { ...draft, options: [] });
  };
  return (
    <Dialog
      title={parameter.name}
      closeLabel={t("common.close")}
      onClose={onClose}
      footer={
        <>
          <Button onClick={onClose}>{t("common.cancel")}</Button>
          <Button look="primary" onClick={save}>
            {t("common.save")}
          </Button>
        </>
      }
    >
      <TextField label={t("field.name")} mono value={draft.name} hint={t("field.nameHint")} error={says("badName", "sameName")} onChange={(name) => put({ name })} />
      <SelectField label={t("field.type")} value={draft.type} options={PARAMETER_TYPES.map((type) => ({ value: type, label: t(`types.${type}`, { defaultValue: t(`fieldTypes.${type}`, { defaultValue: type }) }) }))} onChange={(type) => put({ type })} />
      {draft.type === "select" ? <TextField label={t("field.options")} hint={t("field.optionsHint")} rows={4} error={says("noOptions")} value={draft.options.join("\n")} onChange={(value) => put({ options: value.split("\n").filter((o, i, all) => o !== "" || i === all.length - 1) })} /> : null}
      <TextField label={t("field.description")} hint={t("extractor.descriptionHint")} rows={3} value={draft.description} error={says("noDescription")} onChange={(description) => put({ description })} />
      <SwitchRow label={t("field.required")} note={t("extractor.requiredNote")} checked={draft.required} onChange={(required) => put({ required })} />
    </Dialog>
  );
}
