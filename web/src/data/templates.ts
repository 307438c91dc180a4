/** Apps to begin with, which come with the server. */
import { queryOptions } from "@tanstack/react-query";
import { get } from "../lib/http";

export interface Template {
  readonly app: {
    readonly id: string;
    readonly name: string;
    readonly mode: string;
    readonly icon: string | null;
    readonly icon_type: string | null;
    readonly icon_url: string | null;
  };
  readonly description: string;
  readonly category: string;
  /** It can be run without making an app of it. */
  readonly can_trial: boolean;
}

export const templateList = (language: string) =>
  queryOptions({
    queryKey: ["explore", "templates", language],
    queryFn: () => get<{ recommended_apps: Template[]; categories: string[] }>("/explore/apps", { language }),
    staleTime: Number.POSITIVE_INFINITY,
  });

/** The file of a template. */
export const templateFile = (id: string, language: string) =>
  get<{ export_data: string }>(`/explore/apps/${id}`, { language }).then((found) => found.export_data);
