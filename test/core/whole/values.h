/* Generates the arguments of calls. Each argument of a polite call is valid by
 * itself. */
#ifndef VALUES_H
#define VALUES_H

#include "whole.h"

#define SOCKETS (1u << WV_KIND_SOCKET)
#define FILES (1u << WV_KIND_FILE | 1u << WV_KIND_UNKNOWN)
#define DIRECTORIES (1u << WV_KIND_DIRECTORY)
#define STREAMS                                            \
  (SOCKETS | 1u << WV_KIND_PIPE | 1u << WV_KIND_TERMINAL | \
   1u << WV_KIND_DEVICE | 1u << WV_KIND_TARGET)
#define ANY_KIND (FILES | STREAMS | DIRECTORIES)

/* Should this value be invalid? */
bool hostile(player *self);

uint32_t wild(player *self);
uint64_t wild_wide(player *self);
/* Below `limit`, or wild. */
uint32_t number(player *self, uint32_t limit);
/* In a small file, or wild. */
uint64_t offset(player *self);
/* The offset at which the last fd_pwrite ended. */
uint64_t end_of_last(const player *self);

/* A pointer to `len` bytes; a wrong one is often off by a few. */
uint32_t room(player *self, uint32_t len);
bool fits(const player *self, uint32_t at, uint64_t len);
uint8_t *place(const player *self, uint32_t at);
/* Tells the other thread where the call will read. */
void heat(player *self, uint32_t at, uint32_t len);

/* An fd, `first` or above, whose entry has one of these kinds and these flags.
 */
uint32_t any_fd(player *self, uint32_t kinds, uint8_t flags, uint32_t first);
uint32_t fd_of(player *self, uint32_t kinds, uint8_t flags);
/* Usually a preopen. */
uint32_t directory(player *self);
uint32_t listener(player *self);

/* A list of buffers: returns its pointer, and sets `*count`. */
uint32_t list(player *self, uint32_t *count);

enum names { FILE_NAME, DIRECTORY_NAME, LINK_NAME, OTHER_NAME };

/* Whether a name must exist already. */
enum presence { ANY, THERE, FREE };

/* A path: returns its pointer, and sets `*len`. */
uint32_t path(player *self, enum names of, enum presence presence,
              uint32_t *len);
/* The text of a link to create. */
uint32_t link_text(player *self, uint32_t *len);

#endif
