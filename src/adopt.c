/* The search for the host descriptor behind a guest fd. */
#include "adopt.h"

#include <stdlib.h>

#include "sys.h"

/* A list of up to this many candidates is kept from one search to the next. */
#define KEPT_CAPACITY 64

static bool consider(void *data, int fd) {
  wv_search *search = data;
  size_t capacity;
  wv_candidate *list;

  if (search->count == search->capacity) {
    capacity = search->capacity == 0 ? KEPT_CAPACITY : search->capacity * 2;
    list = realloc(search->list, capacity * sizeof(*list));
    if (list == NULL) return false;
    search->list = list;
    search->capacity = capacity;
  }
  search->list[search->count++] =
      (wv_candidate){.fd = fd, .offset = wv_sys_offset(fd)};
  return true;
}

void wv_search_begin(wv_search *search, int hint) {
  wv_search_end(search);
  if (hint >= 0)
    consider(search, hint);
  else
    wv_sys_each_fd(consider, search);
}

/* Keeps the candidates for which `followed` says so. */
static void keep(wv_search *search,
                 bool (*followed)(const wv_candidate *, int64_t),
                 int64_t wanted) {
  size_t kept = 0;
  size_t i;

  for (i = 0; i < search->count; i++) {
    if (followed(&search->list[i], wanted))
      search->list[kept++] = search->list[i];
    else if (search->copied)
      wv_sys_close(search->list[i].fd);
  }
  search->count = kept;
}

static bool has_moved(const wv_candidate *candidate, int64_t distance) {
  return candidate->offset >= 0 &&
         wv_sys_offset(candidate->fd) - distance == candidate->offset;
}

bool wv_search_settle_moved(wv_search *search, int64_t distance) {
  /* Before the copy: to close one of a stranger takes the locks that this
   * process has on that file (fcntl(2)). */
  keep(search, has_moved, distance);
  wv_search_copy(search);
  /* The copy alone is proof: the number may have been another's meanwhile. */
  keep(search, has_moved, distance);
  return search->count == 1 && wv_sys_move(search->list[0].fd, -distance) == 0;
}

static bool has_nonblock(const wv_candidate *candidate, int64_t nonblock) {
  int flags = wv_sys_flags(candidate->fd);

  return flags >= 0 && ((flags & WV_SYS_NONBLOCK) != 0) == (nonblock != 0);
}

void wv_search_keep_nonblock(wv_search *search, bool nonblock) {
  keep(search, has_nonblock, nonblock);
}

void wv_search_copy(wv_search *search) {
  int copy;

  if (search->count == 0 || search->copied) return;
  copy = wv_sys_dup(search->list[0].fd);
  search->count = copy < 0 ? 0 : 1;
  search->copied = true;
  search->list[0].fd = copy;
}

int wv_search_take(wv_search *search) {
  int fd = search->copied && search->count == 1 ? search->list[0].fd : -1;

  if (fd >= 0) search->count = 0;
  wv_search_end(search);
  return fd;
}

void wv_search_end(wv_search *search) {
  if (search->copied && search->count == 1) wv_sys_close(search->list[0].fd);
  search->count = 0;
  search->copied = false;
  if (search->capacity > KEPT_CAPACITY) {
    free(search->list);
    search->list = NULL;
    search->capacity = 0;
  }
}

/* A copy gets that number. It is none of a file: to close that takes the locks
 * that this process has on the file (fcntl(2)). */
int wv_lowest_free_fd(void) {
  wv_sys_kind kind;
  int source, fd;

  for (source = 0; source <= 2; source++) {
    if (wv_sys_stat_kind(source, &kind) == 0 && kind != WV_SYS_FILE) break;
  }
  fd = source <= 2 ? wv_sys_dup(source) : wv_sys_open_null();
  if (fd >= 0) wv_sys_close(fd);
  return fd;
}
