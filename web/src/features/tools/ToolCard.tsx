import { useQuery } from "@tanstack/react-query";
import { CircleAlert, KeyRound, RefreshCw } from "lucide-react";
import { useEffect, useRef } from "react";
import { useTranslation } from "react-i18next";
import { type ToolProvider, toolLabels, toolsOf, workflowTool } from "../../data/tools";
import { inLanguage } from "../../lib/format";
import { HttpError } from "../../lib/http";
import { Badge } from "../../ui/Marks";
import { ToolTile } from "../../ui/ToolTile";
import { isLetIn, titleOf, wantsOwnSignIn } from "./model";

interface Props {
  readonly provider: ToolProvider;
  readonly active: boolean;
  readonly open: boolean;
  readonly onOpen: () => void;
}

export function ToolCard({ provider, active, open, onOpen }: Props) {
  const { t, i18n } = useTranslation("tools");
  const card = useRef<HTMLButtonElement>(null);
  const labels = useQuery(toolLabels).data ?? [];
  useEffect(() => {
    if (active) card.current?.scrollIntoView({ block: "nearest" });
  }, [active]);
  const name = titleOf(provider, i18n.language);
  const count = toolsOf(provider).length;
  return (
    <li>
      <button ref={card} type="button" className="card toolcard" data-active={active} aria-pressed={open} onClick={onOpen}>
        <span className="flex items-center gap-2.5 w-full">
          <ToolTile icon={provider.icon} size="lg" />
          <span className="min-w-0 flex-1">
            <span className="font-semibold block truncate">{name}</span>
            <span className="text-12 text-ink-3 block truncate">
              {provider.type === "mcp" ? (provider.server_identifier ?? "") : provider.author || provider.name}
            </span>
          </span>
          {provider.type === "mcp" && (provider.personal ? wantsOwnSignIn(provider) : !isLetIn(provider)) ? (
            <Badge tone="warn" icon={KeyRound}>
              {t(provider.personal ? "mcp.own.badge" : "mcp.notLetIn")}
            </Badge>
          ) : null}
          {provider.type === "builtin" && provider.is_team_authorization === false ? (
            <Badge tone="warn" icon={KeyRound}>
              {t("needsKey")}
            </Badge>
          ) : null}
          {provider.type === "workflow" ? <Outdated id={provider.id} /> : null}
        </span>
        <span className="toolcard-text text-12 text-ink-2">{inLanguage(provider.description, i18n.language) || t("noDescription")}</span>
        <span className="flex items-center gap-1.5 flex-wrap w-full">
          {count > 0 ? <span className="text-12 text-ink-3 num me-auto">{t("toolCount", { count })}</span> : <span className="me-auto" />}
          {(provider.labels ?? []).slice(0, 3).map((label) => (
            <Badge key={label}>{inLanguage(labels.find((each) => each.name === label)?.label, i18n.language) || label}</Badge>
          ))}
        </span>
      </button>
    </li>
  );
}

/** The workflow has moved on since it was made a tool. */
export function Outdated({ id }: { id: string }) {
  const { t } = useTranslation("tools");
  const tool = useQuery({ ...workflowTool({ tool: id }), staleTime: 30_000 });
  if (tool.error instanceof HttpError && tool.error.status === 404) {
    return (
      <Badge tone="bad" icon={CircleAlert}>
        {t("workflow.broken")}
      </Badge>
    );
  }
  return tool.data?.synced === false ? (
    <Badge tone="warn" icon={RefreshCw}>
      {t("workflow.outdated")}
    </Badge>
  ) : null;
}
