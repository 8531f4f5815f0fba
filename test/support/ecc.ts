/** Fixtures through the library, each combination of fixture, header and compiler once a test file. */
import {
  type BpfObject,
  type CompiledObject,
  type CompiledSource,
  type CompileOptions,
  compile,
  compileObject,
  openObject,
} from 'ebpf-ecc';
import { type Fixture, fixturePath, includeFlags } from './fixtures.ts';

export type FixtureCompileOptions = Pick<CompileOptions, 'headerMode' | 'clang'>;

/** Compiles fixtures with a cache directory of its own, so that no test depends on what earlier runs left. */
export class FixtureCompiler {
  readonly #cacheDir: string;
  readonly #sources = new Map<Fixture, Promise<CompiledSource>>();
  readonly #objects = new Map<string, Promise<CompiledObject>>();

  constructor(cacheDir: string) {
    this.#cacheDir = cacheDir;
  }

  /** Object and metadata, as for a package. */
  compile(fixture: Fixture): Promise<CompiledSource> {
    let result = this.#sources.get(fixture);
    if (result === undefined) {
      result = compile(fixturePath(fixture.source), this.#options(fixture));
      this.#sources.set(fixture, result);
    }
    return result;
  }

  /** The object alone. */
  compileObject(fixture: Fixture, { headerMode = 'small', clang }: FixtureCompileOptions): Promise<CompiledObject> {
    const key = `${clang} ${headerMode} ${fixture.name}`;
    let result = this.#objects.get(key);
    if (result === undefined) {
      result = compileObject(fixturePath(fixture.source), { ...this.#options(fixture), headerMode, clang });
      this.#objects.set(key, result);
    }
    return result;
  }

  /** The objects made with the small and with the whole kernel header. */
  async compileBoth(fixture: Fixture, clang?: string): Promise<{ small: BpfObject; full: BpfObject }> {
    const [small, full] = await Promise.all(
      (['small', 'full'] as const).map((headerMode) => this.compileObject(fixture, { headerMode, clang })),
    );
    return { small: openObject(small!.object), full: openObject(full!.object) };
  }

  #options(fixture: Fixture): CompileOptions {
    return {
      exportHeader: fixture.header === undefined ? undefined : fixturePath(fixture.header),
      cflags: includeFlags(fixture),
      cacheDir: this.#cacheDir,
    };
  }
}
