/** The same graph as a list, in the order of the run: the full alternative to the drawing. */
import { X } from "lucide-react";
import { useTranslation } from "react-i18next";
import { outgoing } from "../model/connect";
import { isNote } from "../model/document";
import { kindOf } from "../nodes/registry";
import { IconButton } from "../parts/controls";
import { moveFocus } from "../parts/menu";
import { goTo } from "../store/actions";
import { set, shown, useStudio } from "../store/studio";
import { inOrder } from "../model/order";
import { lookOf } from "./NodeFrame";

export function TreeView() {
  const { t } = useTranslation("studio");
  const document = useStudio(shown);
  const next = outgoing(document);
  const rows = inOrder(document).filter((row) => !isNote(row.node));
  return (
    <section className="st-float st-tree" aria-label={t("tree.label")}>
      <div className="st-between st-tree-head">
        <strong>{t("tree.label")}</strong>
        <IconButton label={t("tree.close")} icon={X} onClick={() => set({ treeView: false })} />
      </div>
      <div role="tree" aria-label={t("tree.label")} onKeyDown={(e) => moveFocus(e, "[role=treeitem]")}>
        {rows.map(({ node, level }) => {
          // Two ports may lead to the same node.
          const targets = [...new Set((next.get(node.id) ?? []).map((e) => e.target))].map((id) => document.nodes.get(id)?.data.title ?? "");
          return <TreeRow key={node.id} id={node.id} title={node.data.title} type={node.data.type} level={level} targets={targets} />;
        })}
      </div>
    </section>
  );
}

interface RowProps {
  readonly id: string;
  readonly title: string;
  readonly type: string;
  readonly level: number;
  readonly targets: readonly string[];
}

function TreeRow({ id, title, type, level, targets }: RowProps) {
  const { t } = useTranslation("studio");
  const kind = kindOf(type);
  const look = useStudio((s) => lookOf(s, id));
  const selected = useStudio((s) => s.selection.has(id));
  const goes = targets.length > 0 ? t("tree.goesTo", { titles: targets.join(", ") }) : t("tree.goesNowhere");
  return (
    <button type="button" role="treeitem" aria-level={level} aria-selected={selected} className="st-option" data-active={selected} style={{ paddingInlineStart: 8 + (level - 1) * 16 }} onClick={() => goTo(id)}>
      <span className={`st-tile sm st-cat-${kind.category}`}>
        <kind.icon size={12} strokeWidth={2} aria-hidden />
      </span>
      <span className="st-grow">
        {title}
        <small>
          {t(`kinds.${type}.name`, { defaultValue: type })}, {t(`run.node.${look}`)}, {goes}
        </small>
      </span>
    </button>
  );
}
