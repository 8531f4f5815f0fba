/** Command-line options out of a compiled program's global variables: what they accept, and what they put into the program's memory. */
import { openObject, type PackageMeta } from 'ebpf-ecc';
import { beforeAll, describe, expect, test } from 'vitest';
import { sectionContents } from '../../src/runner/globals.ts';
import { parseProgramOptions, programHelp, programOptions } from '../../src/runner/options.ts';
import { fileDirectory } from '../support/temporary.ts';
import { findTool } from '../support/tools.ts';
import { ObjectBuilder } from './objects.ts';

const builder = new ObjectBuilder(fileDirectory());

const SOURCE = `
enum colour { RED = 1, GREEN = 2, DARK = -5 };
struct pair { int a, b; };
const volatile int pid = 7;
const volatile __u32 limit = 0;
const volatile __s8 small = 0;
const volatile __u64 nanos = 0;
const volatile __s64 offset = 0;
const volatile unsigned short port = 0;
const volatile bool quiet = true;
const volatile float ratio = 0;
const volatile double factor = 1.5;
const volatile enum colour colour = RED;
const volatile char comm[8] = "";
const volatile char letter = 'x';
const volatile struct pair ignored = {};
const volatile __u64 __eunomia_dummy_x = 0;
int verbose = 0;
SEC("raw_tp/sys_enter") int use(void *ctx) {
  return pid + limit + small + nanos + offset + port + quiet + (colour == GREEN) + comm[1] + letter + ignored.a + __eunomia_dummy_x + verbose + ((volatile __u32 *)&ratio)[0] + ((volatile __u64 *)&factor)[0];
}
`;

/** What doc comments say in a package. */
const META = {
  bpf_skel: {
    obj_name: 'options_bpf',
    maps: [],
    progs: [],
    doc: { brief: 'counts things', details: 'and more', version: '2.1' },
    data_sections: [
      {
        name: '.rodata',
        variables: [
          { name: 'pid', type: 'int', cmdarg: { short: 'p', long: 'process', default: 0, help: 'whose' } },
          { name: 'limit', type: 'u32', description: 'how many', cmdarg: { short: 'h' } },
          { name: 'quiet', type: 'bool', cmdarg: { default: true } },
        ],
      },
    ],
  },
} as unknown as PackageMeta;

describe.skipIf(findTool('clang') === undefined)('options', () => {
  let model: ReturnType<typeof openObject>;
  let options: ReturnType<typeof programOptions>;

  beforeAll(async () => {
    model = openObject(await builder.build('options', SOURCE));
    options = programOptions(model, META);
  });

  const parse = (...argv: string[]) => parseProgramOptions(options, argv).values;

  test('one for each variable that a command line can say, names and short forms from the comments', () => {
    expect(options.map(({ long }) => long).sort()).toEqual(
      [
        'colour',
        'comm',
        'factor',
        'letter',
        'limit',
        'nanos',
        'offset',
        'port',
        'process',
        'quiet',
        'ratio',
        'small',
      ].sort(),
    );
    expect(options.find(({ long }) => long === 'process')?.short).toBe('p');
    // -h is help's, so is --verbose
    expect(options.find(({ long }) => long === 'limit')?.short).toBeUndefined();
  });

  test.each([
    [['--process', '42'], 'pid', 42],
    [['--process=-1'], 'pid', -1],
    [['--process', '-1'], 'pid', -1],
    [['-p', '5'], 'pid', 5],
    [['-p5'], 'pid', 5],
    [['--limit', '0xffffffff'], 'limit', 4294967295],
    [['--limit', '4_000'], 'limit', 4000],
    [['--small=-128'], 'small', -128],
    [['--nanos', '18446744073709551615'], 'nanos', 18446744073709551615n],
    [['--offset=-9223372036854775808'], 'offset', -9223372036854775808n],
    [['--port', '65535'], 'port', 65535],
    [['--ratio', '0.5'], 'ratio', 0.5],
    [['--factor', '-1e3'], 'factor', -1000],
    [['--colour', 'GREEN'], 'colour', 2],
    [['--colour', '2'], 'colour', 2],
    [['--comm', 'sh'], 'comm', 'sh'],
    [['--letter', 'A'], 'letter', 65],
    [['--quiet'], 'quiet', true],
    [['--disable-quiet'], 'quiet', false],
    [['--no-quiet'], 'quiet', false],
    [['--quiet=false'], 'quiet', false],
  ])('%j sets %s to %s', (argv, variable, value) => {
    expect(parse(...argv).get(variable)).toBe(value);
  });

  test.each([
    ['--process', '2147483648'],
    ['--limit', '-1'],
    ['--limit', '4294967296'],
    ['--small', '128'],
    ['--nanos', '18446744073709551616'],
    ['--port', '65536'],
    ['--port', '1.5'],
    ['--port', ''],
    ['--ratio', 'much'],
    ['--colour', 'GREN'],
    ['--comm', 'too-long'],
    ['--quiet=perhaps'],
    ['--process'],
  ])('%s %s is refused', (...argv) => {
    expect(() => parse(...argv)).toThrow(expect.objectContaining({ code: 'USAGE_VALUE', exitCode: 2 }));
  });

  test('unknown options are refused, with the nearest name', () => {
    expect(() => parse('--limt', '1')).toThrow(
      expect.objectContaining({ code: 'USAGE_OPTION', hint: 'did you mean --limit?' }),
    );
    expect(() => parse('stray')).toThrow(expect.objectContaining({ code: 'USAGE_OPTION' }));
  });

  test("defaults of the comments count, the object's own stay", () => {
    expect(Object.fromEntries(parse())).toEqual({ pid: 0, quiet: true });
  });

  test('help and version are asked for; flags of others are handed back', () => {
    expect(parseProgramOptions(options, ['-h'])).toMatchObject({ help: true });
    expect(parseProgramOptions(options, ['-V'])).toMatchObject({ version: true });
    const foreign = new Map([
      ['--duration', 1],
      ['--json', 0],
    ]);
    expect(parseProgramOptions(options, ['--json', '--duration', '3', '-p', '1'], { foreign }).rest).toEqual([
      '--json',
      '--duration',
      '3',
    ]);
  });

  test('help text', () => {
    const text = programHelp('ecc run x.json', options, META);
    expect(text).toMatch(/^counts things\n\nUsage: ecc run x\.json \[options\]\n\nOptions:\n/);
    expect(text).toMatch(/^ {2}-p, --process <number> {2,}whose \[default: 0\]$/m);
    expect(text).toMatch(/^ {6}--limit <number> {2,}how many$/m);
    expect(text).toMatch(/^ {6}--colour <name> {2,}one of RED, GREEN, DARK/m);
    expect(text).toMatch(/\nand more\n\nThose of ecc run itself: ecc run --help\n$/);
  });

  test('the bytes that go into the section are those of the C types', () => {
    const values = parse(
      '--process=-2',
      '--limit',
      '4294967295',
      '--port',
      '513',
      '--ratio',
      '1.5',
      '--comm',
      'ab',
      '--colour',
      'GREEN',
      '--disable-quiet',
    );
    const [[section, bytes]] = [...sectionContents(model, values)] as [
      [(typeof model.dataSections)[number], Uint8Array],
    ];
    expect(section.name).toBe('.rodata');
    const at = (name: string) => {
      const { offset, size } = section.variables.find((one) => one.name === name)!;
      return [...bytes.subarray(offset, offset + size)];
    };
    expect(at('pid')).toEqual([254, 255, 255, 255]);
    expect(at('limit')).toEqual([255, 255, 255, 255]);
    expect(at('port')).toEqual([1, 2]);
    expect(at('ratio')).toEqual([0, 0, 0xc0, 0x3f]);
    expect(at('comm')).toEqual([97, 98, 0, 0, 0, 0, 0, 0]);
    expect(at('colour')).toEqual([2, 0, 0, 0]);
    expect(at('quiet')).toEqual([0]);
    // what nobody sets stays as the object has it
    expect(at('factor')).toEqual([0, 0, 0, 0, 0, 0, 0xf8, 0x3f]);
    expect(at('letter')).toEqual([120]);
  });
});
