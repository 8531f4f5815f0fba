// Loaded before the command line while the bundle is made (`node -r`): writes V8's bytecode of every piece that ran, functions that were called
// included, to files whose names begin with $ECC_BYTECODE.
const { writeFileSync } = require('node:fs');
const path = require('node:path');
const vm = require('node:vm');

const pieces = new Map();

vm.Script = class extends vm.Script {
  constructor(source, options) {
    super(source, options);
    pieces.set(path.basename(options.filename), this);
  }
};

process.on('exit', (status) => {
  // what failed has not run most of its code; without a clang, builds make theirs where there is one
  if (status !== 0) return;
  // others must not be able to write it, see src/cli/bytecode.ts
  for (const [name, script] of pieces)
    writeFileSync(process.env.ECC_BYTECODE + name, script.createCachedData(), { mode: 0o644 });
});
