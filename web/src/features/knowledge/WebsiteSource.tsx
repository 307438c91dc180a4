/** Pages of a website, read by a service that is set up for it. */
import { useMutation, useQuery } from "@tanstack/react-query";
import { Eye, Globe, ScanSearch } from "lucide-react";
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { type CrawledPage, type CrawlOptions, crawlStatus, type SourceProvider, sourceProviders, startCrawl } from "../../data/sources";
import { inLanguage } from "../../lib/format";
import { messageOf } from "../../lib/http";
import { Button, IconButton } from "../../ui/Button";
import { Dialog } from "../../ui/Dialog";
import { Field } from "../../ui/Field";
import { Input } from "../../ui/Input";
import { Select } from "../../ui/Select";
import { SkeletonRows } from "../../ui/States";
import { Checkbox, Switch } from "../../ui/Switch";
import { NotSetUp } from "./NotSetUp";
import type { WebsitePick } from "./sources";

interface Props {
  readonly value: WebsitePick | undefined;
  readonly onChange: (pick: WebsitePick | undefined) => void;
}

export function WebsiteSource({ value, onChange }: Props) {
  const { t } = useTranslation("knowledge");
  const { t: c } = useTranslation();
  const providers = useQuery(sourceProviders);
  if (providers.isPending) return <SkeletonRows rows={3} height={44} slow={c("common.slow")} label={c("common.loading")} />;
  const ready = providers.data?.filter((each) => each.provider_type === "website_crawl" && each.credentials_list.some((one) => !one.disabled)) ?? [];
  if (ready.length === 0) {
    return <NotSetUp icon={Globe} title={t("website.none")} text={providers.error ? messageOf(providers.error) : t("website.noneText")} />;
  }
  return <Crawler providers={ready} value={value} onChange={onChange} />;
}

const START: CrawlOptions = { crawl_sub_pages: true, only_main_content: true, includes: "", excludes: "", limit: 10, max_depth: 2, use_sitemap: true };

function Crawler({ providers, value, onChange }: Props & { readonly providers: readonly SourceProvider[] }) {
  const { t, i18n } = useTranslation("knowledge");
  const [provider, setProvider] = useState(value?.provider ?? providers[0]?.provider ?? "");
  const [url, setUrl] = useState("");
  const [options, setOptions] = useState(START);
  const [job, setJob] = useState<string>();
  const begin = useMutation({
    mutationFn: () => startCrawl(provider, url.trim(), options),
    onMutate: () => onChange(undefined),
    onSuccess: (crawl) => (crawl.status === "completed" ? take(crawl.job_id, crawl.data) : setJob(crawl.job_id)),
  });
  const status = useQuery({ ...crawlStatus(provider, job ?? ""), enabled: job !== undefined });
  const take = (id: string, pages: readonly CrawledPage[]) => {
    setJob(undefined);
    onChange({ provider, job: id, main: options.only_main_content, pages, chosen: pages.map((page) => page.source_url) });
  };
  const done = status.data?.status === "completed" ? status.data : undefined;
  // biome-ignore lint/correctness/useExhaustiveDependencies: once, when the crawl is over
  useEffect(() => {
    if (job !== undefined && done) take(job, done.data);
  }, [job, done]);
  const set = (part: Partial<CrawlOptions>) => setOptions((now) => ({ ...now, ...part }));
  const problem = begin.error ?? (job === undefined ? null : status.error);
  const running = begin.isPending || (job !== undefined && !status.error);
  return (
    <div className="flex flex-col gap-4">
      <form
        className="card p-4 flex flex-col gap-4"
        aria-label={t("website.form")}
        onSubmit={(event) => {
          event.preventDefault();
          setJob(undefined);
          if (url.trim() !== "" && !running) begin.mutate();
        }}
      >
        <div className="grid gap-4 md:grid-cols-[200px_1fr]">
          <Field label={t("website.provider")}>
            <Select
              value={provider}
              onChange={setProvider}
              options={providers.map((each) => ({ value: each.provider, label: inLanguage(each.label, i18n.language) }))}
            />
          </Field>
          <Field label={t("website.url")}>
            <Input type="url" required value={url} placeholder="https://docs.example.com" onChange={(event) => setUrl(event.target.value)} />
          </Field>
        </div>
        <Line label={t("website.subPages")} checked={options.crawl_sub_pages} onChange={(crawl_sub_pages) => set({ crawl_sub_pages })} />
        {options.crawl_sub_pages ? (
          <div className="grid gap-4 md:grid-cols-2">
            <Field label={t("website.limit")}>
              <Input type="number" min={1} max={500} value={options.limit} onChange={(event) => set({ limit: Math.max(1, Number(event.target.value) || 1) })} />
            </Field>
            <Field label={t("website.depth")}>
              <Input
                type="number"
                min={0}
                max={20}
                value={options.max_depth ?? ""}
                onChange={(event) => set({ max_depth: event.target.value === "" ? null : Number(event.target.value) })}
              />
            </Field>
            <Field label={t("website.includes")} hint={t("website.paths")}>
              <Input value={options.includes} placeholder="docs/*" onChange={(event) => set({ includes: event.target.value })} />
            </Field>
            <Field label={t("website.excludes")} hint={t("website.paths")}>
              <Input value={options.excludes} placeholder="blog/*" onChange={(event) => set({ excludes: event.target.value })} />
            </Field>
          </div>
        ) : null}
        <Line label={t("website.main")} checked={options.only_main_content} onChange={(only_main_content) => set({ only_main_content })} />
        {provider === "jinareader" ? (
          <Line label={t("website.sitemap")} checked={options.use_sitemap} onChange={(use_sitemap) => set({ use_sitemap })} />
        ) : null}
        {problem ? (
          <p className="wrong" role="alert">
            {messageOf(problem)}
          </p>
        ) : null}
        <div className="flex items-center gap-3">
          <Button type="submit" icon={ScanSearch} busy={running} disabled={url.trim() === ""}>
            {t("website.read")}
          </Button>
          <span className="text-12 text-ink-3 num" role="status">
            {running && status.data ? t("website.reading", { current: status.data.current, total: status.data.total }) : ""}
          </span>
        </div>
      </form>
      {value ? <Pages value={value} onChange={onChange} /> : null}
    </div>
  );
}

function Line({ label, checked, onChange }: { label: string; checked: boolean; onChange: (on: boolean) => void }) {
  return (
    <div className="flex items-center gap-2.5">
      <Switch label={label} checked={checked} onChange={onChange} />
      <span aria-hidden>{label}</span>
    </div>
  );
}

function Pages({ value, onChange }: { value: WebsitePick; onChange: (pick: WebsitePick) => void }) {
  const { t } = useTranslation("knowledge");
  const { t: c } = useTranslation();
  const [shown, setShown] = useState<CrawledPage>();
  const all = value.chosen.length === value.pages.length;
  const toggle = (url: string) =>
    onChange({ ...value, chosen: value.chosen.includes(url) ? value.chosen.filter((each) => each !== url) : [...value.chosen, url] });
  return (
    <section className="card" aria-label={t("website.pages")}>
      <div className="flex items-center gap-2.5 px-3 py-2 border-b border-line-1">
        <Checkbox
          label={t("website.all")}
          checked={all}
          onChange={() => onChange({ ...value, chosen: all ? [] : value.pages.map((page) => page.source_url) })}
        />
        <span className="text-12 text-ink-2 num">{t("website.count", { count: value.pages.length, chosen: value.chosen.length })}</span>
      </div>
      <ul className="max-h-[360px] overflow-auto">
        {value.pages.map((page) => (
          <li key={page.source_url} className="flex items-center gap-2.5 px-3 py-2 border-b border-line-1 last:border-b-0">
            <Checkbox
              label={t("documents.choose", { name: page.title || page.source_url })}
              checked={value.chosen.includes(page.source_url)}
              onChange={() => toggle(page.source_url)}
            />
            <div className="flex-1 min-w-0">
              <div className="truncate font-medium">{page.title || page.source_url}</div>
              <div className="truncate text-12 text-ink-3">{page.source_url}</div>
            </div>
            <IconButton size="sm" icon={Eye} label={t("website.look", { name: page.title || page.source_url })} onClick={() => setShown(page)} />
          </li>
        ))}
      </ul>
      {shown ? (
        <Dialog
          open
          size="lg"
          title={shown.title || shown.source_url}
          about={shown.source_url}
          closeLabel={c("common.close")}
          onClose={() => setShown(undefined)}
        >
          <pre className="whitespace-pre-wrap wrap-anywhere text-13 max-h-[60vh] overflow-auto">{shown.markdown}</pre>
        </Dialog>
      ) : null}
    </section>
  );
}
