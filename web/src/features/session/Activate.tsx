/** An invited person chooses a name and a password. */
import { zodResolver } from "@hookform/resolvers/zod";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { CircleAlert, MailX } from "lucide-react";
import { useState } from "react";
import { useForm } from "react-hook-form";
import { useTranslation } from "react-i18next";
import { login } from "../../data/session";
import { json, messageOf } from "../../lib/http";
import { wireLanguage } from "../../lib/i18n";
import { Button } from "../../ui/Button";
import { Field } from "../../ui/Field";
import { Input, SecretInput } from "../../ui/Input";
import { Empty } from "../../ui/States";
import { EntryFrame, StrengthMeter } from "./parts";
import { activateForm } from "./rules";

interface Invitation {
  readonly is_valid: boolean;
  readonly data?: { readonly workspace_name: string; readonly workspace_id: string; readonly email: string };
}

export function Activate({ token, email, onDone }: { token: string; email?: string | undefined; onDone: () => void }) {
  const { t } = useTranslation("session");
  const check = useQuery({
    queryKey: ["activate", token],
    queryFn: () => json<Invitation>("/activate/check", { query: { token, email }, open: true }),
    retry: false,
  });
  if (check.isPending) return <EntryFrame>{null}</EntryFrame>;
  const invitation = check.data?.data;
  if (!check.data?.is_valid || !invitation) {
    return (
      <EntryFrame>
        <Empty icon={MailX} title={t("activate.invalid")} text={t("activate.invalidText")}>
          <Link to="/signin" className="btn">
            {t("activate.toSignin")}
          </Link>
        </Empty>
      </EntryFrame>
    );
  }
  return <ActivateForm token={token} invitation={invitation} onDone={onDone} />;
}

function ActivateForm({ token, invitation, onDone }: { token: string; invitation: NonNullable<Invitation["data"]>; onDone: () => void }) {
  const { t, i18n } = useTranslation("session");
  const [failed, setFailed] = useState<string>();
  const form = useForm({ resolver: zodResolver(activateForm), mode: "onTouched", defaultValues: { name: "", password: "" } });
  const { errors, isSubmitting } = form.formState;
  const why = (key: string | undefined) => (key ? t(`error.${key}`, { defaultValue: key }) : undefined);
  const submit = form.handleSubmit(async ({ name, password }) => {
    setFailed(undefined);
    try {
      const timezone = Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC";
      await json("/activate", {
        method: "POST",
        open: true,
        body: {
          token,
          name,
          interface_language: wireLanguage(i18n.language),
          timezone,
          workspace_id: invitation.workspace_id,
          email: invitation.email,
          password,
        },
      });
      await login({ email: invitation.email, password });
      onDone();
    } catch (error) {
      setFailed(messageOf(error));
    }
  });
  return (
    <EntryFrame>
      <form onSubmit={(event) => void submit(event)} noValidate className="flex flex-col gap-5">
        <div>
          <h1 className="text-28 font-semibold">{t("activate.title", { workspace: invitation.workspace_name })}</h1>
          <p className="text-14 text-ink-2 mt-1">{t("activate.text", { email: invitation.email })}</p>
        </div>
        <Field label={t("activate.name")} error={why(errors.name?.message)}>
          <Input size="lg" autoComplete="name" autoFocus {...form.register("name")} />
        </Field>
        <div>
          <Field label={t("activate.password")} aside={t("activate.passwordAside")} error={why(errors.password?.message)}>
            <SecretInput size="lg" autoComplete="new-password" showLabel={t("error.show")} hideLabel={t("error.hide")} {...form.register("password")} />
          </Field>
          <StrengthMeter text={form.watch("password")} />
        </div>
        {failed ? (
          <div className="banner" data-tone="bad" role="alert">
            <CircleAlert size={16} aria-hidden />
            {failed}
          </div>
        ) : null}
        <Button kind="primary" size="lg" type="submit" busy={isSubmitting}>
          {t("activate.submit")}
        </Button>
      </form>
    </EntryFrame>
  );
}
