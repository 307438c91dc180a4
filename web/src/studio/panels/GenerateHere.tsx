/** The generators' dialog for a part of a node of this canvas. */
import type { Kind } from "../../data/generate";
import { Generate } from "../../features/generate/Generate";
import { pipelineIdOf } from "../api";
import type { ModelChoice } from "../nodes/schema";
import { useStudio } from "../store/studio";

interface Props {
  readonly kind: Kind;
  /** What is improved stands in this node; without it something new is written. */
  readonly node?: string;
  readonly current: string;
  /** The node's own; a node without one asks the workspace's default model. */
  readonly model?: ModelChoice;
  readonly language?: string;
  readonly facts?: string;
  readonly onText: (text: string) => void;
  readonly onClose: () => void;
}

export function GenerateHere({ kind, node, current, model, language, facts, onText, onClose }: Props) {
  const owner = useStudio((s) => s.owner);
  const writer = model?.name ? { provider: model.provider, name: model.name, mode: model.mode } : undefined;
  return (
    <Generate
      kind={kind}
      current={current}
      place={node && owner ? { flow: pipelineIdOf(owner), node } : undefined}
      model={writer}
      language={language}
      facts={facts}
      onClose={onClose}
      onApply={({ text }) => {
        onText(text);
        onClose();
      }}
    />
  );
}
