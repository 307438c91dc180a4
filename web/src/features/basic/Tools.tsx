/** Variables that a service of the workspace fills before the model is asked. */
import { useQuery } from "@tanstack/react-query";
import { Pencil, PlugZap, Plus, Trash2 } from "lucide-react";
import { useId, useState } from "react";
import { useTranslation } from "react-i18next";
import { Button, IconButton } from "../../ui/Button";
import { Dialog } from "../../ui/Dialog";
import { Field } from "../../ui/Field";
import { Input } from "../../ui/Input";
import { Badge, Tile } from "../../ui/Marks";
import { Switch } from "../../ui/Switch";
import type { PartProps } from "./ConfigurationPage";
import { ExtensionField } from "./ExtensionField";
import { extensionList } from "./extensions";
import { type ExternalTool, VARIABLE } from "./model";

export function Tools({ config, onChange }: PartProps) {
  const { t } = useTranslation("basic");
  const [editing, setEditing] = useState<{ readonly index: number | undefined }>();
  const { tools } = config;
  const extensions = useQuery({ ...extensionList, enabled: tools.length > 0 }).data;
  const put = (index: number | undefined, tool: ExternalTool) => {
    onChange({ tools: index === undefined ? [...tools, tool] : tools.map((old, i) => (i === index ? tool : old)) });
    setEditing(undefined);
  };
  return (
    <section>
      <div className="flex items-center justify-between mb-1.5">
        <h2 className="font-semibold">{t("tools.title")}</h2>
        <Button size="sm" kind="quiet" icon={Plus} onClick={() => setEditing({ index: undefined })}>
          {t("tools.add")}
        </Button>
      </div>
      {tools.length === 0 ? (
        <p className="text-ink-3">{t("tools.empty")}</p>
      ) : (
        <ul className="card">
          {tools.map((tool, i) => (
            <li key={tool.variable} className="flex items-center gap-2.5 px-2.5 min-h-9.5 border-b border-line-1 last:border-b-0 max-md:flex-wrap max-md:py-1">
              <Tile cat="connect">
                <PlugZap size={14} strokeWidth={1.9} aria-hidden />
              </Tile>
              <span className="font-semibold">{tool.variable}</span>
              <span className="text-ink-3 truncate flex-1 max-md:basis-1/3">{tool.label === tool.variable ? "" : tool.label}</span>
              {extensions === undefined ? null : extensions.some((each) => each.id === tool.extension) ? (
                <Badge>{extensions.find((each) => each.id === tool.extension)?.name}</Badge>
              ) : (
                <Badge tone="bad">{t("tools.gone")}</Badge>
              )}
              <IconButton size="sm" icon={Pencil} label={t("form.edit", { name: tool.variable })} onClick={() => setEditing({ index: i })} />
              <IconButton
                size="sm"
                icon={Trash2}
                label={t("form.delete", { name: tool.variable })}
                onClick={() => onChange({ tools: tools.filter((_, at) => at !== i) })}
              />
              <Switch checked={tool.enabled} label={t("tools.on", { name: tool.variable })} onChange={(enabled) => put(i, { ...tool, enabled })} />
            </li>
          ))}
        </ul>
      )}
      {editing ? (
        <ToolDialog
          tool={editing.index === undefined ? undefined : tools[editing.index]}
          taken={[...config.fields, ...tools.filter((_, i) => i !== editing.index)].map((each) => each.variable)}
          onClose={() => setEditing(undefined)}
          onSave={(tool) => put(editing.index, tool)}
        />
      ) : null}
    </section>
  );
}

interface DialogProps {
  readonly tool: ExternalTool | undefined;
  readonly taken: readonly string[];
  readonly onClose: () => void;
  readonly onSave: (tool: ExternalTool) => void;
}

function ToolDialog({ tool, taken, onClose, onSave }: DialogProps) {
  const { t } = useTranslation("basic");
  const { t: c } = useTranslation();
  const form = useId();
  const [draft, setDraft] = useState<ExternalTool>(tool ?? { enabled: true, variable: "", label: "", extension: "", rest: {} });
  const [checked, setChecked] = useState(false);
  const change = (part: Partial<ExternalTool>) => setDraft((now) => ({ ...now, ...part }));
  const wrongName = VARIABLE.test(draft.variable) ? (taken.includes(draft.variable) ? t("field.taken") : undefined) : t("field.wrongVariable");
  const wrongExtension = draft.extension === "" ? t("moderation.needExtension") : undefined;
  return (
    <Dialog
      open
      title={t(tool ? "tools.edit" : "tools.addTitle")}
      about={t("tools.about")}
      closeLabel={c("common.close")}
      onClose={onClose}
      footer={
        <>
          <Button onClick={onClose}>{c("common.cancel")}</Button>
          <Button kind="primary" type="submit" form={form}>
            {t("field.save")}
          </Button>
        </>
      }
    >
      <form
        id={form}
        className="flex flex-col gap-4"
        onSubmit={(event) => {
          event.preventDefault();
          setChecked(true);
          if (!wrongName && !wrongExtension) onSave({ ...draft, label: draft.label.trim() || draft.variable });
        }}
      >
        <div className="grid grid-cols-2 gap-3">
          <Field label={t("field.variable")} error={checked ? wrongName : undefined}>
            <Input className="mono" value={draft.variable} maxLength={30} onChange={(event) => change({ variable: event.target.value })} />
          </Field>
          <Field label={t("field.label")} optional={c("common.optional")}>
            <Input value={draft.label} onChange={(event) => change({ label: event.target.value })} />
          </Field>
        </div>
        <ExtensionField value={draft.extension} wrong={checked ? wrongExtension : undefined} onChange={(extension) => change({ extension })} />
      </form>
    </Dialog>
  );
}
