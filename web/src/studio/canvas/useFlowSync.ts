/** Keeps the drawn graph in step with the document and the selection. */
import { useReactFlow } from "@xyflow/react";
import { useEffect } from "react";
import { shown, useStudio } from "../store/studio";
import { type FlowEdge, type FlowNode, toFlowEdges, toFlowNodes } from "./flow";

export function useFlowSync(): void {
  const { setNodes, setEdges } = useReactFlow<FlowNode, FlowEdge>();
  useEffect(() => {
    const { getState } = useStudio;
    const draw = () => {
      const state = getState();
      const document = shown(state);
      setNodes((before) => toFlowNodes(document, before, state.selection));
      setEdges((before) => toFlowEdges(document, before, state.selectedEdges));
    };
    draw();
    return useStudio.subscribe((state, before) => {
      if (shown(state) !== shown(before)) draw();
      else {
        if (state.selection !== before.selection) {
          setNodes((nodes) => toFlowNodes(shown(state), nodes, state.selection));
        }
        if (state.selectedEdges !== before.selectedEdges) {
          setEdges((edges) => toFlowEdges(shown(state), edges, state.selectedEdges));
        }
      }
    });
  }, [setNodes, setEdges]);
}
