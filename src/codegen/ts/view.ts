/** View classes: a getter for each member over the bytes, nested views made once and moved. */
import { assertNever } from '../../core/errors.ts';
import { readMember, type Target } from './code.ts';
import { getter, NameScope } from './names.ts';
import type { MemberPlan, Shape, StructPlan } from './shapes.ts';
import { viewTypeOf } from './types.ts';

const IDENTIFIER = /^[A-Za-z_]\w*$/;
/** What the base class has. */
const BASE_MEMBERS = [
  ...['$view', '$at', '$end', '$last', '$source', '$codec', '$set', '$setPartial', '$attach', '$move', '$decode'],
];

export function viewClass(target: Target, plan: StructPlan): string {
  const names = new NameScope(BASE_MEMBERS);
  const fields: string[] = [];
  const getters = plan.members.map((member, index) => {
    const name = names.take(member.name);
    const view = viewTypeOf(member.shape);
    if (view === undefined) {
      const value = readMember(target, plan, member, { view: 'this.$view', at: 'this.$at', end: 'this.$end' });
      return `  ${getter(name)}: ${target.typeOf(member.shape)} {\n    return ${value};\n  }\n`;
    }
    // With a `$`, which no name that passes the test has.
    const field = IDENTIFIER.test(name) && name !== 'constructor' ? `#${name}` : `#$${index}`;
    fields.push(`  ${field}: ${view} | undefined = undefined;\n`);
    return `  ${getter(name)}: ${view} {\n    return ${nestedView(target, member, field)};\n  }\n`;
  });
  let text = `/** Reads {@link ${plan.name}} lazily: valid as long as its bytes are. */\n`;
  text += `export class ${plan.viewName} extends ${target.use('View')}<${plan.name}> {\n${fields.join('')}`;
  text += `  get $codec(): ${codecType(plan)} {\n    return ${plan.name};\n  }\n`;
  // In each class again and not in the base class: shared by all of them it would be several times slower.
  text += `  $set(source: ByteSource, offset = 0): this {\n`;
  text += `    if (source !== this.$source || !(offset <= this.$last)) this.$attach(source, offset);\n`;
  text += '    this.$at = offset;\n    return this;\n  }\n';
  return `${text}${getters.join('')}}\n`;
}

/** The type of a struct's codec. */
export function codecType(plan: StructPlan): string {
  return plan.hasArms ? `Codec<${plan.name}, ${plan.inputName}>` : `Codec<${plan.name}>`;
}

function nestedView(target: Target, member: MemberPlan, field: string): string {
  const at = member.offset === 0 ? 'this.$at' : `this.$at + ${member.offset}`;
  const fixedEnd = member.room === undefined ? '' : `, this.$at + ${member.offset + member.room}`;
  const end = member.tail ? ', this.$end' : fixedEnd;
  return `(this.${field} ??= ${newView(target, member.shape)}).$move(this.$view, ${at}${end})`;
}

function newView(target: Target, shape: Shape): string {
  switch (shape.kind) {
    case 'struct':
      return `new ${shape.type.viewName}()`;
    case 'array':
      return `new ${target.use('ViewArray')}(${newView(target, shape.element)}, ${shape.length}, ${shape.stride})`;
    case 'int':
    case 'bool':
    case 'float':
    case 'enum':
    case 'string':
      throw new Error(`no view of a ${shape.kind}`);
    default:
      return assertNever(shape);
  }
}
