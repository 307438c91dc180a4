import type { ReactNode } from "react";
import type { Site } from "./wire";
import { useSay } from "./words";

export function AboutText({ site }: { site: Site }): ReactNode {
  const say = useSay();
  const isLink = /^https?:\/\//i.test(site.privacyPolicy.trim());
  return (
    <div className="stack">
      {site.description && <p>{site.description}</p>}
      <p>{site.disclaimer || say("composer.disclaimer")}</p>
      {site.privacyPolicy && (
        <p>
          {isLink ? (
            <a className="link" href={site.privacyPolicy.trim()} target="_blank" rel="noopener noreferrer">
              {say("about.privacy")}
            </a>
          ) : (
            site.privacyPolicy
          )}
        </p>
      )}
      {site.copyright && <p className="hint">{say("list.copyright", { owner: site.copyright })}</p>}
      <p className="hint">{say("about.made")}</p>
    </div>
  );
}
