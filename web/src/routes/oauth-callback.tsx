import { createFileRoute } from "@tanstack/react-router";
import { CircleAlert, CircleCheck } from "lucide-react";
import { useEffect } from "react";
import { useTranslation } from "react-i18next";
import { z } from "zod";
import { OAUTH_CHANNEL } from "../lib/oauth";

/** The end of a sign-in at another service: tells the page that waits for it, and closes. */
export const Route = createFileRoute("/oauth-callback")({
  validateSearch: z.object({ error: z.string().optional().catch(undefined), error_description: z.string().optional().catch(undefined) }),
  component: Page,
});

function Page() {
  const { t } = useTranslation();
  const { error, error_description: why } = Route.useSearch();
  useEffect(() => {
    const channel = new BroadcastChannel(OAUTH_CHANNEL);
    channel.postMessage({ error });
    channel.close();
    if (!error) window.close();
  }, [error]);
  return (
    <main className="min-h-full flex flex-col items-center justify-center gap-2 p-6 text-center">
      {error ? <CircleAlert size={24} className="text-danger" aria-hidden /> : <CircleCheck size={24} className="text-success" aria-hidden />}
      <h1 className="text-16 font-semibold">{t(error ? "oauth.failed" : "oauth.done")}</h1>
      <p className="text-ink-2 wrap-anywhere">{error ? why || error : t("oauth.close")}</p>
    </main>
  );
}
