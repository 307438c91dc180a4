/** Logs of an app: runs or conversations on the left, the open one beside them. */
import { Activity, MessageSquare } from "lucide-react";
import { Suspense, useCallback, useEffect } from "react";
import { useTranslation } from "react-i18next";
import { type AppDetail, isGraph } from "../../data/apps";
import { useKeys } from "../../lib/keys";
import { Segmented } from "../../ui/Segmented";
import { ConversationList } from "./ConversationList";
import type { OnSearch } from "./list";
import { RunDetail } from "./RunDetail";
import { RunList } from "./RunList";
import type { LogsSearch } from "./search";
import { Thread } from "./Thread";
import "./logs.css";

interface Props {
  readonly app: AppDetail;
  readonly search: LogsSearch;
  readonly onSearch: OnSearch;
}

export function LogsPage({ app, search, onSearch }: Props) {
  const { t, i18n } = useTranslation("logs");
  // The trace has the words of the studio: they come while the list is read.
  useEffect(() => void i18n.loadNamespaces("studio"), [i18n]);
  const both = app.mode === "advanced-chat";
  const view = both ? (search.view ?? "chats") : isGraph(app.mode) ? "runs" : "chats";
  const beside = Boolean(search.run || (view === "chats" && search.chat));
  const nested = Boolean(search.run && search.chat);
  const close = useCallback(
    () => onSearch(nested ? { run: undefined, node: undefined } : { run: undefined, node: undefined, chat: undefined }),
    [onSearch, nested],
  );
  useKeys({ Escape: close }, beside);
  const lead = both ? (
    <Segmented
      label={t("view.label")}
      value={view}
      onChange={(next) =>
        onSearch({ view: next === "chats" ? undefined : next, chat: undefined, run: undefined, node: undefined, status: undefined, from: undefined })
      }
      segments={[
        { value: "chats", label: t("view.chats"), icon: MessageSquare },
        { value: "runs", label: t("view.runs"), icon: Activity },
      ]}
    />
  ) : null;
  const list = { app, search, onSearch, beside, lead };
  return (
    <section className="flex flex-1 min-h-0 relative" aria-label={t("title", { name: app.name })}>
      <div className="flex-1 flex flex-col min-w-0 min-h-0">{view === "runs" ? <RunList {...list} /> : <ConversationList {...list} />}</div>
      {beside ? (
        <aside
          className="logs-side flex flex-col min-h-0 border-s border-line-1 bg-surface-1 max-lg:absolute max-lg:inset-0"
          aria-label={t(search.run ? "run.label" : "chat.label")}
        >
          <Suspense fallback={<div className="flex-1" aria-busy="true" />}>
            {search.run ? (
              <RunDetail
                key={search.run}
                app={app}
                id={search.run}
                node={search.node}
                onNode={(node) => onSearch({ node }, true)}
                onClose={close}
                back={nested}
              />
            ) : search.chat ? (
              <Thread key={search.chat} app={app} id={search.chat} onClose={close} onRun={(run) => onSearch({ run })} />
            ) : null}
          </Suspense>
        </aside>
      ) : null}
    </section>
  );
}
