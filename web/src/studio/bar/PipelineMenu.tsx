/** What a knowledge pipeline has besides: documents to add, a template, a file. */
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { exportPipeline } from "../../data/pipelines";
import { saveFile } from "../../lib/save";
import { pipelineIdOf } from "../api";
import { Button, Wrong } from "../parts/controls";
import { Dialog } from "../parts/Dialog";
import { flush } from "../store/autosave";
import { useStudio } from "../store/studio";

export interface PipelineBar {
  /** What the knowledge base is called. */
  readonly name: string;
  readonly onAdd: () => void;
}

/** The draft as a file; with the values of secrets if that is wanted. */
export function ExportDialog({ name, onClose }: { name: string; onClose: () => void }) {
  const { t } = useTranslation("studio");
  const pipelineId = useStudio((s) => pipelineIdOf(s.owner));
  const secret = useStudio((s) => s.document.environment.some((v) => v.value_type === "secret"));
  const [busy, setBusy] = useState(false);
  const [failed, setFailed] = useState<string>();
  const run = async (secrets: boolean) => {
    setBusy(true);
    setFailed(undefined);
    try {
      await flush();
      const { data } = await exportPipeline(pipelineId, secrets);
      saveFile(`${name}.pipeline`, data, "application/yaml");
      onClose();
    } catch (e) {
      setFailed(e instanceof Error ? e.message : String(e));
      setBusy(false);
    }
  };
  return (
    <Dialog
      title={t("exporting.title", { name })}
      closeLabel={t("common.close")}
      onClose={onClose}
      footer={
        <>
          <Button onClick={onClose}>{t("common.cancel")}</Button>
          {secret ? (
            <Button disabled={busy} onClick={() => void run(true)}>
              {t("exporting.withSecrets")}
            </Button>
          ) : null}
          <Button look="primary" busy={busy} onClick={() => void run(false)}>
            {t("exporting.save")}
          </Button>
        </>
      }
    >
      {t(secret ? "exporting.secrets" : "exporting.text")}
      {failed ? <Wrong>{failed}</Wrong> : null}
    </Dialog>
  );
}
