/** `ecc cache info|clear`: what is kept in the cache directory, and removing it. */
import type { CommandModule } from 'yargs';
import type { CachePart } from '../../build/cache/contents.ts';
import { IoError } from '../../core/errors.ts';
import { cacheDirectory } from '../../core/paths.ts';

const WHAT = ['info', 'clear'] as const;

interface Arguments {
  what: (typeof WHAT)[number];
  all?: boolean | undefined;
  json?: boolean | undefined;
}

export const cache: CommandModule<object, Arguments> = {
  command: 'cache <what>',
  describe: 'Show or clear what is kept between builds',
  builder: (argv) =>
    argv
      .positional('what', { choices: WHAT, demandOption: true, describe: 'info: what there is; clear: remove it' })
      .options({
        all: { type: 'boolean', describe: 'clear: also downloaded BTF archives and the headers of editors' },
        json: { type: 'boolean', describe: 'info: as JSON' },
      })
      .example('ECC_CACHE_DIR=/mnt/shared $0 cache info', 'the cache in another place'),
  handler: async ({ what, all, json }) => {
    const directory = cacheDirectory();
    process.stdout.write(await (what === 'info' ? info(directory, json === true) : clear(directory, all === true)));
  },
};

async function info(directory: string, json: boolean): Promise<string> {
  const { cacheContents } = await import('../../build/cache/contents.ts');
  const { CacheStore } = await import('../../build/cache/store.ts');
  const parts = cacheContents(directory);
  const { maxBytes } = new CacheStore(directory);
  if (json) return `${JSON.stringify({ directory, maxBytes, parts })}\n`;
  return [
    `directory: ${directory}`,
    `finished builds may take ${megabytes(maxBytes)} ($ECC_CACHE_SIZE, in MB)`,
    ...parts.map(partLine),
    '',
  ].join('\n');
}

async function clear(directory: string, all: boolean): Promise<string> {
  const { clearCache } = await import('../../build/cache/contents.ts');
  const { removeLeftovers } = await import('../../build/leftovers.ts');
  try {
    const removed = clearCache(directory, all).map(partLine);
    const leftovers = removeLeftovers(directory);
    if (leftovers.length > 0) removed.push('left by builds that were killed:', ...leftovers.map((file) => `  ${file}`));
    return removed.length === 0 ? 'nothing to remove\n' : ['removed:', ...removed, ''].join('\n');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new IoError('IO_WRITE_FAILED', `cannot be cleared: ${code}`, { details: { errno: code }, cause: error }).in(
      directory,
    );
  }
}

function partLine({ name, files, bytes }: CachePart): string {
  return `  ${name.padEnd(20)} ${String(files).padStart(6)} ${files === 1 ? 'file ' : 'files'} ${megabytes(bytes).padStart(10)}`;
}

function megabytes(bytes: number): string {
  return `${(bytes / 1024 / 1024).toFixed(1)} MB`;
}
