/** The apps of the workspace to use, pinned ones first. */
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { Compass, Ellipsis, Pin, PinOff, Trash2 } from "lucide-react";
import { type ReactNode, useState } from "react";
import { useTranslation } from "react-i18next";
import { toast } from "sonner";
import { type InstalledApp, installedApps, pinApp, uninstallApp, useExploreChange } from "../../data/explore";
import { useFormat } from "../../lib/format";
import { errorDetails, messageOf } from "../../lib/http";
import { AppTile } from "../../ui/AppTile";
import { IconButton } from "../../ui/Button";
import { Confirm } from "../../ui/Dialog";
import { Input } from "../../ui/Input";
import { Menu } from "../../ui/Menu";
import { Empty, Failed, SkeletonRows } from "../../ui/States";

/** From so many apps on, a search helps. */
const MANY = 8;

export function ExplorePage({ templates }: { templates?: ReactNode }) {
  const { t } = useTranslation("explore");
  const { t: c } = useTranslation();
  const list = useQuery(installedApps);
  const [query, setQuery] = useState("");
  const all = list.data ?? [];
  const words = query.toLocaleLowerCase().split(/\s+/).filter(Boolean);
  const shown = all.filter(({ app }) => words.every((word) => `${app.name} ${app.description}`.toLocaleLowerCase().includes(word)));
  return (
    <div className="flex-1 overflow-auto">
      <div className="px-7 max-md:px-4 pt-6 pb-2 flex flex-wrap items-end gap-3">
        <div className="flex-1 min-w-[220px]">
          <h1 className="text-20 font-semibold">{t("title")}</h1>
          <p className="text-ink-2">{t("text")}</p>
        </div>
        {all.length > MANY ? (
          <div className="w-[240px] max-md:w-full">
            <Input aria-label={c("common.search")} placeholder={c("common.search")} value={query} onChange={(event) => setQuery(event.target.value)} />
          </div>
        ) : null}
      </div>
      {list.isPending ? (
        <div className="px-7 max-md:px-4">
          <SkeletonRows rows={4} height={72} slow={c("common.slow")} label={c("common.loading")} />
        </div>
      ) : list.error ? (
        <div className="px-7 max-md:px-4 pt-3">
          <Failed
            title={t("failed")}
            text={messageOf(list.error)}
            retry={{ label: c("common.retry"), onClick: () => void list.refetch() }}
            details={{ label: c("common.details"), copied: c("common.copied"), text: errorDetails(list.error) }}
          />
        </div>
      ) : shown.length === 0 ? (
        <div className="px-7 max-md:px-4 pt-3">
          <Empty icon={Compass} title={t(all.length === 0 ? "none" : "noMatch")} text={all.length === 0 ? t("noneText") : undefined} />
        </div>
      ) : (
        <ul
          aria-label={t("title")}
          className="grid gap-3 px-7 max-md:px-4 pt-3 pb-6"
          style={{ gridTemplateColumns: "repeat(auto-fill, minmax(min(260px, 100%), 1fr))" }}
        >
          {shown.map((installed) => (
            <Card key={installed.id} installed={installed} />
          ))}
        </ul>
      )}
      {templates}
    </div>
  );
}

function Card({ installed }: { installed: InstalledApp }) {
  const { t } = useTranslation("explore");
  const { t: c } = useTranslation();
  const format = useFormat();
  const [removing, setRemoving] = useState(false);
  const failed = (error: unknown) => toast.error(c("common.failed", { message: messageOf(error) }));
  const pin = useExploreChange((on: boolean) => pinApp(installed.id, on));
  const uninstall = useExploreChange(() => uninstallApp(installed.id));
  const { app } = installed;
  return (
    <li className="card p-4 flex flex-col gap-2.5 relative">
      <div className="flex items-start gap-3">
        <AppTile app={app} size="lg" />
        <div className="flex-1 min-w-0">
          <Link
            to="/explore/installed/$installedId"
            params={{ installedId: installed.id }}
            className="font-semibold block truncate after:absolute after:inset-0 after:content-[''] after:rounded-[inherit]"
          >
            {app.name}
          </Link>
          <div className="text-12 text-ink-3 truncate">
            {c(`modes.${app.mode}.name`)}
            {installed.last_used_at ? ` · ${t("used", { time: format.ago(installed.last_used_at) })}` : ""}
          </div>
        </div>
        {installed.is_pinned ? <Pin size={14} strokeWidth={1.9} className="text-ink-3 mt-2" aria-label={t("pinned")} /> : null}
        <span className="relative z-1">
          <Menu
            entries={[
              {
                key: "pin",
                label: t(installed.is_pinned ? "unpin" : "pin"),
                icon: installed.is_pinned ? PinOff : Pin,
                onSelect: () => pin.mutate(!installed.is_pinned, { onError: failed }),
              },
              {
                key: "remove",
                label: t("remove"),
                icon: Trash2,
                tone: "bad" as const,
                disabled: installed.uninstallable,
                ...(installed.uninstallable ? { hint: t("own") } : {}),
                onSelect: () => setRemoving(true),
              },
            ]}
            trigger={<IconButton size="sm" icon={Ellipsis} label={t("actions", { name: app.name })} />}
          />
        </span>
      </div>
      <p className="text-12 text-ink-2 line-clamp-2 min-h-[2lh]">{app.description}</p>
      <Confirm
        open={removing}
        title={t("removeTitle", { name: app.name })}
        text={t("removeText")}
        confirm={t("remove")}
        cancel={c("common.keep")}
        busy={uninstall.isPending}
        onClose={() => setRemoving(false)}
        onConfirm={() => uninstall.mutate(undefined, { onError: failed, onSuccess: () => setRemoving(false) })}
      />
    </li>
  );
}
