/** A fork: a new run that keeps what happened before a node, with other values for what the node reads, or with the present draft. */
import { GitFork } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { TypedValue } from "../editors/TypedValue";
import type { GraphNode } from "../model/document";
import type { Read } from "../model/fork";
import { Button, SwitchRow, Wrong } from "../parts/controls";
import { Dialog } from "../parts/Dialog";

interface Props {
  readonly node: GraphNode;
  readonly nodes: ReadonlyMap<string, GraphNode>;
  readonly reads: readonly Read[];
  readonly busy?: boolean;
  readonly failed?: string | undefined;
  readonly onStart: (body: { inputs: Readonly<Record<string, unknown>>; use_draft: boolean }) => void;
  readonly onClose: () => void;
}

export function ForkDialog({ node, nodes, reads, busy, failed, onStart, onClose }: Props) {
  const { t } = useTranslation("studio");
  const [changed, setChanged] = useState<Readonly<Record<string, unknown>>>({});
  const [useDraft, setUseDraft] = useState(false);
  const nameOf = ({ key, selector: [source = "", ...path] }: Read) => (path.length > 0 ? `${nodes.get(source)?.data.title || source} / ${path.join(".")}` : key);
  return (
    <Dialog
      title={t("machine.forkTitle", { title: node.data.title })}
      closeLabel={t("common.close")}
      onClose={onClose}
      footer={
        <>
          <Button onClick={onClose}>{t("common.cancel")}</Button>
          <Button look="primary" icon={GitFork} busy={busy} onClick={() => onStart({ inputs: changed, use_draft: useDraft })}>
            {t("machine.forkGo")}
          </Button>
        </>
      }
    >
      <span className="st-hint">{t("machine.forkHint")}</span>
      {reads.map((read) => (
        <TypedValue
          key={read.key}
          showLabel
          label={nameOf(read)}
          type={read.type}
          value={read.key in changed ? changed[read.key] : read.value}
          onChange={(next) => setChanged((now) => ({ ...now, [read.key]: next }))}
        />
      ))}
      {reads.length === 0 ? <span className="st-hint">{t("machine.nothingRead")}</span> : null}
      <SwitchRow label={t("machine.useDraft")} note={t("machine.useDraftNote")} checked={useDraft} onChange={setUseDraft} />
      {failed ? <Wrong>{failed}</Wrong> : null}
    </Dialog>
  );
}
