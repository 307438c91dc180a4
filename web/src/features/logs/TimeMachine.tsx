/** Comparing a run of the log with its replay or its parent: the studio's dialog, loaded when it is asked for. */
import "../../studio/studio.css";
import type { Comparison } from "../../studio/api";
import { compareRuns, replayRun } from "../../studio/api";
import { connectToServer } from "../../studio/serverTransport";
import { CompareDialog } from "../../studio/tray/CompareDialog";

connectToServer();

export { compareRuns, replayRun };

interface Props {
  readonly comparison: Comparison;
  readonly replay: boolean;
  readonly onOpen: (run: string) => void;
  readonly onClose: () => void;
}

export default function TimeMachine(props: Props) {
  return <CompareDialog {...props} />;
}
