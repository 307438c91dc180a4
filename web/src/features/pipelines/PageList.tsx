/** Pages that a data source has listed, to tick. */
import { useQuery } from "@tanstack/react-query";
import { Eye, Globe, NotebookText, Search } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import type { OnlinePage, OnlineWorkspace, pageText, WebPage } from "../../data/pipelines";
import { messageOf } from "../../lib/http";
import { IconButton } from "../../ui/Button";
import { Dialog } from "../../ui/Dialog";
import { Input } from "../../ui/Input";
import { Badge } from "../../ui/Marks";
import { Empty, SkeletonRows } from "../../ui/States";
import { Checkbox } from "../../ui/Switch";
import { treeOf } from "../knowledge/sources";
import { type Item, onlineItem, toggled, webItem } from "./sources";

interface Props {
  readonly one: boolean;
  readonly value: readonly Item[];
  readonly onChange: (items: readonly Item[]) => void;
}

export function PageList({ pages, one, value, onChange }: Props & { readonly pages: readonly WebPage[] }) {
  const { t } = useTranslation("pipelines");
  const { t: k } = useTranslation("knowledge");
  const { t: c } = useTranslation();
  const [shown, setShown] = useState<WebPage>();
  const items = pages.map((page) => ({ page, item: webItem(page) }));
  const has = (item: Item) => value.some((each) => each.id === item.id);
  const all = items.length > 0 && items.every(({ item }) => has(item));
  if (items.length === 0) return <Empty icon={Globe} cat="knowledge" title={t("source.nothing")} text={t("source.nothingText")} />;
  return (
    <section className="card" aria-label={k("website.pages")}>
      <div className="flex items-center gap-2.5 px-3 py-2 border-b border-line-1">
        {one ? null : <Checkbox label={k("website.all")} checked={all} onChange={() => onChange(all ? [] : items.map(({ item }) => item))} />}
        <span className="text-12 text-ink-2 num">{k("website.count", { count: items.length, chosen: value.length })}</span>
      </div>
      <ul className="max-h-[360px] overflow-auto">
        {items.map(({ page, item }) => (
          <li key={item.id} className="flex items-center gap-2.5 px-3 py-2 border-b border-line-1 last:border-b-0">
            <Checkbox label={k("documents.choose", { name: item.name })} checked={has(item)} onChange={() => onChange(toggled(value, item, one))} />
            <div className="flex-1 min-w-0">
              <div className="truncate font-medium">{item.name}</div>
              <div className="truncate text-12 text-ink-3">{page.source_url}</div>
            </div>
            <IconButton size="sm" icon={Eye} label={k("website.look", { name: item.name })} onClick={() => setShown(page)} />
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
          <pre className="whitespace-pre-wrap wrap-anywhere text-13 max-h-[60vh] overflow-auto">{shown.content}</pre>
        </Dialog>
      ) : null}
    </section>
  );
}

interface WorkspaceProps extends Props {
  readonly workspaces: readonly OnlineWorkspace[];
  readonly credential: string;
  /** Where the text of a page can be had before it is taken. */
  readonly text?: (page: OnlinePage) => ReturnType<typeof pageText>;
}

export function WorkspaceList({ workspaces, credential, text, one, value, onChange }: WorkspaceProps) {
  const { t: k } = useTranslation("knowledge");
  const [shown, setShown] = useState<OnlinePage>();
  const [search, setSearch] = useState("");
  const words = search.trim().toLowerCase();
  const groups = workspaces.map((workspace) => {
    const pages = workspace.pages.map((page) => ({
      ...page,
      page_icon: page.page_icon?.emoji ? { type: "emoji", emoji: page.page_icon.emoji } : null,
      parent_id: page.parent_id ?? "root",
      type: page.type === "database" ? ("database" as const) : ("page" as const),
      is_bound: false,
    }));
    const rows = words === "" ? treeOf(pages) : pages.filter((page) => page.page_name.toLowerCase().includes(words)).map((page) => ({ page, depth: 0 }));
    const original = new Map(workspace.pages.map((page) => [page.page_id, page]));
    return { workspace, rows: rows.map(({ page, depth }) => ({ page, depth, source: original.get(page.page_id) ?? page })) };
  });
  const total = workspaces.reduce((sum, each) => sum + each.pages.length, 0);
  if (total === 0) return <Empty icon={NotebookText} cat="knowledge" title={k("notion.empty")} text={k("notion.emptyText")} />;
  const found = groups.some(({ rows }) => rows.length > 0);
  return (
    <>
      <Input
        icon={Search}
        value={search}
        aria-label={k("notion.search")}
        placeholder={k("notion.search")}
        onChange={(event) => setSearch(event.target.value)}
      />
      {found ? null : <Empty icon={NotebookText} cat="knowledge" title={k("notion.noMatch")} />}
      {groups.map(({ workspace, rows }) =>
        rows.length === 0 ? null : (
          <section key={workspace.workspace_id} aria-label={workspace.workspace_name || k("notion.pages")} className="flex flex-col gap-1.5">
            {workspace.workspace_name ? <h3 className="lbl">{workspace.workspace_name}</h3> : null}
            <ul className="card max-h-[420px] overflow-auto">
              {rows.map(({ page, depth, source }) => {
                const item = onlineItem(workspace, source, credential);
                return (
                  <li
                    key={page.page_id}
                    className="flex items-center gap-2.5 px-3 py-2 border-b border-line-1 last:border-b-0"
                    style={{ paddingInlineStart: 12 + depth * 20 }}
                  >
                    <Checkbox
                      label={k("documents.choose", { name: page.page_name })}
                      checked={value.some((each) => each.id === item.id)}
                      onChange={() => onChange(toggled(value, item, one))}
                    />
                    <span aria-hidden>{page.page_icon?.emoji ?? "📄"}</span>
                    <span className="flex-1 min-w-0 truncate font-medium">{page.page_name}</span>
                    {page.type === "database" ? <Badge>{k("notion.database")}</Badge> : null}
                    {text ? <IconButton size="sm" icon={Eye} label={k("website.look", { name: page.page_name })} onClick={() => setShown(source)} /> : null}
                  </li>
                );
              })}
            </ul>
          </section>
        ),
      )}
      {shown && text ? <PageText title={shown.page_name} query={text(shown)} onClose={() => setShown(undefined)} /> : null}
    </>
  );
}

function PageText({ title, query, onClose }: { title: string; query: ReturnType<typeof pageText>; onClose: () => void }) {
  const { t: c } = useTranslation();
  const text = useQuery(query);
  return (
    <Dialog open size="lg" title={title} closeLabel={c("common.close")} onClose={onClose}>
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
