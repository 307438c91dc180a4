/** Who is signed in, in which workspace, and what the server offers. */
import { queryOptions, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import type { Schema } from "../api/types";
import { get, json, post } from "../lib/http";

export type Account = Schema<"AccountView">;

export type Role = "owner" | "admin" | "editor" | "normal" | "dataset_operator";

export type Workspace = Omit<Schema<"WorkspaceView">, "role"> & { readonly role: Role };

export interface SystemFeatures {
  readonly enable_email_password_login: boolean;
  readonly is_allow_register: boolean;
  readonly is_email_setup: boolean;
  readonly oxidify?: { readonly version: string; readonly scripted_model: boolean; readonly code_unconfined: boolean };
}

export interface Dependency {
  readonly status: string;
  readonly latency_ms: number;
  readonly detail: string;
  readonly error?: string;
}

export interface Health {
  readonly status: string;
  readonly version: string;
  readonly uptime_s: number;
  readonly findings: readonly string[];
  readonly deps: Readonly<Record<string, Dependency>>;
}

export const systemFeatures = queryOptions({
  queryKey: ["system-features"],
  queryFn: () => json<SystemFeatures>("/system-features", { open: true }),
  staleTime: 60_000,
});
export const profile = queryOptions({ queryKey: ["profile"], queryFn: () => get<Account>("/account/profile"), staleTime: 300_000 });
export const workspace = queryOptions({ queryKey: ["workspace"], queryFn: () => post<Workspace>("/workspaces/current"), staleTime: 300_000 });
export const workspaces = queryOptions({
  queryKey: ["workspaces"],
  queryFn: () => get<Schema<"Workspaces">>("/workspaces"),
  staleTime: 300_000,
});

export async function readHealth(): Promise<Health> {
  const response = await fetch("/health");
  if (!response.ok && response.status !== 503) throw new Error(String(response.status));
  return response.json();
}

export const health = queryOptions({ queryKey: ["health"], queryFn: readHealth, refetchInterval: 30_000, retry: false });

const EDITORS: readonly Role[] = ["owner", "admin", "editor"];

export interface Rights {
  readonly edit: boolean;
  readonly admin: boolean;
  readonly owner: boolean;
}

export function rightsOf(role: Role | undefined): Rights {
  return { edit: role !== undefined && EDITORS.includes(role), admin: role === "owner" || role === "admin", owner: role === "owner" };
}

export function useRights(): Rights {
  return rightsOf(useQuery(workspace).data?.role);
}

export const setupState = () => json<{ step: "not_started" | "finished" }>("/setup", { open: true });
export const initState = () => json<{ status: "finished" | "not_started" }>("/init", { open: true });

/** The wire form of a password: base64 of its UTF-8 bytes. */
export function wirePassword(text: string): string {
  return btoa(String.fromCharCode(...new TextEncoder().encode(text)));
}

export interface Credentials {
  readonly email: string;
  readonly password: string;
  readonly remember?: boolean;
  readonly inviteToken?: string | undefined;
}

export async function login({ email, password, remember, inviteToken }: Credentials): Promise<void> {
  const answer = await json<{ result: string; data?: string }>("/login", {
    method: "POST",
    open: true,
    body: { email, password: wirePassword(password), remember_me: remember ?? true, ...(inviteToken ? { invite_token: inviteToken } : {}) },
  });
  if (answer.result !== "success") throw new Error(answer.data ?? answer.result);
}

/** Mails a code to the address; the token goes with that code. */
export async function askForCode(email: string, language: string): Promise<string> {
  return (await json<{ data: string }>("/forgot-password", { method: "POST", open: true, body: { email, language } })).data;
}

/** Gives the code: the answer is the token with which the password is set. */
export async function checkCode(body: { readonly email: string; readonly code: string; readonly token: string }): Promise<string> {
  return (await json<{ token: string }>("/forgot-password/validity", { method: "POST", open: true, body })).token;
}

export async function setLostPassword(token: string, password: string, again: string): Promise<void> {
  await json("/forgot-password/resets", { method: "POST", open: true, body: { token, new_password: password, password_confirm: again } });
}

/** After signing in or out nothing that was loaded before may stay. */
export function useForget(): () => void {
  const client = useQueryClient();
  return () => client.clear();
}

export function useAccountChange() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: ({ path, body }: { path: string; body: Record<string, unknown> }) => post<Account>(path, body),
    onSuccess: (account) => client.setQueryData(profile.queryKey, account),
  });
}
