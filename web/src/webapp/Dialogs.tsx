/** Renaming, deleting, and what the app says about itself. Loaded when one is opened. */
import { type FormEvent, type ReactNode, useState } from "react";
import { AboutText } from "./AboutText";
import type { Chat } from "./chat";
import type { Asking } from "./conversationItems";
import { Popup } from "./Popup";
import type { Conversation, Site } from "./wire";
import { useSay } from "./words";

/** The dialog that is asked for. */
export default function Dialogs({ chat, site, asking, onClose }: { chat: Chat; site: Site; asking: Asking; onClose: () => void }): ReactNode {
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
          <input
            type="text"
            value={name}
            maxLength={100}
            data-first=""
            onFocus={(event) => event.target.select()}
            onChange={(event) => setName(event.target.value)}
          />
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
          <button type="button" data-first="" className="button" onClick={onClose}>
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
