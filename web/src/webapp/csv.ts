/** Comma-separated values as spreadsheets read and write them. Pure. */

/** A byte order mark tells spreadsheets that the file is UTF-8. */
const MARK = "\uFEFF";
const SEPARATORS = [",", ";", "\t"] as const;

/** The separator that stands most often in the first line, outside quotes. */
function separatorOf(text: string): string {
  const line = text.replace(/"(?:[^"]|"")*"/g, "").split(/\r\n|\n|\r/, 1)[0] ?? "";
  const counts = SEPARATORS.map((separator) => line.split(separator).length);
  return SEPARATORS[counts.indexOf(Math.max(...counts))] ?? ",";
}

/** The rows of a file; empty lines are left out. */
export function parseCsv(file: string): string[][] {
  const text = file.startsWith(MARK) ? file.slice(1) : file;
  const separator = separatorOf(text);
  const rows: string[][] = [];
  let row: string[] = [];
  let cell = "";
  let isQuoted = false;
  const endRow = (): void => {
    row.push(cell);
    if (row.some((value) => value.trim() !== "")) rows.push(row);
    row = [];
    cell = "";
  };
  for (let at = 0; at < text.length; at++) {
    const char = text.charAt(at);
    if (isQuoted) {
      if (char !== '"') cell += char;
      else if (text.charAt(at + 1) === '"') {
        cell += '"';
        at++;
      } else isQuoted = false;
    } else if (char === '"' && cell.trim() === "") {
      isQuoted = true;
      cell = "";
    } else if (char === separator) {
      row.push(cell);
      cell = "";
    } else if (char === "\n" || char === "\r") {
      if (char === "\r" && text.charAt(at + 1) === "\n") at++;
      endRow();
    } else cell += char;
  }
  endRow();
  return rows;
}

/** A spreadsheet would run what begins like a formula: an apostrophe makes it a text. Numbers stay numbers. */
function harmless(value: string): string {
  return /^[=+\-@\t\r]/.test(value) && !Number.isFinite(Number(value)) ? `'${value}` : value;
}

function cellOf(value: string): string {
  const safe = harmless(value);
  return /[",;\t\r\n]|^\s|\s$/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

export function writeCsv(rows: readonly (readonly string[])[]): string {
  return `${MARK}${rows.map((row) => row.map(cellOf).join(",")).join("\r\n")}\r\n`;
}
