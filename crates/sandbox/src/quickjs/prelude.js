// What is there before a script: the console, and names that are made when a script first asks for them, because most
// never do. The value of this script is a function that is told how to make them.
(function (make) {
  'use strict';
  const global = globalThis;
  const define = (name, value) =>
    Object.defineProperty(global, name, { value, writable: true, configurable: true, enumerable: false });
  const silent = () => undefined;
  // Compat: what a script prints is dropped.
  const log = {};
  for (const name of ['log', 'info', 'warn', 'error', 'debug', 'trace', 'table', 'dir', 'assert', 'time', 'timeEnd', 'group', 'groupEnd'])
    log[name] = silent;
  define('console', log);
  define('require', (name) => {
    throw new Error(`require('${name}') is not available: code runs without modules, files and network`);
  });

  const names = ['btoa', 'atob', 'TextEncoder', 'TextDecoder', 'Buffer', 'structuredClone'];
  let made;
  for (const name of names)
    Object.defineProperty(global, name, {
      get() {
        made ??= make();
        define(name, made[name]);
        return made[name];
      },
      set(value) { define(name, value); },
      configurable: true,
      enumerable: false,
    });
})
