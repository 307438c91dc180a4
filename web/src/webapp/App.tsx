/** Finds out which app this is, then shows its page. */
import { lazy, type ReactNode, Suspense, useEffect, useState } from "react";
import { type Address, isInside } from "./address";
import { Api, ApiError } from "./api";
import { Boundary } from "./Boundary";
import { dressTab } from "./SiteIcon";
import { type Parameters, parametersFrom, type Site, siteFrom } from "./wire";
import { chooseLanguage, loadLanguage, useSay } from "./words";

const SignIn = lazy(() => import("./SignIn"));
const StateCard = lazy(() => import("./StateCard"));
// The page comes while the server is asked what app this is.
const chatPage = /^\/chat/.test(window.location.pathname) ? import("./ChatPage") : null;
const ChatPage = lazy(() => chatPage ?? import("./ChatPage"));
const RunPage = lazy(() => import("./RunPage"));

interface Ready {
  readonly site: Site;
  readonly parameters: Parameters;
}

async function load(api: Api, address: Address): Promise<Ready> {
  const [site, parameters] = await Promise.all([api.json("/site").then(siteFrom), api.json("/parameters").then(parametersFrom)]);
  await loadLanguage(chooseLanguage(address.locale, site.language));
  dressTab(site);
  const dress = import("./dress").then(({ dressColours, dressInstall }) => {
    dressColours(site);
    dressInstall(site);
  });
  // Its own colours are there before the first paint; how it installs can come later.
  if (site.colour) await dress.catch(() => undefined);
  return { site, parameters };
}

const nothing = new ApiError(404, "not_found", "");

export function App(props: { address: Address | null }): ReactNode {
  return (
    <Boundary
      fallback={(error, retry) => (
        <Suspense>
          <StateCard error={error} onRetry={retry} />
        </Suspense>
      )}
    >
      <Page {...props} />
    </Boundary>
  );
}

function Page({ address }: { address: Address | null }): ReactNode {
  const [api, setApi] = useState<Api | null>(() => (address && !isInside(address.kind) ? new Api(address.code, address.userId) : null));
  const [ready, setReady] = useState<Ready | null>(null);
  const [error, setError] = useState<unknown>(address ? null : nothing);
  const [attempt, setAttempt] = useState(0);
  useEffect(() => {
    if (!address || !isInside(address.kind)) return;
    const { kind, code } = address;
    import("./member").then(({ MemberApi }) => setApi(new MemberApi(kind, code)), setError);
  }, [address]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: each attempt asks again
  useEffect(() => {
    if (!api || !address) return;
    let isLive = true;
    load(api, address).then(
      (found) => isLive && setReady(found),
      (problem: unknown) => isLive && setError(problem),
    );
    return () => {
      isLive = false;
    };
  }, [api, address, attempt]);

  const again = (): void => {
    setError(null);
    setAttempt(attempt + 1);
  };
  if (error !== null) {
    const code = error instanceof ApiError ? error.code : "";
    const asksWho = code === "web_sso_auth_required" || code === "web_app_access_denied";
    return (
      <Suspense>
        {asksWho && address && !isInside(address.kind) ? (
          <SignIn denied={code === "web_app_access_denied"} onDone={again} />
        ) : (
          <StateCard error={error} onRetry={again} />
        )}
      </Suspense>
    );
  }
  if (!ready || !api || !address) return <Loading />;
  const mode = ready.site.mode ?? address.kind;
  if (mode === "workflow" || mode === "completion") {
    return (
      <Suspense fallback={<Loading />}>
        <RunPage api={api} mode={mode} site={ready.site} parameters={ready.parameters} preset={address.inputs} />
      </Suspense>
    );
  }
  return (
    <Suspense fallback={<Loading />}>
      <ChatPage
        api={api}
        code={address.code}
        site={ready.site}
        parameters={ready.parameters}
        preset={address.inputs}
        conversationId={address.conversationId}
        compact={address.kind === "chatbot" || address.kind === "trial"}
      />
    </Suspense>
  );
}

function Loading(): ReactNode {
  const say = useSay();
  return (
    <main className="state" aria-busy="true">
      <div className="loading late" role="status">
        <span className="bone tile" />
        <span className="bone" style={{ width: 160 }} />
        <span className="bone" style={{ width: 240 }} />
        <p className="slow">{say("state.slow")}</p>
        <span className="visually-hidden">{say("state.loading")}</span>
      </div>
    </main>
  );
}
