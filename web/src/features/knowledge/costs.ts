/** What embedding costs, as far as it can be told before. */
import { type Model, perMillion } from "../../data/models";

export type Cost =
  /** Of a model that runs inside the server. */
  { readonly kind: "free" } | { readonly kind: "about"; readonly amount: number; readonly currency: string } | { readonly kind: "unknown" };

const LOCAL = "oxidify/local";

export function costOf(tokens: number, provider: string, model: Pick<Model, "pricing"> | undefined): Cost {
  if (provider === LOCAL) return { kind: "free" };
  const price = perMillion(model?.pricing);
  return price ? { kind: "about", amount: (tokens * price.input) / 1_000_000, currency: price.currency } : { kind: "unknown" };
}
