/* The arguments of each call. */
#include <string.h>

#include "values.h"

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

/* Arguments 0 to 2: subscriptions, room for events, and their number. */
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
  a[4] = one_in(self, 8) ? WV_WRITE_TRACED : 0;
}

static void for_socket(player *self, enum wv_op op, uint32_t *a) {
  a[0] = fd_of(self, SOCKETS, 0);
  switch (op) {
    case WV_OP_SOCK_ACCEPT:
      if (!hostile(self)) a[0] = listener(self);
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
