import { CircleAlert } from "lucide-react";
import { cloneElement, type ReactElement, type ReactNode, useId } from "react";

interface FieldProps {
  readonly label: string;
  readonly hint?: ReactNode;
  readonly error?: string | undefined;
  /** Beside the label, to the right. */
  readonly aside?: ReactNode;
  readonly optional?: string | undefined;
  /** One control; it gets the id, the description and the error state. */
  readonly children: ReactElement<Record<string, unknown>>;
}

/** Label above, control, then the error or the hint. */
export function Field({ label, hint, error, aside, optional, children }: FieldProps) {
  const id = useId();
  const about = `${id}-about`;
  return (
    <div className="flex flex-col gap-[5px] min-w-0">
      <div className="flex items-baseline justify-between gap-2">
        <label className="lbl" htmlFor={id}>
          {label}
          {optional ? <span className="text-ink-3 font-regular">{optional}</span> : null}
        </label>
        {aside ? <span className="hint">{aside}</span> : null}
      </div>
      {cloneElement(children, { id, "aria-invalid": error ? true : undefined, "aria-describedby": error || hint ? about : undefined })}
      {error ? (
        <div className="wrong" id={about} role="alert">
          <CircleAlert size={14} aria-hidden />
          <span>{error}</span>
        </div>
      ) : hint ? (
        <div className="hint" id={about}>
          {hint}
        </div>
      ) : null}
    </div>
  );
}
