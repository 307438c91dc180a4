/** Signing oneself in to an MCP server where each member has an account of their own, and out again. */
import { LogIn, LogOut, UserCheck } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { toast } from "sonner";
import { signInMcp, signOutMcp, type ToolProvider, useToolChange } from "../../data/tools";
import { messageOf } from "../../lib/http";
import { Button } from "../../ui/Button";
import { Confirm } from "../../ui/Dialog";
import { wantsOwnSignIn } from "./model";
import { useLetIn } from "./useLetIn";

export function OwnSignIn({ provider, name }: { provider: ToolProvider; name: string }) {
  const { t } = useTranslation("tools");
  const { t: c } = useTranslation();
  const [leaving, setLeaving] = useState(false);
  const letIn = useLetIn(() => signInMcp(provider.id));
  const out = useToolChange(() => signOutMcp(provider.id));
  const failed = (error: unknown) => toast.error(c("common.failed", { message: messageOf(error) }));
  const missing = wantsOwnSignIn(provider);
  return (
    <section aria-label={t("mcp.own.title")} className="flex flex-col gap-2">
      <div className="banner" data-tone={missing ? "warn" : "ok"}>
        <UserCheck size={16} aria-hidden />
        <span className="flex-1">{t(missing ? "mcp.own.isOut" : "mcp.own.isIn")}</span>
      </div>
      {letIn.problem ? (
        <p className="wrong" role="alert">
          {letIn.problem}
        </p>
      ) : null}
      <div className="flex gap-2 flex-wrap">
        {missing ? (
          <Button kind="primary" icon={LogIn} busy={letIn.busy} onClick={letIn.start}>
            {t("mcp.own.signIn")}
          </Button>
        ) : (
          <Button icon={LogOut} onClick={() => setLeaving(true)}>
            {t("oauth.signOut")}
          </Button>
        )}
      </div>
      <Confirm
        open={leaving}
        title={t("oauth.outTitle", { name })}
        text={t("mcp.own.outText")}
        confirm={t("oauth.signOut")}
        cancel={c("common.keep")}
        busy={out.isPending}
        onClose={() => setLeaving(false)}
        onConfirm={() => out.mutate(undefined, { onSuccess: () => setLeaving(false), onError: failed })}
      />
    </section>
  );
}
