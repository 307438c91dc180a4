/** The tools of the workspace: built in, made from an OpenAPI schema, made of workflows, and those of MCP servers. */
import { useQuery } from "@tanstack/react-query";
import { ListFilter, Plus, Tag as TagIcon, Wrench } from "lucide-react";
import { useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { useRights } from "../../data/session";
import { TOOL_KINDS, type ToolKind, type ToolProvider, toolLabels, toolProviders } from "../../data/tools";
import { inLanguage } from "../../lib/format";
import { errorDetails, messageOf } from "../../lib/http";
import { useKeys } from "../../lib/keys";
import { Button } from "../../ui/Button";
import { Input } from "../../ui/Input";
import { Kbd } from "../../ui/Kbd";
import { Menu } from "../../ui/Menu";
import { Segmented } from "../../ui/Segmented";
import { Empty, Failed, SkeletonRows } from "../../ui/States";
import { ApiDialog } from "./ApiDialog";
import { McpDialog } from "./McpDialog";
import { shownProviders } from "./model";
import { ProviderPanel } from "./ProviderPanel";
import { ToolCard } from "./ToolCard";
import "./tools.css";

export interface ToolsSearch {
  readonly tab?: ToolKind | undefined;
  readonly q?: string | undefined;
  readonly labels?: string | undefined;
  /** The provider beside the list. */
  readonly open?: string | undefined;
}

interface Props {
  readonly search: ToolsSearch;
  readonly onSearch: (change: Partial<ToolsSearch>) => void;
  readonly onApps: () => void;
  readonly onApp: (app: string) => void;
}

export function ToolsPage({ search, onSearch, onApps, onApp }: Props) {
  const { t, i18n } = useTranslation("tools");
  const { t: c } = useTranslation();
  const rights = useRights();
  const box = useRef<HTMLInputElement>(null);
  const list = useQuery(toolProviders);
  const tab = search.tab ?? "builtin";
  const labels = search.labels?.split(",").filter(Boolean) ?? [];
  const all = list.data ?? [];
  const shown = shownProviders(all, tab, search.q ?? "", labels, i18n.language);
  const filtered = Boolean(search.q || search.labels);
  const [creating, setCreating] = useState<"api" | "mcp">();
  const [active, setActive] = useState(-1);
  const open = all.find((each) => each.type === tab && each.id === search.open);
  const makes = rights.admin && (tab === "api" || tab === "mcp");
  const create = () => (makes && (tab === "api" || tab === "mcp") ? setCreating(tab) : undefined);
  const current = shown[active];
  useKeys(
    {
      c: create,
      "/": () => box.current?.focus(),
      j: () => setActive((now) => Math.min(shown.length - 1, now + 1)),
      k: () => setActive((now) => Math.max(0, now - 1)),
      Enter: () => (current ? onSearch({ open: current.id }) : undefined),
      Escape: () => onSearch({ open: undefined }),
    },
    !creating,
  );
  const choose = (next: ToolKind) => {
    setActive(-1);
    onSearch({ tab: next === "builtin" ? undefined : next, open: undefined });
  };
  return (
    <section className="flex flex-1 min-h-0 relative" aria-label={t("title")}>
      <div className="flex-1 min-w-0 overflow-auto">
        <header className="flex items-center gap-2.5 px-7 max-md:px-4 pt-5 pb-3.5 flex-wrap">
          <div className="flex-1 min-w-[200px]">
            <h1 className="text-20 font-semibold">{t("title")}</h1>
            <p className="text-ink-2">{t(`about.${tab}`)}</p>
          </div>
          {makes ? (
            <Button kind="primary" icon={Plus} keys="C" onClick={create}>
              {t(`create.${tab}`)}
            </Button>
          ) : null}
        </header>
        <div className="flex items-center gap-2 px-7 max-md:px-4 pb-3 flex-wrap">
          <Segmented
            label={t("kind.label")}
            value={tab}
            onChange={choose}
            segments={TOOL_KINDS.map((value) => ({
              value,
              label: t(`kind.${value}`),
              count: list.data ? String(all.filter((each) => each.type === value).length) : undefined,
            }))}
          />
          <div className="flex-1" />
          <div className="w-[200px] max-md:flex-1">
            <Input
              ref={box}
              icon={ListFilter}
              aria-label={t("filter")}
              placeholder={t("filter")}
              value={search.q ?? ""}
              onChange={(event) => onSearch({ q: event.target.value || undefined })}
              onKeyDown={(event) => (event.key === "Escape" ? event.currentTarget.blur() : undefined)}
              end={<Kbd keys="/" />}
            />
          </div>
          <LabelFilter value={labels} onChange={(next) => onSearch({ labels: next.join(",") || undefined })} />
        </div>
        <div className="px-7 max-md:px-4 pb-6">
          {list.isPending ? (
            <SkeletonRows rows={6} height={64} slow={c("common.slow")} label={c("common.loading")} />
          ) : list.error ? (
            <Failed
              title={t("failed")}
              text={messageOf(list.error)}
              retry={{ label: c("common.retry"), onClick: () => void list.refetch() }}
              details={{ label: c("common.details"), copied: c("common.copied"), text: errorDetails(list.error) }}
            />
          ) : shown.length === 0 ? (
            filtered ? (
              <Empty icon={ListFilter} title={t("noMatch")}>
                <Button onClick={() => onSearch({ q: undefined, labels: undefined })}>{c("common.clearFilter")}</Button>
              </Empty>
            ) : (
              <Empty icon={Wrench} cat="connect" title={t(`empty.${tab}.title`)} text={t(makes || tab === "workflow" ? `empty.${tab}.text` : "empty.noRight")}>
                {makes ? (
                  <Button kind="primary" icon={Plus} onClick={create}>
                    {t(`create.${tab}`)}
                  </Button>
                ) : tab === "workflow" ? (
                  <Button onClick={onApps}>{t("empty.workflow.action")}</Button>
                ) : null}
              </Empty>
            )
          ) : (
            <ul aria-label={t(`kind.${tab}`)} className="grid gap-3" style={{ gridTemplateColumns: "repeat(auto-fill, minmax(min(250px, 100%), 1fr))" }}>
              {shown.map((provider, index) => (
                <ToolCard
                  key={provider.id}
                  provider={provider}
                  active={index === active}
                  open={provider.id === open?.id}
                  onOpen={() => onSearch({ open: provider.id })}
                />
              ))}
            </ul>
          )}
        </div>
      </div>
      {open ? <ProviderPanel key={`${open.type}/${open.id}`} provider={open} onClose={() => onSearch({ open: undefined })} onApp={onApp} /> : null}
      {creating === "api" ? <ApiDialog onClose={() => setCreating(undefined)} onSaved={() => setCreating(undefined)} /> : null}
      {creating === "mcp" ? (
        <McpDialog
          onClose={() => setCreating(undefined)}
          onSaved={(saved: ToolProvider | undefined) => {
            setCreating(undefined);
            if (saved) onSearch({ open: saved.id });
          }}
        />
      ) : null}
    </section>
  );
}

function LabelFilter({ value, onChange }: { value: readonly string[]; onChange: (labels: string[]) => void }) {
  const { t, i18n } = useTranslation("tools");
  const known = useQuery(toolLabels).data ?? [];
  return (
    <Menu
      trigger={
        <Button icon={TagIcon} aria-pressed={value.length > 0}>
          {t("form.labels")}
          {value.length > 0 ? <span className="badge">{value.length}</span> : null}
        </Button>
      }
      entries={
        known.length === 0
          ? [{ key: "none", head: t("noLabels") }]
          : known.map((label) => ({
              key: label.name,
              label: inLanguage(label.label, i18n.language) || label.name,
              checked: value.includes(label.name),
              onSelect: () => onChange(value.includes(label.name) ? value.filter((each) => each !== label.name) : [...value, label.name]),
            }))
      }
    />
  );
}
