/* Random arguments: good ones, those at a bound, and wild ones. A polite call
 * has none that are wrong by themselves, so that many succeed. */
#include <string.h>

#include "whole.h"

#define SOCKETS (1u << WV_KIND_SOCKET)
#define FILES (1u << WV_KIND_FILE | 1u << WV_KIND_UNKNOWN)
#define DIRECTORIES (1u << WV_KIND_DIRECTORY)
#define STREAMS                                            \
  (SOCKETS | 1u << WV_KIND_PIPE | 1u << WV_KIND_TERMINAL | \
   1u << WV_KIND_DEVICE | 1u << WV_KIND_TARGET)
#define ANY_KIND (FILES | STREAMS | DIRECTORIES)

#define LIST_MAX 3000u
#define PATH_MAX_LEN 4200u

uint64_t random_word(player *self) {
  self->random ^= self->random << 13;
  self->random ^= self->random >> 7;
  self->random ^= self->random << 17;
  return self->random * UINT64_C(0x2545f4914f6cdd1d);
}

static bool hostile(player *self) {
  return !self->polite && one_in(self, 7);
}

static uint64_t size_of(const player *self) {
  return self->host.guest.memory.size;
}

static uint8_t *place(const player *self, uint32_t at) {
  return self->host.guest.memory.base + at;
}

/* The other thread is told where the call will read. */
static void heat(player *self, uint32_t at, uint32_t len) {
  atomic_store_explicit(&self->hot[self->hot_count++ % HOT],
                        (uint64_t)len << 32 | at, memory_order_relaxed);
}

static uint32_t wild(player *self) {
  const uint32_t size = (uint32_t)size_of(self);
  const uint32_t words[] = {
      0,          1,         size - 1,   size,           size + 1,
      0x7fffffff, INT32_MIN, UINT32_MAX, UINT32_MAX - 7, 0x20000000};

  return one_in(self, 3) ? (uint32_t)random_word(self) : words[below(self, 10)];
}

static uint64_t wild_wide(player *self) {
  const uint64_t words[] = {0,
                            1,
                            INT64_MAX,
                            (uint64_t)INT64_MAX + 1,
                            UINT64_MAX,
                            INT64_MAX - below(self, 5000),
                            UINT64_C(1) << 32,
                            UINT32_MAX};

  return one_in(self, 3) ? random_word(self) : words[below(self, 8)];
}

/* A pointer to `len` bytes; for a wrong one, often out by a few. */
static uint32_t room(player *self, uint32_t len) {
  const uint32_t size = (uint32_t)size_of(self);

  if (hostile(self))
    return one_in(self, 2) ? wild(self) : size - len + 1 + below(self, 8);
  if (len > size) return 0;
  return one_in(self, 6) ? size - len : below(self, size - len + 1);
}

static bool fits(const player *self, uint32_t at, uint64_t len) {
  return at <= size_of(self) && len <= size_of(self) - at;
}

static uint32_t number(player *self, uint32_t limit) {
  return hostile(self) ? wild(self) : below(self, limit);
}

static uint64_t offset(player *self) {
  return hostile(self) ? wild_wide(self) : below(self, 3000);
}

/* Of the fd_pwrites before. */
static uint64_t end_of_last(const player *self) {
  const wv_buffer *buffer = &self->host.guest.buffer;

  return buffer->base != NULL && buffer->entry != NULL
             ? (uint64_t)wv_buffer_wide(buffer, WV_BUFFER_END)
             : (uint64_t)buffer->last_end;
}

static bool suits(player *self, const wv_fd *entry, uint32_t kinds,
                  uint8_t flags) {
  if (entry == NULL) return false;
  if (entry->kind == WV_KIND_OWN) entry = self->host.guest.own[entry->host_fd];
  return entry != NULL && (kinds & 1u << entry->kind) != 0 &&
         (entry->flags & flags) == flags;
}

static bool is_preopen(player *self, const wv_fd *entry, uint32_t root,
                       uint8_t flags) {
  (void)self, (void)flags;
  return entry != NULL && entry->preopen != NULL &&
         (entry->preopen[1] == 'w') == (root == 1);
}

static bool is_listener(player *self, const wv_fd *entry, uint32_t kinds,
                        uint8_t flags) {
  return suits(self, entry, kinds, flags) &&
         wv_sys_is_listening(entry->host_fd);
}

typedef bool choice(player *, const wv_fd *, uint32_t kinds, uint8_t flags);

/* One of the fds that are chosen, or UINT32_MAX. */
static uint32_t pick(player *self, choice *is_chosen, uint32_t kinds,
                     uint8_t flags, uint32_t first) {
  wv_fd_table *table = self->host.guest.fds;
  uint32_t found = UINT32_MAX;
  uint32_t count = 0;
  uint32_t fd;

  wv_sys_lock(table->mutex);
  for (fd = first; fd < table->size; fd++)
    if (is_chosen(self, table->entries[fd], kinds, flags) &&
        one_in(self, ++count))
      found = fd;
  wv_sys_unlock(table->mutex);
  return found;
}

static uint32_t any_fd(player *self, uint32_t kinds, uint8_t flags,
                       uint32_t first) {
  uint32_t fd;

  if (hostile(self)) return one_in(self, 4) ? wild(self) : below(self, 40);
  fd = pick(self, suits, kinds, flags, first);
  return fd == UINT32_MAX ? below(self, 40) : fd;
}

static uint32_t fd_of(player *self, uint32_t kinds, uint8_t flags) {
  return any_fd(self, kinds, flags, 0);
}

static uint32_t directory(player *self) {
  uint32_t fd = UINT32_MAX;

  self->root = below(self, 2);
  if (!hostile(self) && !one_in(self, 8))
    fd = pick(self, is_preopen, self->root, 0, 0);
  return fd == UINT32_MAX ? fd_of(self, DIRECTORIES, 0) : fd;
}

static void put_iovec(player *self, uint32_t at, bool wrong) {
  uint32_t len = one_in(self, 4) ? 0 : below(self, one_in(self, 8) ? 5000 : 40);
  uint32_t buf;

  if (len > size_of(self)) len = 0;
  buf = room(self, len);
  if (wrong && one_in(self, 2)) buf = wild(self);
  if (wrong && one_in(self, 2)) len = wild(self);
  wv_store_u32(place(self, at), buf);
  wv_store_u32(place(self, at + 4), len);
}

/* A list of buffers: its pointer, and its length to `*count`. */
static uint32_t list(player *self, uint32_t *count) {
  const uint32_t often = self->alone ? 60 : 6;
  uint32_t n = one_in(self, often) ? below(self, LIST_MAX) : below(self, 5) + 1;
  uint32_t wrong = hostile(self) ? below(self, n + 1) : UINT32_MAX;
  uint32_t at = room(self, n * 8);
  uint32_t i;

  if (n > 5 && hostile(self)) wrong = n - 1;
  *count = n;
  if (fits(self, at, (uint64_t)n * 8)) {
    for (i = 0; i < n; i++) put_iovec(self, at + i * 8, i == wrong);
    heat(self, at, n * 8);
  }
  if (hostile(self)) *count = wild(self);
  return at;
}

enum names { FILE_NAME, DIRECTORY_NAME, LINK_NAME, OTHER_NAME };

/* Whether a name is to be there already. */
enum presence { ANY, THERE, FREE };

static const char *const names[4][8] = {
    {"f0", "f1", "f2", "f3", "f4", "dir/f0", "link/f1", "dir/f2"},
    {"d0", "d1", "d2", "d3", "dir/d0", "link/d1", "dir/d2", "dir/../d4"},
    {"s0", "s1", "s2", "s3", "dir/s0", "link/s1", "dir/s2", "dir/up"},
    {"dir", "link", "fifo", "loop", "abs", "abs_dir", "abs_dir/f0", "f0"},
};

static const char *name_of(player *self, enum names of,
                           enum presence presence) {
  const char *name = names[of][below(self, 8)];
  int tries;

  for (tries = 0; presence != ANY && tries < 6; tries++) {
    if (is_there(self->root, name) == (presence == THERE)) break;
    name = names[of][below(self, 8)];
  }
  return name;
}

static const char *const ways_out[] = {
    "..",       "../out/file", "../in0/f0",       "dir/../../out/file",
    "out",      "out/file",    "out/dir/file",    "out_file",
    "abs_out",  "abs_out/dir", "../out/link",     "dir/../out/dir/new",
    "proc",     "proc/etc",    "../out/new",      "link/../../out/dir",
    "out/../f", "/",           "/etc/passwd",     "out/link",
    "../../..", "out/new",     "abs_out/../../x", "../out/dir"};

/* Bytes of a path that no host would write. */
static uint32_t odd_path(player *self, char *to) {
  static const char *const odd[] = {
      "",      ".",      "./",   "f0/",      "f0//",    "dir/",
      "dir/.", "dir/..", "//f0", "link/",    "dir//f0", "./././f0",
      "fifo/", "loop/x", "f0/.", "\xff\xfe", "a\nb"};
  uint32_t len = below(self, PATH_MAX_LEN);

  switch (below(self, 5)) {
    case 0:
      memset(to, 'x', len);
      return one_in(self, 2) ? 254 + below(self, 4) : len;
    case 1:
      for (uint32_t i = 0; i < len; i++) to[i] = "./d"[below(self, 3)];
      return one_in(self, 2) ? below(self, 30) : len;
    case 2:
      memcpy(to, "f0\0/../../out", 13);
      return 2 + below(self, 12);
    case 3:
      while (len % 4 != 0) len--;
      for (uint32_t i = 0; i < len; i += 4) memcpy(to + i, "dir/", 4);
      return one_in(self, 2) ? 4092 + below(self, 6) : len;
    default:
      strcpy(to, odd[below(self, sizeof(odd) / sizeof(odd[0]))]);
      return (uint32_t)strlen(to);
  }
}

static uint32_t make_path(player *self, enum names of, enum presence presence,
                          char *to) {
  static const char *const before[] = {"./", "dir/../", "link/../", "/"};
  const uint32_t kind = hostile(self) ? below(self, 4) : UINT32_MAX;

  memset(to, 0, PATH_MAX_LEN + 1);
  if (kind == 0) return odd_path(self, to);
  to[0] = 0;
  if (one_in(self, 8)) strcpy(to, before[below(self, kind < 3 ? 4 : 3)]);
  if (one_in(self, 20)) of = (enum names)below(self, 4);
  strcat(to,
         kind < 3 ? ways_out[below(self, 24)] : name_of(self, of, presence));
  if (of == DIRECTORY_NAME && one_in(self, 8)) strcat(to, "/");
  return (uint32_t)strlen(to);
}

/* Of a path: its pointer, and its length to `*len`. */
static uint32_t put_path(player *self, const char *path, uint32_t *len) {
  uint32_t at = room(self, *len);

  if (fits(self, at, *len)) {
    memcpy(place(self, at), path, *len);
    heat(self, at, *len);
  }
  if (hostile(self)) *len = one_in(self, 2) ? wild(self) : below(self, 9000);
  return at;
}

static uint32_t path(player *self, enum names of, enum presence presence,
                     uint32_t *len) {
  char text[PATH_MAX_LEN + 8];

  *len = make_path(self, of, presence, text);
  return put_path(self, text, len);
}

static uint32_t link_text(player *self, uint32_t *len) {
  static const char *const texts[] = {"f0",     "dir", "../f0",   "loop",
                                      "d0/new", "s1",  "dir/new", "."};
  char text[PATH_MAX_LEN + 8];
  const bool leads_out = one_in(self, 3);

  if (hostile(self)) return path(self, OTHER_NAME, ANY, len);
  strcpy(text, leads_out ? ways_out[below(self, 16)] : texts[below(self, 8)]);
  *len = (uint32_t)strlen(text);
  return put_path(self, text, len);
}

static void put_subscription(player *self, uint8_t *to, bool first) {
  const bool clock = first || one_in(self, 3);
  const uint8_t tag = (uint8_t)(clock ? 0 : 1 + below(self, 2));
  const bool absolute = one_in(self, 4);

  memset(to, 0, WV_SUBSCRIPTION_SIZE);
  wv_store_u64(to, random_word(self));
  to[8] = hostile(self) ? (uint8_t)wild(self) : tag;
  wv_store_u32(to + 16, clock ? number(self, 2) : fd_of(self, ANY_KIND, 0));
  if (!clock) return;
  wv_store_u64(to + 24, hostile(self) ? wild_wide(self)
                                      : below(self, 2000000) * !absolute);
  wv_store_u16(to + 40, hostile(self) ? (uint16_t)wild(self) : absolute);
}

/* Arguments 0 to 2: subscriptions, room for events, and how many. */
static void put_subscriptions(player *self, uint32_t *a) {
  const uint32_t n = one_in(self, 30) ? below(self, 1000) : 1 + below(self, 4);
  uint32_t i;

  a[0] = room(self, n * WV_SUBSCRIPTION_SIZE);
  a[1] = room(self, n * WV_EVENT_SIZE);
  a[2] = hostile(self) ? wild(self) : n;
  if (!fits(self, a[0], (uint64_t)n * WV_SUBSCRIPTION_SIZE)) return;
  for (i = 0; i < n; i++)
    put_subscription(self, place(self, a[0] + i * WV_SUBSCRIPTION_SIZE),
                     i == 0 && !hostile(self));
  heat(self, a[0], n * WV_SUBSCRIPTION_SIZE);
}

#define READ_ONLY                                              \
  (WV_RIGHTS_FD_READ | WV_RIGHTS_FD_SEEK | WV_RIGHTS_FD_TELL | \
   WV_RIGHTS_FD_READDIR)

static uint64_t rights(player *self) {
  if (hostile(self)) return wild_wide(self);
  if (one_in(self, 12)) return random_word(self) & WV_RIGHTS_ALL;
  return WV_RIGHTS_ALL;
}

static void for_path_open(player *self, uint32_t *a, uint64_t *w) {
  static const enum names of[] = {FILE_NAME,      FILE_NAME,  FILE_NAME,
                                  DIRECTORY_NAME, OTHER_NAME, LINK_NAME};
  const enum names name = of[below(self, 6)];

  a[0] = directory(self);
  a[1] = number(self, 2);
  a[4] = name == FILE_NAME && one_in(self, 2) ? WV_OFLAGS_CREAT : 0;
  a[2] = path(self, name, a[4] == 0 && !one_in(self, 6) ? THERE : ANY, &a[3]);
  if (one_in(self, 8)) a[4] |= number(self, 16);
  w[0] = name == DIRECTORY_NAME || one_in(self, 5) ? READ_ONLY : rights(self);
  w[1] = rights(self);
  a[5] = one_in(self, 4) ? number(self, 32) : WV_FDFLAGS_NONBLOCK;
  a[6] = room(self, 4);
}

/* atim, mtim and fstflags. */
static void put_times(player *self, uint64_t *w, uint32_t *fstflags) {
  static const uint8_t good[] = {0, 1, 2, 4, 5, 6, 8, 9, 10};

  w[0] = hostile(self) ? wild_wide(self) : random_word(self) >> 4;
  w[1] = hostile(self) ? wild_wide(self) : random_word(self) >> 4;
  *fstflags = hostile(self) ? number(self, 16) : good[below(self, 9)];
}

static void for_write(player *self, enum wv_op op, uint32_t *a,
                      uint32_t kinds) {
  a[0] = kinds & STREAMS && one_in(self, 3)
             ? 1 + below(self, 2)
             : fd_of(self, kinds, WV_FD_WRITABLE);
  if (op == self->last_op && !one_in(self, 4)) a[0] = self->last_fd;
  a[1] = list(self, &a[2]);
  a[3] = room(self, 4);
  a[4] = one_in(self, 8) ? WV_BUFFER_TRACED : 0;
}

static void for_socket(player *self, enum wv_op op, uint32_t *a) {
  a[0] = fd_of(self, SOCKETS, 0);
  switch (op) {
    case WV_OP_SOCK_ACCEPT:
      if (!hostile(self)) a[0] = pick(self, is_listener, SOCKETS, 0, 0);
      a[1] = one_in(self, 3) ? number(self, 5) : WV_FDFLAGS_NONBLOCK;
      a[2] = room(self, 4);
      return;
    case WV_OP_SOCK_RECV:
      a[1] = list(self, &a[2]);
      a[3] = one_in(self, 4) ? number(self, 4) : 0;
      a[4] = room(self, 4);
      a[5] = room(self, 2);
      return;
    case WV_OP_SOCK_SEND:
      a[1] = list(self, &a[2]);
      a[3] = one_in(self, 20) ? number(self, 2) : 0;
      a[4] = room(self, 4);
      return;
    default:
      a[1] = number(self, 4);
  }
}

static void for_path(player *self, enum wv_op op, uint32_t *a, uint64_t *w) {
  const enum names any = (enum names)below(self, 4);

  a[0] = directory(self);
  switch (op) {
    case WV_OP_PATH_CREATE_DIRECTORY:
      a[1] = path(self, DIRECTORY_NAME, FREE, &a[2]);
      return;
    case WV_OP_PATH_REMOVE_DIRECTORY:
      a[1] = path(self, DIRECTORY_NAME, THERE, &a[2]);
      return;
    case WV_OP_PATH_UNLINK_FILE:
      a[1] = path(self, one_in(self, 3) ? LINK_NAME : FILE_NAME, THERE, &a[2]);
      return;
    case WV_OP_PATH_FILESTAT_GET:
      a[1] = number(self, 2);
      a[2] = path(self, any, one_in(self, 8) ? ANY : THERE, &a[3]);
      a[4] = room(self, WV_FILESTAT_SIZE);
      return;
    case WV_OP_PATH_FILESTAT_SET_TIMES:
      a[1] = number(self, 2);
      a[2] = path(self, any, one_in(self, 8) ? ANY : THERE, &a[3]);
      put_times(self, w, &a[4]);
      return;
    case WV_OP_PATH_LINK:
      a[1] = hostile(self) ? wild(self) : 0;
      a[2] = path(self, one_in(self, 4) ? LINK_NAME : FILE_NAME, THERE, &a[3]);
      a[4] = one_in(self, 2) ? directory(self) : a[0];
      a[5] = path(self, FILE_NAME, FREE, &a[6]);
      return;
    case WV_OP_PATH_RENAME:
      a[1] = path(self, any, one_in(self, 8) ? ANY : THERE, &a[2]);
      a[3] = one_in(self, 2) ? directory(self) : a[0];
      a[4] = path(self, one_in(self, 6) ? (enum names)below(self, 3) : any, ANY,
                  &a[5]);
      return;
    case WV_OP_PATH_READLINK:
      a[1] = path(self, one_in(self, 6) ? OTHER_NAME : LINK_NAME, THERE, &a[2]);
      a[4] = number(self, 40);
      a[3] = room(self, a[4]);
      a[5] = room(self, 4);
      return;
    default: /* PATH_SYMLINK */
      a[2] = a[0];
      a[0] = link_text(self, &a[1]);
      a[3] = path(self, LINK_NAME, FREE, &a[4]);
  }
}

static void for_fd(player *self, enum wv_op op, uint32_t *a, uint64_t *w) {
  self->root = 0;
  switch (op) {
    case WV_OP_FD_ADVISE:
    case WV_OP_FD_ALLOCATE:
      a[0] = fd_of(self, FILES, 0);
      w[0] = offset(self);
      w[1] = offset(self);
      a[1] = number(self, 6);
      return;
    case WV_OP_FD_CLOSE:
      a[0] = any_fd(self, ANY_KIND, 0, one_in(self, 40) ? 0 : 12);
      return;
    case WV_OP_FD_RENUMBER:
      a[0] = now.shared && one_in(self, 8)
                 ? below(self, WV_OWN_STREAMS)
                 : any_fd(self, FILES | DIRECTORIES, 0, 12);
      a[1] = any_fd(self, ANY_KIND, 0, one_in(self, 40) ? 0 : 12);
      return;
    case WV_OP_FD_FDSTAT_SET_FLAGS:
      a[0] = fd_of(self, ANY_KIND, 0);
      a[1] = one_in(self, 3) ? number(self, 32)
                             : below(self, 2) * WV_FDFLAGS_NONBLOCK;
      return;
    case WV_OP_FD_FDSTAT_SET_RIGHTS:
      a[0] = any_fd(self, ANY_KIND, 0, one_in(self, 20) ? 0 : 12);
      w[0] = rights(self);
      w[1] = one_in(self, 2) ? 0 : rights(self);
      return;
    case WV_OP_FD_FILESTAT_SET_SIZE:
      a[0] = fd_of(self, FILES, WV_FD_WRITABLE);
      w[0] = offset(self);
      return;
    case WV_OP_FD_FILESTAT_SET_TIMES:
      a[0] = fd_of(self, FILES | DIRECTORIES, 0);
      put_times(self, w, &a[1]);
      return;
    case WV_OP_FD_PRESTAT_DIR_NAME:
      a[0] = directory(self);
      a[2] = number(self, 6);
      a[1] = room(self, a[2]);
      return;
    case WV_OP_FD_READDIR:
      a[0] = fd_of(self, DIRECTORIES, 0);
      a[2] = one_in(self, 10) ? number(self, 60000) : number(self, 300);
      a[1] = room(self, a[2]);
      w[0] = one_in(self, 2) ? 0 : offset(self);
      a[3] = room(self, 4);
      return;
    case WV_OP_FD_SEEK:
      a[0] = fd_of(self, FILES, 0);
      w[0] = one_in(self, 2) ? 0 : offset(self);
      a[1] = number(self, 3);
      a[2] = room(self, 8);
      return;
    default: /* an fd, and where the result goes */
      a[0] = op == WV_OP_FD_PRESTAT_GET ? directory(self)
             : op == WV_OP_FD_TELL || op == WV_OP_FD_SYNC ||
                     op == WV_OP_FD_DATASYNC
                 ? fd_of(self, FILES, 0)
                 : fd_of(self, ANY_KIND, 0);
      a[1] = room(self, WV_FILESTAT_SIZE);
  }
}

void make_arguments(player *self, enum wv_op op) {
  uint32_t *a = self->box + WV_BOX_ARGUMENTS;
  uint64_t *w = (uint64_t *)(void *)self->box + WV_BOX_WIDE;

  self->hot_count = 0;
  switch (op) {
    case WV_OP_ARGS_GET:
    case WV_OP_ENVIRON_GET:
      a[0] = room(self, 16);
      a[1] = room(self, 20);
      break;
    case WV_OP_ARGS_SIZES_GET:
    case WV_OP_ENVIRON_SIZES_GET:
      a[0] = room(self, 4);
      a[1] = room(self, 4);
      break;
    case WV_OP_CLOCK_RES_GET:
    case WV_OP_CLOCK_TIME_GET:
      a[0] = number(self, 4);
      a[1] = room(self, 8);
      w[0] = offset(self);
      break;
    case WV_OP_FD_PREAD:
      w[0] = offset(self);
      a[0] = fd_of(self, FILES, WV_FD_READABLE);
      a[1] = list(self, &a[2]);
      a[3] = room(self, 4);
      break;
    case WV_OP_FD_READ:
      a[0] = fd_of(self, FILES | STREAMS, WV_FD_READABLE);
      a[1] = list(self, &a[2]);
      a[3] = room(self, 4);
      break;
    case WV_OP_FD_PWRITE:
    case WV_OP_BUFFERED_PWRITE:
      w[0] = one_in(self, 2) ? end_of_last(self) : offset(self);
      for_write(self, op, a, FILES);
      break;
    case WV_OP_FD_WRITE:
    case WV_OP_BUFFERED_WRITE:
      for_write(self, op, a, FILES | STREAMS);
      break;
    case WV_OP_PATH_OPEN:
      for_path_open(self, a, w);
      break;
    case WV_OP_POLL_ONEOFF:
      put_subscriptions(self, a);
      a[3] = room(self, 4);
      break;
    case WV_OP_RANDOM_GET:
      a[1] = number(self, 300);
      a[0] = room(self, a[1]);
      break;
    case WV_OP_SOCK_ACCEPT:
    case WV_OP_SOCK_RECV:
    case WV_OP_SOCK_SEND:
    case WV_OP_SOCK_SHUTDOWN:
      for_socket(self, op, a);
      break;
    case WV_OP_FLUSH:
      a[0] = one_in(self, 2) ? WV_NO_LIMIT : below(self, 30);
      break;
    case WV_OP_FLUSH_BEFORE:
      a[0] = one_in(self, 2) ? WV_NO_FD : fd_of(self, ANY_KIND, 0);
      break;
    default:
      if (op >= WV_OP_PATH_CREATE_DIRECTORY && op <= WV_OP_PATH_UNLINK_FILE)
        for_path(self, op, a, w);
      else if (op >= WV_OP_FD_ADVISE && op <= WV_OP_FD_WRITE)
        for_fd(self, op, a, w);
      else
        a[0] = number(self, 64);
  }
}
