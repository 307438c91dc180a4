import { type FormEvent, type ReactNode, useState } from "react";
import { Popup } from "./Popup";
import { useSay } from "./words";

/** Asks for the address of a file. */
export default function LinkDialog({ onAdd, onClose }: { onAdd: (address: string) => boolean; onClose: () => void }): ReactNode {
  const say = useSay();
  const [address, setAddress] = useState("");
  const [isWrong, setWrong] = useState(false);
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    if (onAdd(address.trim())) onClose();
    else setWrong(true);
  };
  return (
    <Popup label={say("files.addLink")} kind="box" onClose={onClose}>
      <form className="stack" onSubmit={submit} noValidate>
        <label className="field">
          <span className="label">{say("files.address")}</span>
          <input
            data-first=""
            type="url"
            inputMode="url"
            value={address}
            aria-invalid={isWrong}
            placeholder="https://"
            onChange={(event) => setAddress(event.target.value)}
          />
          {isWrong && <span className="error">{say("files.badAddress")}</span>}
        </label>
        <div className="buttons">
          <button type="button" className="button" onClick={onClose}>
            {say("action.cancel")}
          </button>
          <button type="submit" className="button primary">
            {say("action.add")}
          </button>
        </div>
      </form>
    </Popup>
  );
}
