import { useState } from "react";
import { useTranslation } from "react-i18next";
import { exportApp } from "../../data/apps";
import { messageOf } from "../../lib/http";
import { saveFile } from "../../lib/save";
import { Button } from "../../ui/Button";
import { Dialog } from "../../ui/Dialog";
import { Checkbox } from "../../ui/Switch";

export function ExportDialog({ app, onClose }: { app: { id: string; name: string }; onClose: () => void }) {
  const { t } = useTranslation("apps");
  const { t: c } = useTranslation();
  const [secrets, setSecrets] = useState(false);
  const [busy, setBusy] = useState(false);
  const [failed, setFailed] = useState<string>();
  const run = async () => {
    setBusy(true);
    setFailed(undefined);
    try {
      const { data } = await exportApp(app.id, secrets);
      saveFile(`${app.name}.yml`, data, "application/yaml");
      onClose();
    } catch (error) {
      setFailed(messageOf(error));
      setBusy(false);
    }
  };
  return (
    <Dialog
      open
      size="sm"
      title={t("exportDialog.title", { name: app.name })}
      about={t("exportDialog.text")}
      closeLabel={c("common.close")}
      onClose={onClose}
      footer={
        <>
          <Button onClick={onClose}>{c("common.cancel")}</Button>
          <Button kind="primary" busy={busy} onClick={() => void run()}>
            {t("exportDialog.submit")}
          </Button>
        </>
      }
    >
      <div className="flex gap-2.5 items-start">
        <Checkbox id="secrets" checked={secrets} onChange={setSecrets} />
        <label htmlFor="secrets">
          {t("exportDialog.secrets")}
          <span className="hint block">{t("exportDialog.secretsHint")}</span>
        </label>
      </div>
      {failed ? (
        <div className="wrong mt-3" role="alert">
          {failed}
        </div>
      ) : null}
    </Dialog>
  );
}
