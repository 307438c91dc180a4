import { Ellipsis } from "lucide-react";
import { useTranslation } from "react-i18next";
import type { AppItem, Figures } from "../../data/apps";
import { useFormat } from "../../lib/format";
import { AppTile } from "../../ui/AppTile";
import { IconButton } from "../../ui/Button";
import { Menu } from "../../ui/Menu";
import { type RowAction, useAppMenu } from "./appMenu";
import { AppTags, PerHour, StateBadge, Success, useFigureTexts } from "./figures";

interface Props {
  readonly apps: readonly AppItem[];
  readonly figures: ReadonlyMap<string, Figures> | undefined;
  readonly active: number;
  readonly edit: boolean;
  readonly onAction: RowAction;
  readonly onOpen: (appId: string, newTab?: boolean) => void;
}

export function AppCards({ apps, figures, active, edit, onAction, onOpen }: Props) {
  const { t } = useTranslation("apps");
  return (
    <ul
      aria-label={t("title")}
      className="grid gap-3 px-7 max-md:px-4 pt-1 pb-6"
      style={{ gridTemplateColumns: "repeat(auto-fill, minmax(min(260px, 100%), 1fr))" }}
    >
      {apps.map((app, index) => (
        <AppCard key={app.id} app={app} figures={figures?.get(app.id)} active={index === active} edit={edit} onAction={onAction} onOpen={onOpen} />
      ))}
    </ul>
  );
}

function AppCard({
  app,
  figures,
  active,
  edit,
  onAction,
  onOpen,
}: Omit<Props, "apps" | "figures" | "active"> & { app: AppItem; figures: Figures | undefined; active: boolean }) {
  const { t } = useTranslation("apps");
  const { t: c } = useTranslation();
  const format = useFormat();
  const entries = useAppMenu(app, edit, onAction);
  const texts = useFigureTexts(figures);
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: the name is a link for the keyboard
    <li className="card appcard" data-active={active} onClick={(event) => onOpen(app.id, event.metaKey || event.ctrlKey)}>
      <div className="flex items-start gap-3">
        <AppTile app={app} size="lg" />
        <div className="flex-1 min-w-0">
          <a
            href={`/app/${app.id}`}
            className="font-semibold block truncate"
            onClick={(event) => {
              if (event.metaKey || event.ctrlKey) return event.stopPropagation();
              event.preventDefault();
            }}
          >
            {app.name}
          </a>
          <div className="text-12 text-ink-3 truncate">
            {c(`modes.${app.mode}.name`)} · {format.ago(app.updated_at)}
          </div>
        </div>
        <Menu
          entries={entries}
          trigger={<IconButton size="sm" icon={Ellipsis} label={t("menu.label", { name: app.name })} onClick={(event) => event.stopPropagation()} />}
        />
      </div>
      <p className="text-12 text-ink-2 appcard-text">{app.description}</p>
      <div className="flex gap-1 flex-wrap min-h-[18px]">
        <StateBadge app={app} />
        <AppTags app={app} most={3} />
      </div>
      <div className="flex items-end gap-3 mt-auto">
        <dl className="appcard-facts">
          <div>
            <dt>{t("col.runs")}</dt>
            <dd className="num">{texts.runs}</dd>
          </div>
          <div>
            <dt>{t("col.success")}</dt>
            <dd>
              <Success figures={figures} />
            </dd>
          </div>
          <div>
            <dt>{t("col.p95")}</dt>
            <dd className="num">{texts.p95}</dd>
          </div>
          <div>
            <dt>{t("col.cost")}</dt>
            <dd className="num">{texts.cost}</dd>
          </div>
        </dl>
      </div>
      {figures && figures.runs > 0 ? <PerHour figures={figures} wide /> : <div style={{ height: 28 }} />}
    </li>
  );
}
