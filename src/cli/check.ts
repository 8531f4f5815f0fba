/** `ecc check`: does this kernel's verifier take the programs of an object, a package or a source, and at what cost. */
import { ExitCode, inFile } from '../core/errors.ts';
import { inputName } from '../core/read-input.ts';
import type { ProgramCheck } from '../runner/check.ts';
import { checkBtfFile, openPackageInput } from './open-package.ts';
import { reportError } from './report.ts';

export interface CheckFlags {
  /** One JSON array instead of a table. */
  readonly json?: boolean | undefined;
  /** Print the verifier's whole log of each program that it refuses. */
  readonly verifierLog?: boolean | undefined;
  /** BTF of the running kernel. */
  readonly btf?: string | undefined;
}

/** @returns the exit status: 0 when all programs pass, 7 otherwise */
export async function check(file: string, flags: CheckFlags = {}): Promise<number> {
  const { checkPrograms } = await import('../runner/check.ts');
  const { VerifierError } = await import('../runner/diagnose.ts');
  const { opened, kernelBtf } = await openPackageInput(file);
  if (flags.btf !== undefined) await checkBtfFile(flags.btf);
  const results = await inFile(inputName(file), () => checkPrograms(opened, { kernelBtf: flags.btf ?? kernelBtf }));
  process.stdout.write(flags.json ? `${JSON.stringify(results.map(asJson), null, 2)}\n` : checkTable(results));
  const told = new Set<string>();
  for (const { error } of results) {
    if (error === undefined) continue;
    // what is wrong with the machine or with a map is the same for every program
    if (!flags.json && !told.has(error.message)) reportError(error);
    told.add(error.message);
    if (flags.verifierLog && error instanceof VerifierError) process.stderr.write(error.log);
  }
  return results.every(({ passed }) => passed) ? ExitCode.ok : ExitCode.load;
}

function asJson(result: ProgramCheck): Record<string, unknown> {
  return { ...result, error: result.error?.toJSON() ?? null };
}

const COLUMNS = ['PROGRAM', 'SECTION', 'RESULT', 'INSNS', 'PROCESSED', 'STACK', 'TIME'] as const;

/** One line a program; numbers to the right. */
export function checkTable(results: readonly ProgramCheck[]): string {
  const rows = results.map((one) => [
    one.name,
    one.section,
    one.passed ? 'pass' : 'refused',
    String(one.insns),
    one.processedInsns === undefined ? '-' : String(one.processedInsns),
    one.stackDepths.length === 0 ? '-' : one.stackDepths.join('+'),
    one.verificationTimeUs === undefined ? '-' : `${one.verificationTimeUs} us`,
  ]);
  const widths = COLUMNS.map((name, i) => Math.max(name.length, ...rows.map((row) => row[i]!.length)));
  const line = (row: readonly string[]) =>
    row.map((cell, i) => (i < 3 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!))).join('  ');
  return `${[COLUMNS, ...rows].map(line).join('\n')}\n`;
}
