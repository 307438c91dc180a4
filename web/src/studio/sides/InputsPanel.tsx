/** The input fields of a pipeline: of each data source, and those that all of them share. */
import { ArrowDown, ArrowUp, Database, Pencil, Plus, Trash2 } from "lucide-react";
import { useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { type InputField, inputGroups, inputScope, inputSelector, movedField, newInputField, SHARED, withField } from "../model/inputs";
import { references } from "../model/references";
import { kindOf } from "../nodes/registry";
import { freeName } from "../nodes/schema";
import { typeIcon } from "../nodes/typeIcon";
import { Button, IconButton } from "../parts/controls";
import { Dialog } from "../parts/Dialog";
import { renameVariable } from "../store/actions";
import { edit, useStudio } from "../store/studio";
import { InputFieldDialog } from "./InputFieldDialog";
import { SideHead } from "./SideHead";

function usersOf(field: InputField): number {
  const wanted = inputSelector(field).join(".");
  return [...useStudio.getState().document.nodes.values()].filter((n) => references(n.data).some((s) => s.slice(0, 3).join(".") === wanted)).length;
}

const isSource = (type: string) => kindOf(type).variants === "datasources";

export function InputsPanel() {
  const { t } = useTranslation("studio");
  const document = useStudio((s) => s.document);
  const readOnly = useStudio((s) => s.preview !== undefined);
  const [editing, setEditing] = useState<{ readonly field: InputField; readonly before: InputField | undefined }>();
  const [removing, setRemoving] = useState<InputField>();
  const groups = useMemo(() => inputGroups(document, isSource), [document]);
  const fields = document.inputs;
  const write = (after: readonly InputField[]) => edit("edit.inputs", [{ on: "inputs", before: fields, after }]);
  const save = (after: InputField) => {
    const before = editing?.before;
    setEditing(undefined);
    const list = withField(fields, before, after);
    if (before && before.variable !== after.variable) renameVariable(inputScope(before.belong_to_node_id), before.variable, after.variable, [{ on: "inputs", before: fields, after: list }]);
    else write(list);
  };
  const remove = (field: InputField) => {
    setRemoving(undefined);
    write(fields.filter((f) => f !== field));
  };
  const add = (owner: string) => setEditing({ field: newInputField(owner, freeName(fields.map((f) => f.variable), "input")), before: undefined });
  return (
    <>
      <SideHead title={t("pipelineInputs.title")} />
      <div className="st-inspector-body">
        <section className="st-section">
          <span className="st-hint">{t("pipelineInputs.about")}</span>
        </section>
        {groups.map(({ owner, fields: own }) => {
          const node = document.nodes.get(owner);
          const title = owner === SHARED ? t("pipelineInputs.shared") : node ? t("pipelineInputs.of", { title: node.data.title }) : t("pipelineInputs.lost");
          return (
            <section className="st-section" key={owner} aria-label={title}>
              <div className="st-between">
                <span className="st-label st-row">
                  <Database size={13} strokeWidth={2} aria-hidden />
                  {title}
                </span>
                {owner === SHARED || node ? (
                  <Button look="quiet" size="sm" icon={Plus} disabled={readOnly} aria-label={`${t("common.add")}: ${title}`} onClick={() => add(owner)}>
                    {t("common.add")}
                  </Button>
                ) : null}
              </div>
              {own.length === 0 ? <span className="st-hint">{t(owner === SHARED ? "pipelineInputs.noneShared" : "pipelineInputs.none")}</span> : null}
              {own.map((field, i) => (
                <FieldRow
                  key={field.variable || i}
                  field={field}
                  first={i === 0}
                  last={i === own.length - 1}
                  readOnly={readOnly}
                  onEdit={() => setEditing({ field, before: field })}
                  onMove={(by) => write(movedField(fields, field, by))}
                  onRemove={() => (usersOf(field) > 0 ? setRemoving(field) : remove(field))}
                />
              ))}
            </section>
          );
        })}
      </div>
      {editing ? <InputFieldDialog field={editing.field} others={fields.filter((f) => f !== editing.before)} onClose={() => setEditing(undefined)} onSave={save} /> : null}
      {removing ? (
        <Dialog
          title={t("start.removeTitle", { name: removing.variable })}
          closeLabel={t("common.close")}
          onClose={() => setRemoving(undefined)}
          footer={
            <>
              <Button onClick={() => setRemoving(undefined)}>{t("common.keep")}</Button>
              <Button look="danger" onClick={() => remove(removing)}>
                {t("common.delete")}
              </Button>
            </>
          }
        >
          {t("variables.usedBy", { count: usersOf(removing) })}
        </Dialog>
      ) : null}
    </>
  );
}

interface RowProps {
  readonly field: InputField;
  readonly first: boolean;
  readonly last: boolean;
  readonly readOnly: boolean;
  readonly onEdit: () => void;
  readonly onMove: (by: -1 | 1) => void;
  readonly onRemove: () => void;
}

function FieldRow({ field, first, last, readOnly, onEdit, onMove, onRemove }: RowProps) {
  const { t } = useTranslation("studio");
  const Icon = typeIcon(field.type);
  const name = field.variable;
  return (
    <div className="st-row">
      <button type="button" className="st-pick" disabled={readOnly} onClick={onEdit} aria-label={t("start.edit", { name })}>
        <Icon size={13} strokeWidth={2} aria-hidden />
        <span className="st-mono st-field-name">{name}</span>
        <span className="st-meta st-clip">{field.label === name ? "" : field.label}</span>
        {field.required ? <span className="st-badge">{t("start.required")}</span> : null}
        <Pencil size={12} strokeWidth={2} aria-hidden />
      </button>
      <IconButton label={t("start.up", { name })} icon={ArrowUp} disabled={first || readOnly} onClick={() => onMove(-1)} />
      <IconButton label={t("start.down", { name })} icon={ArrowDown} disabled={last || readOnly} onClick={() => onMove(1)} />
      <IconButton label={t("inputs.remove", { name })} icon={Trash2} disabled={readOnly} onClick={onRemove} />
    </div>
  );
}
