/** A budget is made or changed. */
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { type ReactElement, useId, useState } from "react";
import { useTranslation } from "react-i18next";
import { allApps } from "../../data/apps";
import { gatewayKeys } from "../../data/gateway";
import { messageOf } from "../../lib/http";
import { Button } from "../../ui/Button";
import { CopyButton } from "../../ui/CopyButton";
import { Dialog } from "../../ui/Dialog";
import { Field } from "../../ui/Field";
import { Input } from "../../ui/Input";
import { Select } from "../../ui/Select";
import { Switch } from "../../ui/Switch";
import { type Budget, budgets, saveBudget } from "./api";
import { type BudgetDraft, bodyOf, draftOf, EMPTY, newSecret, type Wrong, wrongOf } from "./figures";

const SCOPES = ["workspace", "app", "user", "key"] as const;
const PERIODS = ["day", "month", "total"] as const;
const ACTIONS = ["warn", "throttle", "stop"] as const;
const CURRENCIES = ["USD", "RMB", "EUR"];
/** Stands for "each of them": a select has no empty value. */
const EACH = "each";

interface Props {
  readonly budget: Budget | undefined;
  readonly onClose: () => void;
}

export function BudgetDialog({ budget, onClose }: Props) {
  const { t } = useTranslation("usage");
  const { t: c } = useTranslation();
  const client = useQueryClient();
  const form = useId();
  const [draft, setDraft] = useState<BudgetDraft>(() => (budget ? draftOf(budget) : EMPTY));
  const [tried, setTried] = useState(false);
  const wrong = wrongOf(draft, budget?.has_webhook_secret === true && budget.webhook_url === draft.url.trim());
  const save = useMutation({
    mutationFn: () => saveBudget(budget?.id, bodyOf(draft)),
    onSuccess: async () => {
      await client.invalidateQueries({ queryKey: budgets.queryKey });
      onClose();
    },
  });
  const set = (change: Partial<BudgetDraft>) => setDraft({ ...draft, ...change });
  const told = (which: Wrong) => (tried && wrong === which ? t(`wrong.${which}`) : undefined);
  return (
    <Dialog
      open
      title={t(budget ? "dialog.change" : "dialog.new")}
      about={t("dialog.about")}
      closeLabel={c("common.close")}
      onClose={onClose}
      footer={
        <>
          <Button onClick={onClose}>{c("common.cancel")}</Button>
          <Button kind="primary" type="submit" form={form} busy={save.isPending}>
            {t("dialog.save")}
          </Button>
        </>
      }
    >
      <form
        id={form}
        className="flex flex-col gap-4"
        onSubmit={(event) => {
          event.preventDefault();
          setTried(true);
          if (!wrong) save.mutate();
        }}
      >
        <Field label={t("budgets.name")} error={told("name")}>
          <Input value={draft.name} maxLength={100} onChange={(event) => set({ name: event.target.value })} />
        </Field>
        <Scope draft={draft} set={set} known={budget} />
        <Limits draft={draft} set={set} told={told} />
        <div className="grid grid-cols-2 gap-3 max-md:grid-cols-1">
          <Field label={t("dialog.action")} hint={t(`dialog.actionHint.${draft.action}`)}>
            <Select
              value={draft.action}
              onChange={(value) => set({ action: ACTIONS.find((each) => each === value) ?? "warn" })}
              options={ACTIONS.map((value) => ({ value, label: t(`action.${value}`) }))}
            />
          </Field>
          {draft.action === "throttle" ? (
            <Field label={t("dialog.perMinute")} error={told("perMinute")}>
              <Input inputMode="numeric" value={draft.perMinute} onChange={(event) => set({ perMinute: event.target.value })} />
            </Field>
          ) : null}
        </div>
        <Alerts draft={draft} set={set} told={told} kept={budget?.has_webhook_secret === true} />
        <Toggle label={t("dialog.enabled")} checked={draft.enabled} onChange={(enabled) => set({ enabled })} />
        {save.error ? (
          <div className="wrong" role="alert">
            {messageOf(save.error)}
          </div>
        ) : null}
      </form>
    </Dialog>
  );
}

interface PartProps {
  readonly draft: BudgetDraft;
  readonly set: (change: Partial<BudgetDraft>) => void;
  readonly told: (which: Wrong) => string | undefined;
}

function Scope({ draft, set, known }: Omit<PartProps, "told"> & { known: Budget | undefined }) {
  const { t } = useTranslation("usage");
  const apps = useQuery({ ...allApps, enabled: draft.scope === "app" }).data?.data ?? [];
  const keys = useQuery({ ...gatewayKeys, enabled: draft.scope === "key" }).data?.data ?? [];
  const listed = (draft.scope === "key" ? keys : apps).map((each) => ({ value: each.id, label: each.name }));
  const missing = draft.subject !== "" && !listed.some((each) => each.value === draft.subject);
  const options = [
    { value: EACH, label: t(`each.${draft.scope}`) },
    ...listed,
    ...(missing ? [{ value: draft.subject, label: known?.subject_name ?? draft.subject }] : []),
  ];
  let whose: ReactElement<Record<string, unknown>> | undefined;
  if (draft.scope === "app" || draft.scope === "key") {
    whose = <Select value={draft.subject || EACH} onChange={(value) => set({ subject: value === EACH ? "" : value })} options={options} />;
  } else if (draft.scope !== "workspace") {
    whose = <Input value={draft.subject} placeholder={t(`each.${draft.scope}`)} onChange={(event) => set({ subject: event.target.value })} />;
  }
  return (
    <div className="grid grid-cols-2 gap-3 max-md:grid-cols-1">
      <Field label={t("dialog.scope")}>
        <Select
          value={draft.scope}
          onChange={(value) => set({ scope: SCOPES.find((each) => each === value) ?? "workspace", subject: "" })}
          options={SCOPES.map((value) => ({ value, label: t(`scope.${value}`) }))}
        />
      </Field>
      {whose ? (
        <Field label={t("dialog.subject")} hint={t(`dialog.subjectHint.${draft.scope}`)}>
          {whose}
        </Field>
      ) : null}
    </div>
  );
}

function Limits({ draft, set, told }: PartProps) {
  const { t } = useTranslation("usage");
  const currencies = CURRENCIES.includes(draft.currency) ? CURRENCIES : [...CURRENCIES, draft.currency];
  return (
    <>
      <div className="grid grid-cols-2 gap-3 max-md:grid-cols-1">
        <Field label={t("dialog.money")} error={told("money") ?? told("limit")} hint={t("dialog.moneyHint")}>
          <Input inputMode="decimal" placeholder="25.00" value={draft.money} onChange={(event) => set({ money: event.target.value })} />
        </Field>
        <Field label={t("dialog.currency")}>
          <Select value={draft.currency} onChange={(currency) => set({ currency })} options={currencies.map((value) => ({ value, label: value }))} />
        </Field>
      </div>
      <div className="grid grid-cols-2 gap-3 max-md:grid-cols-1">
        <Field label={t("dialog.tokens")} error={told("tokens")}>
          <Input inputMode="numeric" placeholder="1000000" value={draft.tokens} onChange={(event) => set({ tokens: event.target.value })} />
        </Field>
        <Field label={t("dialog.period")} hint={t("dialog.periodHint")}>
          <Select
            value={draft.period}
            onChange={(value) => set({ period: PERIODS.find((each) => each === value) ?? "month" })}
            options={PERIODS.map((value) => ({ value, label: t(`period.${value}`) }))}
          />
        </Field>
      </div>
    </>
  );
}

function Alerts({ draft, set, told, kept }: PartProps & { kept: boolean }) {
  const { t } = useTranslation("usage");
  const { t: c } = useTranslation();
  return (
    <>
      <Toggle label={t("dialog.mail")} hint={t("dialog.mailHint")} checked={draft.mail} onChange={(mail) => set({ mail })} />
      <Field label={t("dialog.url")} optional={t("dialog.optional")} hint={t("dialog.urlHint")}>
        <Input
          type="url"
          placeholder="https://"
          value={draft.url}
          onChange={(event) => set({ url: event.target.value, secret: draft.secret || kept || event.target.value === "" ? draft.secret : newSecret() })}
        />
      </Field>
      {draft.url.trim() === "" ? null : (
        <Field label={t("dialog.secret")} error={told("secret")} hint={t(kept && draft.secret === "" ? "dialog.secretKept" : "dialog.secretHint")}>
          <Input
            value={draft.secret}
            autoComplete="off"
            onChange={(event) => set({ secret: event.target.value })}
            end={draft.secret ? <CopyButton text={draft.secret} label={c("common.copy")} done={c("common.copied")} /> : null}
          />
        </Field>
      )}
    </>
  );
}

function Toggle({ label, hint, checked, onChange }: { label: string; hint?: string; checked: boolean; onChange: (checked: boolean) => void }) {
  return (
    <div className="flex items-start gap-3">
      <Switch checked={checked} onChange={onChange} label={label} />
      <div>
        <div className="font-medium">{label}</div>
        {hint ? <p className="hint">{hint}</p> : null}
      </div>
    </div>
  );
}
