/** A field that saves by itself a moment after the last key. */
import { CloudAlert, CloudCheck, CloudUpload } from "lucide-react";
import { useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { messageOf } from "../../lib/http";

type State = { readonly kind: "idle" | "saving" | "saved" } | { readonly kind: "failed"; readonly message: string };

export function useAutosave(value: string, saved: string, valid: boolean, save: (value: string) => Promise<unknown>): State {
  const [state, setState] = useState<State>({ kind: "idle" });
  const latest = useRef(save);
  latest.current = save;
  useEffect(() => {
    if (value === saved || !valid) return;
    const timer = setTimeout(() => {
      setState({ kind: "saving" });
      latest.current(value).then(
        () => setState({ kind: "saved" }),
        (error: unknown) => setState({ kind: "failed", message: messageOf(error) }),
      );
    }, 700);
    return () => clearTimeout(timer);
  }, [value, saved, valid]);
  return state;
}

export function SaveMark({ state }: { state: State }) {
  const { t } = useTranslation("settings");
  if (state.kind === "idle") return null;
  const Icon = state.kind === "saving" ? CloudUpload : state.kind === "saved" ? CloudCheck : CloudAlert;
  return (
    <span role="status" className={`inline-flex items-center gap-1 text-12 ${state.kind === "failed" ? "text-danger" : "text-ink-3"}`}>
      <Icon size={14} strokeWidth={1.9} aria-hidden />
      {state.kind === "failed" ? t("autosave.failed", { message: state.message }) : t(`autosave.${state.kind}`)}
    </span>
  );
}
