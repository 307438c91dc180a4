import { Copy, Download, Ellipsis, FolderOpen, Pencil, Tag as TagIcon, Trash2 } from "lucide-react";
import { useEffect, useRef } from "react";
import { useTranslation } from "react-i18next";
import { type AppItem, isGraph } from "../../data/apps";
import { useFormat } from "../../lib/format";
import { AppTile } from "../../ui/AppTile";
import { IconButton } from "../../ui/Button";
import { Avatar, Badge, Dot } from "../../ui/Marks";
import { Menu, type MenuEntry } from "../../ui/Menu";

export type RowAction = (what: "open" | "rename" | "copy" | "delete" | "export" | "tags", app: AppItem) => void;

const COLUMNS = { gridTemplateColumns: "minmax(260px, 1fr) 104px minmax(0, 180px) 110px 150px 110px 28px" };

interface Props {
  readonly apps: readonly AppItem[];
  readonly active: number;
  readonly edit: boolean;
  readonly onActive: (index: number) => void;
  readonly onAction: RowAction;
  readonly onOpen: (appId: string, newTab?: boolean) => void;
}

export function AppRows({ apps, active, edit, onActive, onAction, onOpen }: Props) {
  const { t } = useTranslation("apps");
  return (
    <div role="table" aria-label={t("title")} aria-rowcount={apps.length}>
      <div role="row" className="th px-7" style={COLUMNS}>
        {["name", "type", "tags", "state", "by", "edited"].map((key) => (
          <span key={key} role="columnheader">
            {t(`col.${key}`)}
          </span>
        ))}
        <span />
      </div>
      {apps.map((app, index) => (
        <AppRow key={app.id} app={app} active={index === active} edit={edit} onHover={() => onActive(index)} onAction={onAction} onOpen={onOpen} />
      ))}
    </div>
  );
}

interface RowProps {
  readonly app: AppItem;
  readonly active: boolean;
  readonly edit: boolean;
  readonly onHover: () => void;
  readonly onAction: RowAction;
  readonly onOpen: (appId: string, newTab?: boolean) => void;
}

function AppRow({ app, active, edit, onHover, onAction, onOpen }: RowProps) {
  const { t } = useTranslation("apps");
  const { t: c } = useTranslation();
  const format = useFormat();
  const row = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (active) row.current?.scrollIntoView({ block: "nearest" });
  }, [active]);
  const entries: MenuEntry[] = [
    { key: "open", label: t("menu.open"), icon: FolderOpen, onSelect: () => onAction("open", app) },
    ...(edit
      ? ([
          { key: "rename", label: t("menu.rename"), icon: Pencil, keys: "E", onSelect: () => onAction("rename", app) },
          { key: "tags", label: t("menu.tags"), icon: TagIcon, onSelect: () => onAction("tags", app) },
          { key: "copy", label: t("menu.copy"), icon: Copy, keys: "D", onSelect: () => onAction("copy", app) },
          { key: "export", label: t("menu.export"), icon: Download, onSelect: () => onAction("export", app) },
          { key: "line", line: true },
          { key: "delete", label: t("menu.delete"), icon: Trash2, tone: "bad", onSelect: () => onAction("delete", app) },
        ] satisfies MenuEntry[])
      : []),
  ];
  const live = app.enable_site === false ? "off" : isGraph(app.mode) && !app.workflow ? "draft" : "live";
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: J, K and Enter move and open; the name is a link for everyone else
    <div
      ref={row}
      role="row"
      className="td px-7"
      style={{ ...COLUMNS, minHeight: 45 }}
      data-active={active}
      onMouseMove={active ? undefined : onHover}
      onClick={(event) => onOpen(app.id, event.metaKey || event.ctrlKey)}
    >
      <div role="cell" className="flex items-center gap-3 min-w-0">
        <AppTile app={app} size="lg" />
        <div className="min-w-0 leading-tight">
          <a
            href={`/app/${app.id}`}
            className="font-semibold truncate block"
            onClick={(event) => {
              if (event.metaKey || event.ctrlKey) return event.stopPropagation();
              event.preventDefault();
            }}
          >
            {app.name}
          </a>
          {app.description ? <div className="text-12 text-ink-3 truncate">{app.description}</div> : null}
        </div>
      </div>
      <span role="cell" className="text-ink-2">
        {c(`modes.${app.mode}.name`)}
      </span>
      <span role="cell" className="flex gap-1 overflow-hidden">
        {app.tags.slice(0, 3).map((tag) => (
          <Badge key={tag.id}>{tag.name}</Badge>
        ))}
        {app.tags.length > 3 ? <Badge tone="line">+{app.tags.length - 3}</Badge> : null}
      </span>
      <span role="cell" className="flex items-center gap-2 text-ink-2">
        <Dot tone={live === "live" ? "ok" : live === "draft" ? "plain" : "warn"} />
        {t(`state.${live}`)}
      </span>
      <span role="cell" className="flex items-center gap-2 text-ink-2 min-w-0">
        {app.author_name ? (
          <>
            <Avatar name={app.author_name} />
            <span className="truncate">{app.author_name}</span>
          </>
        ) : null}
      </span>
      <time role="cell" className="text-ink-2" dateTime={new Date(app.updated_at * 1000).toISOString()} title={format.dateTime(app.updated_at)}>
        {format.ago(app.updated_at)}
      </time>
      <span role="cell">
        <Menu
          entries={entries}
          trigger={<IconButton size="sm" icon={Ellipsis} label={t("menu.label", { name: app.name })} onClick={(event) => event.stopPropagation()} />}
        />
      </span>
    </div>
  );
}
