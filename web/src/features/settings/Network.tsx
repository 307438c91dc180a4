import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { toast } from "sonner";
import { useRights } from "../../data/session";
import { errorDetails, get, messageOf, put } from "../../lib/http";
import { Button } from "../../ui/Button";
import { Field } from "../../ui/Field";
import { Textarea } from "../../ui/Input";
import { Failed, Forbidden, SkeletonRows } from "../../ui/States";
import { Switch } from "../../ui/Switch";
import { PageHead } from "./SettingsFrame";

interface Rules {
  readonly only_listed: boolean;
  readonly allowed: readonly string[];
  readonly private: readonly string[];
  readonly private_offered: boolean;
}

const PATH = "/workspaces/current/network-rules";
const KEY = ["network-rules"];

/** Where the calls of the workspace may go. */
export function Network() {
  const { t } = useTranslation("network");
  const { t: c } = useTranslation();
  const rights = useRights();
  const rules = useQuery({ queryKey: KEY, queryFn: () => get<Rules>(PATH), enabled: rights.admin });
  return (
    <>
      <PageHead title={t("title")} text={t("text")} />
      {!rights.admin ? (
        <Forbidden title={t("noRight")} />
      ) : rules.isPending ? (
        <SkeletonRows rows={3} height={64} slow={c("common.slow")} label={c("common.loading")} />
      ) : rules.error ? (
        <Failed
          title={t("failed")}
          text={messageOf(rules.error)}
          retry={{ label: c("common.retry"), onClick: () => void rules.refetch() }}
          details={{ label: c("common.details"), copied: c("common.copied"), text: errorDetails(rules.error) }}
        />
      ) : (
        <Form rules={rules.data} />
      )}
    </>
  );
}

const lines = (text: string) =>
  text
    .split(/[\s,]+/)
    .map((line) => line.trim())
    .filter(Boolean);

function Form({ rules }: { rules: Rules }) {
  const { t } = useTranslation("network");
  const client = useQueryClient();
  const [only, setOnly] = useState(rules.only_listed);
  const [allowed, setAllowed] = useState(rules.allowed.join("\n"));
  const [opened, setOpened] = useState(rules.private.join("\n"));
  const save = useMutation({
    mutationFn: () => put<Rules>(PATH, { only_listed: only, allowed: lines(allowed), private: lines(opened) }),
    onSuccess: (saved) => {
      client.setQueryData(KEY, saved);
      toast.success(t("saved"));
    },
  });
  return (
    <form
      className="flex flex-col gap-5 max-w-[560px]"
      onSubmit={(event) => {
        event.preventDefault();
        save.mutate();
      }}
    >
      <div className="flex items-start gap-3">
        <Switch checked={only} onChange={setOnly} label={t("only")} />
        <div>
          <div className="font-medium">{t("only")}</div>
          <div className="hint">{t("onlyHint")}</div>
        </div>
      </div>
      <Field label={t("allowed")} hint={t("entries")}>
        <Textarea rows={6} className="mono" spellCheck={false} disabled={!only} value={allowed} onChange={(event) => setAllowed(event.target.value)} />
      </Field>
      <Field label={t("private")} hint={rules.private_offered ? t("privateHint") : t("privateOff")}>
        <Textarea
          rows={4}
          className="mono"
          spellCheck={false}
          disabled={!rules.private_offered && opened === ""}
          value={opened}
          onChange={(event) => setOpened(event.target.value)}
        />
      </Field>
      {save.error ? (
        <div className="wrong" role="alert">
          {messageOf(save.error)}
        </div>
      ) : null}
      <div>
        <Button kind="primary" type="submit" busy={save.isPending}>
          {t("save")}
        </Button>
      </div>
    </form>
  );
}
