/** Make a key of the model gateway, or change one. The key itself is shown once, when it was made. */
import { useMutation, useQueries, useQueryClient } from "@tanstack/react-query";
import { Search } from "lucide-react";
import { useId, useState } from "react";
import { useTranslation } from "react-i18next";
import { createKey, type GatewayKey, gatewayKeys, type KeyDraft, updateKey } from "../../data/gateway";
import { modelsOfType } from "../../data/models";
import { inLanguage } from "../../lib/format";
import { HttpError, messageOf } from "../../lib/http";
import { Button } from "../../ui/Button";
import { CopyButton } from "../../ui/CopyButton";
import { Dialog } from "../../ui/Dialog";
import { Field } from "../../ui/Field";
import { Input } from "../../ui/Input";
import { Checkbox, Switch } from "../../ui/Switch";
import { dayOf, endOfDay } from "./gatewayKey";

interface Props {
  readonly known: GatewayKey | undefined;
  readonly onClose: () => void;
}

export function GatewayKeyDialog({ known, onClose }: Props) {
  const { t } = useTranslation("gateway");
  const { t: c } = useTranslation();
  const client = useQueryClient();
  const form = useId();
  const [name, setName] = useState(known?.name ?? "");
  const [models, setModels] = useState<readonly string[] | null>(known?.allowed_models ?? null);
  const [perMinute, setPerMinute] = useState(known?.requests_per_minute ? String(known.requests_per_minute) : "");
  const [until, setUntil] = useState(dayOf(known?.expires_at ?? null));
  const [token, setToken] = useState<string>();
  const save = useMutation({
    mutationFn: async () => {
      const draft: KeyDraft = {
        name,
        allowed_models: models,
        requests_per_minute: perMinute === "" ? null : Number(perMinute),
        expires_at: until === dayOf(known?.expires_at ?? null) ? (known?.expires_at ?? null) : endOfDay(until),
        enabled: known?.enabled ?? true,
      };
      if (known) await updateKey(known.id, draft);
      else setToken((await createKey(draft)).token);
    },
    onSuccess: async () => {
      await client.invalidateQueries({ queryKey: gatewayKeys.queryKey });
      if (known) onClose();
    },
  });
  const wrong = (field: string) => (save.error instanceof HttpError && save.error.field === field ? save.error.message : undefined);
  const isOfField = ["name", "allowed_models", "requests_per_minute", "expires_at"].some((field) => wrong(field));
  if (token) return <Made token={token} onClose={onClose} />;
  return (
    <Dialog
      open
      title={known ? t("editTitle", { name: known.name }) : t("addTitle")}
      closeLabel={c("common.close")}
      onClose={onClose}
      footer={
        <>
          <Button onClick={onClose}>{c("common.cancel")}</Button>
          <Button kind="primary" type="submit" form={form} busy={save.isPending} disabled={name.trim() === "" || models?.length === 0}>
            {known ? c("common.save") : t("make")}
          </Button>
        </>
      }
    >
      <form
        id={form}
        className="flex flex-col gap-4"
        onSubmit={(event) => {
          event.preventDefault();
          save.mutate();
        }}
      >
        <Field label={t("name")} hint={t("nameHint")} error={wrong("name")}>
          <Input value={name} maxLength={100} onChange={(event) => setName(event.target.value)} />
        </Field>
        <div className="grid gap-4 md:grid-cols-2">
          <Field label={t("limit")} hint={t("limitHint")} error={wrong("requests_per_minute")}>
            <Input type="number" min={1} max={1_000_000} className="num" value={perMinute} onChange={(event) => setPerMinute(event.target.value)} />
          </Field>
          <Field label={t("until")} hint={t("untilHint")} error={wrong("expires_at")}>
            <Input type="date" value={until} onChange={(event) => setUntil(event.target.value)} />
          </Field>
        </div>
        <Models chosen={models} onChange={setModels} error={wrong("allowed_models")} />
        {save.error && !isOfField ? <div className="wrong">{messageOf(save.error)}</div> : null}
      </form>
    </Dialog>
  );
}

/** The only time that the key is told. */
function Made({ token, onClose }: { token: string; onClose: () => void }) {
  const { t } = useTranslation("gateway");
  const { t: c } = useTranslation();
  return (
    <Dialog
      open
      title={t("madeTitle")}
      about={t("madeText")}
      closeLabel={c("common.close")}
      onClose={onClose}
      footer={
        <Button kind="primary" onClick={onClose}>
          {t("kept")}
        </Button>
      }
    >
      <div className="inp mono">
        <span className="flex-1 wrap-anywhere">{token}</span>
        <CopyButton text={token} label={c("common.copy")} done={c("common.copied")} />
      </div>
    </Dialog>
  );
}

/** Models from which on they can be searched. */
const MANY = 8;
const SERVED = ["llm", "text-embedding", "rerank"];

function Models({
  chosen,
  onChange,
  error,
}: {
  chosen: readonly string[] | null;
  onChange: (chosen: readonly string[] | null) => void;
  error: string | undefined;
}) {
  const { t, i18n } = useTranslation("gateway");
  const groups = useQueries({ queries: SERVED.map((type) => modelsOfType(type)) }).flatMap((group) => group.data?.data ?? []);
  const offered = groups.flatMap((group) =>
    group.models.map((model) => ({
      id: `${group.provider}/${model.model}`,
      name: model.model,
      provider: inLanguage(group.label, i18n.language) || group.provider,
    })),
  );
  const names = new Set(offered.map((one) => one.id));
  // A model that is not offered any more can still be taken out.
  const lost = (chosen ?? []).filter((id) => !names.has(id)).map((id) => ({ id, name: id, provider: "" }));
  const [query, setQuery] = useState("");
  const needle = query.trim().toLocaleLowerCase();
  const all = [...lost, ...offered.filter((one, at) => offered.findIndex((other) => other.id === one.id) === at)];
  const rows = all.filter((row) => `${row.name} ${row.provider}`.toLocaleLowerCase().includes(needle));
  return (
    <section aria-label={t("models")} className="flex flex-col gap-2">
      <div className="flex items-center gap-2.5">
        <Switch checked={chosen === null} label={t("mayAll")} onChange={(all) => onChange(all ? null : [])} />
        <span className="font-medium">{t("mayAll")}</span>
      </div>
      <p className="hint">{t("mayHint")}</p>
      {chosen && all.length > MANY ? (
        <Input type="search" icon={Search} aria-label={t("find")} placeholder={t("find")} value={query} onChange={(event) => setQuery(event.target.value)} />
      ) : null}
      {chosen ? (
        <ul className="border border-line-1 rounded-md divide-y divide-line-1 max-h-[240px] overflow-auto">
          {rows.map((row) => (
            <li key={row.id} className="flex items-center gap-2 px-3 min-h-9">
              <Checkbox
                checked={chosen.includes(row.id)}
                label={t("may", { name: row.name })}
                onChange={(on) => onChange(on ? [...chosen, row.id] : chosen.filter((id) => id !== row.id))}
              />
              <span className="flex-1 min-w-0 truncate">
                {row.name} <span className="text-ink-3">{row.provider}</span>
              </span>
            </li>
          ))}
          {rows.length === 0 ? <li className="hint p-3">{t("nothing", { query })}</li> : null}
        </ul>
      ) : null}
      {error ? <div className="wrong">{error}</div> : null}
    </section>
  );
}
