'use strict';

// The tests that are not run on Windows, and why: files of test/, and parts of titles.

const WINDOWS = {
  files: [
    // There is none for Windows; windows.test.js has what is said about it.
    'api/addon.test.js',
    // They need FIFOs, a shell and Python.
    'output/opened-fifos.test.js',
    'preview1/nonblocking.test.js',
    // It needs the limits of a shell.
    'preview1/limits.test.js',
  ],
  titles: [
    // They need FIFOs.
    'is whole on a non-blocking pipe that is full at times',
    'from the environment WASI_WRITEV_WAIT_TIMEOUT$',
    'ends the wait for a full pipe',
    'prints lines to a (non-)?blocking pipe',
    'have the bytes of a write that was cut short',
    'a pipe open for reading',
    'A pipe that is (non-)?blocking',
    'write whole records to one ((non-)?blocking )?pipe',
    'give NOTSOCK on a stdin and a stdout that are pipes',
    // They need a shell.
    'A limit on the size of files',
    'do not exceed the limit if maxOpenFiles',
    'are written at once where nothing is queued',
    'keep their order with what the host has queued',
    'esbuild prints all of 1\\.5 MB to a slow pipe',
    'is not one of wasi-writev: full-pipe\\.mjs',
    'runs a tool by its name in PATH', // a link
    // They need Python.
    'A Unix socket that is',
    'A terminal ',
    'Every errno of the host is its namesake',
    // There is no /dev/full.
    'gives the errno of a full device',
    // There are no signals.
    'are written at once as stderr too',
    // No name has a colon.
    'may have single colons in either name',
    // file://host/ is a path.
    'taken by no one where it names another host',
    // The name of a removed file is not free before the file is closed.
    'goes on when the file is renamed or removed',
    // Node leaves the file open.
    'that is a file: the error names it',
    // Node answers NOSYS to fd_readdir.
    'change nothing: fd_readdir',
    'esbuild, written in Go, compiles TypeScript',
    'Python walks, renames and removes',
    // Node answers NOSYS to fd_fdstat_set_flags.
    'begins to append, and ends it, when the guest sets the flag',
    'reports the flags \\d+ that the guest set',
    'appends with O_APPEND until it clears the flag',
    'give the same results as at the start, with relative pointers',
    // The errno of the file system.
    'is never rounded: 9007199254740971',
  ],
};

/** What Wine 8 cannot do, besides. */
const WINE = {
  files: [],
  titles: [
    // It makes no symbolic links.
    'on one file behind a symbolic link',
    'that is a loop of links',
    'change nothing: path_readlink',
    'find a path that ends with the memory: path_readlink',
    'find paths with no NUL in the rest of memory',
    // Two processes or threads that append to a file overwrite each other.
    'write files that each opens by itself',
    'write whole records to the end of one file',
    'write whole records to one host descriptor that appends',
  ],
};

module.exports = { WINDOWS, WINE };
