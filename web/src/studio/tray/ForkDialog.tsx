/** A fork: a new run that keeps what happened before a node, with other values for what the node reads, or with the present draft. */
import { GitFork } from "lucide-react";
import { useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { TypedValue } from "../editors/TypedValue";
import type { GraphNode } from "../model/document";
import { type Need, outsideReferences } from "../store/needs";
import { resolve } from "../model/variables";
import { Button, SwitchRow } from "../parts/controls";
import { Dialog } from "../parts/Dialog";
import { openTray } from "../store/actions";
import { startFork } from "../store/runner";
import { shown, useStudio } from "../store/studio";
import { computedValue, useVariables } from "../store/useVariables";

interface Props {
  readonly runId: string;
  readonly node: GraphNode;
  readonly onClose: () => void;
}

const EDITABLE = /^(string|number|integer|float|boolean|object|any|array\[(string|number|object|boolean)\])$/;

/** What the node read in the run, with the values it had. A start node read the form. */
function useRead(node: GraphNode): { need: Need; value: unknown }[] {
  const groups = useVariables(node.id, true);
  const document = useStudio(shown);
  const inputs = useStudio((s) => s.run.inputs);
  return useMemo(() => {
    if (node.data.type === "start") {
      const entries = typeof inputs === "object" && inputs !== null ? Object.entries(inputs).filter(([name]) => !name.startsWith("sys.")) : [];
      return entries.map(([name, value]) => ({ need: { selector: [name], key: name, type: typeOf(value) }, value }));
    }
    return outsideReferences(document, node)
      .filter((s) => s[0] !== "sys" && s[0] !== "conversation")
      .map((selector) => {
        const value = computedValue(selector);
        const known = resolve(groups, selector)?.type;
        return { need: { selector, key: `#${selector.join(".")}#`, type: known && known !== "any" ? known : typeOf(value) }, value };
      })
      .filter(({ need, value }) => value !== undefined && EDITABLE.test(need.type));
  }, [node, document, groups, inputs]);
}

function typeOf(value: unknown): string {
  if (Array.isArray(value)) return "array[object]";
  if (typeof value === "number" || typeof value === "boolean") return typeof value;
  return typeof value === "object" && value !== null ? "object" : "string";
}

export function ForkDialog({ runId, node, onClose }: Props) {
  const { t } = useTranslation("studio");
  const nodes = useStudio((s) => shown(s).nodes);
  const read = useRead(node);
  const [changed, setChanged] = useState<Readonly<Record<string, unknown>>>({});
  const [useDraft, setUseDraft] = useState(false);
  const go = () => {
    onClose();
    openTray("trace");
    void startFork(runId, { node_id: node.id, inputs: changed, use_draft: useDraft });
  };
  return (
    <Dialog
      title={t("machine.forkTitle", { title: node.data.title })}
      closeLabel={t("common.close")}
      onClose={onClose}
      footer={
        <>
          <Button onClick={onClose}>{t("common.cancel")}</Button>
          <Button look="primary" icon={GitFork} onClick={go}>
            {t("machine.forkGo")}
          </Button>
        </>
      }
    >
      <span className="st-hint">{t("machine.forkHint")}</span>
      {read.map(({ need, value }) => (
        <TypedValue
          key={need.key}
          showLabel
          label={need.selector.length > 1 ? `${nodes.get(need.selector[0] ?? "")?.data.title ?? need.selector[0]} / ${need.selector.slice(1).join(".")}` : need.key}
          type={need.type}
          value={need.key in changed ? changed[need.key] : value}
          onChange={(next) => setChanged((now) => ({ ...now, [need.key]: next }))}
        />
      ))}
      {read.length === 0 ? <span className="st-hint">{t("machine.nothingRead")}</span> : null}
      <SwitchRow label={t("machine.useDraft")} note={t("machine.useDraftNote")} checked={useDraft} onChange={setUseDraft} />
    </Dialog>
  );
}
