/* The search for the host descriptor behind a guest fd. */
#include "adopt.h"

#include <stdlib.h>

#include "sys.h"

typedef struct listing {
  wv_search *search;
  bool nonblock;
} listing;

static bool add(wv_search *search, int fd) {
  size_t capacity;
  int *fds;

  if (search->count == search->capacity) {
    capacity = search->capacity == 0 ? 64 : search->capacity * 2;
    fds = realloc(search->fds, capacity * sizeof(*fds));
    if (fds == NULL) return false;
    search->fds = fds;
    search->capacity = capacity;
  }
  search->fds[search->count++] = fd;
  return true;
}

static bool has_nonblock(int flags) {
  return (flags & WV_SYS_NONBLOCK) != 0;
}

static bool consider(void *data, int fd) {
  listing *list = data;
  int flags = wv_sys_flags(fd);

  if (flags < 0 || !(flags & WV_SYS_WRITABLE)) return true;
  if (has_nonblock(flags) != list->nonblock) return true;
  return add(list->search, fd);
}

void wv_search_begin(wv_search *search, int hint, bool nonblock) {
  listing list = {.search = search, .nonblock = nonblock};

  wv_search_end(search);
  if (hint >= 0)
    consider(&list, hint);
  else
    wv_sys_each_fd(consider, &list);
}

void wv_search_keep(wv_search *search, bool nonblock) {
  size_t kept = 0;
  size_t i;
  int flags;

  for (i = 0; i < search->count; i++) {
    flags = wv_sys_flags(search->fds[i]);
    if (flags >= 0 && has_nonblock(flags) == nonblock)
      search->fds[kept++] = search->fds[i];
    else if (search->copied)
      wv_sys_close(search->fds[i]);
  }
  search->count = kept;
}

void wv_search_copy(wv_search *search) {
  int copy;

  if (search->count == 0 || search->copied) return;
  copy = wv_sys_dup(search->fds[0]);
  search->count = copy < 0 ? 0 : 1;
  search->copied = true;
  search->fds[0] = copy;
}

int wv_search_take(wv_search *search) {
  int fd = search->copied && search->count == 1 ? search->fds[0] : -1;

  if (fd >= 0) search->count = 0;
  wv_search_end(search);
  return fd;
}

void wv_search_end(wv_search *search) {
  if (search->copied && search->count == 1) wv_sys_close(search->fds[0]);
  search->count = 0;
  search->copied = false;
  if (search->capacity > 64) { /* a long list of one search is not kept */
    free(search->fds);
    search->fds = NULL;
    search->capacity = 0;
  }
}

int wv_lowest_free_fd(void) {
  int source, fd;

  for (source = 0; source <= 2; source++) {
    fd = wv_sys_dup(source);
    if (fd >= 0) {
      wv_sys_close(fd);
      return fd;
    }
  }
  return -1;
}
