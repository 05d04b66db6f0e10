'use strict';

// Runs test/fixtures/writer.js with stdout on a real pipe, socket, terminal or file.

const assert = require('node:assert/strict');
const { spawn, spawnSync } = require('node:child_process');
const { once } = require('node:events');
const fs = require('node:fs');
const path = require('node:path');
const { setTimeout: turn } = require('node:timers/promises');

/** The path of test/fixtures/NAME. */
const fixture = (name) => path.join(__dirname, '..', 'fixtures', name);

// The command line of the writer, and its file of notes in `host`'s directory.
function writer(host, options) {
  const report = host.path('report');
  return {
    command: [
      process.execPath,
      '--no-warnings',
      fixture('writer.js'),
      JSON.stringify({ ...options, report }),
    ],
    notes: () => JSON.parse(fs.readFileSync(report)),
  };
}

function run(command, args, stdio = ['ignore', 'pipe', 'inherit']) {
  const { error, status, signal, stdout } = spawnSync(command, args, {
    stdio,
    maxBuffer: Infinity,
  });
  assert.ifError(error);
  assert.deepEqual({ status, signal }, { status: 0, signal: null });
  return stdout;
}

/**
 * Runs the writer with a pipe as stdout.
 *
 * @param {object} host of `useHostFiles`
 * @param {object} options of the writer
 * @param {...string} way arguments of test/fixtures/reader.py, which reads the pipe
 * @returns {{ notes: object, received: Buffer }}
 */
function writeToPipe(host, options, ...way) {
  const { command, notes } = writer(host, options);
  const status = host.path('status');
  // A status above 128 would mean a signal.
  const pipeline =
    '{ "$1" "$2" "$3" "$4"; echo $? >"$0"; } | { shift 4; python3 "$@"; }';
  const received = run('sh', [
    '-c',
    pipeline,
    status,
    ...command,
    fixture('reader.py'),
    ...way,
  ]);
  assert.equal(fs.readFileSync(status, 'utf8'), '0\n');
  return { notes: notes(), received };
}

/** Like `writeToPipe`, with a terminal: `way` holds arguments of on-terminal.py. */
function writeToTerminal(host, options, way) {
  const { command, notes } = writer(host, options);
  const received = run('python3', [fixture('on-terminal.py'), way, ...command]);
  return { notes: notes(), received };
}

/** With a Unix socket that nobody reads before the writer has ended. */
function writeToUnreadSocket(host, options) {
  const { command, notes } = writer(host, options);
  const received = run('python3', [fixture('unread-socket.py'), ...command]);
  return { notes: notes(), received };
}

/** With a file whose size limit is `blocks` of 512 bytes. */
function writeToLimitedFile(host, options, blocks) {
  const { command, notes } = writer(host, options);
  run(
    'sh',
    ['-c', `ulimit -f ${blocks}; exec "$@"`, 'sh', ...command],
    ['ignore', host.open('limited', 'w'), 'inherit'],
  );
  return {
    notes: notes(),
    received: fs.readFileSync(host.path('limited')),
  };
}

/**
 * With a Unix socket, which Node uses for a child's 'pipe'.
 *
 * @param {number} limit how many bytes to read before closing the socket
 * @param {string} [after] reads only once the writer has created this file
 */
async function writeToSocket(host, options, limit = Infinity, after) {
  const { command, notes } = writer(host, options);
  const child = spawn(command[0], command.slice(1), {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exit = once(child, 'exit');
  while (after !== undefined && !fs.existsSync(after)) await turn(1);

  const chunks = [];
  let count = 0;
  for await (const chunk of child.stdout) {
    chunks.push(chunk);
    count += chunk.length;
    if (count >= limit) break; // ends the loop, which destroys the stream
  }
  assert.deepEqual(await exit, [0, null]);
  return { notes: notes(), received: Buffer.concat(chunks) };
}

/** With a Unix socket whose other end is closed from the beginning. */
async function writeToClosedSocket(host, options) {
  const { command, notes } = writer(host, { ...options, wait: true });
  const child = spawn(command[0], command.slice(1), {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const exit = once(child, 'exit');
  const closed = once(child.stdout, 'close');
  child.stdout.destroy();
  await closed;
  child.stdin.end();
  assert.deepEqual(await exit, [0, null]);
  return { notes: notes() };
}

module.exports = {
  fixture,
  writeToClosedSocket,
  writeToLimitedFile,
  writeToPipe,
  writeToSocket,
  writeToTerminal,
  writeToUnreadSocket,
};
