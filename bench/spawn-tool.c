/* The tools of `--spawn`; spawn-tools.js has the same loops as WebAssembly.
 *
 *   spawn-tool hello | writes SIZE COUNT | cat
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define HELLO "hello\n"

/* As a guest's write has it: whole, or the end. */
static void write_all(const char *bytes, size_t length) {
  while (length > 0) {
    ssize_t n = write(STDOUT_FILENO, bytes, length);
    if (n < 0) exit(1);
    bytes += n;
    length -= (size_t)n;
  }
}

int main(int argc, char **argv) {
  static char block[65536] = HELLO;
  const char *what = argc > 1 ? argv[1] : "";

  if (strcmp(what, "hello") == 0) {
    write_all(block, strlen(HELLO));
  } else if (strcmp(what, "writes") == 0 && argc == 4) {
    size_t size = (size_t)atol(argv[2]);
    uint32_t count = (uint32_t)atol(argv[3]);
    if (size > sizeof block) return 1;
    for (uint32_t i = 0; i < count; i++) {
      memcpy(block, &i, sizeof i);
      write_all(block, size);
    }
  } else if (strcmp(what, "cat") == 0) {
    ssize_t n;
    while ((n = read(STDIN_FILENO, block, sizeof block)) > 0)
      write_all(block, (size_t)n);
    if (n < 0) return 1;
  } else {
    return 1;
  }
  return 0;
}
