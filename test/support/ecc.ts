/** Fixtures through the library, each combination of fixture, header and compiler once a test file. */
import { type CompiledSource, compile } from '../../src/build/compile.ts';
import { type Fixture, fixturePath, includeFlags } from './fixtures.ts';

export interface FixtureCompileOptions {
  /** `small` by default. */
  readonly headerMode?: 'small' | 'full';
  /** The default `clang` by default. */
  readonly clang?: string;
}

/** Compiles fixtures with a cache directory of its own, so that no test depends on what earlier runs left. */
export class FixtureCompiler {
  readonly #cacheDir: string;
  readonly #done = new Map<string, Promise<CompiledSource>>();

  constructor(cacheDir: string) {
    this.#cacheDir = cacheDir;
  }

  compile(fixture: Fixture, options: FixtureCompileOptions = {}): Promise<CompiledSource> {
    const { headerMode = 'small', clang } = options;
    const key = `${clang} ${headerMode} ${fixture.name}`;
    let result = this.#done.get(key);
    if (result === undefined) {
      result = compile(fixturePath(fixture.source), {
        ...(fixture.header === undefined ? {} : { exportHeader: fixturePath(fixture.header) }),
        ...(clang === undefined ? {} : { clang }),
        cflags: includeFlags(fixture),
        headerMode,
        cacheDir: this.#cacheDir,
      });
      this.#done.set(key, result);
    }
    return result;
  }
}
