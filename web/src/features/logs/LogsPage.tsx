/** Logs of an app: runs or conversations on the left, the open one beside them. */
import { Activity, MessageSquare, Zap } from "lucide-react";
import { Suspense, useCallback, useEffect } from "react";
import { useTranslation } from "react-i18next";
import { type AppDetail, isGraph } from "../../data/apps";
import { useKeys } from "../../lib/keys";
import { Segmented } from "../../ui/Segmented";
import { ConversationList } from "./ConversationList";
import { EventDetail } from "./EventDetail";
import type { OnSearch } from "./list";
import { RunDetail } from "./RunDetail";
import { RunList } from "./RunList";
import type { LogsSearch } from "./search";
import { Thread } from "./Thread";
import { TriggerLog } from "./TriggerLog";
import "./logs.css";

interface Props {
  readonly app: AppDetail;
  readonly search: LogsSearch;
  readonly onSearch: OnSearch;
}

type View = NonNullable<LogsSearch["view"]>;
/** Where there is more than one list, the first is the one that opens. */
const VIEWS: Readonly<Partial<Record<AppDetail["mode"], readonly View[]>>> = { "advanced-chat": ["chats", "runs"], workflow: ["runs", "triggers"] };
const ICONS = { runs: Activity, chats: MessageSquare, triggers: Zap };
const NOTHING = { chat: undefined, run: undefined, node: undefined, status: undefined, from: undefined, trigger: undefined, event: undefined };

export function LogsPage({ app, search, onSearch }: Props) {
  const { t, i18n } = useTranslation("logs");
  // The trace has the words of the studio: they come while the list is read.
  useEffect(() => void i18n.loadNamespaces("studio"), [i18n]);
  const views = VIEWS[app.mode] ?? [isGraph(app.mode) ? "runs" : "chats"];
  const wish = search.view && views.includes(search.view) ? search.view : undefined;
  const view = wish ?? views[0] ?? "runs";
  const beside = Boolean(search.run || (view === "chats" && search.chat) || (view === "triggers" && search.event));
  const nested = Boolean(search.run && (search.chat || (view === "triggers" && search.event)));
  const close = useCallback(
    () => onSearch(nested ? { run: undefined, node: undefined } : { run: undefined, node: undefined, chat: undefined, event: undefined }),
    [onSearch, nested],
  );
  useKeys({ Escape: close }, beside);
  const lead =
    views.length > 1 ? (
      <Segmented
        label={t("view.label")}
        value={view}
        onChange={(next) => onSearch({ ...NOTHING, view: next === views[0] ? undefined : next })}
        segments={views.map((value) => ({ value, label: t(`view.${value}`), icon: ICONS[value] }))}
      />
    ) : null;
  const list = { app, search, onSearch, beside, lead };
  return (
    <section className="flex flex-1 min-h-0 relative" aria-label={t("title", { name: app.name })}>
      <div className="flex-1 flex flex-col min-w-0 min-h-0">
        {view === "runs" ? <RunList {...list} /> : view === "triggers" ? <TriggerLog {...list} /> : <ConversationList {...list} />}
      </div>
      {beside ? (
        <aside
          className="logs-side flex flex-col min-h-0 border-s border-line-1 bg-surface-1 max-lg:absolute max-lg:inset-0"
          aria-label={t(search.run ? "run.label" : view === "triggers" ? "trigger.label" : "chat.label")}
        >
          <Suspense fallback={<div className="flex-1" aria-busy="true" />}>
            {search.run ? (
              <RunDetail
                key={search.run}
                app={app}
                id={search.run}
                node={search.node}
                onNode={(node) => onSearch({ node }, true)}
                onRun={(run) => onSearch({ run, node: undefined })}
                onClose={close}
                back={nested ? t(view === "triggers" ? "run.backEvent" : "run.back") : undefined}
              />
            ) : view === "triggers" && search.event ? (
              <EventDetail key={search.event} app={app} id={search.event} node={search.trigger} onRun={(run) => onSearch({ run })} onClose={close} />
            ) : search.chat ? (
              <Thread key={search.chat} app={app} id={search.chat} onClose={close} onRun={(run) => onSearch({ run })} />
            ) : null}
          </Suspense>
        </aside>
      ) : null}
    </section>
  );
}
