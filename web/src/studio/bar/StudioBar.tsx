/** The right end of the object bar: saved state, problems, panels, Run, Publish. */
import { ChevronDown, CloudAlert, CloudCheck, CloudUpload, Download, FilePlus2, LayoutTemplate, ListChecks, MessagesSquare, Play, Settings2, SlidersHorizontal, Sparkles, History, TextSearch } from "lucide-react";
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { keyNames } from "../canvas/keys";
import { useFormat } from "../canvas/useFormat";
import { isActive } from "../model/run";
import { Button, IconButton, Key } from "../parts/controls";
import { Dialog } from "../parts/Dialog";
import { Menu, type MenuItem } from "../parts/menu";
import { openSide, openTray } from "../store/actions";
import { flush } from "../store/autosave";
import { onRequest } from "../store/requests";
import { set, useStudio } from "../store/studio";
import { ExportDialog, type PipelineBar } from "./PipelineMenu";
import { PublishDialog } from "./PublishDialog";
import { TemplateDialog } from "./TemplateDialog";

/** `pipeline`: of the knowledge base whose pipeline is open. */
export function StudioBar({ pipeline }: { readonly pipeline?: PipelineBar }) {
  const { t } = useTranslation("studio");
  const [asking, setAsking] = useState<"template" | "export">();
  const [told, setTold] = useState(false);
  const published = useStudio((s) => s.publishedAt !== undefined);
  const [publishing, setPublishing] = useState(false);
  const mode = useStudio((s) => s.mode);
  const side = useStudio((s) => s.side);
  const active = useStudio((s) => isActive(s.run));
  const readOnly = useStudio((s) => s.preview !== undefined);
  const loaded = useStudio((s) => s.loaded);
  const chat = mode === "advanced-chat";
  useEffect(() => onRequest((what) => (what === "run" ? showRun() : setPublishing(true))), []);
  const panels: MenuItem[] = [
    ...(pipeline ? [{ id: "inputs", label: t("pipelineInputs.title"), icon: TextSearch, run: () => openSide("inputs") }] : []),
    { id: "environment", label: t("environment.title"), icon: SlidersHorizontal, run: () => openSide("environment") },
    ...(chat ? [{ id: "conversation", label: t("conversation.title"), icon: MessagesSquare, run: () => openSide("conversation") }] : []),
    ...(chat ? [{ id: "features", label: t("features.title"), icon: Sparkles, run: () => openSide("features") }] : []),
    { id: "versions", label: t("versions.title"), icon: History, run: () => openSide("versions") },
    ...(pipeline
      ? [
          { id: "documents", label: t("bar.addDocuments"), icon: FilePlus2, disabled: !published, run: pipeline.onAdd },
          { id: "template", label: t("asTemplate.title"), icon: LayoutTemplate, disabled: !published, run: () => setAsking("template") },
          { id: "export", label: t("exporting.menu"), icon: Download, run: () => setAsking("export") },
        ]
      : []),
  ];
  if (!loaded) return null;
  return (
    <div className="st-bar">
      <SaveState />
      <ProblemsButton />
      <Menu label={t("bar.panels")} items={panels} trigger={(props) => <IconButton className="st-bar-icon" label={t("bar.panels")} icon={Settings2} {...props} />} />
      <Button icon={Play} aria-pressed={side === "preview"} disabled={readOnly || active} onClick={() => openSide("preview")}>
        {t(chat ? "bar.preview" : "bar.run")} <Key>{keyNames.alt("R")}</Key>
      </Button>
      <Button look="primary" disabled={readOnly} onClick={() => setPublishing(true)} aria-haspopup="dialog">
        {t("bar.publish")}
        <ChevronDown size={14} strokeWidth={1.9} aria-hidden />
      </Button>
      {publishing ? <PublishDialog onClose={() => setPublishing(false)} onAdd={pipeline?.onAdd} /> : null}
      {pipeline && asking === "template" ? (
        <TemplateDialog
          name={pipeline.name}
          onClose={() => setAsking(undefined)}
          onDone={() => {
            setAsking(undefined);
            setTold(true);
          }}
        />
      ) : null}
      {pipeline && asking === "export" ? <ExportDialog name={pipeline.name} onClose={() => setAsking(undefined)} /> : null}
      {told ? (
        <Dialog title={t("asTemplate.done")} closeLabel={t("common.close")} onClose={() => setTold(false)} footer={<Button onClick={() => setTold(false)}>{t("common.close")}</Button>}>
          {t("asTemplate.doneText")}
        </Dialog>
      ) : null}
    </div>
  );
}

function showRun(): void {
  set({ side: "preview", inspecting: undefined });
}

function SaveState() {
  const { t } = useTranslation("studio");
  const format = useFormat();
  const sync = useStudio((s) => s.sync);
  if (sync.status === "failed") {
    return (
      <Button look="quiet" className="st-tone-bad" icon={CloudAlert} title={sync.error} onClick={() => void flush().catch(() => undefined)}>
        {t("sync.failed")}
      </Button>
    );
  }
  const saving = sync.status === "saving" || sync.status === "dirty";
  const Icon = saving ? CloudUpload : CloudCheck;
  const text = sync.status === "conflict" ? t("sync.conflict") : saving ? t("sync.saving") : t("sync.saved");
  return (
    <span className="st-row st-save" role="status" title={sync.savedAt ? t("sync.savedAt", { time: format.time(sync.savedAt) }) : undefined}>
      <Icon size={15} strokeWidth={1.75} aria-hidden />
      {text}
    </span>
  );
}

function ProblemsButton() {
  const { t } = useTranslation("studio");
  const count = useStudio((s) => s.problems.filter((p) => !p.warning).length);
  return (
    <Button icon={ListChecks} onClick={() => openTray("problems")}>
      {t("bar.problems", { count })}
    </Button>
  );
}
