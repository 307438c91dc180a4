/** One provider beside the list: what it is, its keys or its server, and each of its tools. */
import { useQuery } from "@tanstack/react-query";
import { Pencil, RefreshCw, Settings2, ShieldCheck, Trash2, Workflow, X } from "lucide-react";
import { type ReactNode, useState } from "react";
import { useTranslation } from "react-i18next";
import { toast } from "sonner";
import { useRights } from "../../data/session";
import {
  apiToolSet,
  authoriseMcp,
  deleteApiTools,
  deleteMcpServer,
  deleteWorkflowTool,
  providerTools,
  refreshMcpTools,
  type ToolProvider,
  toolLabels,
  toolsOf,
  useToolChange,
  workflowTool,
} from "../../data/tools";
import { inLanguage, useFormat } from "../../lib/format";
import { messageOf } from "../../lib/http";
import { Button, IconButton } from "../../ui/Button";
import { Confirm } from "../../ui/Dialog";
import { Badge } from "../../ui/Marks";
import { Failed, SkeletonRows } from "../../ui/States";
import { ToolTile } from "../../ui/ToolTile";
import { ApiDialog } from "./ApiDialog";
import { ApiSignIn } from "./ApiSignIn";
import { Credentials } from "./Credentials";
import { McpDialog } from "./McpDialog";
import { isLetIn, operationName, titleOf } from "./model";
import { OwnSignIn } from "./OwnSignIn";
import { Permissions } from "./Permissions";
import { TestDialog } from "./TestDialog";
import { Outdated } from "./ToolCard";
import { ToolRow } from "./ToolRow";
import { useLetIn } from "./useLetIn";
import { WorkflowToolDialog } from "./WorkflowToolDialog";

interface Props {
  readonly provider: ToolProvider;
  readonly onClose: () => void;
  readonly onApp: (app: string) => void;
}

export function ProviderPanel({ provider, onClose, onApp }: Props) {
  const { t, i18n } = useTranslation("tools");
  const { t: c } = useTranslation();
  const labels = useQuery(toolLabels).data ?? [];
  const name = titleOf(provider, i18n.language);
  const about = inLanguage(provider.description, i18n.language);
  return (
    <aside className="tools-side flex flex-col min-h-0 border-s border-line-1 bg-surface-1 max-lg:absolute max-lg:inset-0" aria-label={name}>
      <header className="flex items-center gap-2.5 px-4 min-h-14 border-b border-line-1 flex-none">
        <ToolTile icon={provider.icon} size="lg" />
        <div className="min-w-0 flex-1">
          <h2 className="font-semibold truncate">{name}</h2>
          <p className="text-12 text-ink-3 truncate">{t(`kind.${provider.type}`, { defaultValue: provider.type })}</p>
        </div>
        <IconButton icon={X} label={c("common.close")} onClick={onClose} />
      </header>
      <div className="flex-1 min-h-0 overflow-auto p-4 flex flex-col gap-4">
        {about ? <p className="text-ink-2 whitespace-pre-wrap wrap-anywhere">{about}</p> : null}
        {(provider.labels ?? []).length > 0 ? (
          <div className="flex gap-1.5 flex-wrap">
            {(provider.labels ?? []).map((label) => (
              <Badge key={label}>{inLanguage(labels.find((each) => each.name === label)?.label, i18n.language) || label}</Badge>
            ))}
          </div>
        ) : null}
        {provider.type === "builtin" ? <Credentials provider={provider} /> : null}
        {provider.type === "api" ? <ApiActions provider={provider} onGone={onClose} /> : null}
        {provider.type === "workflow" ? <WorkflowActions provider={provider} onGone={onClose} onApp={onApp} /> : null}
        {provider.type === "mcp" ? <McpActions provider={provider} onGone={onClose} /> : null}
        <Permissions provider={provider} />
        {provider.type !== "mcp" || isLetIn(provider) || toolsOf(provider).length > 0 ? <Tools provider={provider} /> : null}
      </div>
    </aside>
  );
}

function Tools({ provider }: { provider: ToolProvider }) {
  const { t } = useTranslation("tools");
  const { t: c } = useTranslation();
  const rights = useRights();
  const known = toolsOf(provider);
  const list = useQuery({ ...providerTools(provider), ...(known.length > 0 ? { initialData: known } : {}) });
  // What an operation needs to be tried is in the schema.
  const set = useQuery({ ...apiToolSet(provider.name), enabled: provider.type === "api" && rights.admin }).data;
  const [trying, setTrying] = useState<string>();
  const operation = set?.tools.find((each) => operationName(each) === trying);
  return (
    <section aria-label={t("tools")}>
      <h3 className="lbl mb-1.5">
        {t("tools")} {list.data ? <span className="text-ink-3 font-regular num">{list.data.length}</span> : null}
      </h3>
      {list.isPending ? (
        <SkeletonRows rows={3} height={40} slow={c("common.slow")} label={c("common.loading")} />
      ) : list.error ? (
        <Failed title={t("toolsFailed")} text={messageOf(list.error)} retry={{ label: c("common.retry"), onClick: () => void list.refetch() }} />
      ) : list.data.length === 0 ? (
        <p className="hint">{t("noTools")}</p>
      ) : (
        <div className="card overflow-hidden">
          {list.data.map((tool) => (
            <ToolRow
              key={tool.name}
              tool={tool}
              closed={provider.closed_tools?.includes(tool.name) ?? false}
              onTry={set?.tools.some((each) => operationName(each) === tool.name) ? () => setTrying(tool.name) : undefined}
            />
          ))}
        </div>
      )}
      {operation && set ? (
        <TestDialog
          operation={operation}
          auth={set.credentials}
          schema={set.schema}
          schemaType={set.schema_type}
          provider={provider.name}
          onClose={() => setTrying(undefined)}
        />
      ) : null}
    </section>
  );
}

interface ActionProps {
  readonly provider: ToolProvider;
  readonly onGone: () => void;
}

interface DeleteProps {
  readonly name: string;
  readonly text: string;
  readonly label: string;
  readonly run: () => Promise<unknown>;
  readonly onGone: () => void;
}

function DeleteButton({ name, text, label, run, onGone }: DeleteProps) {
  const { t } = useTranslation("tools");
  const { t: c } = useTranslation();
  const [asking, setAsking] = useState(false);
  const drop = useToolChange(run);
  return (
    <>
      <Button kind="danger" icon={Trash2} onClick={() => setAsking(true)}>
        {label}
      </Button>
      <Confirm
        open={asking}
        title={t("delete.title", { name })}
        text={text}
        typed={{ label: t("delete.typed"), text: name }}
        confirm={c("common.delete")}
        cancel={c("common.keep")}
        busy={drop.isPending}
        onClose={() => setAsking(false)}
        onConfirm={() =>
          drop.mutate(undefined, {
            onSuccess: () => {
              setAsking(false);
              toast(t("delete.done", { name }));
              onGone();
            },
            onError: (error) => toast.error(c("common.failed", { message: messageOf(error) })),
          })
        }
      />
    </>
  );
}

function Row({ children }: { children: ReactNode }) {
  return <div className="flex gap-2 flex-wrap">{children}</div>;
}

function ApiActions({ provider, onGone }: ActionProps) {
  const { t, i18n } = useTranslation("tools");
  const { t: c } = useTranslation();
  const rights = useRights();
  const [editing, setEditing] = useState(false);
  const set = useQuery(apiToolSet(provider.name)).data;
  return (
    <>
      {rights.admin ? (
        <Row>
          <Button icon={Pencil} onClick={() => setEditing(true)}>
            {c("common.edit")}
          </Button>
          <DeleteButton
            name={titleOf(provider, i18n.language)}
            text={t("delete.text")}
            label={c("common.delete")}
            run={() => deleteApiTools(provider.name)}
            onGone={onGone}
          />
        </Row>
      ) : null}
      {set?.credentials.auth_type === "oauth2" ? <ApiSignIn provider={provider} set={set} /> : null}
      {set?.privacy_policy ? (
        <a
          className="link self-start wrap-anywhere"
          href={/^https?:\/\//.test(set.privacy_policy) ? set.privacy_policy : undefined}
          target="_blank"
          rel="noreferrer"
        >
          {t("form.privacy")}
        </a>
      ) : null}
      {set?.custom_disclaimer ? <p className="hint whitespace-pre-wrap">{set.custom_disclaimer}</p> : null}
      {editing ? (
        <ApiDialog
          provider={provider.name}
          onClose={() => setEditing(false)}
          onSaved={(name) => {
            setEditing(false);
            // Under another name it is another one in the list.
            if (name !== provider.name) onGone();
          }}
        />
      ) : null}
    </>
  );
}

function WorkflowActions({ provider, onGone, onApp }: ActionProps & { onApp: (app: string) => void }) {
  const { t, i18n } = useTranslation("tools");
  const { t: c } = useTranslation();
  const rights = useRights();
  const tool = useQuery(workflowTool({ tool: provider.id }));
  const [editing, setEditing] = useState(false);
  const app = tool.data?.workflow_app_id ?? provider.workflow_app_id;
  return (
    <>
      {tool.data?.synced === false ? (
        <div className="banner" data-tone="warn">
          <RefreshCw size={16} aria-hidden />
          <span className="flex-1">{t("workflow.outdatedText")}</span>
        </div>
      ) : null}
      {tool.error ? (
        <Failed title={t("workflow.failed")} text={messageOf(tool.error)} retry={{ label: c("common.retry"), onClick: () => void tool.refetch() }} />
      ) : null}
      <Row>
        {rights.edit && tool.data ? (
          <Button icon={Settings2} onClick={() => setEditing(true)}>
            {t(tool.data.synced ? "workflow.configure" : "workflow.update")}
          </Button>
        ) : null}
        {app ? (
          <Button icon={Workflow} onClick={() => onApp(app)}>
            {t("workflow.open")}
          </Button>
        ) : null}
        {rights.edit ? (
          <DeleteButton
            name={titleOf(provider, i18n.language)}
            text={t("delete.workflow")}
            label={c("common.delete")}
            run={() => deleteWorkflowTool(provider.id)}
            onGone={onGone}
          />
        ) : null}
        {tool.data ? <Outdated id={provider.id} /> : null}
      </Row>
      {editing && tool.data ? (
        <WorkflowToolDialog start={tool.data} labels={provider.labels ?? []} onClose={() => setEditing(false)} onSaved={() => setEditing(false)} />
      ) : null}
    </>
  );
}

function McpActions({ provider, onGone }: ActionProps) {
  const { t, i18n } = useTranslation("tools");
  const { t: c } = useTranslation();
  const format = useFormat();
  const rights = useRights();
  const [editing, setEditing] = useState(false);
  const letIn = useLetIn(() => authoriseMcp(provider.id));
  const failed = (error: unknown) => toast.error(c("common.failed", { message: messageOf(error) }));
  const refresh = useToolChange(() => refreshMcpTools(provider.id));
  const personal = provider.personal === true;
  const ready = isLetIn(provider);
  // Whoever is in by themselves can ask for the tools, too.
  const readable = ready || provider.signed_in === true;
  return (
    <>
      <dl className="grid gap-x-4 gap-y-1 text-12" style={{ gridTemplateColumns: "auto minmax(0, 1fr)" }}>
        <dt className="text-ink-3">{t("mcp.url")}</dt>
        <dd className="mono wrap-anywhere">{provider.server_url}</dd>
        <dt className="text-ink-3">{t("mcp.id")}</dt>
        <dd className="mono wrap-anywhere">{provider.server_identifier}</dd>
        {provider.updated_at ? (
          <>
            <dt className="text-ink-3">{t("mcp.updated")}</dt>
            <dd>{format.ago(provider.updated_at)}</dd>
          </>
        ) : null}
      </dl>
      {personal ? <OwnSignIn provider={provider} name={titleOf(provider, i18n.language)} /> : null}
      {ready ? null : (
        <div className="banner" data-tone={personal ? undefined : "warn"}>
          <ShieldCheck size={16} aria-hidden />
          <span className="flex-1">{t(personal ? "mcp.own.noWorkspace" : "mcp.notLetInText")}</span>
        </div>
      )}
      {letIn.problem ? (
        <p className="wrong" role="alert">
          {letIn.problem}
        </p>
      ) : null}
      {rights.admin ? (
        <Row>
          {readable ? (
            <Button
              icon={RefreshCw}
              busy={refresh.isPending}
              onClick={() => refresh.mutate(undefined, { onSuccess: () => toast(t("mcp.refreshed")), onError: failed })}
            >
              {t("mcp.refresh")}
            </Button>
          ) : null}
          {ready ? null : (
            <Button {...(personal ? {} : { kind: "primary" as const })} icon={ShieldCheck} busy={letIn.busy} onClick={letIn.start}>
              {t(personal ? "mcp.own.letIn" : "mcp.letIn")}
            </Button>
          )}
          <Button icon={Pencil} onClick={() => setEditing(true)}>
            {c("common.edit")}
          </Button>
          <DeleteButton
            name={titleOf(provider, i18n.language)}
            text={t("delete.mcp")}
            label={t("mcp.remove")}
            run={() => deleteMcpServer(provider.id)}
            onGone={onGone}
          />
        </Row>
      ) : null}
      {editing ? <McpDialog provider={provider} onClose={() => setEditing(false)} onSaved={() => setEditing(false)} /> : null}
    </>
  );
}
