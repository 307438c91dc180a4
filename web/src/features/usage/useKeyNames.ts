/** What keys of the gateway are called: the log knows only their ids. Owners and admins alone may read them. */
import { useQuery } from "@tanstack/react-query";
import { gatewayKeys } from "../../data/gateway";
import { useRights } from "../../data/session";

export function useKeyNames(wanted: boolean): (id: string | null | undefined) => string | undefined {
  const { admin } = useRights();
  const keys = useQuery({ ...gatewayKeys, enabled: wanted && admin }).data?.data ?? [];
  return (id) => keys.find((key) => key.id === id)?.name;
}
