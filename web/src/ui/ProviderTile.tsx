import { Tile } from "./Marks";

/** The first letter of a provider: no picture from the network is needed. */
export function ProviderTile({ name, size }: { name: string; size?: "xs" | "lg" }) {
  return <Tile size={size}>{([...name][0] ?? "?").toUpperCase()}</Tile>;
}
