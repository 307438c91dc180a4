/** Rows in an order of their own: change one, move one, remove one. */
export function replaced<T>(rows: readonly T[], index: number, patch: Partial<T>): T[] {
  return rows.map((row, i) => (i === index ? { ...row, ...patch } : row));
}

export function without<T>(rows: readonly T[], index: number): T[] {
  return rows.filter((_, i) => i !== index);
}

export function swapped<T>(rows: readonly T[], a: number, b: number): T[] {
  const next = [...rows];
  const [x, y] = [next[a], next[b]];
  if (x === undefined || y === undefined) return next;
  next[a] = y;
  next[b] = x;
  return next;
}
