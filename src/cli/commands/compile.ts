/** `ecc <source..>`: the main job, once or on every change. */
import { performance } from 'node:perf_hooks';
import type { Argv, CommandModule } from 'yargs';
import type { BuildOptions } from '../../build/build.ts';
import { nowMs, Trace } from '../../core/trace.ts';
import { wantsColour } from '../colours.ts';
import { buildOptions, COMPILE_OPTIONS, type CompileArguments } from '../compile-options.ts';
import { interruptSignal } from '../interrupt.ts';
import { type ReportOptions, reportEvent } from '../report.ts';

function options(argv: Argv) {
  return argv
    .positional('files', {
      describe: 'Sources (.bpf.c), and the header whose structs are exported (.h)',
      type: 'string',
      array: true,
      demandOption: true,
    })
    .options(COMPILE_OPTIONS)
    .example('$0 sigsnoop.bpf.c', 'object, skeleton and package.json beside the source')
    .example('$0 bootstrap.bpf.c bootstrap.h -o out', 'the header says which structs are events');
}

type Arguments = ReturnType<typeof options> extends Argv<infer T> ? T : never;

export const compile: CommandModule<object, Arguments> = {
  command: ['$0 <files..>', 'compile <files..>'],
  describe: 'Compile eBPF programs into packages',
  builder: options,
  handler: runCompile,
};

/** The command line is understood; by whom makes no difference. */
export async function runCompile(argv: CompileArguments & { readonly debug?: unknown }): Promise<void> {
  const mainMs = nowMs();
  const { signal, release } = interruptSignal();
  const trace = new Trace();
  const options: BuildOptions = {
    ...buildOptions(argv),
    signal,
    trace: argv.timings === undefined ? undefined : trace,
    colour: wantsColour(2),
  };
  const report: ReportOptions = {
    json: argv.json === true,
    verbose: argv.verbose === true,
    debug: argv.debug === true,
  };
  try {
    await (argv.watch ? watch(options, report) : once(options, report));
  } finally {
    release();
    if (argv.timings !== undefined) await showTimings(trace, argv.timings, mainMs);
  }
}

async function once(options: BuildOptions, report: ReportOptions): Promise<void> {
  const { build } = await import('../../build/build.ts');
  const { sources, btfgen } = options;
  if (sources.length === 1 && !btfgen) {
    await build({ ...options, onEvent: (event) => reportEvent(event, { ...report, sources: 1 }) });
    return;
  }
  const { BatchScreen } = await import('../batch-screen.ts');
  const screen = new BatchScreen(sources, showsBar(report) ? () => process.stderr.columns : undefined, report);
  // also where a second Ctrl-C does not wait
  const end = () => process.stderr.write(screen.end());
  process.once('exit', end);
  try {
    await build({ ...options, onEvent: (event) => process.stderr.write(screen.add(event)) });
  } finally {
    process.off('exit', end);
    end();
  }
}

/** Lines for programs, and the commands that `--verbose` prints, do not go together with a line that is drawn again and again. */
function showsBar({ json, verbose }: ReportOptions): boolean {
  return process.stderr.isTTY === true && process.env.TERM !== 'dumb' && !json && !verbose;
}

async function watch(options: BuildOptions, report: ReportOptions): Promise<void> {
  const { watchBuild } = await import('../../build/watch.ts');
  const { WatchScreen } = await import('../watch-screen.ts');
  const screen = new WatchScreen(options.sources, process.stderr.isTTY === true, report);
  const count = options.sources.length === 1 ? options.sources[0] : `${options.sources.length} sources`;
  await watchBuild(options, {
    onResult: (result) => process.stderr.write(screen.add(result)),
    onReady: () => process.stderr.write(`watching ${count}; Ctrl-C ends it\n`),
  });
}

/** Also of a build that failed. */
async function showTimings(trace: Trace, file: string, mainMs: number): Promise<void> {
  const { startupSpans, timingsTable, traceFile } = await import('../timings.ts');
  const spans = [...startupSpans(mainMs, performance.nodeTiming.bootstrapComplete), ...trace.spans];
  process.stderr.write(timingsTable(spans));
  if (file === '') return;
  const { writeFiles } = await import('../../build/write.ts');
  writeFiles([{ artefact: { path: file }, content: traceFile(spans) }]);
}
