/* Leaves its files open, and ends as the argument says. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int main(int argc, char **argv) {
  const char *names[] = {"/one", "/two", "/three"};
  const char *end = argc > 1 ? argv[1] : "return";

  for (size_t i = 0; i < 3; i++) {
    int fd = open(names[i], O_WRONLY | O_CREAT, 0644);
    if (fd < 0 || write(fd, names[i], strlen(names[i])) < 0) return 1;
  }
  if (strcmp(end, "exit") == 0) exit(7);
  if (strcmp(end, "_exit") == 0) _exit(8);
  if (strcmp(end, "trap") == 0) __builtin_trap();
  return 0;
}
