/* Records, and the check where they ended up. */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "threads.h"

#define MAGIC UINT64_C(0x5752495445564543)

/* The state of a record. Threads use separate arrays until all have ended. */
typedef struct record {
  uint64_t inode;
  uint8_t outcome;
  uint8_t times; /* how often it was found */
} record;

static record records[THREADS][RECORDS_MAX];
static uint32_t counts[THREADS];

unsigned long records_found;
unsigned long records_known;

static uint64_t hash(uint64_t thread, uint64_t number) {
  return (MAGIC ^ (thread << 32 | number)) * UINT64_C(0x9e3779b97f4a7c15);
}

bool new_record(uint32_t thread, uint8_t *to, uint32_t *number) {
  if (counts[thread] == RECORDS_MAX) return false;
  *number = counts[thread]++;
  wv_store_u64(to, MAGIC);
  wv_store_u64(to + 8, thread);
  wv_store_u64(to + 16, *number);
  wv_store_u64(to + 24, hash(thread, *number));
  return true;
}

void end_record(uint32_t thread, uint32_t number, enum outcome outcome,
                uint64_t inode) {
  records[thread][number] = (record){.inode = inode, .outcome = outcome};
}

void forget_records(void) {
  memset(records, 0, sizeof(records));
  memset(counts, 0, sizeof(counts));
}

static void check_record(const uint8_t *bytes, uint64_t inode) {
  const uint64_t thread = wv_load_u64(bytes + 8);
  const uint64_t number = wv_load_u64(bytes + 16);
  record *found;

  if (wv_load_u64(bytes) == 0) return; /* a hole */
  CHECK(wv_load_u64(bytes) == MAGIC && thread < THREADS);
  if (thread >= THREADS) return;
  CHECK(number < counts[thread]);
  CHECK(wv_load_u64(bytes + 24) == hash(thread, number));
  if (number >= counts[thread]) return;
  found = &records[thread][number];
  found->times++;
  CHECK(found->outcome == WRITTEN || found->outcome == PLACED);
  CHECK(found->inode == 0 || found->inode == inode);
}

static void check_data(int fd, uint64_t inode, off_t from, off_t to) {
  static uint8_t bytes[1024 * RECORD_SIZE];
  ssize_t n;
  ssize_t i;

  for (from -= from % RECORD_SIZE; from < to; from += n) {
    n = pread(
        fd, bytes,
        to - from < (off_t)sizeof(bytes) ? (size_t)(to - from) : sizeof(bytes),
        from);
    CHECK(n > 0 && n % RECORD_SIZE == 0);
    if (n <= 0) return;
    for (i = 0; i + RECORD_SIZE <= n; i += RECORD_SIZE)
      check_record(bytes + i, inode);
  }
}

static void check_file(int fd) {
  struct stat st;
  off_t from = 0;
  off_t to;

  CHECK(fstat(fd, &st) == 0);
  CHECK(st.st_size % RECORD_SIZE == 0);
  while (from < st.st_size) {
    from = lseek(fd, from, SEEK_DATA);
    if (from < 0) break;
    to = lseek(fd, from, SEEK_HOLE);
    check_data(fd, st.st_ino, from, to);
    from = to;
  }
}

static void check_fifo(void) {
  uint8_t bytes[RECORD_SIZE];
  struct stat st;
  ssize_t n;

  CHECK(fstat(fifo, &st) == 0);
  while ((n = read(fifo, bytes, sizeof(bytes))) > 0) {
    CHECK(n == RECORD_SIZE);
    check_record(bytes, st.st_ino);
  }
}

static void check_directory(const char *path) {
  DIR *stream = opendir(path);
  struct dirent *entry;
  int fd;

  CHECK(stream != NULL);
  if (stream == NULL) return;
  while ((entry = readdir(stream)) != NULL) {
    if (entry->d_type != DT_REG) continue;
    fd = openat(dirfd(stream), entry->d_name, O_RDONLY | O_CLOEXEC);
    CHECK(fd >= 0);
    check_file(fd);
    close(fd);
    unlinkat(dirfd(stream), entry->d_name, 0);
  }
  closedir(stream);
}

void check_records(void) {
  char path[80];
  uint32_t thread;
  uint32_t i;

  check_fifo();
  check_directory(root);
  snprintf(path, sizeof(path), "%s/d", root);
  check_directory(path);
  for (thread = 0; thread < THREADS; thread++)
    for (i = 0; i < counts[thread]; i++) {
      const record *of = &records[thread][i];

      CHECK(of->outcome != UNUSED_RECORD);
      CHECK(of->times <= 1);
      if (of->outcome == WRITTEN) CHECK(of->times == 1);
      records_found += of->times;
      records_known += of->times > 0 && of->inode != 0;
    }
}
