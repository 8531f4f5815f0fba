/**
 * Names: from C to TypeScript. Types get the usual upper camel case, members keep the name that they have in C. Names come from
 * files that nobody vouches for, so whatever is no identifier is quoted or replaced.
 */

const IDENTIFIER = /^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u;

/** Words that a declaration cannot have, and the globals that generated code uses. */
const TAKEN = [
  ...[
    'any',
    'arguments',
    'as',
    'async',
    'await',
    'bigint',
    'boolean',
    'break',
    'case',
    'catch',
    'class',
    'const',
    'continue',
  ],
  ...[
    'debugger',
    'declare',
    'default',
    'delete',
    'do',
    'else',
    'enum',
    'eval',
    'export',
    'extends',
    'false',
    'finally',
    'for',
  ],
  ...[
    'function',
    'get',
    'if',
    'implements',
    'import',
    'in',
    'instanceof',
    'interface',
    'let',
    'module',
    'namespace',
    'never',
  ],
  ...[
    'new',
    'null',
    'number',
    'object',
    'of',
    'package',
    'private',
    'protected',
    'public',
    'return',
    'set',
    'static',
    'string',
  ],
  ...[
    'super',
    'switch',
    'symbol',
    'this',
    'throw',
    'true',
    'try',
    'type',
    'typeof',
    'undefined',
    'unknown',
    'var',
    'void',
  ],
  ...[
    'while',
    'with',
    'yield',
    'Array',
    'BigInt',
    'BigInt64Array',
    'BigUint64Array',
    'DataView',
    'Float32Array',
    'Float64Array',
  ],
  ...[
    'Infinity',
    'Int16Array',
    'Int32Array',
    'Int8Array',
    'Map',
    'Math',
    'NaN',
    'Number',
    'Object',
    'Omit',
    'Partial',
    'ReadonlyMap',
  ],
  ...['Uint16Array', 'Uint32Array', 'Uint8Array'],
];

/** Names that every object has: asking whether such a member is given needs more than a look at it. */
const INHERITED = new Set(Object.getOwnPropertyNames(Object.prototype));

export function isInherited(name: string): boolean {
  return INHERITED.has(name);
}

/** Gives each name out once: the second `Event` is `Event_2`. */
export class NameScope {
  readonly #used: Set<string>;

  constructor(taken: Iterable<string> = []) {
    this.#used = new Set(taken);
  }

  take(wanted: string): string {
    let name = wanted;
    for (let n = 2; this.#used.has(name); n++) name = `${wanted}_${n}`;
    this.#used.add(name);
    return name;
  }
}

/** The scope of a module that imports the given names. */
export function moduleScope(imported: Iterable<string>): NameScope {
  return new NameScope([...TAKEN, ...imported]);
}

/** `trace_event_raw` → `TraceEventRaw`; always an identifier. */
export function upperCamel(name: string): string {
  const words = name.split(/[^\p{ID_Continue}$]+|_+/u).filter((word) => word !== '');
  const joined = words.map((word) => word[0]!.toUpperCase() + word.slice(1)).join('');
  if (IDENTIFIER.test(joined)) return joined;
  return IDENTIFIER.test(`T${joined}`) ? `T${joined}` : 'Type';
}

/** `.rodata.cfg` → `rodata_cfg`; always an identifier. */
export function lowerIdentifier(name: string): string {
  const joined = name
    .split(/[^\p{ID_Continue}$]+/u)
    .filter((word) => word !== '')
    .join('_');
  return IDENTIFIER.test(joined) ? joined : `_${joined}`;
}

/** A string literal. */
export function quote(text: string): string {
  const json = JSON.stringify(text).replace(/[\u2028\u2029]/g, (c) => `\\u${c.charCodeAt(0).toString(16)}`);
  return json.includes("'") || json.includes('\\') ? json : `'${json.slice(1, -1)}'`;
}

/** A key in an interface: `pid`, `'not an identifier'`. */
export function typeKey(name: string): string {
  return IDENTIFIER.test(name) ? name : quote(name);
}

/** A key in an object literal. There `__proto__: x` would set the prototype. */
export function literalKey(name: string): string {
  return name === '__proto__' ? `['__proto__']` : typeKey(name);
}

/** What tsc takes for members of every class, which a getter of that name overrides. */
const OVERRIDDEN = new Set([
  ...[
    'constructor',
    'hasOwnProperty',
    'isPrototypeOf',
    'propertyIsEnumerable',
    'toLocaleString',
    'toString',
    'valueOf',
  ],
]);

/** A getter's head in a class: `get pid()`. */
export function getter(name: string): string {
  if (name === '__proto__') return `get ['__proto__']()`;
  if (name === 'constructor') return `override get ['constructor']()`;
  return `${OVERRIDDEN.has(name) ? 'override ' : ''}get ${typeKey(name)}()`;
}

/** Member access: `value.pid`, `value['not an identifier']`. */
export function access(object: string, name: string): string {
  return IDENTIFIER.test(name) ? `${object}.${name}` : `${object}[${quote(name)}]`;
}

/** Text that may stand in a comment: one line, no end of comment in it. */
export function commentText(text: string): string {
  return text.replace(/[\u0000-\u001f\u007f\u2028\u2029]+/g, ' ').replaceAll('*/', '*\\/');
}
