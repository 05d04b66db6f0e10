/* Guest memory: a base address and a size, and the only bounds check. */
#ifndef WV_MEMORY_H
#define WV_MEMORY_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "wasi.h"

typedef struct wv_memory {
  uint8_t *base;
  uint64_t size;
} wv_memory;

/* Is [ptr, ptr + len) inside? Both come from the guest as u32, so that neither
 * the sum nor the product behind len can wrap in 64 bits. */
static inline bool wv_in_bounds(const wv_memory *memory, uint64_t ptr,
                                uint64_t len) {
  return ptr <= memory->size && len <= memory->size - ptr;
}

/* Stores a guest word: little-endian, at any alignment. */
static inline void wv_store_u32(uint8_t *at, uint32_t value) {
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
  value = __builtin_bswap32(value);
#endif
  memcpy(at, &value, sizeof(value));
}

/* Reads a guest ciovec: little-endian, at any alignment.
 *
 * Note: another thread can rewrite a shared memory at any moment. The element
 * is read once, and the empty asm statement keeps the compiler from reading it
 * again after the copy has been checked. */
static inline wv_ciovec wv_load_ciovec(const uint8_t *at) {
  uint64_t word;

  memcpy(&word, at, sizeof(word));
  __asm__("" : "+r"(word));
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
  word = __builtin_bswap64(word);
#endif
  return (wv_ciovec){.buf = (uint32_t)word, .buf_len = (uint32_t)(word >> 32)};
}

#endif
