// Both languages have every key, the Chinese one is Chinese, and placeholders agree.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

const root = new URL("../src/locales/", import.meta.url).pathname;
const HAN = /\p{Script=Han}/u;
/** What reads the same in both languages: names, formats, keys, code. */
const SAME =
  /^(?:[\s\d\p{P}\p{S}]|\{\{[^}]*\}\}|<\/?\d+>|OpenAI|Oxidify|Dify|API|MCP|DSL|URL|YAML|JSON|Jinja2?|JavaScript|Python3?|HTTP|HTTPS|LLM|GET|POST|PUT|PATCH|DELETE|HEAD|IF|ELIF|ELSE|AND|OR|Bearer|Basic|Header|cURL|Node|Esc|Tab|ID|Token|token|tok|tokens|SSL|SSE|TLS|p95|ms|s|k|M|KB|MB|GB|USD|CSV|English|SYSTEM|USER|ASSISTANT|Schema|null|true|false|Markdown|x-www-form-urlencoded|form-data|raw|binary|none|JSON Schema|Webhook|v)+$/u;
const PLURAL = /_(zero|one|two|few|many|other)$/;
const problems = [];

function flat(value, prefix = "", into = {}) {
  for (const [key, item] of Object.entries(value)) {
    const path = prefix ? `${prefix}.${key}` : key;
    if (typeof item === "object" && item !== null) flat(item, path, into);
    else into[path] = String(item);
  }
  return into;
}

const read = (language, file) => flat(JSON.parse(readFileSync(join(root, language, file), "utf8")));
const holes = (text) => [...new Set([...text.matchAll(/\{\{\s*-?\s*([\w.]+)/g)].map((m) => m[1]))].sort().join(",");

const files = new Set([...readdirSync(join(root, "en")), ...readdirSync(join(root, "zh-Hans"))]);
for (const file of files) {
  let en;
  let zh;
  try {
    en = read("en", file);
    zh = read("zh-Hans", file);
  } catch (error) {
    problems.push(`${file}: ${error.message}`);
    continue;
  }
  const base = (texts) => new Map(Object.entries(texts).map(([key, text]) => [key.replace(PLURAL, ""), text]));
  const enBase = base(en);
  const zhBase = base(zh);
  for (const key of enBase.keys()) if (!zhBase.has(key)) problems.push(`${file}: zh-Hans has no "${key}"`);
  for (const key of zhBase.keys()) if (!enBase.has(key)) problems.push(`${file}: en has no "${key}"`);
  for (const [key, text] of Object.entries(zh)) {
    if (!HAN.test(text) && !SAME.test(text)) problems.push(`${file}: "${key}" is not Chinese: ${text}`);
    const twin = enBase.get(key.replace(PLURAL, ""));
    if (twin !== undefined && holes(twin) !== holes(text) && !PLURAL.test(key)) problems.push(`${file}: "${key}" has other placeholders than in English`);
  }
  for (const [key, text] of Object.entries(en)) if (HAN.test(text) && !key.startsWith("language")) problems.push(`${file}: "${key}" is Chinese in en`);
}
if (problems.length > 0) {
  console.error(problems.join("\n"));
  process.exit(1);
}
console.log(`locales: ${files.size} files, both languages complete`);
