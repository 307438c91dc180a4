import { useQuery } from "@tanstack/react-query";
import { createFileRoute, useNavigate } from "@tanstack/react-router";
import { z } from "zod";
import { datasetDetail } from "../features/knowledge/api";
import { TestPage } from "../features/knowledge/TestPage";

export const Route = createFileRoute("/_shell/datasets/$datasetId/hitTesting")({
  validateSearch: z.object({ compare: z.boolean().optional().catch(undefined), q: z.string().optional().catch(undefined) }),
  component: Page,
});

function Page() {
  const { datasetId } = Route.useParams();
  const { compare, q } = Route.useSearch();
  const navigate = useNavigate({ from: Route.fullPath });
  const dataset = useQuery(datasetDetail(datasetId)).data;
  return dataset ? (
    <TestPage
      key={datasetId}
      dataset={dataset}
      initial={q}
      compare={compare === true}
      onCompare={(on) => void navigate({ search: { compare: on || undefined, q }, replace: true })}
      onOpen={(record) =>
        void navigate({
          to: "/datasets/$datasetId/documents/$documentId",
          params: { datasetId, documentId: record.segment.document.id },
          search: { chunk: record.segment.id },
        })
      }
    />
  ) : null;
}
