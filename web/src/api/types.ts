/** The bodies of the API by their names in docs/openapi.json. What is typed there as an open object is narrowed where it is read. */
import type { components } from "./schema";

export type Schema<Name extends keyof components["schemas"]> = Readonly<components["schemas"][Name]>;
