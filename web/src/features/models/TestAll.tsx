/** Asks all connected providers whether their keys work. */
import { Activity, CircleAlert, CircleCheck, X } from "lucide-react";
import { useTranslation } from "react-i18next";
import type { Provider } from "../../data/models";
import { Button } from "../../ui/Button";
import { cancelTests, summaryOf, testProviders, useProviderTests } from "./providerTests";

export function TestAll({ providers }: { providers: readonly Provider[] }) {
  const { t } = useTranslation("models");
  const { t: c } = useTranslation();
  const run = useProviderTests((store) => store.run);
  if (run?.state === "running")
    return (
      <>
        <span className="text-12 text-ink-2 num" role="status">
          {t("testAll.progress", { done: run.done, total: run.total })}
        </span>
        <Button icon={X} onClick={cancelTests}>
          {c("common.cancel")}
        </Button>
      </>
    );
  return (
    <Button icon={Activity} onClick={() => void testProviders(providers)}>
      {t("testAll.start")}
    </Button>
  );
}

/** What came of it; a single provider tells it on its own card. */
export function TestSummary({ name }: { name: (provider: string) => string }) {
  const { t, i18n } = useTranslation("models");
  const { run, tests } = useProviderTests();
  if (!run || run.state === "running" || run.providers.length < 2) return null;
  const found = run.providers.flatMap((provider) => {
    const test = tests[provider];
    return test?.state === "done" ? [{ provider, works: summaryOf(test).works }] : [];
  });
  const failed = found.filter((each) => !each.works);
  const Icon = failed.length > 0 ? CircleAlert : CircleCheck;
  const names = new Intl.ListFormat(i18n.language).format(failed.map((each) => name(each.provider)));
  return (
    <div className="banner" data-tone={failed.length > 0 ? "bad" : "ok"} role="status">
      <Icon size={16} aria-hidden />
      <span style={{ overflowWrap: "anywhere" }}>
        {run.state === "cancelled" ? `${t("testAll.cancelled")} ` : ""}
        {t("testAll.works", { count: found.length - failed.length, total: found.length })}
        {failed.length > 0 ? ` ${t("testAll.failed", { names })}` : ""}
      </span>
    </div>
  );
}
