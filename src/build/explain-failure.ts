/** What lies behind a compile that failed, where clang's own words do not say it. */
import path from 'node:path';
import { CompileError, type EccError, isEccError, ToolError } from '../core/errors.ts';
import { installHint } from '../toolchain/tools.ts';
import type { ToolVersion } from '../toolchain/version.ts';
import { findForgottenIncludes } from './header-only.ts';
import type { Toolchain } from './toolchain.ts';

/** CO-RE relocations for enumerators came with clang 12, and source text in debug information works for bpf from 11 on. */
const OLDEST_CLANG = 12;

export interface FailureContext {
  readonly tools: Toolchain;
  readonly version: Promise<ToolVersion>;
  readonly headerOnly: boolean;
  readonly userFiles: readonly string[];
}

/** The error to show: the same one, or one that says more. */
export async function explainFailure(error: unknown, context: FailureContext): Promise<unknown> {
  if (!isEccError(error) || error.code !== 'COMPILE_FAILED') return error;
  const { major, text } = await context.version.catch(() => ({ major: 0, text: '' }));
  if (major > 0 && major < OLDEST_CLANG) {
    return new ToolError(
      'TOOL_TOO_OLD',
      `${context.tools.clang.path} is ${text}; clang ${OLDEST_CLANG} or newer is needed`,
      {
        details: { version: text, diagnostics: error.details.diagnostics },
        hint: `${installHint('clang')}   or name a newer one with --clang-bin`,
        cause: error,
      },
    );
  }
  return context.headerOnly ? withForgottenIncludes(error, context.userFiles) : error;
}

/** clang says that a name is unknown; which include the header forgot is more use. */
function withForgottenIncludes(error: EccError, userFiles: readonly string[]): EccError {
  const users = new Set(userFiles.map((file) => path.resolve(file)));
  const forgotten = findForgottenIncludes(String(error.details.diagnostics), (file) => users.has(path.resolve(file)));
  if (forgotten.length === 0) return error;
  const hint = forgotten.map(({ file, line, message, hint }) => `${file}:${line}: ${message}; ${hint}`).join('\n');
  return new CompileError(error.code, error.message, { details: error.details, hint, cause: error }).in(
    error.file ?? '',
  );
}
