/* The guest's descriptor table. */
#include "fd_table.h"

#include <stdlib.h>
#include <string.h>

#include "sys.h"

static void release(wv_fd *entry) {
  if (entry->kind != WV_KIND_FREE && (entry->flags & WV_FD_OWNED))
    wv_sys_close(entry->host_fd);
  entry->kind = WV_KIND_FREE;
}

wv_errno wv_fd_set(wv_fd_table *table, uint32_t fd, wv_fd entry) {
  uint32_t size = table->size == 0 ? 8 : table->size;
  wv_fd *entries;

  if (fd >= WV_GUEST_FD_LIMIT) return WV_EBADF;
  if (fd >= table->size) {
    while (size <= fd) size *= 2;
    entries = realloc(table->entries, size * sizeof(*entries));
    if (entries == NULL) return WV_ENOMEM;
    memset(entries + table->size, 0,
           (size - table->size) * sizeof(*entries)); /* WV_KIND_FREE */
    table->entries = entries;
    table->size = size;
  }
  release(&table->entries[fd]);
  table->entries[fd] = entry;
  return WV_SUCCESS;
}

void wv_fd_clear(wv_fd_table *table, uint32_t fd) {
  wv_fd *entry = wv_fd_get(table, fd);

  if (entry != NULL) release(entry);
}

void wv_fd_table_free(wv_fd_table *table) {
  uint32_t fd;

  for (fd = 0; fd < table->size; fd++) release(&table->entries[fd]);
  free(table->entries);
  table->entries = NULL;
  table->size = 0;
}
