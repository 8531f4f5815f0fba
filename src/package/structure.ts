/** How much structure a text has, before anything is made of it: a few megabytes of brackets would become millions of objects. */
import { MalformedError } from '../core/errors.ts';

/** Values, about. The largest programs have some thousand; a parser's time and memory go with them. */
const LIMITS = { JSON: 500_000, YAML: 100_000 } as const;
/** What separates or begins values. None of it occurs in base64, which most of a package is. */
const MARKS = { JSON: '[{,', YAML: '[{,:-?&!#|>\\\n' } as const;

/** @throws {MalformedError} `PKG_BAD_SHAPE` */
export function checkStructure(bytes: Uint8Array, format: keyof typeof LIMITS): void {
  const isMark = new Uint8Array(256);
  for (const mark of MARKS[format]) isMark[mark.charCodeAt(0)] = 1;
  let count = 0;
  for (let i = 0; i < bytes.length; i++) count += isMark[bytes[i]!]!;
  if (count <= LIMITS[format]) return;
  throw new MalformedError('PKG_BAD_SHAPE', `package: more than ${LIMITS[format]} values, which no package has`, {
    details: { count, limit: LIMITS[format] },
  });
}
