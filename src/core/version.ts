/** This package's version, put in at bundle time; read from package.json when run from source. */
import { createRequire } from 'node:module';

declare const __ECC_VERSION__: string | undefined;
declare const __ECC_BUILD_ID__: string | undefined;

export const VERSION: string =
  typeof __ECC_VERSION__ === 'string'
    ? __ECC_VERSION__
    : (createRequire(import.meta.url)('../../package.json') as { version: string }).version;

/** Digest of the sources that the bundle was made from; `undefined` when run from source, which may change at any time. */
export const BUILD_ID: string | undefined = typeof __ECC_BUILD_ID__ === 'string' ? __ECC_BUILD_ID__ : undefined;

/** The version of the reference compiler whose package format we write. */
export const REFERENCE_VERSION = '0.3.4';
