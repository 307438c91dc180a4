/** Reads values of unknown JSON: what is missing or of another type becomes a neutral value. */
export type Json = Readonly<Record<string, unknown>>;

export const isRecord = (value: unknown): value is Json => typeof value === "object" && value !== null && !Array.isArray(value);
export const record = (value: unknown): Json => (isRecord(value) ? value : {});
export const text = (value: unknown, otherwise = ""): string => (typeof value === "string" ? value : otherwise);
export const number = (value: unknown, otherwise = 0): number => (typeof value === "number" && Number.isFinite(value) ? value : otherwise);
export const list = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);
export const texts = (value: unknown): string[] => list(value).filter((item): item is string => typeof item === "string");
export const flag = (value: unknown): boolean => value === true;
