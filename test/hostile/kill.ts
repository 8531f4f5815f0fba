/**
 * Builds killed at random moments. After each: every artefact is the old one or the new one, whole; beside the source there is nothing
 * else; the next build works, and gives what a build without any cache gives.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { seeded } from '../golden/mutate.ts';
import { TINY } from '../support/cli.ts';

/** A compiler that outlives the build may still write there. */
async function removeInUse(directory: string): Promise<void> {
  for (let tries = 0; ; tries++) {
    try {
      return rmSync(directory, { recursive: true, force: true });
    } catch (error) {
      if (tries === 100) throw error;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}

export interface KillOptions {
  /** Command and arguments before the source. */
  readonly ecc: readonly string[];
  /** Empty; holds all that the builds write, cache and temporary files included. */
  readonly directory: string;
  /** Default: in `directory`, the file system of the sources. */
  readonly cacheDirectory?: string;
  readonly moments: number;
  readonly seed: number;
  readonly onMoment?: (done: number, result: KillResult) => void;
}

export interface KillResult {
  moments: number;
  /** How the killed builds ended, by signal and status. */
  readonly ends: Record<string, number>;
  /** How many builds left: nothing new, all new, some of each. */
  readonly states: { old: number; new: number; mixed: number };
  /** Directories that a build left among the temporary files, by signal; SIGKILL gives nobody the time to remove them. */
  readonly left: Record<string, number>;
  /** Builds of which a compiler or shell went on after they had ended, by signal, and the longest that one did. */
  readonly outlived: Record<string, number>;
  longestMs: number;
  readonly problems: string[];
}

const ARTEFACTS = ['a.bpf.o', 'a.bpf.ts', 'a.skel.json', 'package.json'];
/** A compiler that goes on for longer does not end by itself. */
const OUTLIVES_MS = 20_000;
const SIGNALS = ['SIGKILL', 'SIGTERM', 'SIGINT'] as const;

export async function killBuilds(options: KillOptions): Promise<KillResult> {
  const { ecc, directory, moments } = options;
  const random = seeded(options.seed);
  const result: KillResult = {
    moments: 0,
    ends: {},
    states: { old: 0, new: 0, mixed: 0 },
    left: {},
    outlived: {},
    longestMs: 0,
    problems: [],
  };
  const project = path.join(directory, 'project');
  const temporary = path.join(directory, 'tmp');
  mkdirSync(project);
  mkdirSync(temporary);
  const env = {
    ...process.env,
    TMPDIR: temporary,
    ECC_CACHE_DIR: options.cacheDirectory ?? path.join(directory, 'cache'),
  };
  const source = path.join(project, 'a.bpf.c');
  const start = (...flags: string[]) =>
    spawn(ecc[0]!, [...ecc.slice(1), 'a.bpf.c', '--ts', ...flags], {
      cwd: project,
      env,
      stdio: 'ignore',
      detached: true,
    });
  const read = () =>
    ARTEFACTS.map((name) =>
      existsSync(path.join(project, name)) ? readFileSync(path.join(project, name)) : undefined,
    );
  const problem = (text: string) => result.problems.push(`moment ${result.moments}: ${text}`);
  const build = async (...flags: string[]) => {
    const { status, ms } = await ended(start(...flags));
    typical = typical * 0.7 + ms * 0.3;
    if (status !== 0) problem(`the next build ended with ${status}`);
    return read();
  };

  /** Milliseconds that a build takes on this machine, with what else it does. */
  let typical = 500;

  writeFileSync(source, TINY);
  for (let warm = 0; warm < 3; warm++) await build('--no-cache');
  for (; result.moments < moments; result.moments++) {
    const old = read();
    // another program each time, so that a finished build is not found again
    writeFileSync(source, TINY.replace('target_pid = 0', `target_pid = ${result.moments + 1}`));
    const signal = SIGNALS[Math.floor(random() * SIGNALS.length)]!;
    // as a terminal does it, or to the compiler alone
    const group = random() < 0.5;
    const child = start();
    const exit = ended(child);
    await Promise.race([exit, new Promise((resolve) => setTimeout(resolve, random() * typical * 1.1))]);
    try {
      process.kill(group ? -child.pid! : child.pid!, signal);
    } catch {
      // it has ended
    }
    const { status, signal: by } = await exit;
    const end = `${signal}: ${by ?? `status ${status}`}`;
    result.ends[end] = (result.ends[end] ?? 0) + 1;
    if (status !== null && status !== 0 && status !== 130) problem(`${signal} gave status ${status}`);
    const { ms: wentOn, remaining } = await allGone(temporary);
    if (wentOn > 0) result.outlived[signal] = (result.outlived[signal] ?? 0) + 1;
    result.longestMs = Math.max(result.longestMs, wentOn);
    if (remaining.length > 0) problem(`${signal}: still there: ${remaining.map(({ command }) => command).join('; ')}`);
    for (const { pid } of remaining) process.kill(pid, 'SIGKILL');

    const after = read();
    const strays = readdirSync(project).filter((name) => name !== 'a.bpf.c' && !ARTEFACTS.includes(name));
    const left = readdirSync(temporary);
    if (left.length > 0) result.left[signal] = (result.left[signal] ?? 0) + 1;
    // ended in order, so it had the time to clean up
    if (left.length > 0 && by === null) problem(`${signal}: left ${left.join(', ')}`);
    for (const name of left) {
      await removeInUse(path.join(temporary, name));
    }

    const next = await build();
    if (strays.length > 0) {
      const still = readdirSync(project).filter((name) => strays.includes(name));
      problem(
        `${signal}: beside the source: ${strays.join(', ')}${still.length > 0 ? ', also after the next build' : ''}`,
      );
    }
    if (result.moments % 5 === 0) {
      const uncached = await build('--no-cache');
      if (!uncached.every((bytes, i) => next[i] !== undefined && bytes?.equals(next[i]!)))
        problem('the cache gave something else');
    }
    const states = new Set<string>();
    after.forEach((bytes, i) => {
      const isNew = bytes !== undefined && next[i] !== undefined && bytes.equals(next[i]!);
      const isOld = bytes === undefined ? old[i] === undefined : old[i] !== undefined && bytes.equals(old[i]!);
      if (!isNew && !isOld) problem(`${signal}: ${ARTEFACTS[i]} is neither old nor new`);
      // what is the same in both tells nothing
      if (isNew !== isOld) states.add(isNew ? 'new' : 'old');
    });
    result.states[states.size > 1 ? 'mixed' : states.has('new') ? 'new' : 'old']++;
    options.onMoment?.(result.moments + 1, result);
  }
  return result;
}

interface End {
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly ms: number;
}

function ended(child: ChildProcess): Promise<End> {
  const start = performance.now();
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('exit', (status, signal) => resolve({ status, signal, ms: performance.now() - start }));
  });
}

interface Running {
  readonly pid: number;
  readonly command: string;
}

/** Processes of builds with that directory for temporary files. */
function runningIn(temporary: string): Running[] {
  const wanted = `TMPDIR=${temporary}\0`;
  const found: Running[] = [];
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    try {
      if (!readFileSync(`/proc/${name}/environ`, 'latin1').includes(wanted)) continue;
      const command = readFileSync(`/proc/${name}/cmdline`, 'utf8').replaceAll('\0', ' ');
      found.push({ pid: Number(name), command });
    } catch {
      // it has ended, or is not ours
    }
  }
  return found;
}

/** Waits for what a killed build has started: a compiler ends by itself. `ms`: how long that took, 0 when there was nothing. */
async function allGone(temporary: string): Promise<{ ms: number; remaining: readonly Running[] }> {
  const start = performance.now();
  let ms = 0;
  for (;;) {
    const remaining = runningIn(temporary);
    if (remaining.length === 0 || ms > OUTLIVES_MS) return { ms, remaining };
    await new Promise((resolve) => setTimeout(resolve, 20));
    ms = performance.now() - start;
  }
}
