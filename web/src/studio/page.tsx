/** The studio as a page of the shell: connected to the server. */
import type { ComponentProps } from "react";
import { appOwner, pipelineOwner } from "./api";
import { StudioBar as Bar } from "./bar/StudioBar";
import { connectToServer } from "./serverTransport";
import { Studio } from "./Studio";

connectToServer();

type Props = ComponentProps<typeof Studio>;

export function StudioPage({ appId, ...props }: Omit<Props, "owner"> & { readonly appId: string }) {
  return <Studio {...props} owner={appOwner(appId)} />;
}

/** The studio of a knowledge base whose documents a pipeline makes. */
export function PipelinePage({ pipelineId, ...props }: Omit<Props, "owner" | "mode"> & { readonly pipelineId: string }) {
  return <Studio {...props} mode="rag-pipeline" owner={pipelineOwner(pipelineId)} />;
}

export function StudioBar(props: ComponentProps<typeof Bar>) {
  return <Bar {...props} />;
}
