/* Numbers, pointers, fds, lists and paths: valid, at a bound, or wild. */
#include "values.h"

#include <string.h>

#define LIST_MAX 3000u
#define PATH_MAX_LEN 4200u

uint64_t random_word(player *self) {
  self->random ^= self->random << 13;
  self->random ^= self->random >> 7;
  self->random ^= self->random << 17;
  return self->random * UINT64_C(0x2545f4914f6cdd1d);
}

bool hostile(player *self) {
  return !self->polite && one_in(self, 7);
}

static uint64_t size_of(const player *self) {
  return self->host.guest.memory.size;
}

uint8_t *place(const player *self, uint32_t at) {
  return self->host.guest.memory.base + at;
}

/* Tells the other thread where the call will read. */
void heat(player *self, uint32_t at, uint32_t len) {
  atomic_store_explicit(&self->hot[self->hot_count++ % HOT],
                        (uint64_t)len << 32 | at, memory_order_relaxed);
}

uint32_t wild(player *self) {
  const uint32_t size = (uint32_t)size_of(self);
  const uint32_t words[] = {
      0,          1,         size - 1,   size,           size + 1,
      0x7fffffff, INT32_MIN, UINT32_MAX, UINT32_MAX - 7, 0x20000000};

  return one_in(self, 3) ? (uint32_t)random_word(self) : words[below(self, 10)];
}

uint64_t wild_wide(player *self) {
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

/* A pointer to `len` bytes; a wrong one is often off by a few. */
uint32_t room(player *self, uint32_t len) {
  const uint32_t size = (uint32_t)size_of(self);

  if (hostile(self))
    return one_in(self, 2) ? wild(self) : size - len + 1 + below(self, 8);
  if (len > size) return 0;
  return one_in(self, 6) ? size - len : below(self, size - len + 1);
}

bool fits(const player *self, uint32_t at, uint64_t len) {
  return at <= size_of(self) && len <= size_of(self) - at;
}

uint32_t number(player *self, uint32_t limit) {
  return hostile(self) ? wild(self) : below(self, limit);
}

uint64_t offset(player *self) {
  return hostile(self) ? wild_wide(self) : below(self, 3000);
}

/* The offset at which the last fd_pwrite ended. */
uint64_t end_of_last(const player *self) {
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

/* A random fd among those chosen, or UINT32_MAX. */
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

uint32_t any_fd(player *self, uint32_t kinds, uint8_t flags, uint32_t first) {
  uint32_t fd;

  if (hostile(self)) return one_in(self, 4) ? wild(self) : below(self, 40);
  fd = pick(self, suits, kinds, flags, first);
  return fd == UINT32_MAX ? below(self, 40) : fd;
}

uint32_t fd_of(player *self, uint32_t kinds, uint8_t flags) {
  return any_fd(self, kinds, flags, 0);
}

uint32_t directory(player *self) {
  uint32_t fd = UINT32_MAX;

  self->root = below(self, 2);
  if (!hostile(self) && !one_in(self, 8))
    fd = pick(self, is_preopen, self->root, 0, 0);
  return fd == UINT32_MAX ? fd_of(self, DIRECTORIES, 0) : fd;
}

uint32_t listener(player *self) {
  return pick(self, is_listener, SOCKETS, 0, 0);
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

/* A list of buffers: returns its pointer, and sets `*count`. */
uint32_t list(player *self, uint32_t *count) {
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

/* Path bytes that no host would write. */
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

/* Puts a path in memory: returns its pointer, and sets `*len`. */
static uint32_t put_path(player *self, const char *path, uint32_t *len) {
  uint32_t at = room(self, *len);

  if (fits(self, at, *len)) {
    memcpy(place(self, at), path, *len);
    heat(self, at, *len);
  }
  if (hostile(self)) *len = one_in(self, 2) ? wild(self) : below(self, 9000);
  return at;
}

uint32_t path(player *self, enum names of, enum presence presence,
              uint32_t *len) {
  char text[PATH_MAX_LEN + 8];

  *len = make_path(self, of, presence, text);
  return put_path(self, text, len);
}

uint32_t link_text(player *self, uint32_t *len) {
  static const char *const texts[] = {"f0",     "dir", "../f0",   "loop",
                                      "d0/new", "s1",  "dir/new", "."};
  char text[PATH_MAX_LEN + 8];
  const bool leads_out = one_in(self, 3);

  if (hostile(self)) return path(self, OTHER_NAME, ANY, len);
  strcpy(text, leads_out ? ways_out[below(self, 16)] : texts[below(self, 8)]);
  *len = (uint32_t)strlen(text);
  return put_path(self, text, len);
}
