import { zodResolver } from "@hookform/resolvers/zod";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { CircleAlert } from "lucide-react";
import { useState } from "react";
import { Controller, useForm } from "react-hook-form";
import { useTranslation } from "react-i18next";
import { login, systemFeatures } from "../../data/session";
import { HttpError, messageOf } from "../../lib/http";
import { Button } from "../../ui/Button";
import { Field } from "../../ui/Field";
import { Input, SecretInput } from "../../ui/Input";
import { Kbd } from "../../ui/Kbd";
import { Checkbox } from "../../ui/Switch";
import { EntryFrame } from "./parts";
import { signinForm } from "./rules";

interface Props {
  readonly email?: string | undefined;
  readonly inviteToken?: string | undefined;
  readonly onDone: () => void;
}

const KNOWN: Readonly<Record<string, string>> = { authentication_failed: "wrong", email_code_login_limit: "locked", account_banned: "banned" };

export function Signin({ email, inviteToken, onDone }: Props) {
  const { t } = useTranslation("session");
  const features = useQuery(systemFeatures).data;
  const [failed, setFailed] = useState<string>();
  const form = useForm({ resolver: zodResolver(signinForm), mode: "onSubmit", defaultValues: { email: email ?? "", password: "", remember: true } });
  const { errors, isSubmitting } = form.formState;
  const why = (key: string | undefined) => (key ? t(`error.${key}`, { defaultValue: key }) : undefined);
  const submit = form.handleSubmit(async (values) => {
    setFailed(undefined);
    try {
      await login({ ...values, inviteToken });
      onDone();
    } catch (error) {
      const known = error instanceof HttpError ? KNOWN[error.code] : undefined;
      setFailed(known ? t(`signin.${known}`) : messageOf(error));
      form.setFocus("password");
    }
  });
  return (
    <EntryFrame>
      <form onSubmit={(event) => void submit(event)} noValidate className="flex flex-col gap-5">
        <div>
          <h1 className="text-28 font-semibold">{t("signin.title")}</h1>
          <p className="text-14 text-ink-2 mt-1">{t("signin.text", { host: window.location.host })}</p>
        </div>
        {features && !features.enable_email_password_login ? (
          <div className="banner" data-tone="warn">
            {t("signin.none")}
          </div>
        ) : (
          <>
            <Field label={t("signin.email")} error={why(errors.email?.message)}>
              <Input size="lg" type="email" autoComplete="username" autoFocus={!email} {...form.register("email")} />
            </Field>
            <Field label={t("signin.password")} error={why(errors.password?.message)}>
              <SecretInput
                size="lg"
                autoComplete="current-password"
                autoFocus={Boolean(email)}
                showLabel={t("error.show")}
                hideLabel={t("error.hide")}
                {...form.register("password")}
              />
            </Field>
            <div className="flex items-center gap-2">
              <Controller
                control={form.control}
                name="remember"
                render={({ field }) => <Checkbox id="remember" checked={field.value} onChange={field.onChange} />}
              />
              <label htmlFor="remember">{t("signin.remember")}</label>
              <Link to="/forgot-password" search={{ email: form.watch("email").trim() || undefined }} className="link ms-auto">
                {t("signin.forgot")}
              </Link>
            </div>
            {failed ? (
              <div className="banner" data-tone="bad" role="alert">
                <CircleAlert size={16} aria-hidden />
                {failed}
              </div>
            ) : null}
            <Button kind="primary" size="lg" type="submit" busy={isSubmitting}>
              {t("signin.submit")}
              <Kbd keys="enter" />
            </Button>
          </>
        )}
      </form>
    </EntryFrame>
  );
}
