/** The workflow as a tool of agents and of other workflows. */
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { RefreshCw, TriangleAlert, Wrench } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { type AppDetail, publishedVersion, type Version } from "../../data/apps";
import { type WorkflowTool, workflowTool } from "../../data/tools";
import { HttpError, messageOf } from "../../lib/http";
import { Button } from "../../ui/Button";
import { Badge, Tile } from "../../ui/Marks";
import { type NewWorkflowTool, WorkflowToolDialog } from "../tools/WorkflowToolDialog";

const text = (value: unknown): string => (typeof value === "string" ? value : "");

function inputsOf(version: Version): NewWorkflowTool["parameters"] {
  const start = version.graph?.nodes?.find((node) => node.data?.type === "start")?.data;
  const list = Array.isArray(start?.variables) ? start.variables : [];
  return list.flatMap((each: unknown) => {
    if (typeof each !== "object" || each === null) return [];
    const name = text(Reflect.get(each, "variable"));
    return name ? [{ name, description: text(Reflect.get(each, "label")), form: "llm", required: Reflect.get(each, "required") === true }] : [];
  });
}

/** A name that a call may have, made from the name of the app. */
export function callName(name: string): string {
  return name
    .replace(/[^A-Za-z0-9]+/g, "_")
    .replace(/^_+|_+$/g, "")
    .slice(0, 64)
    .toLowerCase();
}

export function AsTool({ app }: { app: AppDetail }) {
  const { t } = useTranslation("tools");
  const published = useQuery(publishedVersion(app.id));
  const tool = useQuery({ ...workflowTool({ app: app.id }), retry: false });
  const [editing, setEditing] = useState<WorkflowTool | NewWorkflowTool>();
  // An app that is no tool has none: that is an answer, too.
  const none = tool.error instanceof HttpError && tool.error.status >= 400 && tool.error.status < 500;
  const version = published.data?.id ? published.data : undefined;
  const make = () => {
    if (!version) return;
    setEditing({
      workflow_app_id: app.id,
      label: app.name,
      name: callName(app.name),
      description: app.description,
      icon: { content: app.icon_type === "emoji" ? (app.icon ?? "") : "" },
      parameters: inputsOf(version),
    });
  };
  return (
    <section className="card p-4 flex flex-col gap-3" aria-label={t("workflow.card")}>
      <div className="flex items-center gap-2.5">
        <Tile cat="connect">
          <Wrench size={14} strokeWidth={1.9} aria-hidden />
        </Tile>
        <h2 className="font-semibold flex-1">{t("workflow.card")}</h2>
        {tool.data?.synced === false ? (
          <Badge tone="warn" icon={RefreshCw}>
            {t("workflow.outdated")}
          </Badge>
        ) : null}
        {tool.data || none ? <Badge tone={tool.data ? "ok" : "plain"}>{t(tool.data ? "workflow.on" : "workflow.off")}</Badge> : null}
      </div>
      <p className="text-ink-2">{t(tool.data?.synced === false ? "workflow.outdatedText" : "workflow.cardText")}</p>
      {published.isSuccess && !version ? (
        <div className="banner" data-tone="warn">
          <TriangleAlert size={16} aria-hidden />
          {t("workflow.notPublished")}
        </div>
      ) : null}
      {tool.error && !none ? <p className="wrong">{messageOf(tool.error)}</p> : null}
      <div className="flex items-center gap-3 flex-wrap">
        {tool.data ? <Button onClick={() => setEditing(tool.data)}>{t(tool.data.synced ? "workflow.configure" : "workflow.update")}</Button> : null}
        {none ? (
          <Button disabled={!version} onClick={make}>
            {t("workflow.make")}
          </Button>
        ) : null}
        {tool.data ? (
          <Link to="/tools" search={{ tab: "workflow", open: tool.data.workflow_tool_id }} className="link">
            {t("workflow.show")}
          </Link>
        ) : null}
      </div>
      {editing ? (
        <WorkflowToolDialog
          start={editing}
          labels={tool.data?.tool?.labels ?? []}
          onClose={() => setEditing(undefined)}
          onSaved={() => setEditing(undefined)}
        />
      ) : null}
    </section>
  );
}
