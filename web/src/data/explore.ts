/** The apps that members use inside the console. */
import { queryOptions, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { get, patch, remove } from "../lib/http";

export interface InstalledApp {
  readonly id: string;
  readonly app: {
    readonly id: string;
    readonly name: string;
    readonly description: string;
    readonly mode: string;
    readonly icon_type: string | null;
    readonly icon: string | null;
    readonly icon_background: string | null;
    readonly icon_url: string | null;
  };
  readonly is_pinned: boolean;
  readonly last_used_at: number | null;
  readonly editable: boolean;
  /** Of this workspace: it cannot be taken from the list. */
  readonly uninstallable: boolean;
}

const KEY = ["explore", "installed"];

export const installedApps = queryOptions({
  queryKey: KEY,
  queryFn: () => get<{ installed_apps: InstalledApp[] }>("/installed-apps").then((body) => body.installed_apps),
});

export const pinApp = (id: string, on: boolean) => patch(`/installed-apps/${id}`, { is_pinned: on });
export const uninstallApp = (id: string) => remove(`/installed-apps/${id}`);

/** Runs a change and reads the list again. */
export function useExploreChange<Args>(run: (args: Args) => Promise<unknown>) {
  const client = useQueryClient();
  return useMutation({ mutationFn: run, onSuccess: () => client.invalidateQueries({ queryKey: KEY }) });
}

export interface Pins {
  /** Undefined for an app that is not in the list of this member. */
  readonly of: (appId: string) => boolean | undefined;
  readonly toggle: (appId: string) => void;
}

/** The apps that stand in the rail. */
export function usePins(): Pins {
  const list = useQuery(installedApps).data;
  const pin = useExploreChange(({ id, on }: { id: string; on: boolean }) => pinApp(id, on));
  const find = (appId: string) => list?.find(({ app }) => app.id === appId);
  return {
    of: (appId) => find(appId)?.is_pinned,
    toggle: (appId) => {
      const found = find(appId);
      if (found) pin.mutate({ id: found.id, on: !found.is_pinned });
    },
  };
}
