/* One guest. */
#include "guest.h"

#include <stdlib.h>

static void forget_lookups(wv_lookups *lookups, uint32_t count) {
  const wv_lookup *last;

  while (lookups->count > count) {
    last = &lookups->list[--lookups->count];
    if (last->held) wv_fd_release(last->entry);
  }
}

void wv_guest_release(wv_guest *guest) {
  forget_lookups(&guest->lookups, 0);
  guest->lookups.next = 0;
}

static bool make_room(wv_lookups *lookups) {
  uint32_t size = lookups->size == 0 ? 4 : lookups->size * 2;
  wv_lookup *list;

  if (lookups->count < lookups->size) return true;
  list = realloc(lookups->list, size * sizeof(*list));
  if (list == NULL) return false;
  lookups->list = list;
  lookups->size = size;
  return true;
}

wv_fd *wv_guest_hold(wv_guest *guest, uint32_t fd) {
  wv_lookups *lookups = &guest->lookups;
  wv_lookup lookup = {.fd = fd};

  if (lookups->next < lookups->count) {
    if (lookups->list[lookups->next].fd == fd)
      return lookups->list[lookups->next++].entry;
    forget_lookups(lookups, lookups->next); /* the list was rewritten */
  }
  if (!make_room(lookups)) return NULL;
  lookup.entry = wv_fd_hold(guest->fds, fd);
  lookup.held = lookup.entry != NULL;
  if (lookup.held && lookup.entry->kind == WV_KIND_OWN) {
    const int stream = lookup.entry->host_fd;

    wv_fd_release(lookup.entry);
    lookup = (wv_lookup){.fd = fd, .entry = guest->own[stream]};
  }
  lookups->list[lookups->count++] = lookup;
  lookups->next = lookups->count;
  return lookup.entry;
}

wv_errno wv_guest_let_go(wv_guest *guest, wv_fd *entry) {
  wv_fd *own = NULL;
  wv_errno error;

  if (entry->kind == WV_KIND_OWN) {
    own = guest->own[entry->host_fd];
    guest->own[entry->host_fd] = NULL;
  }
  error = wv_fd_release(entry);
  return own == NULL ? error : wv_fd_release(own);
}

wv_errno wv_fd_allows(const wv_fd *entry, uint64_t rights) {
  const uint8_t readable = rights & WV_RIGHTS_FD_READ ? WV_FD_READABLE : 0;
  const uint8_t writable = rights & WV_RIGHTS_FD_WRITE ? WV_FD_WRITABLE : 0;
  const uint8_t access = readable | writable;

  if ((entry->flags & access) != access) return WV_EBADF;
  return (entry->rights & rights) == rights ? WV_SUCCESS : WV_ENOTCAPABLE;
}

wv_errno wv_guest_fd(wv_guest *guest, uint32_t fd, uint64_t rights,
                     wv_fd **entry) {
  *entry = wv_guest_get(guest, fd);
  return *entry == NULL ? WV_EBADF : wv_fd_allows(*entry, rights);
}

wv_errno wv_guest_seekable(wv_guest *guest, uint32_t fd, uint64_t rights,
                           wv_fd **entry) {
  wv_errno error = wv_guest_fd(guest, fd, rights, entry);

  return *entry != NULL && !wv_fd_can_seek(*entry) ? WV_ESPIPE : error;
}

wv_errno wv_guest_insert(wv_guest *guest, wv_fd *entry, uint32_t *fd) {
  /* In a shared table nobody examines entries later. */
  if (guest->fds->mutex != NULL) wv_fd_learn_kind(entry);
  return wv_fd_insert(guest->fds, entry, fd);
}

wv_wait *wv_guest_wait(wv_guest *guest, int64_t limit) {
  wv_wait *wait = &guest->wait;

  if (!guest->resumed) *wait = (wv_wait){.limit = limit};
  wait->slice_end = 0;
  return wait;
}
