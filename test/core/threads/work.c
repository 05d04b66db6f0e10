/* One thread: it joins, makes random calls on random fds, and leaves.
 *
 * It looks at the fd before and after each write. Each file is opened once, and
 * no entry returns to a number that it has left. So if both looks see the same
 * file, the record is in that file. */
#define _GNU_SOURCE
#include <stdlib.h>
#include <unistd.h>

#include "threads.h"

#define RESULT 0u
#define LIST 64u
#define DATA 1024u /* a record */
#define OUT 4096u
#define MIDDLE 24u /* see renumber_one */
#define TOP 40u
#define AREA (1u << 20) /* of the records of fd_pwrite */

typedef struct state {
  thread_guest of;
  uint64_t seed;
  uint32_t placed;
  bool has_many;
} state;

static uint32_t random_below(state *self, uint32_t limit) {
  self->seed ^= self->seed << 13;
  self->seed ^= self->seed >> 7;
  self->seed ^= self->seed << 17;
  return (uint32_t)(self->seed >> 33) % limit;
}

/* Any fd except the preopens. */
static uint32_t any_fd(state *self) {
  const uint32_t fd = random_below(self, TOP);

  return fd == ROOT_FD || fd == MANY_FD ? fd + FREE_FD : fd;
}

static uint32_t in_memory(const state *self, uint32_t offset) {
  return self->of.base + offset;
}

static bool is_expected(wv_errno error) {
  return error == WV_SUCCESS || error == WV_EBADF || error == WV_ENOTCAPABLE;
}

static void open_one(state *self) {
  static _Atomic uint32_t number;
  char path[32];
  uint32_t fd;
  uint32_t how = random_below(self, 16);
  wv_errno error;

  if (how == 0) {
    error = open_file(&self->of, "many", WV_OFLAGS_DIRECTORY, 0, &fd);
  } else if (how == 1) {
    error = open_file(&self->of, "fifo", 0, WV_FDFLAGS_NONBLOCK, &fd);
  } else {
    snprintf(path, sizeof(path), "%sf%u",
             how < 4   ? "d/"
             : how < 6 ? "abs/"
                       : "",
             number++);
    error =
        open_file(&self->of, path, WV_OFLAGS_CREAT | WV_OFLAGS_EXCL, 0, &fd);
  }
  CHECK(error == WV_SUCCESS);
  /* Nobody else would close it, and a full table opens nothing. */
  if (error == WV_SUCCESS && fd >= TOP)
    CHECK(CALL(&self->of, WV_OP_FD_CLOSE, 0, fd) == WV_SUCCESS);
}

static void put_record_list(state *self) {
  /* Two buffers, so that they are gathered. */
  wv_store_u32(at(&self->of, LIST), in_memory(self, DATA));
  wv_store_u32(at(&self->of, LIST + 4), 8);
  wv_store_u32(at(&self->of, LIST + 8), in_memory(self, DATA + 8));
  wv_store_u32(at(&self->of, LIST + 12), RECORD_SIZE - 8);
}

static void write_record(state *self) {
  const bool looks = random_below(self, 4) != 0;
  const uint32_t fd = any_fd(self);
  const uint64_t inode = looks ? inode_of(&self->of, fd) : 0;
  uint32_t number;
  wv_errno error;

  if (!new_record(self->of.thread, at(&self->of, DATA), &number)) return;
  put_record_list(self);
  error = CALL(&self->of, WV_OP_BUFFERED_WRITE, 0, fd, in_memory(self, LIST), 2,
               in_memory(self, RESULT), 0);
  CHECK(is_expected(error) || error == WV_EAGAIN || error == WV_RESUME);
  if (error != WV_SUCCESS) {
    end_record(self->of.thread, number, FAILED, 0);
    return;
  }
  CHECK(wv_load_u32(at(&self->of, RESULT)) == RECORD_SIZE);
  end_record(self->of.thread, number, WRITTEN,
             inode != 0 && inode_of(&self->of, fd) == inode ? inode : 0);
}

static void place_record(state *self) {
  const uint32_t fd = any_fd(self);
  const uint64_t inode = inode_of(&self->of, fd);
  const uint64_t offset = AREA + (self->of.thread * 64 + self->placed++ % 64) *
                                     (uint64_t)RECORD_SIZE;
  uint32_t number;
  wv_errno error;

  if (!new_record(self->of.thread, at(&self->of, DATA), &number)) return;
  put_record_list(self);
  error = CALL(&self->of, WV_OP_BUFFERED_PWRITE, offset, fd,
               in_memory(self, LIST), 2, in_memory(self, RESULT), 0);
  CHECK(is_expected(error) || error == WV_ESPIPE);
  end_record(self->of.thread, number, error == WV_SUCCESS ? PLACED : FAILED, 0);
  if (error != WV_SUCCESS) return;
  memset(at(&self->of, OUT), 0, RECORD_SIZE);
  wv_store_u32(at(&self->of, LIST), in_memory(self, OUT));
  wv_store_u32(at(&self->of, LIST + 4), RECORD_SIZE);
  error = CALL(&self->of, WV_OP_FD_PREAD, offset, fd, in_memory(self, LIST), 1,
               in_memory(self, RESULT));
  CHECK(is_expected(error) || error == WV_ESPIPE || error == WV_EISDIR);
  if (inode == 0 || inode_of(&self->of, fd) != inode) return;
  end_record(self->of.thread, number, PLACED, inode);
  if (error == WV_SUCCESS)
    CHECK(memcmp(at(&self->of, OUT), at(&self->of, DATA), RECORD_SIZE) == 0);
}

static void close_one(state *self) {
  const wv_errno error = CALL(&self->of, WV_OP_FD_CLOSE, 0, any_fd(self));

  CHECK(error == WV_SUCCESS || error == WV_EBADF);
}

/* Renumbers upwards, so that no entry returns to a number. Through the streams,
 * entries move from the lower half to the upper. */
static void renumber_one(state *self) {
  uint32_t from = FREE_FD + random_below(self, TOP - FREE_FD);
  uint32_t to = FREE_FD + random_below(self, TOP - FREE_FD);
  wv_errno error;

  if (from > to) {
    uint32_t other = from;

    from = to;
    to = other;
  }
  if (random_below(self, 6) == 0 && from < MIDDLE)
    to = random_below(self, WV_OWN_STREAMS);
  else if (random_below(self, 30) == 0 && to >= MIDDLE)
    from = random_below(self, WV_OWN_STREAMS);
  error = CALL(&self->of, WV_OP_FD_RENUMBER, 0, from, to);
  CHECK(error == WV_SUCCESS || error == WV_EBADF);
}

/* The buffer holds a few entries; other threads read the directory at the same
 * time. */
static void read_directory(state *self) {
  const uint32_t size = 100 + random_below(self, 300);
  uint8_t seen[MANY] = {0};
  uint64_t cookie = 0;
  uint32_t names = 0;
  uint32_t used;
  uint32_t i;
  char name[16];

  do {
    CHECK(CALL(&self->of, WV_OP_FD_READDIR, cookie, MANY_FD,
               in_memory(self, OUT), size,
               in_memory(self, RESULT)) == WV_SUCCESS);
    used = wv_load_u32(at(&self->of, RESULT));
    for (i = 0; i + WV_DIRENT_SIZE <= used;) {
      const uint8_t *entry = at(&self->of, OUT + i);
      const uint32_t len = wv_load_u32(entry + 16);

      if (len >= sizeof(name) || i + WV_DIRENT_SIZE + len > used) break;
      memcpy(name, entry + WV_DIRENT_SIZE, len);
      name[len] = 0;
      if (name[0] != '.') {
        const unsigned long n = strtoul(name, NULL, 10);

        CHECK(n < MANY && seen[n] == 0);
        if (n < MANY) seen[n] = 1;
        names++;
      }
      cookie = wv_load_u64(entry);
      i += WV_DIRENT_SIZE + len;
    }
    if (names > 2 * MANY) break;
  } while (used == size);
  CHECK(names == MANY);
}

/* Others close and replace the directory meanwhile. */
static void read_any_directory(state *self) {
  const wv_errno error =
      CALL(&self->of, WV_OP_FD_READDIR, 0, any_fd(self), in_memory(self, OUT),
           200, in_memory(self, RESULT));

  CHECK(error == WV_SUCCESS || error == WV_EBADF || error == WV_ENOTDIR);
}

static void poll_some(state *self) {
  uint32_t i;
  uint32_t n;

  for (i = 0; i < 4; i++) {
    uint8_t *subscription = at(&self->of, OUT + i * WV_SUBSCRIPTION_SIZE);

    memset(subscription, 0, WV_SUBSCRIPTION_SIZE);
    subscription[8] = (uint8_t)(i == 0 ? 0 : 1 + random_below(self, 2));
    wv_store_u32(subscription + 16, i == 0 ? WV_CLOCK_MONOTONIC : any_fd(self));
  }
  CHECK(CALL(&self->of, WV_OP_POLL_ONEOFF, 0, in_memory(self, OUT),
             in_memory(self, OUT + 1024), 4,
             in_memory(self, RESULT)) == WV_SUCCESS);
  n = wv_load_u32(at(&self->of, RESULT));
  CHECK(n >= 1 && n <= 4);
}

static void change_entry(state *self) {
  const uint32_t fd = any_fd(self);
  wv_errno error;

  if (random_below(self, 2)) {
    error = CALL(&self->of, WV_OP_FD_FDSTAT_SET_FLAGS, 0, fd,
                 random_below(self, 2) ? WV_FDFLAGS_NONBLOCK : 0);
    CHECK(error == WV_SUCCESS || error == WV_EBADF);
    return;
  }
  error = CALL(&self->of, WV_OP_FD_FDSTAT_GET, 0, fd, in_memory(self, OUT));
  CHECK(error == WV_SUCCESS || error == WV_EBADF);
  /* In words, since two of its arguments have 64 bits. */
  error = wv_fd_fdstat_set_rights(
      &self->of.guest, fd,
      WV_RIGHTS_FD_READ | WV_RIGHTS_FD_SEEK |
          (random_below(self, 4) ? WV_RIGHTS_FD_WRITE : 0),
      0);
  wv_guest_release(&self->of.guest);
  CHECK(is_expected(error));
}

static void read_some(state *self) {
  wv_errno error;

  wv_store_u32(at(&self->of, LIST), in_memory(self, OUT));
  wv_store_u32(at(&self->of, LIST + 4), RECORD_SIZE);
  error = CALL(&self->of, WV_OP_FD_PREAD, AREA, any_fd(self),
               in_memory(self, LIST), 1, in_memory(self, RESULT));
  CHECK(is_expected(error) || error == WV_ESPIPE || error == WV_EISDIR);
  error =
      CALL(&self->of, WV_OP_FD_TELL, 0, any_fd(self), in_memory(self, RESULT));
  CHECK(is_expected(error) || error == WV_ESPIPE);
}

static void call(state *self) {
  switch (random_below(self, 32)) {
    case 0:
    case 1:
    case 2:
      open_one(self);
      break;
    case 3:
      close_one(self);
      break;
    case 4:
    case 5:
      renumber_one(self);
      break;
    case 6:
      if (self->has_many && random_below(self, 4) == 0) read_directory(self);
      break;
    case 7:
      read_any_directory(self);
      break;
    case 8:
    case 9:
      poll_some(self);
      break;
    case 10:
      change_entry(self);
      break;
    case 11:
    case 12:
      read_some(self);
      break;
    case 13:
    case 14:
    case 15:
    case 16:
      place_record(self);
      break;
    default:
      write_record(self);
  }
}

static void run_guest(worker *of, state *self) {
  const enum preopens preopens = random_below(self, 4) ? BOTH : ROOT_ALONE;
  uint32_t left = 50 + random_below(self, 1000);

  new_guest(&self->of, of->thread, preopens);
  share_guest(&self->of, of->memory);
  self->has_many = preopens == BOTH;
  if (of->tables[preopens] != NULL)
    CHECK(self->of.guest.fds == of->tables[preopens]);
  for (; left > 0 && !atomic_load(of->stop); left--, of->calls++) call(self);
  if (random_below(self, 4) == 0) {
    CHECK(wv_buffer_flush(&self->of.guest, 0) == WV_SUCCESS);
    CHECK(wv_guest_close(&self->of.guest) == WV_SUCCESS);
    CHECK(inode_of(&self->of, ROOT_FD) == 0);
  }
  wv_guest_free(&self->of.guest);
  of->guests++;
}

void *work(void *argument) {
  worker *of = argument;
  state *self = calloc(1, sizeof(*self));

  self->seed = of->seed;
  while (!atomic_load(of->stop)) run_guest(of, self);
  free(self);
  return NULL;
}
