'use strict';

// Compiles consumers of the types with the oldest and the newest TypeScript and
// @types/node, with each module resolution, with and without the types of WebAssembly.
// Asserts the text that an editor shows for each option.

const assert = require('node:assert/strict');
const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { ROOT, createWorkplace, outputOf } = require('./support');

const PROGRAMS = path.join(__dirname, 'types');

/** Versions of TypeScript. The last has no API, only the command. */
const COMPILERS = ['5.0', '5.9', '7'];
const TYPES_OF_NODE = ['20', '26'];

const RESOLUTIONS = {
  node10: { module: 'commonjs', moduleResolution: 'node10' },
  node16: {
    module: 'node16',
    moduleResolution: 'node16',
    verbatimModuleSyntax: true,
  },
  bundler: {
    module: 'esnext',
    moduleResolution: 'bundler',
    verbatimModuleSyntax: true,
    exactOptionalPropertyTypes: true,
  },
};

/** Programs, by the settings that they need. */
const FOR_ALL = ['results.ts', 'options.ts', 'default.ts', 'refused.ts'];
const FOR_COMMONJS = ['require.cts'];
const FOR_WEBASSEMBLY = [
  'consumer.ts',
  'webassembly.ts',
  'refused-webassembly.ts',
];

/** Options without a default. */
const WITHOUT_DEFAULT = ['version', 'memory', 'fallback'];

/** The programs for a configuration. `bundler` emits no CommonJS. */
function programsFor(resolution, lib) {
  return [
    ...FOR_ALL,
    ...(resolution === 'bundler' ? [] : FOR_COMMONJS),
    ...(lib === 'DOM' ? FOR_WEBASSEMBLY : []),
  ];
}

function configOf(resolution, lib) {
  return {
    compilerOptions: {
      ...RESOLUTIONS[resolution],
      target: 'es2022',
      lib: lib === 'DOM' ? ['es2022', 'dom'] : ['es2022'],
      // Only the types of the package load Node's.
      types: [],
      strict: true,
      esModuleInterop: true,
      // Declarations of the consumers must be able to name the types.
      declaration: true,
      noEmit: true,
    },
    files: programsFor(resolution, lib),
  };
}

/** Whether a file is ours. TypeScript and @types/node have errors of their own. */
const isOurs = (file) => !/node_modules\/(?!wasi-writev\/)/.test(file);

/**
 * The codes of the errors that programs announce, by place: `refused.ts:10`. A comment
 * `// TS2353 or TS2345` allows either, since versions of TypeScript differ.
 */
function announcedIn(project, files) {
  const codes = new Map();
  for (const file of files) {
    const lines = fs.readFileSync(path.join(project, file), 'utf8').split('\n');
    lines.forEach((line, index) => {
      const comment = line.match(/ \/\/ (TS\d+( or TS\d+)*)$/);
      if (comment) codes.set(`${file}:${index + 1}`, comment[1].split(' or '));
    });
  }
  return codes;
}

/** Asserts that each announced error occurs once, and no other does. */
function assertErrors(errors, announced) {
  const seen = new Set();
  for (const { text, at, code } of errors) {
    assert.ok(announced.get(at)?.includes(code) && !seen.has(at), text);
    seen.add(at);
  }
  for (const at of announced.keys()) assert.ok(seen.has(at), `${at} compiles`);
}

/** A TypeScript that is a module. Reads files that are not ours only once. */
class Library {
  #files = new Map();

  constructor(directory) {
    this.ts = require(directory);
  }

  #host(options) {
    const host = this.ts.createCompilerHost(options);
    const read = host.getSourceFile.bind(host);
    host.getSourceFile = (file, target, ...rest) => {
      if (isOurs(file)) return read(file, target, ...rest);
      const key = `${file} ${target.impliedNodeFormat}`;
      if (!this.#files.has(key)) {
        this.#files.set(key, read(file, target, ...rest));
      }
      return this.#files.get(key);
    };
    return host;
  }

  parse(project, config) {
    const { ts } = this;
    return ts.parseJsonConfigFileContent(config, ts.sys, project);
  }

  /** The errors: text, and place and code if they have a file. */
  errors(project, config) {
    const { fileNames, options, errors } = this.parse(project, config);
    const program = this.ts.createProgram(
      fileNames,
      options,
      this.#host(options),
    );
    const found = [
      ...errors,
      ...program.getOptionsDiagnostics(),
      ...program.getGlobalDiagnostics(),
      ...program
        .getSourceFiles()
        .filter(({ fileName }) => isOurs(fileName))
        .flatMap((file) => [
          ...program.getSyntacticDiagnostics(file),
          ...program.getSemanticDiagnostics(file),
          ...program.getDeclarationDiagnostics(file),
        ]),
    ];
    return found.map((diagnostic) => this.#errorOf(project, diagnostic));
  }

  #errorOf(project, { code, file, messageText, start }) {
    const text = this.ts.flattenDiagnosticMessageText(messageText, '\n');
    if (file === undefined) return { text };
    const { line } = file.getLineAndCharacterOfPosition(start);
    const at = `${path.relative(project, file.fileName)}:${line + 1}`;
    return { text: `${at} TS${code}: ${text}`, at, code: `TS${code}` };
  }
}

/** A TypeScript that is a command. */
class Command {
  #script;

  constructor(directory) {
    this.#script = path.join(directory, 'bin/tsc');
  }

  errors(project, config) {
    fs.writeFileSync(
      path.join(project, 'tsconfig.json'),
      JSON.stringify(config),
    );
    const args = [this.#script, '-p', project, '--pretty', 'false'];
    const { error, stdout } = spawnSync(process.execPath, args, {
      cwd: project,
      encoding: 'utf8',
    });
    assert.ifError(error);
    return stdout
      .split('\n')
      .filter((line) => /^\S/.test(line)) // further lines are indented
      .map((text) => {
        const place = text.match(/^(.+?)\((\d+),\d+\): error (TS\d+)/);
        if (place === null) return { text };
        const [, file, line, code] = place;
        return { text, at: `${file}:${line}`, code };
      })
      .filter(({ at = '' }) => isOurs(at));
  }
}

/** The calls of a file, with the options in their last argument. */
function* optionsOf(ts, file) {
  for (const statement of file.statements) {
    const { expression: call } = statement;
    const literal = call?.arguments?.at(-1);
    if (literal === undefined) continue;
    yield {
      name: call.expression.getText(file),
      literal,
      options: literal.properties.map(({ name }) => name),
    };
  }
}

describe('the types', function () {
  this.timeout(600_000);

  const workplace = createWorkplace();
  const modules = path.join(workplace, 'node_modules');
  const projectOf = (typesOfNode) => path.join(workplace, typesOfNode);
  const compilers = new Map();

  before(() => {
    for (const file of ['package.json', 'package-lock.json']) {
      fs.copyFileSync(path.join(PROGRAMS, file), path.join(workplace, file));
    }
    outputOf('npm', ['ci', '--no-audit', '--no-fund'], { cwd: workplace });
    for (const version of COMPILERS) {
      const directory = path.join(modules, `typescript-${version}`);
      compilers.set(
        version,
        version === '7' ? new Command(directory) : new Library(directory),
      );
    }
    for (const version of TYPES_OF_NODE) createProject(version);
  });

  /** Creates a consumer with the package and a version of @types/node. */
  function createProject(typesOfNode) {
    const project = projectOf(typesOfNode);
    const installed = path.join(project, 'node_modules/wasi-writev');
    fs.cpSync(PROGRAMS, project, { recursive: true });
    fs.writeFileSync(path.join(project, 'package.json'), '{"type":"module"}');
    fs.copyFileSync(
      path.join(ROOT, 'test/api/consumer.ts'),
      path.join(project, 'consumer.ts'),
    );
    for (const file of [
      'package.json',
      'lib/index.d.ts',
      'lib/register.d.ts',
    ]) {
      fs.cpSync(path.join(ROOT, file), path.join(installed, file));
    }
    fs.mkdirSync(path.join(project, 'node_modules/@types'));
    fs.symlinkSync(
      path.join(modules, `types-node-${typesOfNode}`),
      path.join(project, 'node_modules/@types/node'),
    );
  }

  for (const version of COMPILERS) {
    for (const typesOfNode of TYPES_OF_NODE) {
      describe(`TypeScript ${version}, @types/node ${typesOfNode}`, () => {
        for (const resolution of Object.keys(RESOLUTIONS)) {
          // TypeScript 7 has no node10.
          if (version === '7' && resolution === 'node10') continue;
          for (const lib of ['DOM', 'no DOM']) {
            it(`accept correct code only, ${resolution}, ${lib}`, () => {
              const project = projectOf(typesOfNode);
              const config = configOf(resolution, lib);
              assertErrors(
                compilers.get(version).errors(project, config),
                announcedIn(project, config.files),
              );
            });
          }
        }
      });
    }
  }

  for (const version of ['5.0', '5.9']) {
    describe(`an editor with TypeScript ${version}`, () => {
      const FILE = 'options.ts';
      let ts;
      let service;
      let file;

      before(() => {
        const compiler = compilers.get(version);
        ({ ts } = compiler);
        const project = projectOf('20');
        const { options } = compiler.parse(project, configOf('node16', 'DOM'));
        file = path.join(project, FILE);
        service = ts.createLanguageService({
          directoryExists: ts.sys.directoryExists,
          fileExists: ts.sys.fileExists,
          readFile: ts.sys.readFile,
          getCompilationSettings: () => options,
          getCurrentDirectory: () => project,
          getDefaultLibFileName: ts.getDefaultLibFilePath,
          getScriptFileNames: () => [file],
          getScriptSnapshot: (name) => {
            const text = ts.sys.readFile(name);
            return text && ts.ScriptSnapshot.fromString(text);
          },
          getScriptVersion: () => '1',
        });
      });

      it('shows the text and the default of each option', () => {
        const program = service.getProgram();
        const checker = program.getTypeChecker();
        const source = program.getSourceFile(file);
        const calls = [...optionsOf(ts, source)];
        assert.deepEqual(
          calls.map(({ name }) => name),
          ['run', 'spawn', 'runSync', 'WASI', 'createWrites'],
        );
        for (const { name, literal, options } of calls) {
          // The call has every option.
          const names = options.map((option) => option.text);
          const type = checker.getContextualType(literal);
          const all = checker
            .getPropertiesOfType(checker.getNonNullableType(type))
            .map((property) => property.name);
          assert.deepEqual(names.toSorted(), all.sort(), name);

          for (const option of options) {
            const shown = service.getQuickInfoAtPosition(file, option.end - 1);
            const about = `${option.text} of ${name}`;
            const text = ts.displayPartsToString(shown.documentation);
            assert.match(text, /\w.*\w/, `no text: ${about}`);
            assert.equal(
              shown.tags?.some(
                (tag) =>
                  tag.name === 'default' &&
                  ts.displayPartsToString(tag.text) !== '',
              ) ?? false,
              !WITHOUT_DEFAULT.includes(option.text),
              `the default: ${about}`,
            );
          }
        }
      });
    });
  }
});
