import { type FormEvent, type ReactNode, useState } from "react";
import { useSay } from "./words";

/** After a dislike: what was wrong, if the reader wants to say it. */
export default function Why({ onSend, onClose }: { onSend: (reason: string) => Promise<boolean>; onClose: () => void }): ReactNode {
  const say = useSay();
  const [reason, setReason] = useState("");
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    if (reason.trim() === "") return;
    void onSend(reason.trim()).then((isSent) => {
      if (isSent) onClose();
    });
  };
  return (
    <form className="why" onSubmit={submit} onKeyDown={(event) => event.key === "Escape" && onClose()}>
      <label className="field">
        <span className="label">{say("why.label")}</span>
        <textarea rows={2} value={reason} onChange={(event) => setReason(event.target.value)} />
      </label>
      <div className="buttons">
        <button type="button" className="button" onClick={onClose}>
          {say("why.skip")}
        </button>
        <button type="submit" className="button primary" disabled={reason.trim() === ""}>
          {say("why.send")}
        </button>
      </div>
    </form>
  );
}
