import { useQuery } from "@tanstack/react-query";
import { createFileRoute, redirect, useNavigate } from "@tanstack/react-router";
import { rightsOf, workspace } from "../data/session";
import { datasetDetail } from "../features/knowledge/api";
import { RebuildSection } from "../features/knowledge/RebuildSection";
import { SettingsPage } from "../features/knowledge/SettingsPage";
import { ConvertSection } from "../features/pipelines/ConvertSection";

export const Route = createFileRoute("/_shell/datasets/$datasetId/settings")({
  beforeLoad: async ({ context, params }) => {
    const { role } = await context.queryClient.ensureQueryData(workspace);
    if (!rightsOf(role).edit && role !== "dataset_operator") throw redirect({ to: "/datasets/$datasetId/documents", params, replace: true });
  },
  component: Page,
});

function Page() {
  const { datasetId } = Route.useParams();
  const navigate = useNavigate();
  const dataset = useQuery(datasetDetail(datasetId)).data;
  if (!dataset) return null;
  const convertible = dataset.provider !== "external" && dataset.runtime_mode === "general" && dataset.doc_form !== "qa_model";
  return (
    <SettingsPage key={datasetId} dataset={dataset} onDeleted={() => void navigate({ to: "/datasets" })}>
      {dataset.provider === "external" || dataset.indexing_technique === null ? null : <RebuildSection dataset={dataset} />}
      {convertible ? (
        <ConvertSection dataset={dataset} onConverted={() => void navigate({ to: "/datasets/$datasetId/pipeline", params: { datasetId } })} />
      ) : null}
    </SettingsPage>
  );
}
