/** What a node gives to those after it, and how many use it. */
import { useTranslation } from "react-i18next";
import type { GraphNode } from "../model/document";
import { users } from "../model/neighbours";
import { kindOf } from "../nodes/registry";
import { typeIcon } from "../nodes/typeIcon";
import { shown, useStudio } from "../store/studio";

export function Gives({ node }: { node: GraphNode }) {
  const { t } = useTranslation("studio");
  const mode = useStudio((s) => s.mode);
  const used = useStudio((s) => users(shown(s), node.id).length);
  const kind = kindOf(node.data.type);
  const outputs = kind.outputs(node.data, mode);
  if (outputs.length === 0) return null;
  const copy = (name: string) => void navigator.clipboard?.writeText(`{{#${node.id}.${name}#}}`).catch(() => undefined);
  return (
    <section className="st-section last">
      <div className="st-between">
        <span className="st-label">{t("gives.label")}</span>
        <span className="st-meta">{t("gives.users", { count: used })}</span>
      </div>
      <div className="st-chips">
        {outputs.map((output) => {
          const Icon = typeIcon(output.type);
          const type = t(`types.${output.type}`, { defaultValue: output.type });
          return (
            <button key={output.name} type="button" className={`st-chip st-cat-${kind.category}`} title={t("gives.copy", { name: output.name, type })} onClick={() => copy(output.name)}>
              <Icon size={12} strokeWidth={2} aria-hidden />
              {output.name}
              <span className="st-sr">{type}</span>
            </button>
          );
        })}
      </div>
    </section>
  );
}
