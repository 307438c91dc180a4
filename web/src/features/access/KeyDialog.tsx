/** What a key may do: how often, how much at a time, which operations. */
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { toast } from "sonner";
import { type ApiKey, apiKeys, limitKey } from "../../data/apps";
import { messageOf } from "../../lib/http";
import { Button } from "../../ui/Button";
import { Dialog } from "../../ui/Dialog";
import { Field } from "../../ui/Field";
import { Input } from "../../ui/Input";
import { Checkbox } from "../../ui/Switch";
import { limitOf, limitText, SCOPES } from "./limits";

export function KeyDialog({ appId, apiKey, onClose }: { appId: string; apiKey: ApiKey; onClose: () => void }) {
  const { t } = useTranslation("access");
  const { t: c } = useTranslation();
  const client = useQueryClient();
  const [rate, setRate] = useState(limitText(apiKey.requests_per_minute));
  const [runs, setRuns] = useState(limitText(apiKey.concurrent_runs));
  const [scopes, setScopes] = useState<readonly string[] | null>(apiKey.scopes ?? null);
  const limits = { requests_per_minute: limitOf(rate), concurrent_runs: limitOf(runs) };
  const save = useMutation({
    mutationFn: () =>
      limitKey(appId, apiKey.id, { requests_per_minute: limits.requests_per_minute ?? 0, concurrent_runs: limits.concurrent_runs ?? 0, scopes }),
    onSuccess: async () => {
      await client.invalidateQueries({ queryKey: apiKeys(appId).queryKey });
      toast(t("saved"));
      onClose();
    },
    onError: (problem) => toast.error(c("common.failed", { message: messageOf(problem) })),
  });
  const wrong = limits.requests_per_minute === undefined || limits.concurrent_runs === undefined;
  const toggle = (scope: string, on: boolean) => setScopes((now) => (on ? [...(now ?? []), scope] : (now ?? []).filter((other) => other !== scope)));
  return (
    <Dialog
      open
      size="sm"
      onClose={onClose}
      title={t("limitTitle", { tail: `…${apiKey.token.slice(-4)}` })}
      about={t("limitText")}
      closeLabel={c("common.close")}
      footer={
        <>
          <Button onClick={onClose}>{c("common.cancel")}</Button>
          <Button kind="primary" busy={save.isPending} disabled={wrong} onClick={() => save.mutate()}>
            {c("common.save")}
          </Button>
        </>
      }
    >
      <div className="flex flex-col gap-4">
        <Field label={t("perMinute")} hint={t("unlimited")} error={limits.requests_per_minute === undefined ? t("notLimit") : undefined}>
          <Input inputMode="numeric" value={rate} onChange={(event) => setRate(event.target.value)} />
        </Field>
        <Field label={t("concurrent")} hint={t("unlimited")} error={limits.concurrent_runs === undefined ? t("notLimit") : undefined}>
          <Input inputMode="numeric" value={runs} onChange={(event) => setRuns(event.target.value)} />
        </Field>
        <fieldset className="flex flex-col gap-2">
          <legend className="lbl mb-1.5">{t("scopes")}</legend>
          <Choice label={t("allScopes")} checked={scopes === null} onChange={(on) => setScopes(on ? null : [...SCOPES])} />
          {scopes === null
            ? null
            : SCOPES.map((scope) => <Choice key={scope} label={t(`scope.${scope}`)} checked={scopes.includes(scope)} onChange={(on) => toggle(scope, on)} />)}
          {scopes?.length === 0 ? <p className="hint">{t("noScope")}</p> : null}
        </fieldset>
      </div>
    </Dialog>
  );
}

function Choice({ label, checked, onChange }: { label: string; checked: boolean; onChange: (checked: boolean) => void }) {
  return (
    <div className="flex items-center gap-2">
      <Checkbox checked={checked} label={label} onChange={onChange} />
      <span aria-hidden>{label}</span>
    </div>
  );
}
