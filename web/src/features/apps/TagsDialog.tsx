/** The tags of an app or a knowledge base; and of all of them, names and deletion. */
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Pencil, Trash2 } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { toast } from "sonner";
import { bindTag, createTag, deleteTag, renameTag, type Tag, type Tagged, tagsOf, unbindTag } from "../../data/apps";
import { messageOf } from "../../lib/http";
import { IconButton } from "../../ui/Button";
import { Confirm, Dialog } from "../../ui/Dialog";
import { Input } from "../../ui/Input";
import { Checkbox } from "../../ui/Switch";

interface Props {
  readonly kind: Tagged;
  readonly target: { readonly id: string; readonly name: string; readonly tags: readonly { readonly id: string }[] };
  readonly onClose: () => void;
}

export function TagsDialog({ kind, target, onClose }: Props) {
  const { t } = useTranslation("apps");
  const { t: c } = useTranslation();
  const client = useQueryClient();
  const tags = useQuery(tagsOf(kind)).data ?? [];
  const [mine, setMine] = useState<ReadonlySet<string>>(() => new Set(target.tags.map((tag) => tag.id)));
  const [name, setName] = useState("");
  const [deleting, setDeleting] = useState<Tag>();
  const again = () =>
    Promise.all([client.invalidateQueries({ queryKey: [kind === "app" ? "apps" : "datasets"] }), client.invalidateQueries({ queryKey: ["tags"] })]);
  const attempt = async (action: () => Promise<unknown>) => {
    try {
      await action();
      await again();
    } catch (error) {
      toast.error(c("common.failed", { message: messageOf(error) }));
    }
  };
  const toggle = (tag: Tag, on: boolean) => {
    setMine((now) => {
      const next = new Set(now);
      if (on) next.add(tag.id);
      else next.delete(tag.id);
      return next;
    });
    void attempt(() => (on ? bindTag(kind, tag.id, target.id) : unbindTag(kind, tag.id, target.id)));
  };
  const add = () =>
    attempt(async () => {
      const wanted = name.trim();
      const known = tags.find((tag) => tag.name.toLowerCase() === wanted.toLowerCase());
      const tag = known ?? (await createTag(kind, wanted));
      await bindTag(kind, tag.id, target.id);
      setMine((now) => new Set([...now, tag.id]));
      setName("");
    });
  return (
    <Dialog open size="sm" title={t("tags.title", { name: target.name })} closeLabel={c("common.close")} onClose={onClose}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          if (name.trim()) void add();
        }}
      >
        <Input aria-label={t("tags.new")} placeholder={t("tags.new")} maxLength={50} value={name} autoFocus onChange={(event) => setName(event.target.value)} />
      </form>
      <ul className="mt-3">
        {tags.length === 0 ? <li className="hint">{t("tags.none")}</li> : null}
        {tags.map((tag) => (
          <TagRow
            key={tag.id}
            tag={tag}
            on={mine.has(tag.id)}
            onToggle={(on) => toggle(tag, on)}
            onRename={(text) => void attempt(() => renameTag(kind, tag.id, text))}
            onDelete={() => setDeleting(tag)}
          />
        ))}
      </ul>
      <Confirm
        open={deleting !== undefined}
        title={t("tags.delete", { name: deleting?.name })}
        text={t(kind === "app" ? "tags.deleteText" : "tags.deleteKnowledge", { count: Number(deleting?.binding_count ?? 0) })}
        confirm={c("common.delete")}
        cancel={c("common.keep")}
        onClose={() => setDeleting(undefined)}
        onConfirm={() => {
          if (deleting) void attempt(() => deleteTag(deleting.id));
          setDeleting(undefined);
        }}
      />
    </Dialog>
  );
}

function TagRow({
  tag,
  on,
  onToggle,
  onRename,
  onDelete,
}: {
  tag: Tag;
  on: boolean;
  onToggle: (on: boolean) => void;
  onRename: (name: string) => void;
  onDelete: () => void;
}) {
  const { t } = useTranslation("apps");
  const [draft, setDraft] = useState<string>();
  const finish = () => {
    if (draft?.trim() && draft.trim() !== tag.name) onRename(draft.trim());
    setDraft(undefined);
  };
  return (
    <li className="flex items-center gap-2.5 h-8">
      <Checkbox id={tag.id} checked={on} onChange={onToggle} />
      {draft === undefined ? (
        <label htmlFor={tag.id} className="flex-1 truncate">
          {tag.name}
        </label>
      ) : (
        <input
          className="inp flex-1"
          aria-label={t("tags.rename", { name: tag.name })}
          value={draft}
          autoFocus
          maxLength={50}
          onChange={(event) => setDraft(event.target.value)}
          onBlur={finish}
          onKeyDown={(event) => {
            if (event.key === "Enter") finish();
            if (event.key === "Escape") {
              event.stopPropagation();
              setDraft(undefined);
            }
          }}
        />
      )}
      <IconButton size="sm" icon={Pencil} label={t("tags.rename", { name: tag.name })} onClick={() => setDraft(tag.name)} />
      <IconButton size="sm" icon={Trash2} label={t("tags.delete", { name: tag.name })} onClick={onDelete} />
    </li>
  );
}
