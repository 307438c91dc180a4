/** The page of a chat app: list, conversation, composer. `/chatbot` is the same without the list. */

import { lazy, type ReactNode, Suspense, useEffect, useMemo, useState } from "react";
import type { Json } from "../lib/read";
import type { Api } from "./api";
import { Composer } from "./Composer";
import { Chat } from "./chat";
import { closedText } from "./closed";
import { type Asking, conversationItems } from "./conversationItems";
import { findIn } from "./conversations";
import { useFrame } from "./embed";
import { Ellipsis, Menu as Lines, Maximize2, PanelLeft, Share, SquarePen, WifiOff } from "./icons";
import { Looks } from "./Looks";
import { Menu } from "./Menu";
import { Popup } from "./Popup";
import { SiteIcon } from "./SiteIcon";
import { readKey, writeKey } from "./storage";
import { useStore } from "./store";
import { ThreadView } from "./ThreadView";
import { isBusy } from "./turns";
import { useCopy } from "./useCopy";
import { useOnline, useWide } from "./useMedia";
import type { Parameters, Site } from "./wire";
import { useSay } from "./words";

const Sidebar = lazy(() => import("./Sidebar"));
const Dialogs = lazy(() => import("./Dialogs"));
const HIDDEN = "oxidify.webapp.list";

interface ChatPageProps {
  readonly api: Api;
  readonly code: string;
  readonly site: Site;
  readonly parameters: Parameters;
  readonly preset: Json;
  readonly conversationId: string | null;
  readonly compact: boolean;
}

export default function ChatPage({ api, code, site, parameters, preset, conversationId, compact }: ChatPageProps): ReactNode {
  const say = useSay();
  const chat = useMemo(() => new Chat(api, code, parameters, preset, !compact), [api, code, parameters, preset, compact]);
  useEffect(() => void chat.start(conversationId), [chat, conversationId]);
  const threads = useStore(chat.store, (state) => state.threads);
  const currentKey = useStore(chat.store, (state) => state.current);
  const pinned = useStore(chat.store, (state) => state.pinned);
  const recent = useStore(chat.store, (state) => state.recent);
  const closed = useStore(chat.store, (state) => state.closed);
  const thread = threads.find((known) => known.key === currentKey) ?? threads[0];
  const conversation = findIn({ pinned, recent }, thread?.conversationId ?? null);

  const isWide = useWide();
  const isOnline = useOnline();
  const [hidden, setHidden] = useState(readKey(HIDDEN) === "hidden");
  const [drawer, setDrawer] = useState(false);
  const [asking, setAsking] = useState<Asking>(null);
  const [shared, share] = useShare(site.title);
  const hasSide = isWide && !compact && !hidden;
  const hide = (now: boolean): void => {
    setHidden(now);
    writeKey(HIDDEN, now ? "hidden" : null);
  };
  useEffect(() => {
    document.title = conversation?.name ? `${conversation.name} · ${site.title}` : site.title;
  }, [conversation?.name, site.title]);
  if (!thread) return null;

  const sidebar = (
    <Suspense fallback={<div className="sidebar" />}>
      <Sidebar
        chat={chat}
        site={site}
        current={thread.conversationId}
        onAsk={setAsking}
        onShare={share}
        onHide={() => (isWide ? hide(true) : setDrawer(false))}
        onChosen={() => setDrawer(false)}
      />
    </Suspense>
  );
  const isPinned = conversation !== undefined && pinned.includes(conversation);
  const busy = thread.turns.some(isBusy);
  const needsForm = thread.inputs === null && thread.conversationId === null;
  const isEmpty = thread.turns.length === 0;

  return (
    <div className={`page${hasSide ? " with-side" : ""}${compact ? " compact" : ""}`}>
      <a className="skip" href="#composer">
        {say("page.skip")}
      </a>
      {hasSide && sidebar}
      {drawer && !isWide && (
        <Popup label={say("list.title")} kind="drawer" onClose={() => setDrawer(false)}>
          {sidebar}
        </Popup>
      )}
      <main className="main">
        {compact ? (
          <CompactBar site={site} chat={chat} onAbout={() => setAsking({ kind: "about" })} />
        ) : (
          <header className="bar">
            {(!isWide || hidden) && (
              <button
                type="button"
                className="icon"
                aria-label={say("list.show")}
                title={say("list.show")}
                onClick={() => (isWide ? hide(false) : setDrawer(true))}
              >
                {isWide ? <PanelLeft size={16} /> : <Lines size={20} />}
              </button>
            )}
            <span className="bar-title">{isWide ? (conversation?.name ?? "") : site.title}</span>
            {isWide ? (
              <>
                <button type="button" className="quiet share" onClick={share}>
                  <Share size={16} />
                  {say(shared ? "share.done" : "share.action")}
                </button>
                {conversation && (
                  <Menu label={say("list.actions")} icon={<Ellipsis size={16} />} items={conversationItems(say, chat, conversation, isPinned, setAsking)} />
                )}
              </>
            ) : null}
            {(!isWide || hidden) && (
              <button type="button" className="icon" aria-label={say("list.new")} title={say("list.new")} onClick={() => chat.fresh()}>
                <SquarePen size={isWide ? 16 : 20} />
              </button>
            )}
          </header>
        )}
        <ThreadView
          chat={chat}
          api={api}
          thread={thread}
          site={site}
          parameters={parameters}
          introduction={conversation?.introduction ?? null}
          preset={preset}
        />
        <div className="dock" id="composer">
          <div className="dock-column">
            {!isOnline && (
              <p className="banner" role="status">
                <WifiOff size={16} />
                {say("page.offline")}
              </p>
            )}
            {closed ? (
              <p className="banner" role="alert">
                {say(`${closedText(closed)}.text`)}
              </p>
            ) : (
              <>
                {thread.suggestions.length > 0 && !busy && (
                  <ul className="suggestions" aria-label={say("thread.suggestions")}>
                    {thread.suggestions.map((question) => (
                      <li key={question}>
                        <button type="button" onClick={() => chat.send(thread.key, question, [])}>
                          {question}
                        </button>
                      </li>
                    ))}
                  </ul>
                )}
                {!needsForm && (
                  <Composer
                    key={thread.key}
                    api={api}
                    rules={parameters.upload}
                    limits={parameters.limits}
                    placeholder={say(isEmpty ? "composer.first" : "composer.next", { app: site.title })}
                    draft={thread.draft}
                    busy={busy}
                    disabled={thread.loading && isEmpty}
                    listens={parameters.listens}
                    onDraft={(draft) => chat.setDraft(thread.key, draft)}
                    onSend={(text, files) => chat.send(thread.key, text, files)}
                    onStop={() => chat.stop(thread.key)}
                  />
                )}
              </>
            )}
            <p className={isEmpty ? "disclaimer" : "disclaimer later"}>{site.disclaimer || say("composer.disclaimer")}</p>
          </div>
        </div>
      </main>
      {asking && (
        <Suspense>
          <Dialogs chat={chat} site={site} asking={asking} onClose={() => setAsking(null)} />
        </Suspense>
      )}
      <Toast chat={chat} shared={shared && !isWide} />
    </div>
  );
}

function CompactBar({ site, chat, onAbout }: { site: Site; chat: Chat; onAbout: () => void }): ReactNode {
  const say = useSay();
  const { canGrow, grow } = useFrame();
  return (
    <header className="bar">
      <SiteIcon site={site} size={24} />
      <span className="bar-title">{site.title}</span>
      {canGrow && (
        <button type="button" className="icon" aria-label={say("page.resize")} title={say("page.resize")} onClick={grow}>
          <Maximize2 size={16} />
        </button>
      )}
      <button type="button" className="icon" aria-label={say("list.new")} title={say("list.new")} onClick={() => chat.fresh()}>
        <SquarePen size={16} />
      </button>
      <Looks onAbout={onAbout} />
    </header>
  );
}

/** The app's own address: by the system's dialog where there is one, else into the clipboard. */
function useShare(title: string): readonly [boolean, () => void] {
  const [copied, copy] = useCopy();
  const share = (): void => {
    const url = `${window.location.origin}${window.location.pathname}`;
    const isTouch = matchMedia("(pointer: coarse)").matches;
    if (isTouch && "share" in navigator)
      navigator.share({ title, url }).catch((error: unknown) => (error instanceof DOMException && error.name === "AbortError" ? undefined : copy(url)));
    else copy(url);
  };
  return [copied, share];
}

function Toast({ chat, shared }: { chat: Chat; shared: boolean }): ReactNode {
  const say = useSay();
  const notice = useStore(chat.store, (state) => state.notice);
  useEffect(() => {
    if (!notice) return;
    const timer = setTimeout(() => chat.say(null), 5000);
    return () => clearTimeout(timer);
  }, [notice, chat]);
  const text = notice ? say(notice) : shared ? say("share.done") : null;
  return (
    <div className="toasts" role="status">
      {text && <p className="toast">{text}</p>}
    </div>
  );
}
