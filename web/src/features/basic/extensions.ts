/** Services of the workspace that are asked about inputs and answers. */
import { queryOptions } from "@tanstack/react-query";
import { get, post, remove } from "../../lib/http";

export interface Extension {
  readonly id: string;
  readonly name: string;
  readonly api_endpoint: string;
  /** Masked. */
  readonly api_key: string;
  readonly created_at: number;
}

export interface ExtensionForm {
  readonly name: string;
  readonly api_endpoint: string;
  readonly api_key: string;
}

/** Sent instead of a key to keep the stored one. */
export const KEEP = "[__HIDDEN__]";

export const extensionList = queryOptions({ queryKey: ["api-extensions"], queryFn: () => get<Extension[]>("/api-based-extension") });
export const saveExtension = (id: string | undefined, form: ExtensionForm) =>
  post<Extension>(id === undefined ? "/api-based-extension" : `/api-based-extension/${id}`, form);
export const deleteExtension = (id: string) => remove(`/api-based-extension/${id}`);
