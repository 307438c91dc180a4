// What scripts written for Node expect to find, made of JavaScript alone; the value of this script is all of it.
(function () {
  'use strict';
  const made = {};
  const define = (name, value) => { made[name] = value; };
  const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
  const toBytes = (text) => {
    const out = [];
    for (const character of String(text)) {
      let code = character.codePointAt(0);
      if (code >= 0xd800 && code <= 0xdfff) code = 0xfffd;
      if (code < 0x80) out.push(code);
      else if (code < 0x800) out.push(0xc0 | (code >> 6), 0x80 | (code & 63));
      else if (code < 0x10000) out.push(0xe0 | (code >> 12), 0x80 | ((code >> 6) & 63), 0x80 | (code & 63));
      else out.push(0xf0 | (code >> 18), 0x80 | ((code >> 12) & 63), 0x80 | ((code >> 6) & 63), 0x80 | (code & 63));
    }
    return out;
  };
  const fromBytes = (bytes) => {
    const out = [];
    for (let i = 0; i < bytes.length; ) {
      const first = bytes[i];
      const size = first < 0x80 ? 1 : first >= 0xc2 && first < 0xe0 ? 2 : first >= 0xe0 && first < 0xf0 ? 3 : first >= 0xf0 && first < 0xf5 ? 4 : 0;
      let code = size === 1 ? first : size === 0 ? -1 : first & (0x7f >> size);
      let next = i + 1;
      for (; code >= 0 && next < i + size; next++) {
        if ((bytes[next] & 0xc0) !== 0x80) { code = -1; break; }
        code = (code << 6) | (bytes[next] & 63);
      }
      const bad = code < 0 || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)
        || (size === 3 && code < 0x800) || (size === 4 && code < 0x10000);
      out.push(bad ? '\ufffd' : String.fromCodePoint(code));
      i = bad ? Math.max(i + 1, next) : i + size;
    }
    return out.join('');
  };
  const encode64 = (bytes) => {
    let out = '';
    for (let i = 0; i < bytes.length; i += 3) {
      const left = bytes.length - i;
      const word = (bytes[i] << 16) | ((left > 1 ? bytes[i + 1] : 0) << 8) | (left > 2 ? bytes[i + 2] : 0);
      out += ALPHABET[word >> 18] + ALPHABET[(word >> 12) & 63]
        + (left > 1 ? ALPHABET[(word >> 6) & 63] : '=') + (left > 2 ? ALPHABET[word & 63] : '=');
    }
    return out;
  };
  const decode64 = (text) => {
    const out = [];
    let word = 0, bits = 0;
    for (const character of String(text).replace(/-/g, '+').replace(/_/g, '/')) {
      const value = ALPHABET.indexOf(character);
      if (value < 0) continue;
      word = ((word << 6) | value) & 0xffffff;
      bits += 6;
      if (bits >= 8) { bits -= 8; out.push((word >> bits) & 255); }
    }
    return out;
  };
  const latin = (bytes) => { let out = ''; for (const byte of bytes) out += String.fromCharCode(byte); return out; };

  define('btoa', (text) => encode64(Array.from(String(text), (character) => {
    const code = character.charCodeAt(0);
    if (character.length > 1 || code > 255) throw new Error('btoa: the text has characters outside Latin-1');
    return code;
  })));
  define('atob', (text) => latin(decode64(text)));

  define('TextEncoder', class TextEncoder {
    get encoding() { return 'utf-8'; }
    encode(text = '') { return Uint8Array.from(toBytes(text)); }
  });
  define('TextDecoder', class TextDecoder {
    get encoding() { return 'utf-8'; }
    decode(bytes = []) { return fromBytes(bytes instanceof ArrayBuffer ? new Uint8Array(bytes) : bytes); }
  });

  class Buffer extends Uint8Array {
    static from(value, encoding = 'utf8') {
      if (typeof value !== 'string') return super.from(value instanceof ArrayBuffer ? new Uint8Array(value) : value);
      const kind = String(encoding).toLowerCase();
      if (kind === 'base64' || kind === 'base64url') return super.from(decode64(value));
      if (kind === 'hex') return super.from((value.match(/[0-9a-f]{2}/gi) || []).map((pair) => parseInt(pair, 16)));
      if (kind === 'latin1' || kind === 'binary' || kind === 'ascii') return super.from(Array.from(value, (c) => c.charCodeAt(0) & 255));
      return super.from(toBytes(value));
    }
    static isBuffer(value) { return value instanceof Buffer; }
    static byteLength(text, encoding) { return Buffer.from(text, encoding).length; }
    static concat(list) { return Buffer.from(list.flatMap((item) => Array.from(item))); }
    toString(encoding = 'utf8') {
      const kind = String(encoding).toLowerCase();
      if (kind === 'base64') return encode64(this);
      if (kind === 'base64url') return encode64(this).replace(/\+/g, '-').replace(/\//g, '_').replace(/=+$/, '');
      if (kind === 'hex') return Array.from(this, (byte) => byte.toString(16).padStart(2, '0')).join('');
      if (kind === 'latin1' || kind === 'binary' || kind === 'ascii') return latin(this);
      return fromBytes(this);
    }
    toJSON() { return { type: 'Buffer', data: Array.from(this) }; }
  }
  define('Buffer', Buffer);

  const clone = (value, seen) => {
    if (typeof value === 'function' || typeof value === 'symbol') throw new Error('structuredClone: this value cannot be cloned');
    if (typeof value !== 'object' || value === null) return value;
    if (seen.has(value)) return seen.get(value);
    const keep = (copy) => { seen.set(value, copy); return copy; };
    if (value instanceof Date) return keep(new Date(value.getTime()));
    if (value instanceof RegExp) return keep(new RegExp(value.source, value.flags));
    if (value instanceof Error) return keep(Object.assign(new value.constructor(value.message)));
    if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) return keep(value.slice());
    if (value instanceof Map) { const copy = keep(new Map()); value.forEach((v, k) => copy.set(clone(k, seen), clone(v, seen))); return copy; }
    if (value instanceof Set) { const copy = keep(new Set()); value.forEach((v) => copy.add(clone(v, seen))); return copy; }
    const copy = keep(Array.isArray(value) ? [] : {});
    for (const key of Object.keys(value)) copy[key] = clone(value[key], seen);
    return copy;
  };
  define('structuredClone', (value) => clone(value, new Map()));
  return made;
})();
