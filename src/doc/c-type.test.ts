import { expect, test } from 'vitest';
import { type CType, cTypeOf, parseCType } from './c-type.ts';

/** `to` of pointers and arrays as one string. */
function show(type: CType): string {
  switch (type.kind) {
    case 'pointer':
      return `*${show(type.to)}`;
    case 'array':
      return `[]${show(type.to)}`;
    case 'void':
    case 'other':
      return type.kind;
    default:
      return `${type.kind} ${type.name}`;
  }
}

test.each([
  ['struct event', 'struct event'],
  ['const volatile struct event *const', '*struct event'],
  ['struct event *restrict', '*struct event'],
  ['struct event **', '**struct event'],
  ['union u *', '*union u'],
  ['enum state', 'enum state'],
  ['event_t *', '*typedef event_t'],
  ['unsigned long long', 'scalar unsigned long long'],
  ['unsigned char *', '*scalar unsigned char'],
  ['_Bool', 'scalar _Bool'],
  ['void *', '*void'],
  ['const void', 'void'],
  ['char[64]', '[]scalar char'],
  ['struct event[4][2]', '[][]struct event'],
  ['int (*)[27]', '*[]scalar int'],
  ['void *(*)(void *, __u64)', '*other'],
  ['int (struct pt_regs *)', 'other'],
  ['struct (unnamed struct at x.bpf.c:9:1)', 'struct undefined'],
  ['struct (unnamed struct at x.bpf.c:9:1) *', '*struct undefined'],
  ['struct outer::(anonymous at x.bpf.c:9:1)', 'struct undefined'],
  ['typeof(struct event) *', '*struct event'],
  ['typeof(int) *', '*scalar int'],
  ['typeof (e) *', '*other'],
  ['struct event __attribute__((address_space(1))) *', '*struct event'],
  ['', 'other'],
])('%j is %s', (spelling, expected) => expect(show(parseCType(spelling))).toBe(expected));

test('a typedef is looked through where clang does', () => {
  expect(show(cTypeOf({ qualType: 'event_p', desugaredQualType: 'struct event *' }))).toBe('*struct event');
  expect(show(cTypeOf(undefined))).toBe('other');
});
