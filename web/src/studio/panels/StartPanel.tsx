/** The input fields of the app: what a person or a caller fills in. */
import { ArrowDown, ArrowUp, Pencil, Plus, Trash2 } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { users } from "../model/neighbours";
import type { PanelProps } from "../nodes/kind";
import { freeName } from "../nodes/schema";
import type { StartData, StartField } from "../nodes/start";
import { typeIcon } from "../nodes/typeIcon";
import { Button, IconButton } from "../parts/controls";
import { Dialog } from "../parts/Dialog";
import { renameVariable, settingsChanges } from "../store/actions";
import { useStudio } from "../store/studio";
import { FieldDialog } from "./FieldDialog";

export function StartPanel({ id, data, update }: PanelProps<StartData>) {
  const { t } = useTranslation("studio");
  const [editing, setEditing] = useState<number>();
  const [removing, setRemoving] = useState<number>();
  const mode = useStudio((s) => s.mode);
  const fields = data.variables;
  const write = (variables: readonly StartField[]) => update({ variables: [...variables] });
  const save = (index: number, field: StartField) => {
    const before = fields[index];
    const variables = before ? fields.map((f, i) => (i === index ? field : f)) : [...fields, field];
    setEditing(undefined);
    if (before && before.variable !== field.variable) {
      renameVariable(id, before.variable, field.variable, settingsChanges(id, { variables }));
    } else write(variables);
  };
  const swap = (a: number, b: number) => {
    const next = [...fields];
    const [x, y] = [next[a], next[b]];
    if (!x || !y) return;
    next[a] = y;
    next[b] = x;
    write(next);
  };
  const remove = (index: number) => {
    const used = users(useStudio.getState().document, id, fields[index]?.variable).length > 0;
    if (used && removing === undefined) setRemoving(index);
    else {
      setRemoving(undefined);
      write(fields.filter((_, i) => i !== index));
    }
  };
  const fresh: StartField = {
    variable: freeName(fields.map((f) => f.variable), "input"),
    label: "",
    type: "text-input",
    required: true,
    hide: false,
    options: [],
    max_length: 48,
    allowed_file_types: ["image", "document"],
    allowed_file_extensions: [],
    allowed_file_upload_methods: ["local_file", "remote_url"],
  };
  const field = editing === undefined ? undefined : (fields[editing] ?? fresh);
  const doomed = removing === undefined ? undefined : fields[removing];
  return (
    <section className="st-section" aria-label={t("start.fields")}>
      <div className="st-between">
        <span className="st-label">{t("start.fields")}</span>
        <Button look="quiet" size="sm" icon={Plus} onClick={() => setEditing(fields.length)}>
          {t("common.add")}
        </Button>
      </div>
      {fields.length === 0 ? <div className="st-hint">{t(mode === "workflow" ? "start.none" : "start.noneChat")}</div> : null}
      {fields.map((f, i) => {
        const Icon = typeIcon(f.type);
        return (
          <div className="st-row" key={f.variable || i}>
            <button type="button" className="st-pick" onClick={() => setEditing(i)} aria-label={t("start.edit", { name: f.variable })}>
              <Icon size={13} strokeWidth={2} aria-hidden />
              <span className="st-mono st-field-name">{f.variable}</span>
              <span className="st-meta st-clip">{f.label === f.variable ? "" : f.label}</span>
              {f.required ? <span className="st-badge">{t("start.required")}</span> : null}
              <Pencil size={12} strokeWidth={2} aria-hidden />
            </button>
            <IconButton label={t("start.up", { name: f.variable })} icon={ArrowUp} disabled={i === 0} onClick={() => swap(i, i - 1)} />
            <IconButton label={t("start.down", { name: f.variable })} icon={ArrowDown} disabled={i === fields.length - 1} onClick={() => swap(i, i + 1)} />
            <IconButton label={t("inputs.remove", { name: f.variable })} icon={Trash2} onClick={() => remove(i)} />
          </div>
        );
      })}
      {field ? <FieldDialog field={field} others={fields.filter((_, i) => i !== editing)} onClose={() => setEditing(undefined)} onSave={(f) => save(editing ?? fields.length, f)} /> : null}
      {doomed ? (
        <Dialog
          title={t("start.removeTitle", { name: doomed.variable })}
          closeLabel={t("common.close")}
          onClose={() => setRemoving(undefined)}
          footer={
            <>
              <Button onClick={() => setRemoving(undefined)}>{t("common.keep")}</Button>
              <Button look="danger" onClick={() => remove(removing ?? -1)}>
                {t("common.delete")}
              </Button>
            </>
          }
        >
          {t("start.removeText")}
        </Dialog>
      ) : null}
    </section>
  );
}
