/** What is known of a provider or a key: nothing before it was tried. */
import { Check, CircleDashed, LoaderCircle, X } from "lucide-react";
import { useTranslation } from "react-i18next";
import type { Provider } from "../../data/models";
import { useRights } from "../../data/session";
import { useFormat } from "../../lib/format";
import { Button } from "../../ui/Button";
import { Badge } from "../../ui/Marks";
import { type ProviderTest, summaryOf, testProviders, useProviderTests } from "./providerTests";

function Verdict({ test }: { test: ProviderTest | undefined }) {
  const { t } = useTranslation("models");
  const format = useFormat();
  if (test?.state === "waiting" || test?.state === "testing")
    return (
      <span className="badge" data-tone="run">
        <LoaderCircle size={12} strokeWidth={2} className="spin" aria-hidden />
        {t(`state.${test.state}`)}
      </span>
    );
  if (test?.state !== "done")
    return (
      <Badge tone="line" icon={CircleDashed}>
        {t(test ? "state.nothing" : "state.untested")}
      </Badge>
    );
  const found = summaryOf(test);
  if (found.works)
    return (
      <Badge tone="ok" icon={Check}>
        {t("state.works", { time: format.duration(found.ms / 1000) })}
      </Badge>
    );
  return (
    <Badge tone="bad" icon={X}>
      {found.total > 1 ? t("state.someFailed", { count: found.failed.length, total: found.total }) : t("state.failed")}
    </Badge>
  );
}

export function ProviderState({ provider, name }: { provider: Provider; name: string }) {
  const { t } = useTranslation("models");
  const rights = useRights();
  const test = useProviderTests((store) => store.tests[provider.provider]);
  const running = useProviderTests((store) => store.run?.state === "running");
  return (
    <>
      <span aria-live="polite" className="flex-none">
        <Verdict test={test} />
      </span>
      {rights.admin ? (
        <Button aria-label={t("state.test", { name })} disabled={running} onClick={() => void testProviders([provider])}>
          {t("form.test")}
        </Button>
      ) : null}
    </>
  );
}

/** The provider's own words, where the card has room for them. */
export function FailedKeys({ provider }: { provider: string }) {
  const test = useProviderTests((store) => store.tests[provider]);
  if (test?.state !== "done") return null;
  const { failed } = summaryOf(test);
  if (failed.length === 0) return null;
  return (
    <ul className="border-t border-line-1 bg-danger-soft text-danger text-12 px-4 py-2 max-h-40 overflow-auto">
      {failed.map(({ name, reason }) => (
        <li key={`${name}/${reason}`} style={{ overflowWrap: "anywhere" }}>
          {name ? <b className="font-semibold">{name}: </b> : null}
          {reason}
        </li>
      ))}
    </ul>
  );
}

export function KeyState({ provider, id }: { provider: string; id: string }) {
  const { t } = useTranslation("models");
  const format = useFormat();
  const test = useProviderTests((store) => store.tests[provider]);
  const key = test?.state === "done" ? test.keys[id] : undefined;
  if (!key) return null;
  if (key.works)
    return (
      <Badge tone="ok" icon={Check}>
        {t("state.works", { time: format.duration(key.ms / 1000) })}
      </Badge>
    );
  return (
    <Badge tone="bad" icon={X}>
      {t("state.failed")}
    </Badge>
  );
}
