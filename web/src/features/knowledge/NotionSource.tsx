/** Pages and databases of Notion that the workspace's integration may see. */
import { useQuery } from "@tanstack/react-query";
import { Eye, NotebookText, Search } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { type NotionPage, notionPages, notionText, type SourceCredential, sourceProviders } from "../../data/sources";
import { messageOf } from "../../lib/http";
import { IconButton } from "../../ui/Button";
import { Dialog } from "../../ui/Dialog";
import { Field } from "../../ui/Field";
import { Input } from "../../ui/Input";
import { Badge } from "../../ui/Marks";
import { Select } from "../../ui/Select";
import { Empty, Failed, SkeletonRows } from "../../ui/States";
import { Checkbox } from "../../ui/Switch";
import { NotSetUp } from "./NotSetUp";
import { type NotionPick, treeOf } from "./sources";

interface Props {
  readonly datasetId: string | undefined;
  readonly value: NotionPick | undefined;
  readonly onChange: (pick: NotionPick) => void;
}

const nameOf = (credential: SourceCredential) => credential.workspace?.workspace_name || credential.name;

export function NotionSource({ datasetId, value, onChange }: Props) {
  const { t } = useTranslation("knowledge");
  const { t: c } = useTranslation();
  const providers = useQuery(sourceProviders);
  const [chosen, setChosen] = useState(value?.credential);
  if (providers.isPending) return <SkeletonRows rows={3} height={44} slow={c("common.slow")} label={c("common.loading")} />;
  const ready = providers.data?.find((each) => each.provider_type === "online_document")?.credentials_list.filter((each) => !each.disabled) ?? [];
  const credential = ready.find((each) => each.id === chosen) ?? ready.find((each) => each.is_default) ?? ready[0];
  if (!credential) return <NotSetUp icon={NotebookText} title={t("notion.none")} text={providers.error ? messageOf(providers.error) : t("notion.noneText")} />;
  return (
    <div className="flex flex-col gap-4">
      {ready.length > 1 ? (
        <Field label={t("notion.workspace")}>
          <Select value={credential.id} onChange={setChosen} options={ready.map((each) => ({ value: each.id, label: nameOf(each) }))} />
        </Field>
      ) : null}
      <Pages
        key={credential.id}
        credential={credential.id}
        datasetId={datasetId}
        value={value?.credential === credential.id ? value : undefined}
        onChange={onChange}
      />
    </div>
  );
}

function Pages({ credential, datasetId, value, onChange }: Props & { readonly credential: string }) {
  const { t } = useTranslation("knowledge");
  const { t: c } = useTranslation();
  const list = useQuery(notionPages(credential, datasetId));
  const [search, setSearch] = useState("");
  const [shown, setShown] = useState<NotionPage>();
  if (list.isPending) return <SkeletonRows rows={5} height={40} slow={c("common.slow")} label={c("common.loading")} />;
  if (list.error)
    return <Failed title={t("notion.failed")} text={messageOf(list.error)} retry={{ label: c("common.retry"), onClick: () => void list.refetch() }} />;
  const workspace = list.data;
  const pages = workspace?.pages ?? [];
  const words = search.trim().toLowerCase();
  const rows = words === "" ? treeOf(pages) : pages.filter((page) => page.page_name.toLowerCase().includes(words)).map((page) => ({ page, depth: 0 }));
  const chosen = value?.pages ?? [];
  const toggle = (page: NotionPage) => {
    const is = chosen.some((each) => each.page_id === page.page_id);
    const next = is ? chosen.filter((each) => each.page_id !== page.page_id) : [...chosen, page];
    onChange({ credential, workspace: workspace?.workspace_id ?? "", pages: next });
  };
  return (
    <>
      <Input
        icon={Search}
        value={search}
        aria-label={t("notion.search")}
        placeholder={t("notion.search")}
        onChange={(event) => setSearch(event.target.value)}
      />
      {rows.length === 0 ? (
        <Empty
          icon={NotebookText}
          cat="knowledge"
          title={t(pages.length === 0 ? "notion.empty" : "notion.noMatch")}
          text={pages.length === 0 ? t("notion.emptyText") : ""}
        />
      ) : (
        <ul className="card max-h-[420px] overflow-auto" aria-label={t("notion.pages")}>
          {rows.map(({ page, depth }) => (
            <li
              key={page.page_id}
              className="flex items-center gap-2.5 px-3 py-2 border-b border-line-1 last:border-b-0"
              style={{ paddingInlineStart: 12 + depth * 20 }}
            >
              <Checkbox
                label={t("documents.choose", { name: page.page_name })}
                checked={page.is_bound || chosen.some((each) => each.page_id === page.page_id)}
                disabled={page.is_bound}
                onChange={() => toggle(page)}
              />
              <span aria-hidden>{page.page_icon?.emoji ?? "📄"}</span>
              <span className="flex-1 min-w-0 truncate font-medium">{page.page_name}</span>
              {page.type === "database" ? <Badge>{t("notion.database")}</Badge> : null}
              {page.is_bound ? <Badge tone="ok">{t("notion.bound")}</Badge> : null}
              <IconButton size="sm" icon={Eye} label={t("website.look", { name: page.page_name })} onClick={() => setShown(page)} />
            </li>
          ))}
        </ul>
      )}
      {shown ? <Text credential={credential} page={shown} onClose={() => setShown(undefined)} /> : null}
    </>
  );
}

function Text({ credential, page, onClose }: { credential: string; page: NotionPage; onClose: () => void }) {
  const { t: c } = useTranslation();
  const text = useQuery(notionText(credential, page));
  return (
    <Dialog open size="lg" title={page.page_name} closeLabel={c("common.close")} onClose={onClose}>
      {text.isPending ? (
        <SkeletonRows rows={6} height={20} slow={c("common.slow")} label={c("common.loading")} />
      ) : text.error ? (
        <p className="wrong" role="alert">
          {messageOf(text.error)}
        </p>
      ) : (
        <pre className="whitespace-pre-wrap wrap-anywhere text-13 max-h-[60vh] overflow-auto">{text.data}</pre>
      )}
    </Dialog>
  );
}
