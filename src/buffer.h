/* Buffered writes: one buffer for a guest, for one fd at a time, that is
 * written before anything could see that it was not.
 *
 * The plain case, a write that continues what is buffered and fits, is made in
 * WebAssembly where that has several memories: combiner.wat, which shares the
 * header of the buffer. All else is in C, so that V8 cannot end a guest in the
 * middle of it: preview1/buffered.c has the writes, flush.c the way out.
 *
 * What a flush cannot write stays in the buffer, unflushed, and nothing else is
 * buffered until it is out or given up: bufferSize is the bound of what is kept
 * for a guest. docs/buffering.md has the rules. */
#ifndef WV_BUFFER_H
#define WV_BUFFER_H

#include "abi.h"
#include "fd_table.h"
#include "memory.h"

struct wv_guest;

/* No guest fd has it. */
#define WV_NO_FD UINT32_MAX

/* The header, at the start of the memory; its words are little-endian. */
enum {
  WV_BUFFER_WRITE_FD = 0,  /* i64: whose fd_write is buffered, or -1 */
  WV_BUFFER_PWRITE_FD = 8, /* i64: whose fd_pwrite is, or -1 */
  WV_BUFFER_END = 16,      /* i64: where the next fd_pwrite continues */
  WV_BUFFER_USED = 24,     /* i32: bytes buffered */
  WV_BUFFER_CAPACITY = 28, /* i32: bytes that may be, for the plain case */
  WV_BUFFER_CALLS = 32,    /* i32: calls buffered, modulo 2^32 */
  /* the data is at WV_BUFFER_HEADER_SIZE */
};

typedef struct wv_buffer {
  uint8_t *base; /* the header, or NULL: nothing is buffered */
  uint32_t size; /* bytes of data */
  uint8_t what;  /* WV_BUFFERED_* */

  wv_fd *entry;  /* whose bytes these are, held; NULL: there are none */
  uint32_t fd;   /* its number when they were written */
  uint32_t room; /* bytes that may be buffered for it */
  uint32_t from; /* unflushed are data[from, from + left) */
  uint32_t left;
  int64_t offset; /* where they go, -1: where the file stands */
  wv_errno error; /* why they are still there; success: a flush goes on */

  uint32_t last_fd; /* of the last fd_pwrite that went straight out */
  int64_t last_end; /* where it ended */

  uint64_t calls; /* that were buffered */
  uint64_t bytes; /* of them, that are out */
  uint64_t flushes;
  uint32_t seen_calls;
} wv_buffer;

/* The header. */

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

/* The memory is gone, or may go: nothing is buffered from then on. What was is
 * lost. */
void wv_buffer_unset(wv_buffer *buffer);

#endif
