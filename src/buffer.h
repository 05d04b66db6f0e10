/* Buffered writes. A guest has one buffer, for one fd at a time, and it is
 * flushed before anything could notice the delay.
 *
 * The plain case, a write that continues the buffered bytes and fits, is in
 * WebAssembly if that has several memories: combiner.wat shares the header. All
 * else is in C, so that V8 cannot end a guest in the middle:
 * preview1/buffered.c adds writes, flush.c writes them out.
 *
 * Bytes that a flush cannot write stay in the buffer, unflushed. Until they are
 * out or given up nothing else is buffered, so bufferSize bounds what is kept.
 * docs/buffering.md has the rules. */
#ifndef WV_BUFFER_H
#define WV_BUFFER_H

#include "abi.h"
#include "fd_table.h"
#include "memory.h"

struct wv_guest;

/* Not a guest fd. */
#define WV_NO_FD UINT32_MAX

/* The header at the start of the memory. Its words are little-endian. */
enum {
  WV_BUFFER_WRITE_FD = 0,  /* i64: the fd whose fd_write is buffered, or -1 */
  WV_BUFFER_PWRITE_FD = 8, /* i64: the fd whose fd_pwrite is buffered, or -1 */
  WV_BUFFER_END = 16,      /* i64: where the next fd_pwrite continues */
  WV_BUFFER_USED = 24,     /* i32: bytes buffered */
  WV_BUFFER_CAPACITY = 28, /* i32: bytes that the plain case may buffer */
  WV_BUFFER_CALLS = 32,    /* i32: calls buffered, modulo 2^32 */
  /* the data is at WV_BUFFER_HEADER_SIZE */
};

typedef struct wv_buffer {
  uint8_t *base; /* the header; NULL: buffering is off */
  uint32_t size; /* bytes of data */
  uint8_t what;  /* WV_BUFFERED_* */

  wv_fd *entry;  /* owner of the bytes, held; NULL: no bytes */
  uint32_t fd;   /* its number when it wrote them */
  uint32_t room; /* bytes that may be buffered for it */
  uint32_t from; /* data[0, from) is out, data[from, from + left) unflushed */
  uint32_t left;
  struct wv_run *watcher; /* may flush it too, or NULL: see run.h */
  int64_t offset;         /* where the bytes go; -1: at the file's position */
  wv_errno error;         /* why a flush failed; success: it is in progress */

  uint32_t last_fd; /* of the last fd_pwrite that was not buffered */
  int64_t last_end; /* the offset at which it ended */

  uint64_t calls; /* calls that were buffered */
  uint64_t bytes; /* bytes of buffered calls that are out */
  uint64_t flushes;
  uint32_t seen_calls;
} wv_buffer;

static inline uint32_t wv_buffer_word(const wv_buffer *buffer, int at) {
  return wv_load_u32(buffer->base + at);
}

static inline void wv_buffer_set_word(wv_buffer *buffer, int at,
                                      uint32_t value) {
  wv_store_u32(buffer->base + at, value);
}

static inline int64_t wv_buffer_wide(const wv_buffer *buffer, int at) {
  return (int64_t)wv_load_u64(buffer->base + at);
}

static inline void wv_buffer_set_wide(wv_buffer *buffer, int at,
                                      int64_t value) {
  wv_store_u64(buffer->base + at, (uint64_t)value);
}

static inline uint8_t *wv_buffer_data(const wv_buffer *buffer) {
  return buffer->base + WV_BUFFER_HEADER_SIZE;
}

/* Gives the guest its buffer: a header, and data. */
void wv_buffer_set(wv_buffer *buffer, wv_memory memory, uint8_t what);

/* Turns buffering off, since the memory is gone or may go. Drops what is
 * buffered. */
void wv_buffer_unset(wv_buffer *buffer);

#endif
