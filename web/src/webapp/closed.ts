import { ApiError } from "./api";

/** Which text of `closed.*` fits the error. */
export function closedText(error: unknown): string {
  if (!(error instanceof ApiError)) return "closed.unknown";
  if (error.status === 0) return "closed.offline";
  if (error.status === 429) return "closed.busy";
  if (error.code === "web_sso_auth_required") return "closed.signIn";
  if (error.code === "web_app_access_denied") return "closed.denied";
  if (error.code === "app_unavailable") return "closed.unpublished";
  if (error.status === 404 || error.status === 403 || /^Site /.test(error.message)) return "closed.gone";
  return error.status >= 500 ? "closed.server" : "closed.unknown";
}
