/** What a node gives to those after it, and how many use it. */
import { Check } from "lucide-react";
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { copyText } from "../../lib/copy";
import type { GraphNode } from "../model/document";
import { users } from "../model/neighbours";
import { kindOf } from "../nodes/registry";
import { typeIcon } from "../nodes/typeIcon";
import { shown, useStudio } from "../store/studio";

const SHOWN_MS = 1600;

export function Gives({ node }: { node: GraphNode }) {
  const { t } = useTranslation("studio");
  const mode = useStudio((s) => s.mode);
  const used = useStudio((s) => users(shown(s), node.id).length);
  const kind = kindOf(node.data.type);
  const outputs = kind.outputs(node.data, mode);
  const [copied, setCopied] = useState<string>();
  useEffect(() => {
    if (copied === undefined) return;
    const timer = setTimeout(() => setCopied(undefined), SHOWN_MS);
    return () => clearTimeout(timer);
  }, [copied]);
  if (outputs.length === 0) return null;
  const copy = (name: string) => void copyText(`{{#${node.id}.${name}#}}`).then(() => setCopied(name));
  return (
    <section className="st-section last">
      <div className="st-between">
        <span className="st-label">{t("gives.label")}</span>
        <span className="st-meta" role="status">
          {copied ? t("common.copied") : t("gives.users", { count: used })}
        </span>
      </div>
      <div className="st-chips">
        {outputs.map((output) => {
          const Icon = output.name === copied ? Check : typeIcon(output.type);
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
