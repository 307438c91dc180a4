/** Making the index of a knowledge base anew, over the console API. */
import { queryOptions } from "@tanstack/react-query";
import { post } from "../../lib/http";
import { indexState } from "./api";
import type { IndexRebuild } from "./types";

/** While one runs it is looked at this often; else seldom, for what a command begins. */
const LIVE = 1000;
const CALM = 15_000;

/** Whether there is something to wait for. What was begun in the Studio goes on when its server has died. */
export const isAlive = (rebuild: IndexRebuild | null | undefined): boolean =>
  rebuild?.status === "running" || (rebuild?.status === "interrupted" && rebuild.origin === "studio");

/** As [`indexState`], but live while the index is made anew. */
export const liveIndexState = (id: string) =>
  queryOptions({ ...indexState(id), refetchInterval: ({ state: { data } }) => (isAlive(data?.rebuild) ? LIVE : CALM) });

const path = (id: string) => `/datasets/${id}/index-rebuild`;
export const startRebuild = (id: string) => post<IndexRebuild>(path(id));
export const stopRebuild = (id: string) => post<IndexRebuild>(`${path(id)}/stop`);

/** Of a hundred; all of it only when the phase is done. Nothing while there is nothing to count. */
export function percentOf(rebuild: Pick<IndexRebuild, "done" | "total">): number | undefined {
  if (rebuild.total <= 0) return undefined;
  return Math.min(100, Math.floor((rebuild.done / rebuild.total) * 100));
}

/** Seconds as hours, minutes and seconds, the two largest that count. */
export function clockOf(seconds: number): { readonly unit: "hours" | "minutes" | "seconds"; readonly large: number; readonly small: number } {
  const whole = Math.max(0, Math.round(seconds));
  if (whole >= 3600) return { unit: "hours", large: Math.floor(whole / 3600), small: Math.floor((whole % 3600) / 60) };
  if (whole >= 60) return { unit: "minutes", large: Math.floor(whole / 60), small: whole % 60 };
  return { unit: "seconds", large: whole, small: 0 };
}
