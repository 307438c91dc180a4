/** Lets the workspace in at a service: in a window of its own, which tells when it is done. */
import { useQueryClient } from "@tanstack/react-query";
import { useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import type { SignIn } from "../../data/tools";
import { messageOf } from "../../lib/http";
import { OAUTH_CHANNEL } from "../../lib/oauth";

export function useLetIn(ask: () => Promise<SignIn>) {
  const { t } = useTranslation("tools");
  const client = useQueryClient();
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<string>();
  const popup = useRef<Window | null>(null);
  useEffect(() => {
    if (!busy) return;
    const over = () => {
      setBusy(false);
      void client.invalidateQueries({ queryKey: ["tools"] });
    };
    const channel = new BroadcastChannel(OAUTH_CHANNEL);
    channel.onmessage = over;
    // Whoever closes the window has decided too.
    const watch = setInterval(() => {
      if (popup.current?.closed) over();
    }, 700);
    return () => {
      channel.close();
      clearInterval(watch);
    };
  }, [busy, client]);
  const start = () => {
    setProblem(undefined);
    // Opened with the click: a window that opens later is taken for an advertisement.
    const opened = window.open("about:blank", "_blank", "width=640,height=760");
    popup.current = opened;
    ask().then(
      ({ authorization_url: url }) => {
        if (!url) {
          opened?.close();
          void client.invalidateQueries({ queryKey: ["tools"] });
        } else if (opened) {
          opened.location.href = url;
          setBusy(true);
        } else setProblem(t("mcp.blocked"));
      },
      (error: unknown) => {
        opened?.close();
        setProblem(messageOf(error));
      },
    );
  };
  return { busy, problem, start };
}
