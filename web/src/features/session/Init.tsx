import { useState } from "react";
import { useTranslation } from "react-i18next";
import { HttpError, json, messageOf } from "../../lib/http";
import { Button } from "../../ui/Button";
import { Field } from "../../ui/Field";
import { SecretInput } from "../../ui/Input";
import { EntryFrame } from "./parts";

export function Init({ onDone }: { onDone: () => void }) {
  const { t } = useTranslation("session");
  const [password, setPassword] = useState("");
  const [failed, setFailed] = useState<string>();
  const [busy, setBusy] = useState(false);
  const submit = async () => {
    setBusy(true);
    setFailed(undefined);
    try {
      await json("/init", { method: "POST", open: true, body: { password } });
      onDone();
    } catch (error) {
      setFailed(error instanceof HttpError && error.status === 401 ? t("init.wrong") : messageOf(error));
    }
    setBusy(false);
  };
  return (
    <EntryFrame>
      <form
        className="flex flex-col gap-5"
        onSubmit={(event) => {
          event.preventDefault();
          void submit();
        }}
      >
        <div>
          <h1 className="text-28 font-semibold">{t("init.title")}</h1>
          <p className="text-14 text-ink-2 mt-1">{t("init.text")}</p>
        </div>
        <Field label={t("init.password")} error={failed}>
          <SecretInput
            size="lg"
            autoFocus
            value={password}
            onChange={(e) => setPassword(e.target.value)}
            showLabel={t("error.show")}
            hideLabel={t("error.hide")}
          />
        </Field>
        <Button kind="primary" size="lg" type="submit" busy={busy} disabled={password === ""}>
          {t("init.submit")}
        </Button>
      </form>
    </EntryFrame>
  );
}
