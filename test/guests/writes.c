/* Programs that write a pattern despite errors, and note the results.
 *
 *   writes HOW TARGET APPEND SEED LENGTH TRIES END NOTES
 *
 * HOW      write, writev, pwrite or stdio
 * TARGET   a path to open, or - for stdout
 * APPEND   1 to open it to append
 * LENGTH   how many bytes
 * TRIES    how often a call is repeated after an error
 * END      close, sync, leave, exit or trap
 * NOTES    1 to write the notes to stderr; they are also found in memory, by
 *          their first words
 *
 * A short count is continued, EINTR and EAGAIN are tried again. With stdio the
 * first error is the end, since nobody can tell what was in its buffer. */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#define MAX_LENGTH 262144
#define MAX_NOTES 8192
#define MAX_BUFFERS 1500
#define REGIONS 8

/* test/fixtures/faulted-runs.js has the same list. */
enum call { WRITE, PWRITE, PUT, FLUSH, SYNC, CLOSE };

/* Not static, so that the compiler keeps every store. */
struct {
  uint32_t magic[4];
  uint32_t count;
  struct {
    int32_t call;
    int32_t offset; /* in the pattern */
    int32_t asked;
    int32_t result;
    int32_t error; /* errno where the result is -1, or short for PUT */
  } list[MAX_NOTES];
} notes;

static uint8_t pattern[MAX_LENGTH];
static uint32_t state;
static int tries;

static uint32_t below(uint32_t limit) {
  state ^= state << 13;
  state ^= state >> 17;
  state ^= state << 5;
  return state % limit;
}

static void note(enum call call, long offset, long asked, long result) {
  int error = result < 0 || (call == PUT && result < asked) ? errno : 0;

  if (notes.count == MAX_NOTES) abort();
  notes.list[notes.count].call = call;
  notes.list[notes.count].offset = (int32_t)offset;
  notes.list[notes.count].asked = (int32_t)asked;
  notes.list[notes.count].result = (int32_t)result;
  notes.list[notes.count++].error = error;
}

/* Usually a few bytes, sometimes many. */
static long some(long most) {
  static const uint32_t limits[] = {10, 10, 100, 1000, 6000, 70000};
  long length = 1 + (long)below(limits[below(6)]);

  return length < most ? length : most;
}

/* Cuts bytes into buffers, some of them empty. */
static int split(struct iovec *list, uint8_t *at, long length) {
  int count = 1 + (int)below(below(20) == 0 ? MAX_BUFFERS : 6);
  int i;

  for (i = 0; i < count - 1; i++) {
    long part = below(4) == 0 ? 0 : (long)below(1 + 2 * length / count);
    if (part > length) part = length;
    list[i] = (struct iovec){at, (size_t)part};
    at += part;
    length -= part;
  }
  list[i] = (struct iovec){at, (size_t)length};
  return count;
}

static long write_once(const char *how, int fd, long offset, long length) {
  static struct iovec list[MAX_BUFFERS];

  if (how[0] == 'p')
    return pwrite(fd, pattern + offset, (size_t)length, offset);
  if (how[5] == '\0') return write(fd, pattern + offset, (size_t)length);
  return writev(fd, list, split(list, pattern + offset, length));
}

/* One step, until it is done. False: gave up. */
static bool write_step(const char *how, int fd, long from, long to) {
  int left = tries;

  while (from < to) {
    long result = write_once(how, fd, from, to - from);
    note(how[0] == 'p' ? PWRITE : WRITE, from, to - from, result);
    if (result > 0) {
      from += result;
      left = tries;
    } else if (result < 0 && (errno == EINTR || errno == EAGAIN)) {
      continue;
    } else if (left-- == 0) {
      return false;
    }
  }
  return true;
}

static bool write_range(const char *how, int fd, long from, long to) {
  while (from < to) {
    long length = some(to - from);
    if (!write_step(how, fd, from, from + length)) return false;
    from += length;
  }
  return true;
}

/* Writes the regions of a file in random order, each in one go. */
static bool pwrite_regions(int fd, long length) {
  int order[REGIONS];
  int i;

  for (i = 0; i < REGIONS; i++) {
    int j = (int)below((uint32_t)i + 1);
    order[i] = order[j];
    order[j] = i;
  }
  for (i = 0; i < REGIONS; i++) {
    long from = length * order[i] / REGIONS;
    long to = length * (order[i] + 1) / REGIONS;
    if (!write_range("pwrite", fd, from, to)) return false;
  }
  return true;
}

static bool put_all(FILE *file, long length) {
  long at = 0;

  while (at < length) {
    long asked = some(length - at);
    long result;
    errno = 0;
    result = (long)fwrite(pattern + at, 1, (size_t)asked, file);
    note(PUT, at, asked, result);
    at += result;
    if (result < asked) return false;
    if (below(8) != 0) continue;
    result = fflush(file);
    note(FLUSH, at, 0, result);
    if (result != 0) return false;
  }
  return true;
}

/* Makes `call`, and repeats it after an error. */
static bool finish(enum call call, int (*function)(int), int fd, long offset) {
  int left = tries;
  int result;

  do {
    result = function(fd);
    note(call, offset, 0, result);
  } while (result < 0 && left-- > 0);
  return result == 0;
}

static bool run_stdio(FILE *file, long length, const char *end) {
  bool good = put_all(file, length);
  int result;

  if (end[0] == 'l' || end[0] == 't') return good;
  errno = 0;
  result = end[0] == 'c' ? fclose(file) : fflush(file);
  note(end[0] == 'c' ? CLOSE : FLUSH, length, 0, result);
  return good && result == 0;
}

static bool run_calls(const char *how, int fd, bool regions, long length,
                      const char *end) {
  bool good =
      regions ? pwrite_regions(fd, length) : write_range(how, fd, 0, length);

  if (end[0] == 'c') return finish(CLOSE, close, fd, length) && good;
  if (end[0] == 's') return finish(SYNC, fsync, fd, length) && good;
  return good;
}

int main(int argc, char **argv) {
  const char *how, *target, *end;
  long length;
  int fd, append;
  bool good, is_stdout;
  uint32_t i;

  if (argc != 9) return 2;
  how = argv[1];
  target = argv[2];
  append = atoi(argv[3]);
  state = (uint32_t)atoi(argv[4]) * 2 + 1;
  length = atol(argv[5]);
  tries = atoi(argv[6]);
  end = argv[7];
  for (i = 0; i < MAX_LENGTH; i++)
    pattern[i] = (uint8_t)(i / 4 * 2654435761u >> i % 4 * 8);
  for (i = 0; i < 4; i++) notes.magic[i] = 2246822519u * (i + 1);

  is_stdout = strcmp(target, "-") == 0;
  fd = is_stdout ? STDOUT_FILENO
                 : open(target, O_WRONLY | (append ? O_APPEND : 0));
  if (fd < 0 || length > MAX_LENGTH) return 2;
  if (how[0] == 's') {
    FILE *file = is_stdout ? stdout : fdopen(fd, append ? "a" : "w");
    if (file == NULL) return 2;
    good = run_stdio(file, length, end);
  } else {
    good = run_calls(how, fd, how[0] == 'p' && !append, length, end);
  }
  if (atoi(argv[8]))
    write(STDERR_FILENO, &notes, 20 + notes.count * sizeof *notes.list);
  if (end[0] == 't') __builtin_trap();
  if (end[0] == 'e') exit(good ? 0 : 1);
  /* Without exit(3), which flushes stdio. */
  if (end[0] == 'l') _Exit(good ? 0 : 1);
  return good ? 0 : 1;
}
