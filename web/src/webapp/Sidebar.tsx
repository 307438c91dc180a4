/** The list of conversations: beside the chat, or in a drawer. */
import { Ellipsis, PanelLeft, Pencil, Pin, PinOff, Share, SquarePen, SunMoon, Trash2 } from "lucide-react";
import { type FormEvent, type ReactNode, useEffect, useMemo, useRef, useState } from "react";
import type { Chat } from "./chat";
import { grouped } from "./conversations";
import { Menu, type MenuItem } from "./Menu";
import { Popup } from "./Popup";
import { SiteIcon } from "./SiteIcon";
import { useStore } from "./store";
import { setTheme, type Theme, useTheme } from "./theme";
import type { Conversation, Site } from "./wire";
import { LANGUAGES, setLanguage, useLanguage, useSay } from "./words";

export type Asking = { readonly kind: "rename" | "delete"; readonly conversation: Conversation } | { readonly kind: "about" } | null;

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

export function Sidebar({ chat, site, current, onAsk, onShare, onHide, onChosen }: SidebarProps): ReactNode {
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
        <SquarePen size={16} aria-hidden="true" />
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

export function conversationItems(say: (key: string) => string, chat: Chat, conversation: Conversation, isPinned: boolean, onAsk: (asking: Asking) => void): MenuItem[] {
  return [
    { key: "rename", label: say("list.rename"), icon: <Pencil size={16} />, act: () => onAsk({ kind: "rename", conversation }) },
    { key: "pin", label: say(isPinned ? "list.unpin" : "list.pin"), icon: isPinned ? <PinOff size={16} /> : <Pin size={16} />, act: () => void chat.pin(conversation.id, !isPinned) },
    { key: "delete", label: say("list.delete"), icon: <Trash2 size={16} />, danger: true, act: () => onAsk({ kind: "delete", conversation }) },
  ];
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
      {isPinned && <Pin size={14} className="mark" aria-label={say("list.pinned")} />}
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

/** Theme, language and what the app says about itself. */
export function Looks({ onAbout }: { onAbout: () => void }): ReactNode {
  const say = useSay();
  const theme = useTheme();
  const language = useLanguage();
  const themes: readonly Theme[] = ["system", "light", "dark"];
  const items: MenuItem[] = [
    ...themes.map((name, index) => ({ key: name, label: say(`theme.${name}`), checked: theme === name, act: () => setTheme(name), ...(index === 0 ? { heading: say("theme.title") } : {}) })),
    ...LANGUAGES.map((item, index) => ({ key: item.id, label: item.name, checked: language === item.id, act: () => void setLanguage(item.id), ...(index === 0 ? { heading: say("language.title") } : {}) })),
    { key: "about", label: say("about.action"), heading: say("about.more"), act: onAbout },
  ];
  return <Menu label={say("theme.menu")} icon={<SunMoon size={16} />} items={items} side="above" />;
}

/** The dialogs of the list. */
export function Dialogs({ chat, site, asking, onClose }: { chat: Chat; site: Site; asking: Asking; onClose: () => void }): ReactNode {
  if (asking?.kind === "rename") return <RenameDialog chat={chat} conversation={asking.conversation} onClose={onClose} />;
  if (asking?.kind === "delete") return <DeleteDialog chat={chat} conversation={asking.conversation} onClose={onClose} />;
  return asking ? <AboutDialog site={site} onClose={onClose} /> : null;
}

function RenameDialog({ chat, conversation, onClose }: { chat: Chat; conversation: Conversation; onClose: () => void }): ReactNode {
  const say = useSay();
  const [name, setName] = useState(conversation.name);
  const [busy, setBusy] = useState(false);
  const [hasFailed, setFailed] = useState(false);
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    if (name.trim() === "") return;
    setBusy(true);
    void chat.rename(conversation.id, name.trim()).then((isDone) => {
      setBusy(false);
      setFailed(!isDone);
      if (isDone) onClose();
    });
  };
  return (
    <Popup label={say("list.renameTitle")} kind="box" onClose={onClose}>
      <form className="stack" onSubmit={submit}>
        <label className="field">
          <span className="label">{say("list.name")}</span>
          <input type="text" value={name} maxLength={100} data-first="" onFocus={(event) => event.target.select()} onChange={(event) => setName(event.target.value)} />
          {hasFailed && <span className="error">{say("notice.change")}</span>}
        </label>
        <div className="buttons">
          <button type="button" className="button" onClick={onClose}>
            {say("action.cancel")}
          </button>
          <button type="submit" className="button primary" disabled={busy || name.trim() === ""}>
            {say("action.save")}
          </button>
        </div>
      </form>
    </Popup>
  );
}

function DeleteDialog({ chat, conversation, onClose }: { chat: Chat; conversation: Conversation; onClose: () => void }): ReactNode {
  const say = useSay();
  const [busy, setBusy] = useState(false);
  const [hasFailed, setFailed] = useState(false);
  const remove = (): void => {
    setBusy(true);
    void chat.remove(conversation.id).then((isDone) => {
      setBusy(false);
      setFailed(!isDone);
      if (isDone) onClose();
    });
  };
  return (
    <Popup label={say("list.deleteTitle", { name: conversation.name || say("list.untitled") })} kind="box" onClose={onClose}>
      <div className="stack">
        <p>{say("list.deleteText")}</p>
        {hasFailed && <span className="error">{say("notice.change")}</span>}
        <div className="buttons">
          <button type="button" className="button" onClick={onClose}>
            {say("list.keep")}
          </button>
          <button type="button" className="button destroy" disabled={busy} onClick={remove}>
            {say("list.delete")}
          </button>
        </div>
      </div>
    </Popup>
  );
}

function AboutDialog({ site, onClose }: { site: Site; onClose: () => void }): ReactNode {
  return (
    <Popup label={site.title} kind="box" onClose={onClose}>
      <AboutText site={site} />
    </Popup>
  );
}

export function AboutText({ site }: { site: Site }): ReactNode {
  const say = useSay();
  const isLink = /^https?:\/\//i.test(site.privacyPolicy.trim());
  return (
    <div className="stack">
      {site.description && <p>{site.description}</p>}
      <p>{site.disclaimer || say("composer.disclaimer")}</p>
      {site.privacyPolicy && (
        <p>
          {isLink ? (
            <a className="link" href={site.privacyPolicy.trim()} target="_blank" rel="noopener noreferrer">
              {say("about.privacy")}
            </a>
          ) : (
            site.privacyPolicy
          )}
        </p>
      )}
      {site.copyright && <p className="hint">{say("list.copyright", { owner: site.copyright })}</p>}
      <p className="hint">{say("about.made")}</p>
    </div>
  );
}
