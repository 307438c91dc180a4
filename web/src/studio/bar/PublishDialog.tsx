/** Publishing: what changed since the live version, what stands in the way, a name and notes. */
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Rocket } from "lucide-react";
import { useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { getPublished, publish } from "../api";
import { useFormat } from "../canvas/useFormat";
import { compare } from "../model/compare";
import { readDocument } from "../model/document";
import { findProblems } from "../model/problems";
import { rulesFor } from "../nodes/registry";
import { Button, TextField, Wrong } from "../parts/controls";
import { Dialog } from "../parts/Dialog";
import { goTo, openTray } from "../store/actions";
import { flush } from "../store/autosave";
import { set, useStudio } from "../store/studio";
import { DifferenceList } from "./DifferenceList";

const MAX_NAME = 20;
const MAX_NOTES = 100;

interface Props {
  readonly onClose: () => void;
  /** Of a pipeline: what comes after publishing. */
  readonly onAdd?: (() => void) | undefined;
}

export function PublishDialog({ onClose, onAdd }: Props) {
  const { t } = useTranslation("studio");
  const format = useFormat();
  const client = useQueryClient();
  const owner = useStudio((s) => s.owner);
  const mode = useStudio((s) => s.mode);
  const document = useStudio((s) => s.document);
  const [name, setName] = useState("");
  const [notes, setNotes] = useState("");
  const [busy, setBusy] = useState(false);
  const [done, setDone] = useState(false);
  const pipeline = mode === "rag-pipeline";
  const [failed, setFailed] = useState<string>();
  const live = useQuery({ queryKey: ["published", owner], queryFn: async () => (await getPublished(owner)) ?? null, staleTime: 0 });
  const problems = useMemo(() => findProblems(document, mode, rulesFor(mode)).filter((p) => !p.warning), [document, mode]);
  const [first] = problems;
  const differences = useMemo(() => (live.data ? compare(readDocument(live.data).document, document).filter((d) => d.kind !== "moved") : undefined), [live.data, document]);
  const title = first?.node ? (document.nodes.get(first.node)?.data.title ?? "") : "";
  const run = async () => {
    setBusy(true);
    setFailed(undefined);
    try {
      await flush();
      await publish(owner, name, notes);
      set({ publishedAt: Date.now() });
      await client.invalidateQueries({ queryKey: ["published", owner] });
      if (!pipeline) {
        onClose();
        return;
      }
      // The knowledge base has taken over the settings of its node.
      await Promise.all(["datasets", "pipelines"].map((key) => client.invalidateQueries({ queryKey: [key] })));
      setDone(true);
      setBusy(false);
    } catch (e) {
      setFailed(e instanceof Error ? e.message : String(e));
      setBusy(false);
    }
  };
  const show = () => {
    onClose();
    openTray("problems");
    if (first?.node) goTo(first.node, "settings");
  };
  if (done) return <Published onClose={onClose} onAdd={onAdd} />;
  const tooLong = name.length > MAX_NAME || notes.length > MAX_NOTES;
  return (
    <Dialog
      title={t("publish.title")}
      closeLabel={t("common.close")}
      onClose={onClose}
      footer={
        <>
          <Button onClick={onClose}>{t("common.cancel")}</Button>
          <Button look="primary" icon={Rocket} busy={busy} disabled={problems.length > 0 || tooLong} onClick={() => void run()}>
            {t("bar.publish")}
          </Button>
        </>
      }
    >
      {first ? (
        <div className="st-gate" role="alert">
          <span>{t("publish.blocked", { count: problems.length, title: title || t("problems.graph"), problem: t(`problems.${first.code}`, first.values) })}</span>
          <Button size="sm" onClick={show}>
            {t("publish.show")}
          </Button>
        </div>
      ) : null}
      <span className="st-hint">{live.data?.created_at ? t("publish.last", { time: format.dateTime(live.data.created_at * 1000) }) : live.isPending ? "" : t(pipeline ? "publish.firstPipeline" : "publish.first")}</span>
      {differences ? differences.length > 0 ? <DifferenceList rows={differences} /> : <span className="st-hint">{t("publish.noChanges")}</span> : null}
      <TextField label={t("publish.name")} optional={t("common.optional")} value={name} error={name.length > MAX_NAME ? t("form.tooLong", { count: MAX_NAME }) : undefined} onChange={setName} />
      <TextField label={t("publish.notes")} optional={t("common.optional")} rows={3} value={notes} error={notes.length > MAX_NOTES ? t("form.tooLong", { count: MAX_NOTES }) : undefined} onChange={setNotes} />
      {failed ? <Wrong>{failed}</Wrong> : null}
    </Dialog>
  );
}

/** A published pipeline can be given documents. */
function Published({ onClose, onAdd }: Props) {
  const { t } = useTranslation("studio");
  return (
    <Dialog
      title={t("publish.done")}
      closeLabel={t("common.close")}
      onClose={onClose}
      footer={
        <>
          <Button onClick={onClose}>{t("common.close")}</Button>
          {onAdd ? (
            <Button look="primary" onClick={onAdd}>
              {t("bar.addDocuments")}
            </Button>
          ) : null}
        </>
      }
    >
      {t("publish.doneText")}
    </Dialog>
  );
}
