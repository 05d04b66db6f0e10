/* A guest with a buffer, and its calls as JS makes them. */
#ifndef BUFFERED_H
#define BUFFERED_H

#include "check.h"
#include "dispatch.h"
#include "flush.h"

#define RESULT 0u
#define LIST 1024u
#define BUF 4096u

#define BUFFER_MAX 6000u /* a pipe takes only a part of it */

extern _Alignas(8) uint8_t buffer_memory[WV_BUFFER_HEADER_SIZE + BUFFER_MAX];

static wv_buffer *const buffer = &guest.buffer;

void use_buffer(uint32_t size, uint8_t what);
uint32_t buffer_word(int at);
/* The number of bytes in the buffer. */
uint32_t kept(void);
/* The result of the last call. */
uint32_t result(void);

wv_errno dispatch(enum wv_op op, uint32_t a, uint32_t b, uint32_t c, uint32_t d,
                  uint32_t e, uint64_t wide);
/* Both write the list of `count` buffers at LIST. */
wv_errno call_write(uint32_t fd, uint32_t count, uint32_t flags);
wv_errno call_pwrite(uint32_t fd, uint32_t count, uint64_t offset);
wv_errno call_flush(uint32_t limit);
wv_errno call_close(uint32_t fd);

int count_open_fds(void);

void test_model(void);

#endif
