import { useQuery } from "@tanstack/react-query";
import { rightsOf, workspace } from "../../data/session";

/** Whether this member works on knowledge: editors, and those who are there for knowledge alone. */
export function useKnowledgeRights(): boolean {
  const role = useQuery(workspace).data?.role;
  return role === "dataset_operator" || rightsOf(role).edit;
}
