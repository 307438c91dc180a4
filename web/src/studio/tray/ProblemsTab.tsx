/** What must be put right before publishing; a row leads to the node. */
import { CircleAlert, CircleCheck, TriangleAlert } from "lucide-react";
import { useTranslation } from "react-i18next";
import { goTo } from "../store/actions";
import { useStudio } from "../store/studio";
import { KindTile } from "./TraceTab";

export function ProblemsTab() {
  const { t } = useTranslation("studio");
  const problems = useStudio((s) => s.problems);
  const nodes = useStudio((s) => s.document.nodes);
  if (problems.length === 0) {
    return (
      <div className="st-empty">
        <CircleCheck size={20} strokeWidth={1.75} className="st-tone-ok" aria-hidden />
        {t("problems.none")}
      </div>
    );
  }
  return (
    <ul className="st-list" aria-label={t("tray.tabs.problems")}>
      {problems.map((problem, i) => {
        const node = problem.node ? nodes.get(problem.node) : undefined;
        const Icon = problem.warning ? TriangleAlert : CircleAlert;
        return (
          // biome-ignore lint/suspicious/noArrayIndexKey: one node may have the same problem twice
          <li key={i}>
            <button type="button" className="st-table-row st-problem-row" disabled={!node} onClick={() => node && goTo(node.id, "settings")}>
              <Icon size={14} strokeWidth={1.9} className={problem.warning ? "st-tone-warn" : "st-tone-bad"} aria-label={t(problem.warning ? "problems.warning" : "problems.error")} />
              <span className="st-row">
                {node ? <KindTile kind={node.data.type} /> : null}
                <span className="st-clip">{node?.data.title ?? t("problems.graph")}</span>
              </span>
              <span>{t(`problems.${problem.code}`, problem.values)}</span>
            </button>
          </li>
        );
      })}
    </ul>
  );
}
