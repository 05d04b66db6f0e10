/* Output that is kept in memory until the host asks for it. */
#ifndef WV_CAPTURE_H
#define WV_CAPTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct wv_capture wv_capture;

/* A capture of at most `limit` bytes, for any thread. NULL: no memory. Its
 * users hold it; the last release frees it. */
wv_capture *wv_capture_new(uint64_t limit);
wv_capture *wv_capture_hold(wv_capture *capture);
void wv_capture_release(wv_capture *capture); /* may be NULL */

/* Returns how many bytes it took: fewer than `len` at the limit, or without
 * memory. */
uint64_t wv_capture_write(wv_capture *capture, const uint8_t *bytes,
                          uint64_t len);

uint64_t wv_capture_size(wv_capture *capture);
uint64_t wv_capture_room(wv_capture *capture);

/* Whether it refused bytes. */
bool wv_capture_is_cut(const wv_capture *capture);

/* Copies its first `size` bytes to `to`, or all if it has fewer. */
void wv_capture_read(wv_capture *capture, uint8_t *to, uint64_t size);

#endif
