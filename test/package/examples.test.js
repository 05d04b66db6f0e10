'use strict';

// The examples, for a user who installed the package.

const fs = require('node:fs');
const path = require('node:path');
const { scriptsIn, testExamples, testFaults } = require('../helpers/examples');
const { ROOT, createWorkplace, outputOf, pack } = require('./support');

const EXAMPLES = path.join(ROOT, 'examples');

/** The commands in the first `sh` block of a README. */
function commandsOf(readme) {
  const [, block] = /^```sh\n([^]*?)^```$/m.exec(
    fs.readFileSync(readme, 'utf8'),
  );
  return block;
}

describe('the examples of the tarball', function () {
  this.timeout(600_000);

  const workplace = createWorkplace();
  const project = path.join(workplace, 'project');

  before(() => {
    const tarball = pack(workplace);
    fs.mkdirSync(project);
    fs.writeFileSync(path.join(project, 'package.json'), '{"private":true}');
    const commands = commandsOf(path.join(EXAMPLES, 'README.md')).replace(
      'npm install wasi-writev ',
      `npm install --no-audit --no-fund ${tarball} `,
    );
    outputOf('sh', ['-ec', commands], { cwd: project });
  });

  for (const [place, directory] of [
    ['where they are installed', 'node_modules/wasi-writev/examples'],
    ['copied into a project', 'examples'],
  ]) {
    describe(place, () => {
      const examples = path.join(project, directory);
      const faults = path.join(examples, 'node-wasi-faults');
      testExamples(examples, 'native');
      describe('a fault of node:wasi', () => {
        const names = scriptsIn(path.join(EXAMPLES, 'node-wasi-faults'));
        testFaults(faults, names, 'native');
      });
    });
  }
});
