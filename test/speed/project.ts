/** A small project in a directory of its own, built with a cache of its own, and what each build did. */
import { mkdirSync, readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { type BuildEvent, type BuildOptions, build } from 'ebpf-ecc';

export const SOURCE = `#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include "shared.h"

const volatile int limit = LIMIT;

SEC("tracepoint/syscalls/sys_enter_kill")
int on_kill(struct trace_event_raw_sys_enter *ctx)
{
	return bpf_get_current_pid_tgid() >> 32 > limit;
}

char LICENSE[] SEC("license") = "GPL";
`;
export const HEADER = '#define LIMIT 1000\n';

/** How a build came by its artefacts. */
export type Outcome = 'built' | 'up to date' | 'restored';

export interface BuildReport {
  readonly outcome: Outcome;
  readonly events: readonly BuildEvent[];
  /** Why it was not kept. */
  readonly obstacle: string | undefined;
}

export class Project {
  readonly directory: string;
  readonly cacheDir: string;

  constructor(directory: string, cacheDir: string, files: Readonly<Record<string, string>> = {}) {
    this.directory = directory;
    this.cacheDir = cacheDir;
    for (const [name, text] of Object.entries({ 'prog.bpf.c': SOURCE, 'shared.h': HEADER, ...files })) {
      this.write(name, text);
    }
  }

  at(name: string): string {
    return path.join(this.directory, name);
  }

  write(name: string, text: string): void {
    mkdirSync(path.dirname(this.at(name)), { recursive: true });
    writeFileSync(this.at(name), text);
  }

  read(name: string): Buffer {
    return readFileSync(this.at(name));
  }

  /** The three artefacts, as one value to compare. */
  artefacts(prefix = ''): string {
    return ['prog.bpf.o', 'prog.skel.json', 'package.json']
      .map((name) => this.read(prefix + name).toString('base64'))
      .join('\n');
  }

  modified(name: string): number {
    return statSync(this.at(name)).mtimeMs;
  }

  /** Sets the time of a file, in seconds from now. */
  touch(name: string, seconds: number): void {
    const time = Date.now() / 1000 + seconds;
    utimesSync(this.at(name), time, time);
  }

  async build(options: Partial<BuildOptions> = {}): Promise<BuildReport> {
    const events: BuildEvent[] = [];
    const commands: string[] = [];
    await build({
      sources: [this.at('prog.bpf.c')],
      cacheDir: this.cacheDir,
      ...options,
      onEvent: (event) => events.push(event),
      onCommand: (command) => {
        commands.push(command);
        options.onCommand?.(command);
      },
    });
    const [reused, ...others] = events.filter((event) => event.kind === 'reused');
    if (others.length === 0 && options.sources === undefined && (reused === undefined) !== commands.length > 0)
      throw new Error(`${reused === undefined ? 'built' : 'reused'} with ${commands.length} commands`);
    const unkept = events.find((event) => event.kind === 'unkept');
    return {
      outcome: reused === undefined ? 'built' : reused.restored ? 'restored' : 'up to date',
      events,
      obstacle: unkept?.obstacle,
    };
  }

  async outcome(options?: Partial<BuildOptions>): Promise<Outcome> {
    return (await this.build(options)).outcome;
  }
}
