import { useMutation, useQuery } from "@tanstack/react-query";
import { LogOut } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { toast } from "sonner";
import { type Account, profile, useAccountChange, useForget } from "../../data/session";
import { messageOf, post } from "../../lib/http";
import { Button } from "../../ui/Button";
import { Confirm } from "../../ui/Dialog";
import { Field } from "../../ui/Field";
import { Input, SecretInput } from "../../ui/Input";
import { Avatar } from "../../ui/Marks";
import { PageHead } from "./SettingsFrame";
import { SaveMark, useAutosave } from "./useAutosave";

export function Profile() {
  const me = useQuery(profile).data;
  return me ? <ProfileForm me={me} /> : null;
}

const ZONES = Intl.supportedValuesOf("timeZone");

function ProfileForm({ me }: { me: Account }) {
  const { t } = useTranslation("settings");
  const change = useAccountChange();
  const [name, setName] = useState(me.name);
  const length = [...name.trim()].length;
  const state = useAutosave(name, me.name, length >= 3 && length <= 30, (next) => change.mutateAsync({ path: "/account/name", body: { name: next.trim() } }));
  const zone = useAccountChange();
  return (
    <>
      <PageHead title={t("profile.title")} />
      <div className="flex flex-col gap-4 max-w-[420px]">
        <div className="flex items-center gap-3">
          <Avatar name={me.name} url={me.avatar_url} size={44} />
          <div>
            <div className="font-semibold">{me.name}</div>
            <div className="text-ink-3">{me.email}</div>
          </div>
        </div>
        <Field label={t("profile.name")} aside={<SaveMark state={state} />} error={length < 3 || length > 30 ? t("profile.nameHint") : undefined}>
          <Input value={name} autoComplete="name" onChange={(event) => setName(event.target.value)} />
        </Field>
        <Field label={t("profile.timezone")} error={zone.error ? messageOf(zone.error) : undefined}>
          <select
            className="inp"
            value={me.timezone ?? "UTC"}
            onChange={(event) => zone.mutate({ path: "/account/timezone", body: { timezone: event.target.value } })}
          >
            {[...new Set(["UTC", me.timezone ?? "UTC", ...ZONES])].map((id) => (
              <option key={id}>{id}</option>
            ))}
          </select>
        </Field>
      </div>
      <PasswordForm set={me.is_password_set} />
      <Sessions />
    </>
  );
}

/** Ends every session, this one too. */
function Sessions() {
  const { t } = useTranslation("settings");
  const { t: c } = useTranslation();
  const forget = useForget();
  const [asks, setAsks] = useState(false);
  const end = useMutation({
    mutationFn: () => post("/logout/all"),
    onSuccess: () => {
      forget();
      window.location.assign("/signin");
    },
    onError: (error) => toast.error(c("common.failed", { message: messageOf(error) })),
  });
  return (
    <section className="flex flex-col gap-3 max-w-[420px] pt-2" aria-labelledby="sessions">
      <h2 id="sessions" className="text-16 font-semibold">
        {t("sessions.title")}
      </h2>
      <p className="text-ink-2">{t("sessions.text")}</p>
      <div>
        <Button icon={LogOut} onClick={() => setAsks(true)}>
          {t("sessions.end")}
        </Button>
      </div>
      <Confirm
        open={asks}
        title={t("sessions.askTitle")}
        text={t("sessions.askText")}
        confirm={t("sessions.end")}
        cancel={c("common.cancel")}
        busy={end.isPending}
        onClose={() => setAsks(false)}
        onConfirm={() => end.mutate()}
      />
    </section>
  );
}

function PasswordForm({ set }: { set: boolean }) {
  const { t } = useTranslation("settings");
  const change = useAccountChange();
  const [values, setValues] = useState({ current: "", next: "", repeat: "" });
  const good = values.next.length >= 8 && /\p{L}/u.test(values.next) && /\d/.test(values.next);
  const eye = { showLabel: t("profile.show"), hideLabel: t("profile.hide") };
  const submit = () =>
    change.mutate(
      { path: "/account/password", body: { ...(set ? { password: values.current } : {}), new_password: values.next, repeat_new_password: values.repeat } },
      {
        onSuccess: () => {
          setValues({ current: "", next: "", repeat: "" });
          toast(t("profile.changed"));
        },
      },
    );
  return (
    <form
      className="flex flex-col gap-4 max-w-[420px] pt-2"
      onSubmit={(event) => {
        event.preventDefault();
        submit();
      }}
    >
      <h2 className="text-16 font-semibold">{t("profile.password")}</h2>
      {set ? (
        <Field label={t("profile.current")} error={change.error ? messageOf(change.error) : undefined}>
          <SecretInput
            {...eye}
            autoComplete="current-password"
            value={values.current}
            onChange={(event) => setValues({ ...values, current: event.target.value })}
          />
        </Field>
      ) : null}
      <Field label={t("profile.next")} error={values.next && !good ? t("profile.rule") : undefined}>
        <SecretInput {...eye} autoComplete="new-password" value={values.next} onChange={(event) => setValues({ ...values, next: event.target.value })} />
      </Field>
      <Field label={t("profile.repeat")} error={values.repeat && values.repeat !== values.next ? t("profile.differs") : undefined}>
        <SecretInput {...eye} autoComplete="new-password" value={values.repeat} onChange={(event) => setValues({ ...values, repeat: event.target.value })} />
      </Field>
      <div>
        <Button type="submit" busy={change.isPending} disabled={!good || values.next !== values.repeat || (set && values.current === "")}>
          {t("profile.change")}
        </Button>
      </div>
    </form>
  );
}
