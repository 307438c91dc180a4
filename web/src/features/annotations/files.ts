/** Annotations as files for other programs. */

interface Row {
  readonly question: string;
  readonly answer: string;
}

/** A spreadsheet would calculate what begins like a formula; a list of Markdown does not. */
const FORMULA = /^(?:[=+@\t\r]|-(?! ))/;

function cell(text: string): string {
  return `"${(FORMULA.test(text) ? `'${text}` : text).replaceAll('"', '""')}"`;
}

/** Two columns with a heading, as the import takes it. */
export function csvOf(rows: readonly Row[]): string {
  return `\uFEFF${["question,answer", ...rows.map((row) => `${cell(row.question)},${cell(row.answer)}`)].join("\r\n")}\r\n`;
}

/** One chat for each line, as fine-tuning takes it. */
export function jsonlOf(rows: readonly Row[]): string {
  const line = (row: Row) =>
    JSON.stringify({
      messages: [
        { role: "user", content: row.question },
        { role: "assistant", content: row.answer },
      ],
    });
  return rows.map((row) => `${line(row)}\n`).join("");
}
