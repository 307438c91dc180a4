/** Services of the workspace that apps ask: about what users send, what they answer, and for data. */
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { CircleCheck, Pencil, PlugZap, Plus, Stethoscope, Trash2 } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { toast } from "sonner";
import { useRights } from "../../data/session";
import { useFormat } from "../../lib/format";
import { errorDetails, messageOf } from "../../lib/http";
import { Button, IconButton } from "../../ui/Button";
import { Confirm } from "../../ui/Dialog";
import { Tile } from "../../ui/Marks";
import { Empty, Failed, SkeletonRows } from "../../ui/States";
import { ExtensionForm } from "../basic/ExtensionForm";
import { deleteExtension, type Extension, extensionList, KEEP, saveExtension } from "../basic/extensions";
import { PageHead } from "./SettingsFrame";

export function Extensions() {
  const { t } = useTranslation("settings");
  const { t: b } = useTranslation("basic");
  const { t: c } = useTranslation();
  const client = useQueryClient();
  const rights = useRights();
  const list = useQuery(extensionList);
  const [editing, setEditing] = useState<string>();
  const [deleting, setDeleting] = useState<Extension>();
  const read = () => client.invalidateQueries({ queryKey: extensionList.queryKey });
  const drop = useMutation({
    mutationFn: (id: string) => deleteExtension(id),
    onSuccess: read,
    onError: (error) => toast.error(c("common.failed", { message: messageOf(error) })),
    onSettled: () => setDeleting(undefined),
  });
  const form = (extension: Extension | undefined) => (
    <ExtensionForm
      key={extension?.id ?? "new"}
      extension={extension}
      onClose={() => setEditing(undefined)}
      onSaved={async () => {
        await read();
        setEditing(undefined);
      }}
    />
  );
  const add = rights.admin ? (
    <Button kind="primary" icon={Plus} disabled={editing === NEW} onClick={() => setEditing(NEW)}>
      {t("extensions.add")}
    </Button>
  ) : null;
  return (
    <>
      <PageHead title={t("extensions.title")} text={t("extensions.text")}>
        {list.data && list.data.length > 0 ? add : null}
      </PageHead>
      {rights.admin ? null : <p className="hint">{b("extension.noRight")}</p>}
      {editing === NEW ? form(undefined) : null}
      {list.isPending ? (
        <SkeletonRows rows={3} height={56} slow={c("common.slow")} label={c("common.loading")} />
      ) : list.error ? (
        <Failed
          title={t("extensions.failed")}
          text={messageOf(list.error)}
          retry={{ label: c("common.retry"), onClick: () => void list.refetch() }}
          details={{ label: c("common.details"), copied: c("common.copied"), text: errorDetails(list.error) }}
        />
      ) : list.data.length === 0 && editing !== NEW ? (
        <Empty icon={PlugZap} cat="connect" title={t("extensions.empty")} text={t("extensions.emptyText")}>
          {add}
        </Empty>
      ) : (
        <ul className="flex flex-col gap-3" aria-label={t("extensions.title")}>
          {list.data.map((extension) => (
            <li key={extension.id}>
              {editing === extension.id ? (
                form(extension)
              ) : (
                <Row extension={extension} admin={rights.admin} onEdit={() => setEditing(extension.id)} onDelete={() => setDeleting(extension)} />
              )}
            </li>
          ))}
        </ul>
      )}
      <Confirm
        open={deleting !== undefined}
        title={b("extension.deleteTitle", { name: deleting?.name ?? "" })}
        text={b("extension.deleteText")}
        confirm={c("common.delete")}
        cancel={c("common.keep")}
        busy={drop.isPending}
        onClose={() => setDeleting(undefined)}
        onConfirm={() => deleting && drop.mutate(deleting.id)}
      />
    </>
  );
}

const NEW = "new";

interface RowProps {
  readonly extension: Extension;
  readonly admin: boolean;
  readonly onEdit: () => void;
  readonly onDelete: () => void;
}

function Row({ extension, admin, onEdit, onDelete }: RowProps) {
  const { t } = useTranslation("settings");
  const { t: b } = useTranslation("basic");
  const format = useFormat();
  // Saving asks it for a sign of life, and nothing of it changes.
  const test = useMutation({
    mutationFn: async () => {
      const start = performance.now();
      await saveExtension(extension.id, { name: extension.name, api_endpoint: extension.api_endpoint, api_key: KEEP });
      return (performance.now() - start) / 1000;
    },
  });
  return (
    <section className="card p-3 flex flex-col gap-2" aria-label={extension.name}>
      <div className="flex items-center gap-2.5 max-md:flex-wrap">
        <Tile cat="connect">
          <PlugZap size={14} strokeWidth={1.9} aria-hidden />
        </Tile>
        <div className="flex-1 min-w-0 max-md:basis-2/3">
          <div className="font-semibold truncate">{extension.name}</div>
          <div className="mono text-12 text-ink-2 truncate">{extension.api_endpoint}</div>
        </div>
        <span className="mono text-12 text-ink-3">{extension.api_key}</span>
        {admin ? (
          <>
            <Button size="sm" icon={Stethoscope} busy={test.isPending} onClick={() => test.mutate()}>
              {t("extensions.test")}
            </Button>
            <IconButton size="sm" icon={Pencil} label={b("form.edit", { name: extension.name })} onClick={onEdit} />
            <IconButton size="sm" icon={Trash2} label={b("form.delete", { name: extension.name })} onClick={onDelete} />
          </>
        ) : null}
      </div>
      {test.data === undefined || test.isPending ? null : (
        <p className="text-12 text-success flex items-center gap-1.5" role="status">
          <CircleCheck size={14} strokeWidth={1.9} aria-hidden />
          {t("extensions.works", { time: format.duration(test.data) })}
        </p>
      )}
      {test.error ? (
        <p className="wrong" role="alert">
          {messageOf(test.error)}
        </p>
      ) : null}
    </section>
  );
}
