/** What a knowledge base is called, who sees it, how it is indexed and searched. */
import { useQuery } from "@tanstack/react-query";
import { Trash2, TriangleAlert } from "lucide-react";
import { type ReactNode, useState } from "react";
import { useTranslation } from "react-i18next";
import { toast } from "sonner";
import { modelsOfType } from "../../data/models";
import { profile } from "../../data/session";
import { get, messageOf } from "../../lib/http";
import { useKeys } from "../../lib/keys";
import { BarEnd } from "../../ui/BarEnd";
import { Button } from "../../ui/Button";
import { Confirm } from "../../ui/Dialog";
import { Field } from "../../ui/Field";
import { Input, Textarea } from "../../ui/Input";
import { Avatar, Badge } from "../../ui/Marks";
import { Select } from "../../ui/Select";
import { Checkbox } from "../../ui/Switch";
import { useLeaveGuard } from "../basic/useLeaveGuard";
import { changeDataset, type DatasetFields, useKnowledgeChange } from "./api";
import { DeleteDialog } from "./DeleteDialog";
import { IndexForm } from "./IndexForm";
import type { ChosenModel } from "./ModelSelect";
import { lacksModel, retrievalOf, sameRetrieval, startRetrieval, wireRetrieval } from "./retrieval";
import { SummaryForm } from "./SummaryForm";
import { canSummarise, sameSummary, summaryOf } from "./summary";
import type { Dataset, Permission, RetrievalModel, SummarySetting, Technique } from "./types";
import { embeddingOf } from "./useTest";

const PERMISSIONS: readonly Permission[] = ["only_me", "all_team_members", "partial_members"];

interface Member {
  readonly id: string;
  readonly name: string;
  readonly email: string;
  readonly role: string;
}

interface Draft {
  readonly name: string;
  readonly description: string;
  readonly permission: Permission;
  readonly members: readonly string[];
  readonly technique: Technique;
  readonly embedding: ChosenModel | undefined;
  readonly retrieval: RetrievalModel;
  readonly summary: SummarySetting;
}

function draftOf(dataset: Dataset): Draft {
  return {
    name: dataset.name,
    description: dataset.description ?? "",
    permission: dataset.permission,
    members: dataset.partial_member_list ?? [],
    technique: dataset.indexing_technique ?? "high_quality",
    embedding: embeddingOf(dataset),
    retrieval: retrievalOf(dataset),
    summary: summaryOf(dataset.summary_index_setting),
  };
}

/** Only what is different from what is stored. */
export function changesOf(dataset: Dataset, draft: Draft): DatasetFields {
  const before = draftOf(dataset);
  const embedded = draft.technique === "high_quality" && draft.embedding && JSON.stringify(draft.embedding) !== JSON.stringify(before.embedding);
  const people =
    draft.permission === "partial_members" && (before.permission !== "partial_members" || JSON.stringify(draft.members) !== JSON.stringify(before.members));
  return {
    ...(draft.name.trim() !== before.name ? { name: draft.name.trim() } : {}),
    ...(draft.description.trim() !== before.description ? { description: draft.description.trim() } : {}),
    ...(draft.permission !== before.permission || people ? { permission: draft.permission } : {}),
    ...(people ? { partial_member_list: draft.members.map((user_id) => ({ user_id })) } : {}),
    ...(dataset.indexing_technique !== null && draft.technique !== before.technique ? { indexing_technique: draft.technique } : {}),
    ...(embedded && draft.embedding ? { embedding_model: draft.embedding.model, embedding_model_provider: draft.embedding.provider } : {}),
    ...(sameRetrieval(draft.retrieval, before.retrieval) && draft.technique === before.technique
      ? {}
      : { retrieval_model: wireRetrieval(draft.retrieval, draft.embedding) }),
    ...(sameSummary(draft.summary, before.summary) ? {} : { summary_index_setting: draft.summary }),
  };
}

interface Props {
  readonly dataset: Dataset;
  readonly onDeleted: () => void;
  /** Before the last section. */
  readonly children?: ReactNode;
}

export function SettingsPage({ dataset, onDeleted, children }: Props) {
  const { t } = useTranslation("knowledge");
  const { t: c } = useTranslation();
  const [draft, setDraft] = useState<Draft>(() => draftOf(dataset));
  const [sure, setSure] = useState(false);
  const [deleting, setDeleting] = useState(false);
  const me = useQuery(profile).data?.id;
  const members = useQuery({ queryKey: ["members"], queryFn: () => get<{ accounts: Member[] }>("/workspaces/current/members") }).data?.accounts ?? [];
  const embeddings = useQuery(modelsOfType("text-embedding")).data?.data;
  const noEmbedding = embeddings?.every((group) => group.models.length === 0) === true;
  const set = (part: Partial<Draft>) => setDraft((now) => ({ ...now, ...part }));
  const changes = changesOf(dataset, draft);
  const dirty = Object.keys(changes).length > 0;
  useLeaveGuard(dirty && !deleting, t("settings.leave"));
  const save = useKnowledgeChange((fields: DatasetFields) => changeDataset(dataset.id, fields));
  const reindexes = (changes.indexing_technique !== undefined || changes.embedding_model !== undefined) && dataset.document_count > 0;
  const kept = summaryOf(dataset.summary_index_setting);
  const rewrites = kept.enable && draft.summary.enable && draft.summary.model_name !== kept.model_name && dataset.document_count > 0;
  const lacking =
    draft.technique === "high_quality" && dataset.indexing_technique !== null && !draft.embedding
      ? "embedding"
      : lacksModel(draft.retrieval)
        ? "rerank"
        : undefined;
  const wrong = draft.name.trim() === "";
  const send = () => {
    setSure(false);
    save.mutate(changes, {
      onSuccess: () => toast(t("settings.saved")),
      onError: (error) => toast.error(c("common.failed", { message: messageOf(error) })),
    });
  };
  const submit = () => {
    if (!dirty || wrong || lacking || save.isPending) return;
    if (reindexes) setSure(true);
    else send();
  };
  useKeys({ "mod+Enter": submit, "mod+s": submit });
  // Only its owner says who sees a knowledge base.
  const owns = me === undefined || me === dataset.created_by;
  return (
    <div className="flex-1 overflow-auto">
      <BarEnd>
        {dirty ? <Badge tone="warn">{t("settings.unsaved")}</Badge> : null}
        <Button kind="primary" busy={save.isPending} disabled={!dirty || wrong || lacking !== undefined} onClick={submit}>
          {c("common.save")}
        </Button>
      </BarEnd>
      <div className="max-w-[720px] px-8 max-md:px-4 py-6 flex flex-col gap-6">
        <h1 className="text-20 font-semibold">{t("tabs.settings")}</h1>
        <section className="flex flex-col gap-4">
          <Field label={t("settings.name")} error={wrong ? t("settings.needName") : undefined}>
            <Input value={draft.name} maxLength={40} onChange={(event) => set({ name: event.target.value })} />
          </Field>
          <Field label={t("settings.description")} optional={c("common.optional")} hint={t("settings.descriptionHint")}>
            <Textarea rows={3} value={draft.description} maxLength={400} onChange={(event) => set({ description: event.target.value })} />
          </Field>
          <Field label={t("settings.permission")} hint={owns ? undefined : t("settings.notOwner")}>
            <Select
              value={draft.permission}
              disabled={!owns}
              options={PERMISSIONS.map((each) => ({ value: each, label: t(`permissions.${each}`) }))}
              onChange={(next) => {
                const found = PERMISSIONS.find((each) => each === next);
                if (found) set({ permission: found });
              }}
            />
          </Field>
          {draft.permission === "partial_members" ? (
            <fieldset>
              <legend className="lbl mb-1">{t("settings.members")}</legend>
              <ul className="card">
                {members.map((member) => {
                  const always = member.id === dataset.created_by;
                  const on = always || draft.members.includes(member.id);
                  return (
                    <li key={member.id} className="flex items-center gap-2.5 px-3 min-h-10 border-b border-line-1 last:border-b-0">
                      <Checkbox
                        label={member.name || member.email}
                        checked={on}
                        disabled={always || !owns}
                        onChange={(next) => set({ members: next ? [...draft.members, member.id] : draft.members.filter((id) => id !== member.id) })}
                      />
                      <Avatar name={member.name || member.email} />
                      <span className="truncate">{member.name || member.email}</span>
                      <span className="text-12 text-ink-3 truncate ms-auto">{member.email}</span>
                    </li>
                  );
                })}
              </ul>
            </fieldset>
          ) : null}
        </section>
        {dataset.provider === "external" ? null : dataset.indexing_technique === null ? (
          <p className="hint">{t("settings.noIndex")}</p>
        ) : (
          <section className="flex flex-col gap-4 border-t border-line-1 pt-5">
            {dataset.doc_form ? (
              <div>
                <div className="lbl">{t("split.form")}</div>
                <p>
                  {t(`forms.${dataset.doc_form}`)} <span className="text-ink-3">{t("split.fixed")}</span>
                </p>
              </div>
            ) : null}
            {/* Going back to words alone would throw the vectors away: upstream does not offer it either. */}
            <IndexForm
              technique={draft.technique}
              fixed={dataset.indexing_technique === "high_quality"}
              needsVectors={false}
              noEmbedding={noEmbedding}
              embedding={draft.embedding}
              fixedModel={false}
              retrieval={draft.retrieval}
              onTechnique={(technique) => {
                const first = embeddings?.flatMap((group) =>
                  group.models.filter((model) => !model.refused).map((model) => ({ provider: group.provider, model: model.model })),
                )[0];
                set({
                  technique,
                  embedding: draft.embedding ?? first,
                  retrieval: technique === dataset.indexing_technique ? retrievalOf(dataset) : startRetrieval(technique),
                });
              }}
              onEmbedding={(embedding) => set({ embedding })}
              onRetrieval={(retrieval) => set({ retrieval })}
            />
            {canSummarise(draft.technique, dataset.doc_form) ? (
              <>
                <hr className="border-line-1" />
                <SummaryForm value={draft.summary} onChange={(summary) => set({ summary })} />
                {rewrites ? <p className="hint">{t("summary.again")}</p> : null}
              </>
            ) : null}
            {reindexes ? (
              <div className="banner" data-tone="warn">
                <TriangleAlert size={16} aria-hidden />
                {t("settings.reindexes", { count: dataset.document_count })}
              </div>
            ) : null}
            {lacking ? <p className="hint">{t(`create.lacking.${lacking}`)}</p> : null}
          </section>
        )}
        {children}
        <section className="border-t border-line-1 pt-5 flex items-center gap-3 flex-wrap">
          <div className="flex-1 min-w-[200px]">
            <h2 className="font-semibold">{t("settings.delete")}</h2>
            <p className="text-ink-2">{t("delete.text", { count: dataset.document_count })}</p>
          </div>
          <Button kind="danger" icon={Trash2} onClick={() => setDeleting(true)}>
            {c("common.delete")}
          </Button>
        </section>
      </div>
      <Confirm
        open={sure}
        title={t("settings.sure")}
        text={t("settings.reindexes", { count: dataset.document_count })}
        confirm={c("common.save")}
        cancel={c("common.cancel")}
        onClose={() => setSure(false)}
        onConfirm={send}
      />
      {deleting ? <DeleteDialog dataset={dataset} onClose={() => setDeleting(false)} onDeleted={onDeleted} /> : null}
    </div>
  );
}
