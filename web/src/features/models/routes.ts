/** The keys and stand-ins of a model, as rows. */
import type { BalancedKey } from "../../data/models";

interface Stored {
  readonly credential_id: string;
  readonly credential_name: string;
}

/** What is balanced already, then the stored keys that are not, switched off; what inherits is the key in use. */
export function keyRows(configs: readonly BalancedKey[], stored: readonly Stored[]): readonly BalancedKey[] {
  const known = new Set(configs.map((config) => config.credential_id));
  // Nothing was chosen yet: all keys take part.
  const enabled = configs.length === 0;
  const others = stored.filter((key) => !known.has(key.credential_id)).map((key) => ({ name: key.credential_name, credential_id: key.credential_id, enabled }));
  return [...configs, ...others];
}

/** A list with one element one place earlier or later. */
export function moved<T>(list: readonly T[], at: number, by: -1 | 1): readonly T[] {
  const [one, other] = [list[at], list[at + by]];
  if (one === undefined || other === undefined) return list;
  return list.map((each, index) => (index === at ? other : index === at + by ? one : each));
}
