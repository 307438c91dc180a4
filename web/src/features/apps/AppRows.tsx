import { Ellipsis } from "lucide-react";
import { useEffect, useRef } from "react";
import { useTranslation } from "react-i18next";
import type { AppItem, Figures } from "../../data/apps";
import { useFormat } from "../../lib/format";
import { useMedia } from "../../lib/media";
import { AppTile } from "../../ui/AppTile";
import { IconButton } from "../../ui/Button";
import { Avatar } from "../../ui/Marks";
import { Menu } from "../../ui/Menu";
import { type RowAction, useAppMenu } from "./appMenu";
import { AppTags, PerHour, StateBadge, Success, useFigureTexts } from "./figures";

interface Columns {
  readonly type: boolean;
  readonly perHour: boolean;
  readonly numbers: boolean;
  readonly success: boolean;
  readonly style: { readonly gridTemplateColumns: string };
}

/** The narrower the window, the fewer columns; what is left out is on the second line or a click away. */
function useColumns(): Columns {
  const success = useMedia("(min-width: 768px)");
  const numbers = useMedia("(min-width: 960px)");
  const type = useMedia("(min-width: 1120px)");
  const perHour = useMedia("(min-width: 1260px)");
  const widths = ["minmax(0, 1fr)", type && "84px", perHour && "116px", success && "78px", success && "56px", numbers && "64px", numbers && "72px"];
  const end = [success ? "126px" : "74px", "28px"];
  return { type, perHour, numbers, success, style: { gridTemplateColumns: [...widths, ...end].filter(Boolean).join(" ") } };
}

interface Props {
  readonly apps: readonly AppItem[];
  readonly figures: ReadonlyMap<string, Figures> | undefined;
  readonly active: number;
  readonly edit: boolean;
  readonly onActive: (index: number) => void;
  readonly onAction: RowAction;
  readonly onOpen: (appId: string, newTab?: boolean) => void;
}

export function AppRows({ apps, figures, active, edit, onActive, onAction, onOpen }: Props) {
  const { t } = useTranslation("apps");
  const columns = useColumns();
  return (
    <div role="table" aria-label={t("title")} aria-rowcount={apps.length + 1}>
      <div role="rowgroup">
        <div role="row" className="th px-7 max-md:px-4" style={columns.style}>
          <span role="columnheader">{t("col.name")}</span>
          {columns.type ? <span role="columnheader">{t("col.type")}</span> : null}
          {columns.perHour ? <span role="columnheader">{t("col.perHour")}</span> : null}
          {columns.success ? <span role="columnheader">{t("col.success")}</span> : null}
          {columns.success ? (
            <span role="columnheader" className="text-end">
              {t("col.runs")}
            </span>
          ) : null}
          {columns.numbers ? (
            <>
              <span role="columnheader" className="text-end">
                {t("col.p95")}
              </span>
              <span role="columnheader" className="text-end">
                {t("col.cost")}
              </span>
            </>
          ) : null}
          <span role="columnheader">{t("col.edited")}</span>
          <span role="columnheader" aria-label={t("col.actions")} />
        </div>
      </div>
      <div role="rowgroup">
        {apps.map((app, index) => (
          <AppRow
            key={app.id}
            app={app}
            figures={figures?.get(app.id)}
            columns={columns}
            active={index === active}
            edit={edit}
            onHover={() => onActive(index)}
            onAction={onAction}
            onOpen={onOpen}
          />
        ))}
      </div>
    </div>
  );
}

interface RowProps {
  readonly app: AppItem;
  readonly figures: Figures | undefined;
  readonly columns: Columns;
  readonly active: boolean;
  readonly edit: boolean;
  readonly onHover: () => void;
  readonly onAction: RowAction;
  readonly onOpen: (appId: string, newTab?: boolean) => void;
}

function AppRow({ app, figures, columns, active, edit, onHover, onAction, onOpen }: RowProps) {
  const { t } = useTranslation("apps");
  const { t: c } = useTranslation();
  const format = useFormat();
  const row = useRef<HTMLDivElement>(null);
  const entries = useAppMenu(app, edit, onAction);
  const texts = useFigureTexts(figures);
  useEffect(() => {
    if (active) row.current?.scrollIntoView({ block: "nearest" });
  }, [active]);
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: J, K and Enter move and open; the name is a link for everyone else
    <div
      ref={row}
      role="row"
      className="td px-7 max-md:px-4"
      style={{ ...columns.style, minHeight: 45 }}
      data-active={active}
      onMouseMove={active ? undefined : onHover}
      onClick={(event) => onOpen(app.id, event.metaKey || event.ctrlKey)}
    >
      <div role="cell" className="flex items-center gap-3 min-w-0 py-1">
        <AppTile app={app} size="lg" />
        <div className="min-w-0 leading-tight">
          <div className="flex items-center gap-2 min-w-0">
            <a
              href={`/app/${app.id}`}
              className="font-semibold truncate"
              onClick={(event) => {
                if (event.metaKey || event.ctrlKey) return event.stopPropagation();
                event.preventDefault();
              }}
            >
              {app.name}
            </a>
            <StateBadge app={app} />
            {columns.success ? <AppTags app={app} most={3} /> : null}
          </div>
          {columns.type ? null : (
            <div className="text-12 text-ink-3 truncate">{[c(`modes.${app.mode}.name`), app.description].filter(Boolean).join(" · ")}</div>
          )}
          {columns.type && app.description ? <div className="text-12 text-ink-3 truncate">{app.description}</div> : null}
        </div>
      </div>
      {columns.type ? (
        <span role="cell" className="text-ink-2">
          {c(`modes.${app.mode}.name`)}
        </span>
      ) : null}
      {columns.perHour ? (
        <span role="cell">
          <PerHour figures={figures} />
        </span>
      ) : null}
      {columns.success ? (
        <>
          <span role="cell">
            <Success figures={figures} />
          </span>
          <span role="cell" className="num text-end">
            {texts.runs}
          </span>
        </>
      ) : null}
      {columns.numbers ? (
        <>
          <span role="cell" className="num text-end text-ink-2">
            {texts.p95}
          </span>
          <span role="cell" className="num text-end text-ink-2">
            {texts.cost}
          </span>
        </>
      ) : null}
      <span role="cell" className="flex items-center gap-2 text-ink-2 min-w-0" title={app.author_name ? t("by", { name: app.author_name }) : undefined}>
        {app.author_name && columns.success ? <Avatar name={app.author_name} /> : null}
        <time dateTime={new Date(app.updated_at * 1000).toISOString()} title={format.dateTime(app.updated_at)}>
          {format.ago(app.updated_at)}
        </time>
      </span>
      <span role="cell">
        <Menu
          entries={entries}
          trigger={<IconButton size="sm" icon={Ellipsis} label={t("menu.label", { name: app.name })} onClick={(event) => event.stopPropagation()} />}
        />
      </span>
    </div>
  );
}
