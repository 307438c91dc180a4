/** How the list of documents can be sorted. */
export const SORTS = ["-created_at", "created_at", "-hit_count", "hit_count"] as const;
export type Sort = (typeof SORTS)[number];
