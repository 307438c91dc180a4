/** Where the question is asked: a box for a chat, a button for a form. */

import { Send, Square, Zap } from "lucide-react";
import { useTranslation } from "react-i18next";
import { withSaid } from "../../lib/recording";
import { AttachButton, type Attached, takesFiles } from "../../ui/Attach";
import { Button } from "../../ui/Button";
import { Microphone } from "../../ui/Speech";

interface Props {
  readonly attached: Attached;
  readonly completion: boolean;
  readonly busy: boolean;
  /** The routes of the app, where it takes speech. */
  readonly listens?: string | undefined;
  readonly query: string;
  readonly onQuery: (query: string) => void;
  readonly onSend: (query: string) => void;
  readonly onStop: () => void;
}

export function Composer({ attached, completion, busy, listens, query, onQuery, onSend, onStop }: Props) {
  const { t } = useTranslation("basic");
  if (completion) {
    return busy ? (
      <Button icon={Square} onClick={onStop}>
        {t("preview.stop")}
      </Button>
    ) : (
      <div className="flex items-center gap-2" {...takesFiles(attached)}>
        <AttachButton attached={attached} />
        <Button className="flex-1" kind="primary" icon={Zap} disabled={attached.waits} onClick={() => onSend("")}>
          {t("preview.run")}
        </Button>
      </div>
    );
  }
  return (
    <form
      className="rounded-lg border border-line-2 bg-surface-1 p-2.5 focus-within:outline-2 focus-within:outline-focus"
      {...takesFiles(attached)}
      onSubmit={(event) => {
        event.preventDefault();
        onSend(query);
      }}
    >
      <textarea
        className="w-full resize-none outline-none bg-transparent"
        rows={2}
        aria-label={t("preview.ask")}
        placeholder={t("preview.ask")}
        value={query}
        onChange={(event) => onQuery(event.target.value)}
        onKeyDown={(event) => {
          if (event.key !== "Enter" || event.shiftKey || event.nativeEvent.isComposing) return;
          event.preventDefault();
          onSend(query);
        }}
      />
      <div className="flex items-center gap-2">
        <AttachButton attached={attached} />
        {listens ? <Microphone base={listens} onText={(said) => onQuery(withSaid(query, said))} /> : null}
        <span className="flex-1" />
        {busy ? (
          <Button icon={Square} onClick={onStop}>
            {t("preview.stop")}
          </Button>
        ) : (
          <Button type="submit" kind="primary" icon={Send} disabled={query.trim() === "" || attached.waits}>
            {t("preview.send")}
          </Button>
        )}
      </div>
    </form>
  );
}
