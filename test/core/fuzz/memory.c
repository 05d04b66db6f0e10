/* The guest of the fuzzer, and its memory. */
#include "memory.h"

#include <sanitizer/asan_interface.h>
#include <stddef.h>
#include <string.h>

wv_guest guest;
struct expected expected;
uint8_t *shadow;

/* The end of an allocation that is kept: a new one for each input would take
 * most of the time. */
static uint8_t *allocate(uint64_t size) {
  static uint8_t *all;

  if (all == NULL) all = malloc(MEMORY_MAX);
  ASAN_UNPOISON_MEMORY_REGION(all, MEMORY_MAX);
  ASAN_POISON_MEMORY_REGION(all, MEMORY_MAX - size);
  return all + MEMORY_MAX - size;
}

void begin_guest(uint32_t limit) {
  wv_memory *memory = &guest.memory;

  memset(&guest, 0, sizeof(guest));
  memory->size = take_u8() == 255
                     ? MEMORY_MAX
                     : take_word(MEMORY_USUAL) % (MEMORY_USUAL + 1);
  memory->base = allocate(memory->size);
  memcpy(memory->base, pattern(), memory->size);
  guest.fds = wv_fd_table_new(limit);
}

void end_guest(void) {
  wv_guest_free(&guest);
}

void check_table(void) {
  uint32_t count = 0;

  for (uint32_t fd = 0; fd < guest.fds->size; fd++) {
    if (wv_fd_get(guest.fds, fd) != NULL)
      count++;
    else
      CHECK(fd >= guest.fds->lowest);
  }
  CHECK(count == guest.fds->count);
}

const uint8_t *pattern(void) {
  static uint8_t bytes[MEMORY_MAX];
  uint32_t i;

  if (bytes[1] == 0)
    for (i = 0; i < MEMORY_MAX; i++)
      bytes[i] = (uint8_t)(i * 2654435761u >> 24);
  return bytes;
}

void put_list(uint32_t iovs, uint32_t iovs_len) {
  const wv_memory *memory = &guest.memory;
  uint8_t list[16 * 8];
  uint32_t count = 1 + take_u8() % 16;
  uint32_t buf = 0, len = 0, size;
  uint64_t at, end = iovs + (uint64_t)iovs_len * 8;

  for (uint32_t i = 0; i < count; i++) {
    uint8_t how = take_u8();

    buf = how & 1 ? buf + len : take_word(memory->size); /* adjacent */
    len = how & 2 ? take_u8() : take_word(memory->size - buf);
    wv_store_u32(list + i * 8, buf);
    wv_store_u32(list + i * 8 + 4, len);
  }
  if (end > memory->size) end = memory->size;
  size = count * 8;
  for (at = iovs; at < end; at += size) {
    if (size > end - at) size = (uint32_t)(end - at);
    memcpy(memory->base + at, list, size);
  }
}

bool in_memory(uint64_t at, uint64_t len) {
  return at + len <= guest.memory.size;
}

uint32_t load_u32(const uint8_t *at) {
  return at[0] | at[1] << 8 | at[2] << 16 | (uint32_t)at[3] << 24;
}

void expect_nothing(void) {
  memset(&expected, 0, offsetof(struct expected, elements));
}

wv_errno expect_list(uint32_t iovs, uint32_t iovs_len) {
  uint64_t i;

  expect_nothing();
  if (!in_memory(iovs, (uint64_t)iovs_len * 8)) return WV_EFAULT;
  for (i = 0; i < iovs_len; i++) {
    const uint8_t *at = guest.memory.base + iovs + i * 8;
    uint32_t buf = load_u32(at);
    uint32_t len = load_u32(at + 4);

    if (len == 0) continue;
    if (!in_memory(buf, len)) return WV_EFAULT;
    expected.elements[expected.count++] =
        (wv_iovec){.buf = buf, .buf_len = len};
    expected.total += len;
  }
  return expected.total > UINT32_MAX ? WV_EINVAL : WV_SUCCESS;
}

void begin_shadow(void) {
  if (shadow == NULL) shadow = malloc(MEMORY_MAX);
  memcpy(shadow, guest.memory.base, guest.memory.size);
}

void end_shadow(void) {
  CHECK(memcmp(shadow, guest.memory.base, guest.memory.size) == 0);
}

void scribble(uint64_t near) {
  const uint32_t where = take_u32();
  uint64_t at = where & 1u << 31 ? near + where % 32 : where;

  at %= guest.memory.size + 1;

  do {
    if (at == guest.memory.size) break;
    guest.memory.base[at] = shadow[at] = take_u8();
  } while (++at % 16 != 0);
}
