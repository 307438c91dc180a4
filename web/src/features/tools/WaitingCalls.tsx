/** Calls of tools that wait for a member, wherever the agent was asked: a place that is there while there are any. */
import { useQuery } from "@tanstack/react-query";
import { lazy, type ReactElement, Suspense, useState } from "react";
import { useTranslation } from "react-i18next";
import { openApprovals } from "../../data/approvals";
import { useRights } from "../../data/session";

const WaitingDialog = lazy(() => import("./WaitingDialog").then((m) => ({ default: m.WaitingDialog })));

/** `children` draws the place, given how many wait. */
export function WaitingCalls({ children }: { children: (label: string, count: number, show: () => void) => ReactElement }) {
  const { t } = useTranslation();
  const rights = useRights();
  const [shown, setShown] = useState(false);
  const open = useQuery({ ...openApprovals, enabled: rights.edit }).data ?? [];
  return (
    <>
      {open.length > 0 ? children(t("waiting.calls", { count: open.length }), open.length, () => setShown(true)) : null}
      {shown ? (
        <Suspense fallback={null}>
          <WaitingDialog open={open} onClose={() => setShown(false)} />
        </Suspense>
      ) : null}
    </>
  );
}
