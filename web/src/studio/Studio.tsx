/** The studio of a workflow, a chatflow or a knowledge pipeline: canvas, inspector or side panel, tray. */
import { lazy, Suspense, useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { defaultModel, getDraft, getPublished, type Owner, saveDraft } from "./api";
import { Banners } from "./bar/Banners";
import { Canvas } from "./canvas/Canvas";
import { readDocument, type StudioDocument } from "./model/document";
import type { AppMode } from "./model/variables";
import { Inspector } from "./panels/Inspector";
import { SideFrame } from "./panels/SideFrame";
import { Button, Wrong } from "./parts/controls";
import { ChatPreview } from "./sides/ChatPreview";
import { FeaturesPanel } from "./sides/FeaturesPanel";
import { InputsPanel } from "./sides/InputsPanel";
import { RunPanel } from "./sides/RunPanel";
import { VariablesPanel } from "./sides/VariablesPanel";
import { VersionsPanel } from "./sides/VersionsPanel";
import { draftBody, startAutosave } from "./store/autosave";
import { leaveRun, loadLastSpans } from "./store/runner";
import { starter } from "./store/starter";
import { openRun } from "./store/previews";
import { openStudio, set, shown, useStudio } from "./store/studio";
import { useThings } from "./store/things";
import { getView } from "./store/view";
import { RequestError } from "./transport";
import { Tray } from "./tray/Tray";
import "./studio.css";

const PipelineRun = lazy(() => import("./sides/PipelineRun").then((m) => ({ default: m.PipelineRun })));

interface Props {
  readonly owner: Owner;
  readonly mode: AppMode;
  /** The node in the URL. */
  readonly node?: string;
  /** The run in the URL: shown on the graph it ran. */
  readonly run?: string;
  readonly onNode?: (id: string | undefined) => void;
}

const HOME = { x: 40, y: 40, zoom: 1 };

/** Reads the draft; an app that never had one gets a starter graph. */
async function load(owner: Owner, mode: AppMode, titles: (kind: string) => string, gone: () => boolean): Promise<void> {
  try {
    const draft = await getDraft(owner);
    const { document, viewport } = readDocument(draft.json);
    const hash = draft.hash;
    if (gone()) return;
    openStudio({ owner, mode, document, viewport: viewport ?? HOME, loaded: true, sync: { status: "saved", hash, savedAt: undefined } });
  } catch (error) {
    if (!(error instanceof RequestError && error.code === "draft_workflow_not_exist")) throw error;
    if (gone()) return;
    const model = await defaultModel(mode === "rag-pipeline" ? "text-embedding" : "llm").catch(() => undefined);
    const document: StudioDocument = starter(mode, titles, model ? { provider: model.provider, name: model.model, mode: "chat" } : undefined);
    const { hash } = await saveDraft(owner, draftBody(document, mode, HOME));
    openStudio({ owner, mode, document, viewport: HOME, loaded: true, sync: { status: "saved", hash, savedAt: Date.now() } });
  }
}

function useStudioOf(owner: Owner, mode: AppMode) {
  const { t } = useTranslation("studio");
  const [failed, setFailed] = useState<string>();
  const [attempt, setAttempt] = useState(0);
  // biome-ignore lint/correctness/useExhaustiveDependencies: the titles of a starter graph are chosen once; `attempt` asks for another try
  useEffect(() => {
    let stop: (() => void) | undefined;
    let gone = false;
    setFailed(undefined);
    openStudio({ owner, mode });
    load(owner, mode, (kind) => t(`kinds.${kind}.name`), () => gone).then(
      () => {
        if (gone) return;
        stop = startAutosave();
        void loadLastSpans().catch(() => undefined);
        void getPublished(owner).then((v) => set({ publishedAt: v?.created_at ? v.created_at * 1000 : undefined })).catch(() => undefined);
      },
      (error: unknown) => {
        if (!gone) setFailed(error instanceof Error ? error.message : String(error));
      },
    );
    return () => {
      gone = true;
      stop?.();
      leaveRun();
    };
  }, [owner, mode, attempt]);
  return { failed, retry: () => setAttempt((now) => now + 1) };
}

/** Keeps the open node in the URL. */
function useNodeInUrl(node: string | undefined, run: string | undefined, onNode: Props["onNode"], loaded: boolean): void {
  const inspecting = useStudio((s) => s.inspecting);
  // biome-ignore lint/correctness/useExhaustiveDependencies: only when the page opens; afterwards the studio leads and the URL follows
  useEffect(() => {
    if (!loaded) return;
    const show = () => {
      if (!node || !shown(useStudio.getState()).nodes.has(node)) return;
      set({ inspecting: node, selection: new Set([node]), ...(run ? { inspectorTab: "lastRun" as const } : {}) });
      getView()?.reveal(node);
    };
    if (run) void openRun(run, run.slice(-8)).then(show, show);
    else show();
  }, [loaded]);
  useEffect(() => {
    if (loaded) onNode?.(inspecting);
  }, [inspecting, loaded, onNode]);
}

export function Studio({ owner, mode, node, run, onNode }: Props) {
  const { t } = useTranslation("studio");
  const { failed, retry } = useStudioOf(owner, mode);
  const loaded = useStudio((s) => s.loaded && s.owner === owner);
  const highlighted = useStudio((s) => s.highlight !== undefined);
  useNodeInUrl(node, run, onNode, loaded);
  useThings();
  if (failed) {
    return (
      <div className="st-empty st-grow">
        <Wrong>{t("load.failed", { message: failed })}</Wrong>
        <Button onClick={retry}>{t("load.retry")}</Button>
      </div>
    );
  }
  if (!loaded) return <div className="st-studio" aria-busy="true" />;
  return (
    <div className="st-studio" data-highlight={highlighted}>
      <Banners />
      <Canvas key={owner} />
      <RightSide />
      <Tray />
    </div>
  );
}

/** Where the draft is tried. */
function Try({ mode }: { mode: AppMode }) {
  if (mode === "workflow") return <RunPanel />;
  if (mode === "advanced-chat") return <ChatPreview />;
  return (
    <Suspense fallback={null}>
      <PipelineRun />
    </Suspense>
  );
}

function RightSide() {
  const { t } = useTranslation("studio");
  const side = useStudio((s) => s.side);
  const inspecting = useStudio((s) => s.inspecting !== undefined);
  const mode = useStudio((s) => s.mode);
  if (inspecting || !side) return <Inspector />;
  return (
    <SideFrame label={t("inspector.side")}>
      {side === "preview" ? <Try mode={mode} /> : null}
      {side === "inputs" ? <InputsPanel /> : null}
      {side === "environment" ? <VariablesPanel scope="environment" /> : null}
      {side === "conversation" ? <VariablesPanel scope="conversation" /> : null}
      {side === "features" ? <FeaturesPanel /> : null}
      {side === "versions" ? <VersionsPanel /> : null}
    </SideFrame>
  );
}
