/** A tool with its description and what it takes, folded to one line. */
import { ChevronRight, Play } from "lucide-react";
import { useTranslation } from "react-i18next";
import { parametersOf, type Tool } from "../../data/tools";
import { inLanguage } from "../../lib/format";
import { Button } from "../../ui/Button";
import { Badge } from "../../ui/Marks";

interface Props {
  readonly tool: Tool;
  /** Whoever looks may not use it in the Studio. */
  readonly closed: boolean;
  readonly onTry: (() => void) | undefined;
}

export function ToolRow({ tool, closed, onTry }: Props) {
  const { t, i18n } = useTranslation("tools");
  const name = inLanguage(tool.label, i18n.language) || tool.name;
  const parameters = parametersOf(tool);
  return (
    <details className="tool-row border-b border-line-1 last:border-b-0">
      <summary>
        <ChevronRight size={14} strokeWidth={1.9} className="tool-fold text-ink-3" aria-hidden />
        <span className="font-medium truncate">{name}</span>
        {name === tool.name ? null : <span className="mono text-12 text-ink-3 truncate">{tool.name}</span>}
        {closed ? <Badge tone="line">{t("rights.closed")}</Badge> : null}
        <span className="flex-1" />
        <span className="text-12 text-ink-3 num whitespace-nowrap">{t("parameters", { count: parameters.length })}</span>
      </summary>
      <div className="px-4 pb-3 flex flex-col gap-2">
        <p className="text-ink-2 whitespace-pre-wrap wrap-anywhere">{inLanguage(tool.description, i18n.language) || t("noDescription")}</p>
        {parameters.length > 0 ? (
          <dl className="flex flex-col gap-2">
            {parameters.map((parameter) => (
              <div key={parameter.name}>
                <dt className="flex items-center gap-1.5 flex-wrap">
                  <span className="mono">{parameter.name}</span>
                  <Badge>{t(`type.${parameter.type}`, { defaultValue: parameter.type })}</Badge>
                  {parameter.required ? <Badge tone="line">{t("required")}</Badge> : null}
                  <span className="text-12 text-ink-3">{t(parameter.form === "form" ? "byHand" : "byModel")}</span>
                </dt>
                <dd className="text-12 text-ink-2 wrap-anywhere">
                  {inLanguage(parameter.human_description, i18n.language) || parameter.llm_description || ""}
                </dd>
              </div>
            ))}
          </dl>
        ) : null}
        {onTry && !closed ? (
          <Button size="sm" icon={Play} className="self-start" onClick={onTry}>
            {t("test.open")}
          </Button>
        ) : null}
      </div>
    </details>
  );
}
