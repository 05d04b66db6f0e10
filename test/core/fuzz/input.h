/* Shared by the subjects of the fuzzer: the input, and checks. */
#ifndef INPUT_H
#define INPUT_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "wasi.h"

#define CHECK(condition)                                              \
  do {                                                                \
    if (!(condition)) {                                               \
      fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition); \
      abort();                                                        \
    }                                                                 \
  } while (0)

/* The input, followed by zeros. */

extern const uint8_t *input;
extern size_t input_left;

uint8_t take_u8(void);
uint32_t take_u32(void);
uint64_t take_u64(void);
/* A pointer or a length: small, close to `near`, or anything. */
uint32_t take_word(uint64_t near);

/* The WASI errno of a host errno. */
wv_errno namesake(int host);

#endif
