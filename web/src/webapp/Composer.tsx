/** The box to write in: text, files, Send, and Stop in its place while an answer comes. */

import { type ClipboardEvent, type KeyboardEvent, lazy, type ReactNode, Suspense, useEffect, useLayoutEffect, useRef, useState } from "react";
import { type Attachment, acceptOf, type Limits, type UploadRules } from "../lib/files";
import { withSaid } from "../lib/recording";
import { PendingFiles } from "./Attachments";
import type { Api } from "./api";
import { ArrowUp, Link, Paperclip, Plus } from "./icons";
import { Menu } from "./Menu";
import { filesOf, useUploads } from "./useUploads";
import { useSay } from "./words";

const Microphone = lazy(() => import("./Microphone"));
const LinkDialog = lazy(() => import("./LinkDialog"));

interface ComposerProps {
  readonly api: Api;
  readonly rules: UploadRules | null;
  readonly limits: Limits;
  readonly placeholder: string;
  readonly draft: string;
  readonly busy: boolean;
  readonly disabled: boolean;
  readonly listens: boolean;
  readonly onDraft: (draft: string) => void;
  readonly onSend: (text: string, files: readonly Attachment[]) => void;
  readonly onStop: () => void;
}

export function Composer({ api, rules, limits, placeholder, draft, busy, disabled, listens, onDraft, onSend, onStop }: ComposerProps): ReactNode {
  const say = useSay();
  const [files, setFiles] = useState<readonly Attachment[]>([]);
  const [refused, setRefused] = useState<string | null>(null);
  const [asksLink, setAsksLink] = useState(false);
  const area = useRef<HTMLTextAreaElement>(null);
  const picker = useRef<HTMLInputElement>(null);
  const uploads = useUploads(api, rules, limits, files, setFiles, setRefused);
  const add = (chosen: readonly File[]): void => {
    setRefused(null);
    uploads.add(chosen);
  };
  const isOver = useDrop(rules?.local === true && !disabled, add);

  // biome-ignore lint/correctness/useExhaustiveDependencies: the height follows the text, and the width when a phone is turned
  useLayoutEffect(() => {
    const grow = (): void => {
      const element = area.current;
      if (!element) return;
      element.style.height = "auto";
      element.style.height = `${element.scrollHeight}px`;
    };
    grow();
    addEventListener("resize", grow);
    return () => removeEventListener("resize", grow);
  }, [draft]);
  useEffect(() => {
    if (matchMedia("(pointer: fine)").matches) area.current?.focus();
  }, []);

  const waits = files.some((file) => file.progress < 1 || file.failed);
  const canSend = !busy && !disabled && !waits && draft.trim() !== "";
  const send = (): void => {
    if (!canSend) return;
    onSend(draft.trim(), files);
    onDraft("");
    setFiles([]);
    setRefused(null);
    area.current?.focus();
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.key === "Escape" && busy) onStop();
    if (event.key !== "Enter" || event.shiftKey || event.nativeEvent.isComposing || event.keyCode === 229) return;
    event.preventDefault();
    send();
  };
  const onPaste = (event: ClipboardEvent): void => {
    const pasted = filesOf(event.clipboardData);
    if (pasted.length === 0 || !rules?.local) return;
    event.preventDefault();
    add(pasted);
  };
  const pick = (): void => picker.current?.click();

  return (
    <div className={isOver ? "composer over" : "composer"}>
      {isOver && <div className="drop-note">{say("files.dropHere")}</div>}
      <PendingFiles files={files} uploads={uploads} />
      {refused && (
        <p className="error" role="alert">
          {refused}
        </p>
      )}
      <textarea
        ref={area}
        rows={1}
        value={draft}
        placeholder={placeholder}
        aria-label={placeholder}
        enterKeyHint="send"
        disabled={disabled}
        onChange={(event) => onDraft(event.target.value)}
        onKeyDown={onKeyDown}
        onPaste={onPaste}
      />
      <div className="composer-row">
        {rules?.local && rules.remote && (
          <Menu
            label={say("composer.attach")}
            icon={<Plus size={20} />}
            className="round"
            side="above"
            items={[
              { key: "file", label: say("files.choose"), icon: <Paperclip size={16} />, act: pick },
              { key: "link", label: say("files.addLink"), icon: <Link size={16} />, act: () => setAsksLink(true) },
            ]}
          />
        )}
        {rules && rules.local !== rules.remote && (
          <button
            type="button"
            className="round"
            aria-label={say("composer.attach")}
            title={say("composer.attach")}
            onClick={rules.local ? pick : () => setAsksLink(true)}
          >
            <Plus size={20} />
          </button>
        )}
        <span className="grow" />
        {listens && (
          <Suspense>
            <Microphone
              api={api}
              disabled={disabled}
              onText={(said) => {
                onDraft(withSaid(draft, said));
                area.current?.focus();
              }}
              onProblem={setRefused}
            />
          </Suspense>
        )}
        {busy ? (
          <button type="button" className="round go" aria-label={say("composer.stop")} title={say("composer.stop")} onClick={onStop}>
            <svg width="12" height="12" viewBox="0 0 12 12" aria-hidden="true">
              <rect width="12" height="12" rx="2.5" fill="currentColor" />
            </svg>
          </button>
        ) : (
          <button
            type="button"
            className="round go"
            aria-label={say("composer.send")}
            title={say(waits ? "composer.waits" : "composer.send")}
            disabled={!canSend}
            onClick={send}
          >
            <ArrowUp size={20} />
          </button>
        )}
      </div>
      {rules && (
        <input
          ref={picker}
          type="file"
          hidden
          multiple={rules.most > 1}
          accept={acceptOf(rules)}
          onChange={(event) => {
            add([...(event.target.files ?? [])]);
            event.target.value = "";
          }}
        />
      )}
      {asksLink && (
        <Suspense>
          <LinkDialog onAdd={uploads.addLink} onClose={() => setAsksLink(false)} />
        </Suspense>
      )}
    </div>
  );
}

/** Files may be dropped anywhere on the page. */
function useDrop(isOn: boolean, add: (files: readonly File[]) => void): boolean {
  const [isOver, setOver] = useState(false);
  const latest = useRef(add);
  latest.current = add;
  useEffect(() => {
    if (!isOn) return;
    const over = (event: DragEvent): void => {
      if (!event.dataTransfer?.types.includes("Files")) return;
      event.preventDefault();
      setOver(true);
    };
    const leave = (event: DragEvent): void => {
      if (event.relatedTarget === null) setOver(false);
    };
    const drop = (event: DragEvent): void => {
      event.preventDefault();
      setOver(false);
      latest.current(filesOf(event.dataTransfer));
    };
    document.addEventListener("dragover", over);
    document.addEventListener("dragleave", leave);
    document.addEventListener("drop", drop);
    return () => {
      document.removeEventListener("dragover", over);
      document.removeEventListener("dragleave", leave);
      document.removeEventListener("drop", drop);
    };
  }, [isOn]);
  return isOver;
}
