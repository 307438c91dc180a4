/** The right side: settings of the selected node, its last run, errors and retry, notes. */
import { Ellipsis, Play, X } from "lucide-react";
import { type KeyboardEvent, Suspense } from "react";
import { useTranslation } from "react-i18next";
import { keyNames } from "../canvas/keys";
import { Gives } from "./Gives";
import { type GraphNode, isNote } from "../model/document";
import { isActive } from "../model/run";
import { kindOf } from "../nodes/registry";
import { Button, IconButton, Key } from "../parts/controls";
import { Menu, type MenuItem } from "../parts/menu";
import { closeInspector, copySelection, duplicateSelection, openPalette, remove, removeEdges, select, updateNode } from "../store/actions";
import { type InspectorTab, set, shown, useStudio } from "../store/studio";
import { ErrorsTab } from "./ErrorsTab";
import { LastRunTab } from "./LastRunTab";
import { SideFrame } from "./SideFrame";

export function Inspector() {
  const id = useStudio((s) => s.inspecting);
  const node = useStudio((s) => (s.inspecting ? shown(s).nodes.get(s.inspecting) : undefined));
  const { t } = useTranslation("studio");
  if (!id || !node || isNote(node)) return null;
  return (
    <SideFrame label={t("inspector.label")}>
      <InspectorHead node={node} />
      <InspectorTabs node={node} />
      <div className="st-inspector-body" role="tabpanel" key={id}>
        <TabBody node={node} />
      </div>
    </SideFrame>
  );
}

function InspectorHead({ node }: { node: GraphNode }) {
  const { t } = useTranslation("studio");
  const kind = kindOf(node.data.type);
  const busy = useStudio((s) => isActive(s.run) || s.nodeRun?.status === "running");
  const readOnly = useStudio((s) => s.preview !== undefined);
  const menu: MenuItem[] = [
    { id: "duplicate", label: t("inspector.duplicate"), keys: keyNames.mod("D"), disabled: kind.unique || readOnly, run: () => { select([node.id]); duplicateSelection(); } },
    { id: "copy", label: t("inspector.copy"), keys: keyNames.mod("C"), run: () => { select([node.id]); void copySelection(); } },
    { id: "change", label: t("inspector.changeKind"), disabled: readOnly, run: () => openPalette({ screen: { x: window.innerWidth - 680, y: 120 }, replace: node.id }) },
    { id: "connect", label: t("inspector.connect"), keys: "L", disabled: readOnly, run: () => set({ connecting: node.id }) },
    { id: "disconnect", label: t("inspector.disconnect"), disabled: readOnly, run: () => removeEdges([...useStudio.getState().document.edges.values()].filter((e) => e.source === node.id || e.target === node.id).map((e) => e.id)) },
    { id: "delete", label: t("common.delete"), keys: "⌫", danger: true, disabled: readOnly, run: () => remove([node.id]) },
  ];
  return (
    <header className="st-inspector-head">
      <span className={`st-tile lg st-cat-${kind.category}`}>
        <kind.icon size={14} strokeWidth={1.9} aria-hidden />
      </span>
      <div className="st-grow">
        <input className="st-inspector-title" aria-label={t("inspector.title")} value={node.data.title} readOnly={readOnly} onChange={(e) => updateNode(node.id, { title: e.target.value })} />
        <div className="st-meta st-clip st-mono">
          {t(`kinds.${node.data.type}.name`, { defaultValue: node.data.type })} · {node.id}
        </div>
      </div>
      {kind.runnable ? (
        <Button size="sm" icon={Play} disabled={busy || readOnly} onClick={() => set({ inspectorTab: "lastRun", nodeRunAsked: node.id })}>
          {t("inspector.runNode")} <Key>{keyNames.mod("↵")}</Key>
        </Button>
      ) : null}
      <Menu label={t("inspector.more")} items={menu} trigger={(props) => <IconButton label={t("inspector.more")} icon={Ellipsis} {...props} />} />
      <IconButton label={t("common.close")} icon={X} onClick={closeInspector} />
    </header>
  );
}

function tabsFor(node: GraphNode): InspectorTab[] {
  const kind = kindOf(node.data.type);
  return ["settings", "lastRun", ...(kind.failable || kind.retryable ? (["errors"] satisfies InspectorTab[]) : []), "notes"];
}

function InspectorTabs({ node }: { node: GraphNode }) {
  const { t } = useTranslation("studio");
  const chosen = useStudio((s) => s.inspectorTab);
  const tabs = tabsFor(node);
  const current = tabs.includes(chosen) ? chosen : "settings";
  const keys = (event: KeyboardEvent) => {
    const step = event.key === "ArrowRight" ? 1 : event.key === "ArrowLeft" ? -1 : 0;
    const next = tabs[(tabs.indexOf(current) + step + tabs.length) % tabs.length];
    if (step === 0 || !next) return;
    event.preventDefault();
    set({ inspectorTab: next });
    event.currentTarget.querySelector<HTMLElement>(`[data-tab="${next}"]`)?.focus();
  };
  return (
    <div className="st-tabs" role="tablist" aria-label={t("inspector.label")} onKeyDown={keys}>
      {tabs.map((tab) => (
        <button key={tab} type="button" role="tab" data-tab={tab} tabIndex={tab === current ? 0 : -1} aria-selected={tab === current} className="st-tab" onClick={() => set({ inspectorTab: tab })}>
          {t(`inspector.tabs.${tab}`)}
        </button>
      ))}
    </div>
  );
}

function TabBody({ node }: { node: GraphNode }) {
  const { t } = useTranslation("studio");
  const chosen = useStudio((s) => s.inspectorTab);
  const readOnly = useStudio((s) => s.preview !== undefined);
  const tab = tabsFor(node).includes(chosen) ? chosen : "settings";
  const kind = kindOf(node.data.type);
  const update = (patch: Readonly<Record<string, unknown>>) => updateNode(node.id, patch);
  if (tab === "lastRun") return <LastRunTab node={node} />;
  if (tab === "errors") return <ErrorsTab node={node} />;
  if (tab === "notes") {
    return (
      <section className="st-section">
        <label className="st-label" htmlFor={`notes-${node.id}`}>
          {t("inspector.notes")}
        </label>
        <textarea id={`notes-${node.id}`} className="st-input" rows={8} readOnly={readOnly} value={typeof node.data.desc === "string" ? node.data.desc : ""} placeholder={t("inspector.notesHint")} onChange={(e) => update({ desc: e.target.value })} />
      </section>
    );
  }
  return (
    <Suspense fallback={<div className="st-section st-hint">{t("common.loading")}</div>}>
      <fieldset className="st-plain" disabled={readOnly}>
        <NodeProblems id={node.id} />
        <kind.Panel id={node.id} data={node.data} update={update} />
      </fieldset>
      <Gives node={node} />
    </Suspense>
  );
}

function NodeProblems({ id }: { id: string }) {
  const { t } = useTranslation("studio");
  const problems = useStudio((s) => s.problems);
  const own = problems.filter((p) => p.node === id);
  if (own.length === 0) return null;
  return (
    <ul className="st-problems">
      {own.map((p) => (
        <li key={`${p.code}${JSON.stringify(p.values)}`} className={p.warning ? "st-tone-warn" : "st-tone-bad"}>
          {t(`problems.${p.code}`, p.values)}
        </li>
      ))}
    </ul>
  );
}
