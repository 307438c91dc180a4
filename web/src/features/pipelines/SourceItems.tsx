/** What a data source has to offer, and what is taken of it: files, pages of a website, pages of an online service, files of a drive. */
import { useQuery } from "@tanstack/react-query";
import { Globe, HardDrive, NotebookText } from "lucide-react";
import { useEffect, useMemo, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { type OnlinePage, type PipelineField, pageText, sourceFields, type Workflow } from "../../data/pipelines";
import { type SourceCredential, sourceProviders } from "../../data/sources";
import { errorDetails, messageOf } from "../../lib/http";
import { Button } from "../../ui/Button";
import { Field } from "../../ui/Field";
import { Select } from "../../ui/Select";
import { Failed, SkeletonRows } from "../../ui/States";
import { NotSetUp } from "../knowledge/NotSetUp";
import { FileSource, useLimits } from "../knowledge/SourceStep";
import { useUploads } from "../knowledge/useUploads";
import { DriveList } from "./DriveList";
import { FieldsForm } from "./FieldsForm";
import { inputsOf, isReady, type Values } from "./fields";
import { PageList, WorkspaceList } from "./PageList";
import { fileItem, type Item, type SourceNode, webPages, workspaces } from "./sources";
import { useSourceRun } from "./useSourceRun";

export interface SourceItemsProps {
  readonly pipelineId: string;
  readonly which: Workflow;
  readonly source: SourceNode;
  /** Only one is taken: for a test. */
  readonly one: boolean;
  readonly value: readonly Item[];
  readonly onChange: (items: readonly Item[]) => void;
  /** Something is still on its way. */
  readonly onWaiting?: (waiting: boolean) => void;
}

export function SourceItems(props: SourceItemsProps) {
  return props.source.type === "local_file" ? <Files {...props} /> : <Pages {...props} />;
}

function Files({ source, one, onChange, onWaiting }: SourceItemsProps) {
  const given = useLimits();
  const limits = useMemo(
    () => (given && source.extensions.length > 0 ? { ...given, types: given.types.filter((type) => source.extensions.includes(type)) } : given),
    [given, source.extensions],
  );
  const files = useUploads(limits);
  const { uploads } = files;
  const latest = useRef({ onChange, onWaiting });
  latest.current = { onChange, onWaiting };
  useEffect(() => {
    latest.current.onChange(uploads.flatMap((each) => (each.id === undefined ? [] : [fileItem(each.id, each.name)])));
    latest.current.onWaiting?.(uploads.some((each) => each.id === undefined && each.problem === undefined));
  }, [uploads]);
  // One file: the next takes its place.
  const add = (chosen: readonly File[]) => {
    if (one) for (const each of uploads) files.remove(each.key);
    files.add(one ? chosen.slice(0, 1) : chosen);
  };
  return <FileSource files={{ ...files, add }} limits={limits} />;
}

const credentialName = (credential: SourceCredential) => credential.workspace?.workspace_name || credential.name;

function Pages(props: SourceItemsProps) {
  const { source, pipelineId, which } = props;
  const { t } = useTranslation("pipelines");
  const { t: k } = useTranslation("knowledge");
  const { t: c } = useTranslation();
  const providers = useQuery(sourceProviders);
  const fields = useQuery(sourceFields(pipelineId, which, source.id));
  const [chosen, setChosen] = useState<string>();
  if (providers.isPending || fields.isPending) return <SkeletonRows rows={3} height={44} slow={c("common.slow")} label={c("common.loading")} />;
  const problem = providers.error ?? fields.error;
  if (problem) {
    return (
      <Failed
        title={t("source.failed")}
        text={messageOf(problem)}
        retry={{ label: c("common.retry"), onClick: () => void (providers.error ? providers.refetch() : fields.refetch()) }}
        details={{ label: c("common.details"), copied: c("common.copied"), text: errorDetails(problem) }}
      />
    );
  }
  const provider =
    providers.data?.find((each) => each.id === `${source.pluginId}/${source.provider}`) ?? providers.data?.find((each) => each.provider === source.provider);
  const ready = provider?.credentials_list.filter((each) => !each.disabled) ?? [];
  const credential = ready.find((each) => each.id === chosen) ?? ready.find((each) => each.is_default) ?? ready[0];
  const web = source.type === "website_crawl";
  const drive = source.type === "online_drive";
  if (!credential && drive) return <NotSetUp icon={HardDrive} title={t("drive.none")} text={t("drive.noneText")} />;
  if (!credential) {
    return (
      <NotSetUp icon={web ? Globe : NotebookText} title={k(web ? "website.none" : "notion.none")} text={k(web ? "website.noneText" : "notion.noneText")} />
    );
  }
  return (
    <div className="flex flex-col gap-4">
      {ready.length > 1 ? (
        <Field label={t("source.credential")}>
          <Select value={credential.id} onChange={setChosen} options={ready.map((each) => ({ value: each.id, label: credentialName(each) }))} />
        </Field>
      ) : null}
      {drive ? (
        <DriveList key={credential.id} {...props} credential={credential.id} />
      ) : (
        <Listing key={credential.id} {...props} credential={credential.id} fields={fields.data ?? []} />
      )}
    </div>
  );
}

function Listing({
  pipelineId,
  which,
  source,
  one,
  value,
  onChange,
  credential,
  fields,
}: SourceItemsProps & { readonly credential: string; readonly fields: readonly PipelineField[] }) {
  const { t } = useTranslation("pipelines");
  const { t: c } = useTranslation();
  const { state, start, stop } = useSourceRun(pipelineId, which, source.id);
  const [values, setValues] = useState<Values>({});
  const [tried, setTried] = useState(false);
  const web = source.type === "website_crawl";
  const read = () => {
    setTried(true);
    if (!isReady(fields, values)) return;
    onChange([]);
    start({ inputs: inputsOf(fields, values), datasource_type: source.type, credential_id: credential });
  };
  // Pages of a service are listed at once where nothing is asked before.
  const first = useRef(!web && fields.length === 0);
  const begin = useRef(read);
  begin.current = read;
  useEffect(() => {
    if (first.current) begin.current();
    first.current = false;
  }, []);
  const running = state.status === "running";
  return (
    <>
      {web || fields.length > 0 ? (
        <form
          className="card p-4 flex flex-col gap-4"
          aria-label={t("source.form", { name: source.title })}
          onSubmit={(event) => {
            event.preventDefault();
            if (!running) read();
          }}
        >
          <FieldsForm fields={fields} values={values} tried={tried} onChange={setValues} />
          <div className="flex items-center gap-3 flex-wrap">
            <Button type="submit" busy={running}>
              {t(web ? "source.read" : "source.list")}
            </Button>
            {running ? (
              <Button kind="quiet" onClick={stop}>
                {c("common.cancel")}
              </Button>
            ) : null}
            <span className="text-12 text-ink-3 num" role="status">
              {running && state.total > 0 ? t("source.reading", { current: state.completed, total: state.total }) : ""}
            </span>
          </div>
        </form>
      ) : null}
      {running && !web ? <SkeletonRows rows={5} height={40} slow={c("common.slow")} label={c("common.loading")} /> : null}
      {state.status === "failed" ? (
        <Failed title={t("source.failed")} text={state.error || t("source.cut")} retry={{ label: c("common.retry"), onClick: read }} />
      ) : null}
      {state.status === "done" && web ? <PageList pages={webPages(state.data)} one={one} value={value} onChange={onChange} /> : null}
      {state.status === "done" && !web ? (
        <WorkspaceList
          workspaces={workspaces(state.data)}
          credential={credential}
          one={one}
          value={value}
          onChange={onChange}
          {...(which === "published" ? { text: (page: OnlinePage) => pageText(pipelineId, source.id, page, credential) } : {})}
        />
      ) : null}
    </>
  );
}
