/** This package's version, put in at bundle time; read from package.json when run from source. */
import { createRequire } from 'node:module';

declare const __ECC_VERSION__: string | undefined;

export const VERSION: string =
  typeof __ECC_VERSION__ === 'string'
    ? __ECC_VERSION__
    : (createRequire(import.meta.url)('../../package.json') as { version: string }).version;

/** The version of the reference compiler whose package format we write. */
export const REFERENCE_VERSION = '0.3.4';
