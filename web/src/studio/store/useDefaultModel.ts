/** The model new nodes start with: the workspace's default. */
import { useQuery } from "@tanstack/react-query";
import { defaultModel } from "../api";

export function useDefaultModel(): { provider: string; name: string; mode: string } | undefined {
  const { data } = useQuery({ queryKey: ["default-model", "llm"], queryFn: async () => (await defaultModel()) ?? null, staleTime: 60_000 });
  return data ? { provider: data.provider, name: data.model, mode: "chat" } : undefined;
}
