import { describe, expect, test } from 'vitest';
import { exportOrder } from './exports.ts';

const none = { tagged: [], header: [], events: [], printedMap: undefined, sampledStruct: undefined };

describe('exportOrder', () => {
  test('what is tagged wins over what the header defines', () => {
    expect(exportOrder({ ...none, tagged: ['a'], header: ['b', 'c'] })).toEqual(['a']);
  });

  test('the struct of the map that the loader prints comes first', () => {
    const events = [
      { map: 'log', struct: 'line' },
      { map: 'events', struct: 'event' },
    ];
    expect(exportOrder({ ...none, header: ['arg', 'event'], events, printedMap: 'events' })).toEqual([
      'event',
      'arg',
      'line',
    ]);
  });

  test('a sampled map shows its values', () => {
    const events = [{ map: 'events', struct: 'event' }];
    expect(exportOrder({ ...none, events, printedMap: 'hists', sampledStruct: 'hist' })).toEqual(['hist', 'event']);
  });
});
