/** A clang that knows everything of BTF: signed enums and ENUM64, which 14 does not. */
import type { Skippable } from '../support/require.ts';
import { findTool } from '../support/tools.ts';

export function requireClang64(context: Skippable): string {
  const clang = ['clang-19', 'clang-18', 'clang-17', 'clang-16'].find((name) => findTool(name) !== undefined);
  return clang ?? context.skip('no clang from 16 to 19 is installed: older ones have no ENUM64');
}
