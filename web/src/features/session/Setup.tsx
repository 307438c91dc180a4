/** The first page of a new server: the owner's form, and what the server is made of. */
import { zodResolver } from "@hookform/resolvers/zod";
import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { CircleAlert, CircleCheck, CircleDashed, RotateCw, TriangleAlert } from "lucide-react";
import { useState } from "react";
import { useForm } from "react-hook-form";
import { useTranslation } from "react-i18next";
import { type Dependency, login, readHealth, useForget } from "../../data/session";
import { HttpError, json, messageOf } from "../../lib/http";
import { wireLanguage } from "../../lib/i18n";
import { Button } from "../../ui/Button";
import { Field } from "../../ui/Field";
import { Input, SecretInput } from "../../ui/Input";
import { Kbd } from "../../ui/Kbd";
import { EntryFrame, StrengthMeter } from "./parts";
import { setupForm } from "./rules";

function useServer() {
  return useQuery({
    queryKey: ["setup-health"],
    queryFn: async () => {
      const start = performance.now();
      const report = await readHealth();
      return { report, round: performance.now() - start };
    },
    retry: false,
    refetchInterval: 10_000,
  });
}

export function Setup() {
  const { t, i18n } = useTranslation("session");
  const { t: c } = useTranslation();
  const navigate = useNavigate();
  const forget = useForget();
  const server = useServer();
  const [failed, setFailed] = useState<string>();
  const form = useForm({ resolver: zodResolver(setupForm), mode: "onTouched", defaultValues: { name: "", email: "", password: "" } });
  const { errors, isSubmitting } = form.formState;
  const why = (key: string | undefined) => (key ? t(`error.${key}`, { defaultValue: key }) : undefined);
  const broken = server.data !== undefined && server.data.report.status !== "ok";
  const submit = form.handleSubmit(async (values) => {
    setFailed(undefined);
    try {
      await json("/setup", { method: "POST", open: true, body: { ...values, language: wireLanguage(i18n.language) } });
      await login({ email: values.email.toLowerCase(), password: values.password });
      forget();
      await navigate({ to: "/apps" });
    } catch (error) {
      if (error instanceof HttpError && error.code === "already_setup") return void navigate({ to: "/signin" });
      if (error instanceof HttpError && (error.field === "email" || error.field === "name" || error.field === "password"))
        form.setError(error.field, { message: error.message }, { shouldFocus: true });
      else setFailed(messageOf(error));
    }
  });
  return (
    <div className="flex min-h-full flex-col lg:flex-row">
      <EntryFrame
        foot={
          <>
            {server.data ? <span>{t("setup.version", { version: server.data.report.version })}</span> : null}
            <span>{t("setup.telemetry")}</span>
          </>
        }
      >
        <form onSubmit={(event) => void submit(event)} noValidate className="flex flex-col gap-5">
          <div>
            <h1 className="text-28 font-semibold">{t("setup.title")}</h1>
            <p className="text-14 text-ink-2 mt-1">{t("setup.text")}</p>
          </div>
          <Field label={t("setup.name")} error={why(errors.name?.message)}>
            <Input size="lg" autoComplete="name" autoFocus {...form.register("name")} />
          </Field>
          <Field label={t("setup.email")} error={why(errors.email?.message)}>
            <Input size="lg" type="email" autoComplete="username" {...form.register("email")} />
          </Field>
          <div>
            <Field label={t("setup.password")} aside={t("setup.passwordAside")} error={why(errors.password?.message)}>
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
          <Button kind="primary" size="lg" type="submit" busy={isSubmitting} disabled={broken}>
            {t("setup.submit")}
            <Kbd keys="enter" />
          </Button>
        </form>
      </EntryFrame>
      <aside className="lg:w-[540px] flex-none bg-surface-2 border-s border-line-1 px-6 sm:px-11 py-9 flex flex-col gap-5">
        <div>
          <div className="flex items-center justify-between">
            <h2 className="text-16 font-semibold">{t("setup.server")}</h2>
            <Button size="sm" icon={RotateCw} busy={server.isFetching} onClick={() => void server.refetch()}>
              {t("setup.again")}
            </Button>
          </div>
          <p className="text-ink-2 mt-1" role="status">
            {server.error ? c("common.offline") : !server.data ? t("setup.checking") : broken ? t("setup.broken") : t("setup.ready")}
          </p>
        </div>
        <ul className="card">
          {Object.entries(server.data?.report.deps ?? {}).map(([key, dependency]) => (
            <CheckRow key={key} name={t(`setup.dep.${key}`, { defaultValue: key })} dependency={dependency} />
          ))}
          {server.data ? (
            <CheckRow name={t("setup.dep.stream")} dependency={{ status: "ok", latency_ms: server.data.round, detail: t("setup.streamOk") }} />
          ) : null}
          {server.data?.report.findings.map((finding) => (
            <CheckRow key={finding} name={t("setup.finding")} dependency={{ status: "finding", latency_ms: 0, detail: finding }} />
          ))}
          {server.data ? null : (
            <CheckRow
              name={t("setup.server")}
              dependency={{ status: server.error ? "down" : "wait", latency_ms: 0, detail: server.error ? c("common.offline") : t("setup.checking") }}
            />
          )}
        </ul>
      </aside>
    </div>
  );
}

function CheckRow({ name, dependency }: { name: string; dependency: Dependency }) {
  const { t } = useTranslation("session");
  const { status } = dependency;
  const [Icon, tone] =
    status === "ok"
      ? [CircleCheck, "text-success"]
      : status === "finding"
        ? [TriangleAlert, "text-warning"]
        : status === "wait"
          ? [CircleDashed, "text-ink-3"]
          : [CircleAlert, "text-danger"];
  return (
    <li className="flex items-center gap-3.5 px-3.5 min-h-13 py-2 border-b border-line-1 last:border-b-0">
      <Icon size={16} strokeWidth={1.75} className={tone} aria-label={status} />
      <div className="flex-1 min-w-0">
        <div className="font-medium">{name}</div>
        <div className={`text-12 ${status === "ok" || status === "wait" ? "text-ink-3" : tone}`}>{dependency.error ?? dependency.detail}</div>
      </div>
      {status === "ok" ? <span className="text-12 text-ink-3 num">{t("setup.ms", { value: dependency.latency_ms.toFixed(1) })}</span> : null}
    </li>
  );
}
