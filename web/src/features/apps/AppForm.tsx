/** Name, description and icon of an app: for creating, editing and duplicating. */
import { useId, useState } from "react";
import { useTranslation } from "react-i18next";
import { type AppFields, type AppItem, CREATABLE, type Mode } from "../../data/apps";
import { messageOf } from "../../lib/http";
import { ModeTile } from "../../ui/AppTile";
import { Button } from "../../ui/Button";
import { Dialog } from "../../ui/Dialog";
import { Field } from "../../ui/Field";
import { Input, Textarea } from "../../ui/Input";
import { Kbd } from "../../ui/Kbd";
import { Popover } from "../../ui/Menu";

const EMOJI = ["💬", "📄", "🧾", "📚", "🔎", "🧭", "🛠️", "📦", "🚚", "✉️", "📅", "📊", "🧮", "🌍", "🗣️", "🎧", "🖼️", "🧪", "⚙️", "🔐", "💡", "📝", "🛒"];

interface Props {
  readonly title: string;
  readonly submit: string;
  /** Choose the kind too: only for a new app. */
  readonly kinds?: boolean;
  readonly mode?: Mode;
  readonly start?: Pick<AppItem, "name" | "description" | "icon" | "icon_type" | "icon_background">;
  readonly onClose: () => void;
  readonly onSubmit: (fields: AppFields) => Promise<unknown>;
}

export function AppForm({ title, submit, kinds, mode: firstMode = "workflow", start, onClose, onSubmit }: Props) {
  const { t } = useTranslation("apps");
  const { t: c } = useTranslation();
  const form = useId();
  const [mode, setMode] = useState<Mode>(firstMode);
  const [name, setName] = useState(start?.name ?? "");
  const [description, setDescription] = useState(start?.description ?? "");
  const [icon, setIcon] = useState(start?.icon_type === "image" ? null : (start?.icon ?? null));
  const [wrong, setWrong] = useState(false);
  const [failed, setFailed] = useState<string>();
  const [busy, setBusy] = useState(false);
  const send = async () => {
    if (name.trim() === "") return setWrong(true);
    if (description.length > 400) return;
    setBusy(true);
    setFailed(undefined);
    try {
      const picture =
        icon && icon !== start?.icon
          ? { icon_type: "emoji", icon, icon_background: start?.icon_background ?? "#F1EEEA" }
          : start?.icon && start.icon_type
            ? { icon_type: start.icon_type, icon: start.icon, ...(start.icon_background ? { icon_background: start.icon_background } : {}) }
            : {};
      await onSubmit({ name: name.trim(), description: description.trim(), ...(kinds ? { mode } : {}), ...picture });
    } catch (error) {
      setFailed(messageOf(error));
      setBusy(false);
    }
  };
  return (
    <Dialog
      open
      size={kinds ? "lg" : "md"}
      title={title}
      closeLabel={c("common.close")}
      onClose={onClose}
      footer={
        <>
          <Button onClick={onClose}>{c("common.cancel")}</Button>
          <Button kind="primary" type="submit" form={form} busy={busy}>
            {submit}
            <Kbd keys="mod+enter" />
          </Button>
        </>
      }
    >
      <form
        id={form}
        className="flex flex-col gap-4"
        onSubmit={(event) => {
          event.preventDefault();
          void send();
        }}
        onKeyDown={(event) => {
          if (event.key === "Enter" && (event.metaKey || event.ctrlKey)) {
            event.preventDefault();
            void send();
          }
        }}
      >
        {kinds ? <KindCards value={mode} onChange={setMode} label={t("create.kind")} /> : null}
        <div className="flex gap-3 items-start">
          <div className="flex-1 min-w-0">
            <Field label={t("create.name")} error={wrong && name.trim() === "" ? t("create.needName") : undefined}>
              <Input value={name} autoFocus maxLength={100} placeholder={t("create.namePlaceholder")} onChange={(event) => setName(event.target.value)} />
            </Field>
          </div>
          <div>
            <div className="lbl mb-[5px]">{t("create.icon")}</div>
            <IconPicker value={icon} mode={mode} onChange={setIcon} />
          </div>
        </div>
        <Field label={t("create.description")} optional={c("common.optional")} error={description.length > 400 ? t("create.tooLong") : undefined}>
          <Textarea rows={3} value={description} onChange={(event) => setDescription(event.target.value)} />
        </Field>
        {failed ? (
          <div className="wrong" role="alert">
            {failed}
          </div>
        ) : null}
      </form>
    </Dialog>
  );
}

function KindCards({ value, onChange, label }: { value: Mode; onChange: (mode: Mode) => void; label: string }) {
  const { t } = useTranslation();
  return (
    <fieldset>
      <legend className="lbl mb-[5px]">{label}</legend>
      <div className="grid gap-2 sm:grid-cols-2" style={{ gridTemplateColumns: "repeat(auto-fit, minmax(240px, 1fr))" }}>
        {CREATABLE.map((mode) => (
          <label
            key={mode}
            className="radiocard has-[:focus-visible]:outline-2 has-[:focus-visible]:outline-focus"
            data-state={mode === value ? "checked" : "unchecked"}
          >
            <input type="radio" name="mode" className="visually-hidden" checked={mode === value} onChange={() => onChange(mode)} />
            <ModeTile mode={mode} size="lg" />
            <span className="min-w-0">
              <span className="font-semibold block">{t(`modes.${mode}.name`)}</span>
              <span className="text-12 text-ink-2 block">{t(`modes.${mode}.text`)}</span>
            </span>
          </label>
        ))}
      </div>
    </fieldset>
  );
}

function IconPicker({ value, mode, onChange }: { value: string | null; mode: Mode; onChange: (icon: string | null) => void }) {
  const { t } = useTranslation("apps");
  const [open, setOpen] = useState(false);
  const pick = (icon: string | null) => {
    onChange(icon);
    setOpen(false);
  };
  return (
    <Popover
      label={t("create.icon")}
      align="end"
      open={open}
      onOpenChange={setOpen}
      trigger={
        <button type="button" className="btn" data-icon="" aria-label={t("create.icon")}>
          {value ? <span style={{ fontSize: 16 }}>{value}</span> : <ModeTile mode={mode} size="xs" />}
        </button>
      }
    >
      <div className="grid grid-cols-6 gap-1 p-1" style={{ gridTemplateColumns: "repeat(6, 28px)" }}>
        <button type="button" className="btn" data-kind="quiet" data-icon="" aria-label={t("create.icon")} onClick={() => pick(null)}>
          <ModeTile mode={mode} size="xs" />
        </button>
        {EMOJI.map((emoji) => (
          <button key={emoji} type="button" className="btn" data-kind="quiet" data-icon="" style={{ fontSize: 16 }} onClick={() => pick(emoji)}>
            {emoji}
          </button>
        ))}
      </div>
    </Popover>
  );
}
