import { useTranslation } from "react-i18next";
import { CopyButton } from "../../ui/CopyButton";

/** An address that can be copied. */
export function Address({ label, address, hint }: { label: string; address: string; hint?: string }) {
  const { t: c } = useTranslation();
  return (
    <div className="min-w-0">
      <div className="lbl mb-1.5">{label}</div>
      <div className="inp mono">
        <span className="flex-1 truncate">{address}</span>
        <CopyButton text={address} label={c("common.copy")} done={c("common.copied")} />
      </div>
      {hint ? <p className="hint mt-1">{hint}</p> : null}
    </div>
  );
}
