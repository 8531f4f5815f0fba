/**
 * Codecs made while the program runs, for those who have BTF and no generated module: the same plan and the same code as the
 * module's, without its types, evaluated instead of written.
 *
 * The code consists of numbers, of identifiers that `names.ts` made and of names as string literals, so BTF from strangers cannot
 * put anything of its own into it.
 */
import type { TypeId } from '../../btf/kinds.ts';
import type { Btf } from '../../btf/table.ts';
import * as runtime from '../../decode/index.ts';
import { aliasCodec, type RuntimeName, readFunction, structCodec, type Target } from './code.ts';
import { moduleScope } from './names.ts';
import { Planner } from './plan.ts';
import type { SectionVariable, TypePlan, ValueOptions } from './shapes.ts';

/** The variables of a data section: what {@link makeSectionCodec} needs to know. */
export interface SectionLayout {
  /** The section's name: `.rodata`. */
  readonly name: string;
  /** Bytes. */
  readonly size: number;
  readonly variables: readonly SectionVariable[];
}

/**
 * A codec for any type that has values. Costs about a millisecond; decoding is as fast as with a generated module.
 * @throws {UsageError} `USAGE_TYPE` for a type without values; {@link MalformedError} for types that no compiler makes
 */
export function makeCodec(btf: Btf, typeId: TypeId, options: ValueOptions = {}): runtime.Codec<unknown, unknown> {
  const planner = new Planner(btf, moduleScope([]), options);
  const plan = planner.codecRoot(typeId, 'Value');
  return evaluate(btf, planner.types, plan);
}

/** A codec for all variables of a data section as one object. */
export function makeSectionCodec(
  btf: Btf,
  section: SectionLayout,
  options: ValueOptions = {},
): runtime.Codec<Record<string, unknown>, Record<string, unknown>> {
  const planner = new Planner(btf, moduleScope([]), options);
  const plan = planner.section(section.name, 'Section', section.size, section.variables);
  return evaluate(btf, planner.types, plan) as runtime.Codec<Record<string, unknown>, Record<string, unknown>>;
}

function evaluate(
  btf: Btf,
  types: readonly TypePlan[],
  wanted: { readonly name: string },
): runtime.Codec<unknown, unknown> {
  const target: Target = {
    littleEndian: btf.littleEndian,
    typed: false,
    use: (name: RuntimeName) => `runtime.${name}`,
    typeOf: () => '',
  };
  const parts = types.map((plan) => {
    if (plan.kind === 'enum') return '';
    if (plan.kind === 'alias') return `const ${plan.name} = ${aliasCodec(target, plan)};\n`;
    return `${readFunction(target, plan)}const ${plan.name} = ${structCodec(target, plan)};\n`;
  });
  const make = new Function('runtime', `'use strict';\n${parts.join('')}return ${wanted.name};`);
  return (make as (library: typeof runtime) => runtime.Codec<unknown, unknown>)(runtime);
}
