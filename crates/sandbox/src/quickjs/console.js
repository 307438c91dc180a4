// Makes the console print; the value of this script is the function that does so.
(function (print) {
  'use strict';
  const text = (value, seen) => {
    if (typeof value === 'string') return value;
    if (typeof value === 'bigint') return `${value}n`;
    if (typeof value === 'function') return `[Function: ${value.name || '(anonymous)'}]`;
    if (typeof value === 'symbol') return value.toString();
    if (value instanceof Error) return value.stack ? `${value.name}: ${value.message}` : String(value);
    if (typeof value === 'object' && value !== null) {
      try { return JSON.stringify(value); } catch (_) { return '[object]'; }
    }
    return String(value);
  };
  const log = (...values) => print(values.map((value) => text(value)).join(' '));
  for (const name of ['log', 'info', 'debug']) globalThis.console[name] = log;
})
