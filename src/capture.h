/* Output that is kept in memory until the host asks for it. */
#ifndef WV_CAPTURE_H
#define WV_CAPTURE_H

#include <stddef.h>
#include <stdint.h>

typedef struct wv_capture wv_capture;

/* A capture of at most `limit` bytes. NULL: no memory. */
wv_capture *wv_capture_new(uint64_t limit);
void wv_capture_free(wv_capture *capture); /* may be NULL */

/* Returns how many bytes it took: fewer than `len` at the limit, or without
 * memory. */
uint64_t wv_capture_write(wv_capture *capture, const uint8_t *bytes,
                          uint64_t len);

uint64_t wv_capture_size(const wv_capture *capture);
uint64_t wv_capture_room(const wv_capture *capture);

/* Copies all of the capture to `to`, which has room for wv_capture_size bytes.
 */
void wv_capture_read(const wv_capture *capture, uint8_t *to);

#endif
