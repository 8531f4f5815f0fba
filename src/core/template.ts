/**
 * Text that generators fill: files of `templates/` with places such as `@NAME@`. What is put in is taken as it is; escaping is for
 * the caller, who knows the language.
 */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { templateDirectory } from './paths.ts';

/** A file of `templates/`, by its path there (`wasm/ewasm-skel.h`). */
export function readTemplate(name: string): string {
  return readFileSync(path.join(templateDirectory(), name), 'utf8');
}

/**
 * Fills every place in one pass, so that text that was put in is not searched again.
 * @throws {Error} for a place without a value or a value without a place: the template and its generator do not fit.
 */
export function fillTemplate(template: string, values: Readonly<Record<string, string>>): string {
  const unused = new Set(Object.keys(values));
  const text = template.replace(/@([A-Z][A-Z0-9_]*)@/g, (place, name: string) => {
    if (!Object.hasOwn(values, name)) throw new Error(`template: no value for ${place}`);
    unused.delete(name);
    return values[name]!;
  });
  if (unused.size > 0) throw new Error(`template: no place for ${[...unused].join(', ')}`);
  return text;
}
