/** The list of conversations: beside the chat, or in a drawer. */

import { type ReactNode, useEffect, useMemo, useRef, useState } from "react";
import type { Chat } from "./chat";
import { type Asking, conversationItems } from "./conversationItems";
import { grouped } from "./conversations";
import { Ellipsis, PanelLeft, Pin, Share, SquarePen } from "./icons";
import { Looks } from "./Looks";
import { Menu, type MenuItem } from "./Menu";
import { SiteIcon } from "./SiteIcon";
import { useStore } from "./store";
import type { Conversation, Site } from "./wire";
import { useSay } from "./words";

interface SidebarProps {
  readonly chat: Chat;
  readonly site: Site;
  /** The conversation on the screen. */
  readonly current: string | null;
  readonly onAsk: (asking: Asking) => void;
  readonly onShare: () => void;
  readonly onHide: () => void;
  /** After a choice: a drawer closes. */
  readonly onChosen: () => void;
}

export default function Sidebar({ chat, site, current, onAsk, onShare, onHide, onChosen }: SidebarProps): ReactNode {
  const say = useSay();
  const pinned = useStore(chat.store, (state) => state.pinned);
  const recent = useStore(chat.store, (state) => state.recent);
  const hasMore = useStore(chat.store, (state) => state.hasMore);
  const listed = useStore(chat.store, (state) => state.listed);
  const groups = useMemo(() => grouped(recent, new Date()), [recent]);
  const open = (id: string): void => {
    chat.open(id);
    onChosen();
  };
  const row = (conversation: Conversation, isPinned: boolean): ReactNode => (
    <Row
      key={conversation.id}
      conversation={conversation}
      isPinned={isPinned}
      isCurrent={conversation.id === current}
      onOpen={() => open(conversation.id)}
      items={conversationItems(say, chat, conversation, isPinned, onAsk)}
    />
  );
  return (
    <nav className="sidebar" aria-label={say("list.title")}>
      <header>
        <SiteIcon site={site} size={28} />
        <span className="app-name" title={site.title}>
          {site.title}
        </span>
        <button type="button" className="icon" aria-label={say("list.hide")} title={say("list.hide")} onClick={onHide}>
          <PanelLeft size={16} />
        </button>
      </header>
      <button
        type="button"
        className="button new"
        onClick={() => {
          chat.fresh();
          onChosen();
        }}
      >
        <SquarePen size={16} />
        {say("list.new")}
      </button>
      <div className="list">
        {pinned.length > 0 && (
          <section>
            <h2>{say("list.pinned")}</h2>
            <ul>{pinned.map((conversation) => row(conversation, true))}</ul>
          </section>
        )}
        {groups.map(({ group, items }) => (
          <section key={group}>
            <h2>{say(`list.${group}`)}</h2>
            <ul>{items.map((conversation) => row(conversation, false))}</ul>
          </section>
        ))}
        {listed && pinned.length + recent.length === 0 && <p className="hint none">{say("list.none")}</p>}
        {hasMore && <More onMore={() => chat.more()} />}
      </div>
      <footer>
        <span className="owner">{site.copyright ? say("list.copyright", { owner: site.copyright }) : site.title}</span>
        <button type="button" className="icon in-drawer" aria-label={say("share.action")} title={say("share.action")} onClick={onShare}>
          <Share size={16} />
        </button>
        <Looks onAbout={() => onAsk({ kind: "about" })} />
      </footer>
    </nav>
  );
}

interface RowProps {
  readonly conversation: Conversation;
  readonly isPinned: boolean;
  readonly isCurrent: boolean;
  readonly items: readonly MenuItem[];
  readonly onOpen: () => void;
}

function Row({ conversation, isPinned, isCurrent, items, onOpen }: RowProps): ReactNode {
  const say = useSay();
  const name = conversation.name || say("list.untitled");
  return (
    <li className={isCurrent ? "conversation current" : "conversation"}>
      <button type="button" className="name" aria-current={isCurrent ? "page" : undefined} title={name} onClick={onOpen}>
        {name}
      </button>
      {isPinned && <Pin size={14} className="mark" />}
      <Menu label={say("list.actions")} icon={<Ellipsis size={16} />} items={items} />
    </li>
  );
}

/** Loads the next page when it comes into view; a button for the keyboard. */
function More({ onMore }: { onMore: () => Promise<void> }): ReactNode {
  const say = useSay();
  const button = useRef<HTMLButtonElement>(null);
  const [busy, setBusy] = useState(false);
  const load = useRef<() => void>(() => undefined);
  load.current = () => {
    if (busy) return;
    setBusy(true);
    void onMore().finally(() => setBusy(false));
  };
  useEffect(() => {
    const element = button.current;
    if (!element || !("IntersectionObserver" in window)) return;
    const observer = new IntersectionObserver((entries) => {
      if (entries.some((entry) => entry.isIntersecting)) load.current();
    });
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  return (
    <button ref={button} type="button" className="quiet more" disabled={busy} onClick={() => load.current()}>
      {say("list.more")}
    </button>
  );
}
