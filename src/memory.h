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

/* Is [ptr, ptr + len) inside? The guest's values are u32, so neither the sum
 * nor the product behind `len` can wrap in 64 bits. */
static inline bool wv_in_bounds(const wv_memory *memory, uint64_t ptr,
                                uint64_t len) {
  return ptr <= memory->size && len <= memory->size - ptr;
}

/* Words in the guest's memory: little-endian, at any alignment. */
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
#define WV_LE16(value) __builtin_bswap16(value)
#define WV_LE32(value) __builtin_bswap32(value)
#define WV_LE64(value) __builtin_bswap64(value)
#else
#define WV_LE16(value) (value)
#define WV_LE32(value) (value)
#define WV_LE64(value) (value)
#endif

static inline void wv_store_u16(uint8_t *at, uint16_t value) {
  value = WV_LE16(value);
  memcpy(at, &value, sizeof(value));
}

static inline void wv_store_u32(uint8_t *at, uint32_t value) {
  value = WV_LE32(value);
  memcpy(at, &value, sizeof(value));
}

static inline void wv_store_u64(uint8_t *at, uint64_t value) {
  value = WV_LE64(value);
  memcpy(at, &value, sizeof(value));
}

/* For our own copies only. wv_load_iovec reads the guest's memory. */
static inline uint16_t wv_load_u16(const uint8_t *at) {
  uint16_t value;

  memcpy(&value, at, sizeof(value));
  return WV_LE16(value);
}

static inline uint32_t wv_load_u32(const uint8_t *at) {
  uint32_t value;

  memcpy(&value, at, sizeof(value));
  return WV_LE32(value);
}

static inline uint64_t wv_load_u64(const uint8_t *at) {
  uint64_t value;

  memcpy(&value, at, sizeof(value));
  return WV_LE64(value);
}

/* Reads a guest iovec: little-endian, at any alignment.
 *
 * Note: another thread can rewrite a shared memory at any moment. The element
 * is read once, and the empty asm statement keeps the compiler from reading it
 * again after the copy has been checked. */
static inline wv_iovec wv_load_iovec(const uint8_t *at) {
  uint64_t word;

  memcpy(&word, at, sizeof(word));
  __asm__("" : "+r"(word));
  word = WV_LE64(word);
  return (wv_iovec){.buf = (uint32_t)word, .buf_len = (uint32_t)(word >> 32)};
}

#endif
