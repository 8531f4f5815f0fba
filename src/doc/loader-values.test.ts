import { describe, expect, test } from 'vitest';
import type { Json } from './comment-commands.ts';
import { emptyFields } from './comment-fields.ts';
import { type EntryKind, loadableFields } from './loader-values.ts';

function check(kind: EntryKind, fields: { [key: string]: Json }): { kept: object; complaints: string[] } {
  const complaints: string[] = [];
  const given = Object.assign(emptyFields(), fields);
  const kept = loadableFields(
    given,
    kind,
    (field) => JSON.stringify(fields[field]),
    (field, message) => complaints.push(`${field} ${message}`),
  );
  expect({ ...given }).toEqual(fields);
  return { kept: { ...kept }, complaints };
}

describe('what the loader takes stays', () => {
  test.each<[EntryKind, { [key: string]: Json }]>([
    ['variable', { cmdarg: { default: 1, short: 'p', long: 'pid', help: null, own: [1] }, value: [1], own: {} }],
    ['variable', { cmdarg: {}, sample: 'not read for variables', description: 'x' }],
    ['map', { sample: { interval: 1, type: 'log2_hist', unit: 'us', clear_map: true } }],
    ['map', { sample: null, cmdarg: 3, export_config: 'default', intepreter: 'default_struct' }],
    ['map', { export_config: { btf_type_id: 3 }, intepreter: { stack_trace: { with_symbols: false } } }],
    ['map', { export_config: { custom_members: [] } }],
    ['program', { flags: 0, tchook: {}, link: true, attach: 'xdp' }],
    ['license', { brief: 'x', anything: 5 }],
  ])('%s %j', (kind, fields) => expect(check(kind, fields)).toEqual({ kept: fields, complaints: [] }));
});

describe('what it refuses is left out, with a reason', () => {
  test.each<[EntryKind, { [key: string]: Json }, object, number]>([
    ['variable', { cmdarg: 5 }, {}, 1],
    ['variable', { cmdarg: null }, {}, 1],
    ['variable', { cmdarg: [] }, {}, 1],
    ['variable', { cmdarg: { default: {}, short: 'pid', long: 5, help: 'x' } }, { cmdarg: { help: 'x' } }, 3],
    ['variable', { cmdarg: { default: 2 ** 64 } }, { cmdarg: {} }, 1],
    ['map', { sample: 'once' }, {}, 1],
    ['map', { sample: { type: 'log2_hist' } }, {}, 1],
    ['map', { sample: { interval: 1.5 } }, {}, 2],
    ['map', { sample: { interval: 5, type: 'hist', unit: 1 } }, { sample: { interval: 5 } }, 2],
    ['map', { export_config: 'all', intepreter: 'stack_trace', interpreter: {} }, {}, 3],
    ['map', { export_config: { btf_type_id: -1 } }, {}, 1],
    ['program', { link: 'yes' }, {}, 1],
  ])('%s %j', (kind, fields, kept, complaints) => {
    const result = check(kind, fields);
    expect(result.kept).toEqual(kept);
    expect(result.complaints).toHaveLength(complaints);
  });
});

test('where it wants text, any other value becomes its text', () => {
  expect(check('variable', { type: 5 })).toEqual({ kept: { type: '5' }, complaints: [] });
  expect(check('program', { attach: true })).toEqual({ kept: { attach: 'true' }, complaints: [] });
});

test('a member called __proto__ is a member', () => {
  const cmdarg = JSON.parse('{"__proto__": {"long": 5}, "long": "x"}') as Json;
  const { kept } = check('variable', { cmdarg });
  expect(JSON.stringify(kept)).toBe('{"cmdarg":{"__proto__":{"long":5},"long":"x"}}');
});
