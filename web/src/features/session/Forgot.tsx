/** A new password for somebody who has lost theirs: the address, the code from the mail, the password. */
import { zodResolver } from "@hookform/resolvers/zod";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { ArrowLeft, CircleAlert, CircleCheck, MailX } from "lucide-react";
import { type ReactNode, useEffect, useState } from "react";
import { useForm } from "react-hook-form";
import { Trans, useTranslation } from "react-i18next";
import { askForCode, checkCode, setLostPassword, systemFeatures } from "../../data/session";
import { HttpError, messageOf } from "../../lib/http";
import { Button } from "../../ui/Button";
import { Field } from "../../ui/Field";
import { Input, SecretInput } from "../../ui/Input";
import { Kbd } from "../../ui/Kbd";
import { Empty } from "../../ui/States";
import { EntryFrame, StrengthMeter } from "./parts";
import { codeForm, forgotForm, lostForm } from "./rules";

interface Props {
  readonly email: string;
  /** Of the mail that is under way; without it there is none. */
  readonly token: string;
  readonly onStep: (step: { email: string; token: string }) => void;
}

/** What the server may answer to one of these pages. */
const KNOWN: Readonly<Record<string, string>> = {
  mail_not_set_up: "noMail",
  email_send_ip_limit: "tooMany",
  password_reset_rate_limit_exceeded: "tooSoon",
  email_password_reset_limit: "locked",
  email_code_error: "wrongCode",
  invalid_email: "lost",
  invalid_or_expired_token: "lost",
  account_not_found: "noAccount",
};

const focus = (element: HTMLElement | null) => element?.focus();

/** How a refusal reads on these pages, in the words of the page's language. */
function useWhy(): (error: unknown) => string {
  const { t } = useTranslation("session");
  return (error) => {
    const known = error instanceof HttpError ? KNOWN[error.code] : undefined;
    return known ? t(`forgot.${known}`) : messageOf(error);
  };
}

export function Forgot({ email, token, onStep }: Props) {
  const { t } = useTranslation("session");
  const features = useQuery(systemFeatures);
  const [proven, setProven] = useState<string>();
  const [done, setDone] = useState(false);
  if (features.isPending) return <EntryFrame>{null}</EntryFrame>;
  return (
    <EntryFrame>
      {done ? (
        <Empty icon={CircleCheck} cat="knowledge" title={t("forgot.done")} text={t("forgot.doneText", { email })}>
          <Link to="/signin" search={{ email }} className="btn" data-kind="primary" ref={focus}>
            {t("signin.submit")}
          </Link>
        </Empty>
      ) : features.data && !features.data.is_email_setup ? (
        <Empty icon={MailX} title={t("forgot.noMailTitle")} text={t("forgot.noMail")}>
          <ToSignin email={email} />
        </Empty>
      ) : proven ? (
        <Choose
          token={proven}
          onDone={() => setDone(true)}
          onLost={() => {
            setProven(undefined);
            onStep({ email, token: "" });
          }}
        />
      ) : token && email ? (
        <Code
          key={token}
          email={email}
          token={token}
          onToken={(next) => onStep({ email, token: next })}
          onOther={() => onStep({ email, token: "" })}
          onProven={setProven}
        />
      ) : (
        <Ask email={email} onSent={onStep} />
      )}
    </EntryFrame>
  );
}

function ToSignin({ email }: { email?: string }) {
  const { t } = useTranslation("session");
  return (
    <Link to="/signin" search={email ? { email } : {}} className="btn" data-kind="quiet">
      <ArrowLeft size={14} strokeWidth={1.9} aria-hidden />
      {t("activate.toSignin")}
    </Link>
  );
}

function Head({ title, children }: { title: string; children: ReactNode }) {
  return (
    <div>
      <h1 className="text-28 font-semibold">{title}</h1>
      <p className="text-14 text-ink-2 mt-1 wrap-anywhere">{children}</p>
    </div>
  );
}

function Refusal({ text }: { text: string | undefined }) {
  if (!text) return null;
  return (
    <div className="banner" data-tone="bad" role="alert">
      <CircleAlert size={16} className="flex-none" aria-hidden />
      {text}
    </div>
  );
}

function Ask({ email, onSent }: { email: string; onSent: Props["onStep"] }) {
  const { t, i18n } = useTranslation("session");
  const why = useWhy();
  const [failed, setFailed] = useState<string>();
  const form = useForm({ resolver: zodResolver(forgotForm), mode: "onSubmit", defaultValues: { email } });
  const { errors, isSubmitting } = form.formState;
  const submit = form.handleSubmit(async (values) => {
    setFailed(undefined);
    try {
      onSent({ email: values.email, token: await askForCode(values.email, i18n.language) });
    } catch (error) {
      setFailed(why(error));
    }
  });
  return (
    <form onSubmit={(event) => void submit(event)} noValidate className="flex flex-col gap-5">
      <Head title={t("forgot.title")}>{t("forgot.text")}</Head>
      <Field label={t("signin.email")} error={errors.email?.message ? t(`error.${errors.email.message}`) : undefined}>
        <Input size="lg" type="email" autoComplete="username" autoFocus {...form.register("email")} />
      </Field>
      <Refusal text={failed} />
      <Button kind="primary" size="lg" type="submit" busy={isSubmitting}>
        {t("forgot.send")}
        <Kbd keys="enter" />
      </Button>
      <div className="self-center">
        <ToSignin />
      </div>
    </form>
  );
}

/** A mail per address and minute is what the server sends. */
const AGAIN_SECONDS = 60;

function useCountdown(): { readonly left: number; readonly restart: () => void } {
  const [left, setLeft] = useState(AGAIN_SECONDS);
  const running = left > 0;
  useEffect(() => {
    if (!running) return;
    const timer = setInterval(() => setLeft((now) => Math.max(0, now - 1)), 1000);
    return () => clearInterval(timer);
  }, [running]);
  return { left, restart: () => setLeft(AGAIN_SECONDS) };
}

interface CodeProps {
  readonly email: string;
  readonly token: string;
  readonly onToken: (token: string) => void;
  readonly onOther: () => void;
  readonly onProven: (token: string) => void;
}

function Code({ email, token, onToken, onOther, onProven }: CodeProps) {
  const { t, i18n } = useTranslation("session");
  const why = useWhy();
  const again = useCountdown();
  const [failed, setFailed] = useState<string>();
  const [sending, setSending] = useState(false);
  const form = useForm({ resolver: zodResolver(codeForm), mode: "onSubmit", defaultValues: { code: "" } });
  const { errors, isSubmitting } = form.formState;
  const submit = form.handleSubmit(async ({ code }) => {
    setFailed(undefined);
    try {
      onProven(await checkCode({ email, code, token }));
    } catch (error) {
      setFailed(why(error));
      form.setFocus("code", { shouldSelect: true });
    }
  });
  const resend = async () => {
    setFailed(undefined);
    setSending(true);
    try {
      onToken(await askForCode(email, i18n.language));
    } catch (error) {
      setFailed(why(error));
      again.restart();
    }
    setSending(false);
  };
  return (
    <form onSubmit={(event) => void submit(event)} noValidate className="flex flex-col gap-5">
      <Head title={t("forgot.look")}>
        <Trans t={t} i18nKey="forgot.lookText" values={{ email }} components={{ b: <b className="font-semibold text-ink-1" /> }} />
      </Head>
      <Field label={t("forgot.code")} error={errors.code?.message ? t(`error.${errors.code.message}`) : undefined}>
        <Input
          size="lg"
          className="mono num tracking-[0.3em]"
          inputMode="numeric"
          autoComplete="one-time-code"
          autoFocus
          maxLength={12}
          {...form.register("code")}
        />
      </Field>
      <Refusal text={failed} />
      <Button kind="primary" size="lg" type="submit" busy={isSubmitting}>
        {t("forgot.check")}
        <Kbd keys="enter" />
      </Button>
      <div className="flex flex-wrap items-center justify-between gap-2">
        <Button kind="quiet" icon={ArrowLeft} onClick={onOther}>
          {t("forgot.other")}
        </Button>
        <Button kind="quiet" busy={sending} disabled={again.left > 0} onClick={() => void resend()}>
          <span className="num">{again.left > 0 ? t("forgot.againIn", { seconds: again.left }) : t("forgot.again")}</span>
        </Button>
      </div>
    </form>
  );
}

function Choose({ token, onDone, onLost }: { token: string; onDone: () => void; onLost: () => void }) {
  const { t } = useTranslation("session");
  const why = useWhy();
  const [failed, setFailed] = useState<string>();
  const [late, setLate] = useState(false);
  const form = useForm({ resolver: zodResolver(lostForm), mode: "onTouched", defaultValues: { password: "", again: "" } });
  const { errors, isSubmitting } = form.formState;
  const text = (key: string | undefined) => (key ? t(`error.${key}`, { defaultValue: key }) : undefined);
  const submit = form.handleSubmit(async (values) => {
    setFailed(undefined);
    try {
      await setLostPassword(token, values.password, values.again);
      onDone();
    } catch (error) {
      setLate(error instanceof HttpError && error.code === "invalid_or_expired_token");
      setFailed(why(error));
    }
  });
  const eye = { showLabel: t("error.show"), hideLabel: t("error.hide"), autoComplete: "new-password", size: "lg" as const };
  return (
    <form onSubmit={(event) => void submit(event)} noValidate className="flex flex-col gap-5">
      <Head title={t("forgot.choose")}>{t("forgot.chooseText")}</Head>
      <div>
        <Field label={t("forgot.password")} aside={t("setup.passwordAside")} error={text(errors.password?.message)}>
          <SecretInput {...eye} autoFocus {...form.register("password")} />
        </Field>
        <StrengthMeter text={form.watch("password")} />
      </div>
      <Field label={t("forgot.passwordAgain")} error={text(errors.again?.message)}>
        <SecretInput {...eye} {...form.register("again")} />
      </Field>
      <Refusal text={failed} />
      {late ? (
        <Button icon={ArrowLeft} onClick={onLost}>
          {t("forgot.newCode")}
        </Button>
      ) : null}
      <Button kind="primary" size="lg" type="submit" busy={isSubmitting}>
        {t("forgot.set")}
        <Kbd keys="enter" />
      </Button>
    </form>
  );
}
