/**
 * What clang's diagnostics say about a kernel header: which names it lacks, which of its names the program defines itself,
 * which members the kernel no longer has. Messages are those of clang 14 to 19, in English, with or without colour.
 */

/** A finding about the header; what does not concern a header gives none. */
export type HeaderProblem =
  /** A type, enumerator or function that is not declared; or a struct, union or enum (`isTag`) that is only declared. */
  | { readonly kind: 'missing'; readonly name: string; readonly isTag: boolean }
  /** A name that the header and the program both define: as a struct, union or enum (`isTag`), or as anything else. */
  | { readonly kind: 'clash'; readonly name: string; readonly isTag: boolean }
  /** A struct or union that lacks a member. */
  | { readonly kind: 'no-member'; readonly type: string; readonly member: string };

const LOCATED = /^(.*?):(\d+):(\d+): (fatal error|error|warning|note): (.*)$/;
const COLOUR = /\x1b\[[0-9;]*[A-Za-z]/g;

/** Messages about something that is missing; the name is in quotes, somewhere. */
const MISSING =
  /\bincomplete\b|will not be visible outside|^unknown type name|^use of undeclared identifier|^implicit declaration of function|^call to undeclared function|never completed/;
/** Warnings that a missing declaration causes, often just before an error that does not name it. */
const TELLING_WARNING = /^implicit declaration of function|will not be visible outside/;
/** Messages about something that is defined twice; one of the two places is in the header. */
const CLASH =
  /^(?:typedef )?redefinition of|^typedef redefinition|^conflicting types for|does not match previous declaration|^static declaration of|^redeclaration of|^nested redefinition|^previous definition|different storage class|follows non-/;
/** What clang thinks was meant is not what was written. */
const GUESS = /; did you mean .*/;
const NO_MEMBER = /^no member named '([^']+)' in '([^']+)'/;
const MACRO = /^expanded from macro '([^']+)'/;

/** What messages quote that is no name. */
const OPERATORS = new Set(['sizeof', 'alignof', '_Alignof', '__alignof', 'cleanup']);

interface Diagnostic {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly severity: string;
  readonly text: string;
}

/**
 * @param stderr  clang's, from a compile against `header`
 * @param header  text of the header
 * @param isHeader  tells the header's path from others
 */
export function diagnoseHeader(stderr: string, header: string, isHeader: (path: string) => boolean): HeaderProblem[] {
  const problems = new Map<string, HeaderProblem>();
  const note = (problem: HeaderProblem) => problems.set(JSON.stringify(problem), problem);
  const lines = header.split('\n');
  let error: Diagnostic | undefined;
  let clashSeen = false;
  for (const diagnostic of parseDiagnostics(stderr)) {
    const { text, severity } = diagnostic;
    const inHeader = isHeader(diagnostic.file);
    if (severity !== 'note') {
      error = diagnostic;
      clashSeen = false;
      if (severity === 'warning' && !TELLING_WARNING.test(text)) continue;
      const noMember = NO_MEMBER.exec(text);
      if (noMember !== null) {
        const type = bareTypeName(noMember[2]!);
        if (type !== undefined) note({ kind: 'no-member', type, member: noMember[1]! });
      } else if (CLASH.test(text)) {
        if (!inHeader) continue;
        clashSeen = true;
        const clash = identifierAt(lines, diagnostic);
        if (clash !== undefined) note({ kind: 'clash', ...clash });
      } else if (MISSING.test(text)) {
        for (const name of quotedNames(text.replace(GUESS, ''))) note({ kind: 'missing', ...name });
      }
    } else if (error !== undefined && error.severity !== 'warning') {
      const macro = MACRO.exec(text);
      if (macro !== null && isHeader(error.file)) note({ kind: 'clash', name: macro[1]!, isTag: false });
      else if (inHeader && !clashSeen && CLASH.test(error.text)) {
        clashSeen = true;
        const clash = identifierAt(lines, diagnostic);
        if (clash !== undefined) note({ kind: 'clash', ...clash });
      }
    }
  }
  return [...problems.values()];
}

function* parseDiagnostics(stderr: string): Generator<Diagnostic> {
  for (const line of stderr.replace(COLOUR, '').split('\n')) {
    const match = LOCATED.exec(line);
    if (match === null) continue;
    const [, file, row, column, severity, text] = match as unknown as [string, string, string, string, string, string];
    yield { file, line: Number(row), column: Number(column), severity, text };
  }
}

/** The identifier that a place in the header is about: where the caret is, or the tag behind a keyword there. */
function identifierAt(lines: readonly string[], { line, column }: Diagnostic): NamedThing | undefined {
  const text = lines[line - 1] ?? '';
  const [, keyword, name] = /^((?:struct|union|enum)\s+)?([A-Za-z_]\w*)/.exec(text.slice(column - 1)) ?? [];
  if (name === undefined) return undefined;
  return { name, isTag: keyword !== undefined || /\b(?:struct|union|enum)\s+$/.test(text.slice(0, column - 1)) };
}

interface NamedThing {
  readonly name: string;
  readonly isTag: boolean;
}

/** `'const struct foo *'` → foo, a tag; both names of `'foo_t' (aka 'struct foo')`. */
function quotedNames(text: string): NamedThing[] {
  return [...text.matchAll(/'([^']+)'/g)].flatMap(([, quoted]) => {
    const name = bareTypeName(quoted!);
    return name === undefined ? [] : [{ name, isTag: /\b(?:struct|union|enum)\b/.test(quoted!) }];
  });
}

function bareTypeName(type: string): string | undefined {
  const name = type
    .replace(/\b(?:const|volatile|restrict|struct|union|enum)\b/g, ' ')
    .replace(/\*|\[\d*\]/g, ' ')
    .trim();
  return /^[A-Za-z_]\w*$/.test(name) && !OPERATORS.has(name) ? name : undefined;
}
