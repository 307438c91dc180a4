/** Signing the workspace in to the service of a schema, and out again. */
import { LogIn, LogOut, ShieldCheck } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { toast } from "sonner";
import { useRights } from "../../data/session";
import { type ApiToolSet, signInApiTools, signOutApiTools, type ToolProvider, useToolChange } from "../../data/tools";
import { messageOf } from "../../lib/http";
import { Button } from "../../ui/Button";
import { Confirm } from "../../ui/Dialog";
import { useLetIn } from "./useLetIn";

export function ApiSignIn({ provider, set }: { provider: ToolProvider; set: ApiToolSet }) {
  const { t } = useTranslation("tools");
  const { t: c } = useTranslation();
  const rights = useRights();
  const [leaving, setLeaving] = useState(false);
  const letIn = useLetIn(() => signInApiTools(provider.id));
  const out = useToolChange(() => signOutApiTools(provider.id));
  const failed = (error: unknown) => toast.error(c("common.failed", { message: messageOf(error) }));
  const ready = set.credentials.authorized === true;
  return (
    <section aria-label={t("auth.oauth2")} className="flex flex-col gap-2">
      <div className="banner" data-tone={ready ? "ok" : "warn"}>
        <ShieldCheck size={16} aria-hidden />
        <span className="flex-1">{t(ready ? "oauth.isIn" : "oauth.isOut")}</span>
      </div>
      {set.redirect_uri ? (
        <dl className="text-12">
          <dt className="text-ink-3">{t("mcp.redirect")}</dt>
          <dd className="mono wrap-anywhere">{set.redirect_uri}</dd>
          <dd className="hint">{t("mcp.redirectHint")}</dd>
        </dl>
      ) : null}
      {letIn.problem ? (
        <p className="wrong" role="alert">
          {letIn.problem}
        </p>
      ) : null}
      {rights.admin ? (
        <div className="flex gap-2 flex-wrap">
          <Button {...(ready ? {} : { kind: "primary" as const })} icon={LogIn} busy={letIn.busy} onClick={letIn.start}>
            {t(ready ? "oauth.again" : "oauth.signIn")}
          </Button>
          {ready ? (
            <Button icon={LogOut} onClick={() => setLeaving(true)}>
              {t("oauth.signOut")}
            </Button>
          ) : null}
        </div>
      ) : null}
      <Confirm
        open={leaving}
        title={t("oauth.outTitle", { name: provider.name })}
        text={t("oauth.outText")}
        confirm={t("oauth.signOut")}
        cancel={c("common.keep")}
        busy={out.isPending}
        onClose={() => setLeaving(false)}
        onConfirm={() => out.mutate(undefined, { onSuccess: () => setLeaving(false), onError: failed })}
      />
    </section>
  );
}
