/** A variable as people see it: icon, node, field. */
import { BookOpen, CircleAlert, Link2, MessagesSquare, Settings2, SlidersHorizontal, TextCursorInput, TextSearch } from "lucide-react";
import type { MouseEvent } from "react";
import { useTranslation } from "react-i18next";
import { RAG } from "../model/inputs";
import type { Selector } from "../model/references";
import { kindOf } from "../nodes/registry";
import { goTo } from "../store/actions";
import { FORM_FIELD, useChip } from "../store/useVariables";
import { hasMod } from "../canvas/keys";

interface Props {
  readonly node: string;
  readonly selector: Selector;
  readonly selected?: boolean;
}

const SCOPE_ICONS = { url: Link2, $output: TextCursorInput, sys: Settings2, env: SlidersHorizontal, conversation: MessagesSquare, context: BookOpen, rag: TextSearch };

export function scopeIcon(scope: string) {
  return scope === "url" || scope === "$output" || scope === "sys" || scope === "env" || scope === "conversation" || scope === "context" || scope === "rag" ? SCOPE_ICONS[scope] : undefined;
}

/** What the fields of a pipeline are called by: of the data source that asks for them, or of all. */
export function ragSource(t: (key: string, values?: Record<string, string>) => string, title: string): string {
  return title ? t("scopes.ragOf", { title }) : t("scopes.rag");
}

export function Chip({ node, selector, selected }: Props) {
  const { t } = useTranslation("studio");
  const look = useChip(node, selector);
  const [scope = ""] = selector;
  const broken = look.state !== "ok";
  const Icon = broken ? CircleAlert : (scopeIcon(scope) ?? kindOf(look.kind).icon);
  const source = scope === RAG && selector.length > 2 ? ragSource(t, look.source) : look.source || (selector.length === 1 ? "" : scope === FORM_FIELD ? t("chip.formField") : t(`scopes.${scope}`, { defaultValue: t("chip.deletedNode") }));
  const title = look.state === "gone" ? t("chip.gone", { name: source }) : look.state === "notBefore" ? t("chip.notBefore", { name: source }) : `${source} / ${look.name}`;
  const jump = (event: MouseEvent) => {
    if (hasMod(event) && !broken && look.kind) goTo(scope);
  };
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: a short cut; the variable list leads there as well
    // biome-ignore lint/a11y/noStaticElementInteractions: same
    <span className={`st-chip ${broken ? "miss" : `st-cat-${look.category}`}`} title={title} data-selected={selected} onClick={jump}>
      <Icon size={12} strokeWidth={2} aria-hidden />
      {source ? (
        <>
          <span className="src">{source}</span>
          <span className="sep">/</span>
        </>
      ) : null}
      {selector.length === 1 ? t(`chip.special.${look.name}`, { defaultValue: look.name }) : look.name}
    </span>
  );
}
