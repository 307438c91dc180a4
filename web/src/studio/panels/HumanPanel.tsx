/** A form that a person fills in: how it reaches them, its text and fields, the answers they can choose, how long it waits. */
import { ArrowDown, ArrowUp, Eye, Globe, Mail, Pencil, Plus, Trash2 } from "lucide-react";
import { useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { PromptEditor } from "../editors/PromptEditor";
import { replaced, swapped, without } from "../model/rows";
import type { VariableGroup } from "../model/variables";
import { BUTTON_STYLES, type Delivery, fieldMark, fieldType, type HumanAction, type HumanData, type HumanField, mailSchema } from "../nodes/human-input";
import type { PanelProps } from "../nodes/kind";
import { freeName } from "../nodes/schema";
import { typeIcon } from "../nodes/typeIcon";
import { Button, IconButton, NumberField, SelectField, SwitchRow, TextField } from "../parts/controls";
import { renameVariable, settingsChanges } from "../store/actions";
import { FormPreview } from "./FormPreview";
import { HumanFieldDialog } from "./HumanFieldDialog";
import { MailDialog } from "./MailDialog";

export function HumanPanel({ id, data, update }: PanelProps<HumanData>) {
  return (
    <>
      <Deliveries id={id} data={data} update={update} />
      <Form id={id} data={data} update={update} />
      <Actions id={id} data={data} update={update} />
      <Timeout id={id} data={data} update={update} />
    </>
  );
}

const WAYS = [
  { type: "webapp", icon: Globe },
  { type: "email", icon: Mail },
];

function Deliveries({ id, data, update }: PanelProps<HumanData>) {
  const { t } = useTranslation("studio");
  const [mailing, setMailing] = useState(false);
  const rows = data.delivery_methods;
  const write = (delivery_methods: Delivery[]) => update({ delivery_methods });
  const toggle = (type: string, enabled: boolean) => {
    const at = rows.findIndex((d) => d.type === type);
    if (at >= 0) return write(replaced(rows, at, { enabled }));
    const config = type === "email" ? { recipients: { whole_workspace: false, items: [] }, subject: t("human.mail.firstSubject"), body: `${t("human.mail.firstBody")}\n\n{{#url#}}`, debug_mode: false } : {};
    return write([...rows, { id: crypto.randomUUID(), type, enabled, config }]);
  };
  const mailAt = rows.findIndex((d) => d.type === "email");
  const mail = rows[mailAt];
  return (
    <section className="st-section" aria-label={t("human.delivery")}>
      <span className="st-label">{t("human.delivery")}</span>
      {WAYS.map(({ type, icon: Icon }) => {
        const row = rows.find((d) => d.type === type);
        const on = row?.enabled ?? false;
        return (
          <div className="st-row" key={type}>
            <span className="st-tile sm st-cat-human">
              <Icon size={12} strokeWidth={2} aria-hidden />
            </span>
            <div className="st-grow">
              <SwitchRow label={t(`human.ways.${type}`)} note={type === "email" && mail ? mailNote(mail, t) : t(`human.wayNotes.${type}`)} checked={on} onChange={(next) => toggle(type, next)} />
            </div>
            {type === "email" && on ? <IconButton label={t("human.mail.edit")} icon={Pencil} onClick={() => setMailing(true)} /> : null}
          </div>
        );
      })}
      {mailing && mail ? <MailDialog node={id} config={mailSchema.parse(mail.config ?? {})} onClose={() => setMailing(false)} onSave={(config) => { setMailing(false); write(replaced(rows, mailAt, { config })); }} /> : null}
    </section>
  );
}

function mailNote(mail: Delivery, t: (key: string, values?: Record<string, unknown>) => string): string {
  const { recipients } = mailSchema.parse(mail.config ?? {});
  if (recipients.whole_workspace || recipients.include_bound_group) return t("human.mail.everybody");
  return recipients.items.length > 0 ? t("human.mail.people", { count: recipients.items.length }) : t("human.mail.nobody");
}

function Form({ id, data, update }: PanelProps<HumanData>) {
  const { t } = useTranslation("studio");
  const [editing, setEditing] = useState<number>();
  const [previewing, setPreviewing] = useState(false);
  const fields = data.inputs;
  const extra = useMemo((): VariableGroup[] => {
    const variables = fields.map((f) => ({ selector: ["$output", f.output_variable_name], type: fieldType(f) }));
    return variables.length > 0 ? [{ scope: "node", id: "$output", title: t("chip.formField"), kind: "human-input", variables }] : [];
  }, [fields, t]);
  const fresh: HumanField = {
    type: "paragraph",
    output_variable_name: freeName(fields.map((f) => f.output_variable_name), "answer"),
    default: null,
    option_source: null,
    allowed_file_types: ["image", "document"],
    allowed_file_extensions: [],
    allowed_file_upload_methods: ["local_file", "remote_url"],
    number_limits: 0,
  };
  const save = (index: number, field: HumanField) => {
    const before = fields[index];
    setEditing(undefined);
    if (!before) {
      // A new field stands at the end of the form until somebody moves it.
      const gap = data.form_content.trim() === "" ? "" : "\n\n";
      update({ inputs: [...fields, field], form_content: `${data.form_content}${gap}${fieldMark(field.output_variable_name)}` });
      return;
    }
    const inputs = replaced(fields, index, field);
    const [old, name] = [before.output_variable_name, field.output_variable_name];
    const form_content = data.form_content.replaceAll(fieldMark(old), fieldMark(name));
    if (old !== name) renameVariable(id, old, name, settingsChanges(id, { inputs, form_content }));
    else update({ inputs });
  };
  const remove = (index: number) => {
    const name = fields[index]?.output_variable_name ?? "";
    update({ inputs: without(fields, index), form_content: data.form_content.replaceAll(fieldMark(name), "") });
  };
  const open = editing === undefined ? undefined : (fields[editing] ?? fresh);
  return (
    <section className="st-section" aria-label={t("human.form")}>
      <div className="st-box">
        <div className="st-box-head">
          <span className="st-grow">{t("human.form")}</span>
          <IconButton label={t("human.preview")} icon={Eye} onClick={() => setPreviewing(true)} />
        </div>
        <PromptEditor node={id} label={t("human.form")} placeholder={t("human.formPlaceholder")} extra={extra} value={data.form_content} onChange={(form_content) => update({ form_content })} />
      </div>
      <span className="st-hint">{t("human.formHint")}</span>
      <div className="st-between">
        <span className="st-label">{t("human.fields")}</span>
        <Button look="quiet" size="sm" icon={Plus} onClick={() => setEditing(fields.length)}>
          {t("common.add")}
        </Button>
      </div>
      {fields.map((field, i) => {
        const Icon = typeIcon(field.type);
        return (
          <div className="st-row" key={field.output_variable_name || i}>
            <button type="button" className="st-pick" onClick={() => setEditing(i)} aria-label={t("start.edit", { name: field.output_variable_name })}>
              <Icon size={13} strokeWidth={2} aria-hidden />
              <span className="st-mono st-field-name">{field.output_variable_name}</span>
              <span className="st-meta st-clip">{t(`fieldTypes.${field.type}`, { defaultValue: field.type })}</span>
              <Pencil size={12} strokeWidth={2} aria-hidden />
            </button>
            <IconButton label={t("inputs.remove", { name: field.output_variable_name })} icon={Trash2} onClick={() => remove(i)} />
          </div>
        );
      })}
      {open ? <HumanFieldDialog node={id} field={open} others={fields.filter((_, i) => i !== editing)} onClose={() => setEditing(undefined)} onSave={(field) => save(editing ?? fields.length, field)} /> : null}
      {previewing ? <FormPreview node={id} onClose={() => setPreviewing(false)} /> : null}
    </section>
  );
}

function Actions({ data, update }: PanelProps<HumanData>) {
  const { t } = useTranslation("studio");
  const rows = data.user_actions;
  const write = (user_actions: HumanAction[]) => update({ user_actions });
  const add = () => {
    const id = freeName(rows.map((r) => r.id), rows.length === 0 ? "approve" : rows.length === 1 ? "reject" : "action");
    write([...rows, { id, title: t(`human.firstTitles.${id}`, { defaultValue: id }), button_style: rows.length === 0 ? "primary" : "default" }]);
  };
  return (
    <section className="st-section" aria-label={t("human.actions")}>
      <div className="st-between">
        <span className="st-label">{t("human.actions")}</span>
        <Button look="quiet" size="sm" icon={Plus} onClick={add}>
          {t("common.add")}
        </Button>
      </div>
      <span className="st-hint">{t("human.actionsHint")}</span>
      {rows.map((row, i) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: the id is what is being edited
        <fieldset className="st-case" key={i} aria-label={t("human.action", { number: i + 1 })}>
          <div className="st-row">
            <div className="st-grow">
              <TextField label={t("human.actionTitle", { number: i + 1 })} hideLabel value={row.title} placeholder={t("human.actionTitlePlaceholder")} onChange={(title) => write(replaced(rows, i, { title }))} />
            </div>
            <IconButton label={t("human.up", { number: i + 1 })} icon={ArrowUp} disabled={i === 0} onClick={() => write(swapped(rows, i, i - 1))} />
            <IconButton label={t("human.down", { number: i + 1 })} icon={ArrowDown} disabled={i === rows.length - 1} onClick={() => write(swapped(rows, i, i + 1))} />
            <IconButton label={t("inputs.remove", { name: row.title })} icon={Trash2} onClick={() => write(without(rows, i))} />
          </div>
          <div className="st-pair">
            <TextField label={t("human.actionId", { number: i + 1 })} hideLabel mono value={row.id} onChange={(next) => write(replaced(rows, i, { id: next }))} />
            <SelectField label={t("human.actionStyle", { number: i + 1 })} hideLabel value={row.button_style} options={BUTTON_STYLES.map((s) => ({ value: s, label: t(`human.styles.${s}`) }))} onChange={(button_style) => write(replaced(rows, i, { button_style }))} />
          </div>
        </fieldset>
      ))}
    </section>
  );
}

function Timeout({ data, update }: PanelProps<HumanData>) {
  const { t } = useTranslation("studio");
  return (
    <section className="st-section">
      <span className="st-label">{t("human.timeout")}</span>
      <div className="st-pair">
        <NumberField label={t("human.timeoutNumber")} hideLabel min={1} value={data.timeout} onChange={(v) => update({ timeout: Math.max(1, Math.round(v ?? 1)), timeout_unit: data.timeout_unit })} />
        <SelectField label={t("human.timeoutUnit")} hideLabel value={data.timeout_unit} options={["hour", "day"].map((u) => ({ value: u, label: t(`human.units.${u}`, { count: data.timeout }) }))} onChange={(timeout_unit) => update({ timeout_unit, timeout: data.timeout })} />
      </div>
      <span className="st-hint">{t("human.timeoutHint")}</span>
    </section>
  );
}
