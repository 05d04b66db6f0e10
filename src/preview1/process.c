/* Arguments, environment, clocks, random bytes, signals and the scheduler. */
#include <errno.h>

#include "../calls.h"
#include "../errno_map.h"
#include "../sys.h"

/* Copies the strings to `buf`, and a pointer to each to `list`. */
static wv_errno get(const wv_memory *memory, const wv_strings *strings,
                    uint32_t list, uint32_t buf) {
  const char *at = strings->bytes;
  uint8_t *pointer;
  uint32_t i;

  if (!wv_in_bounds(memory, list, (uint64_t)strings->count * sizeof(uint32_t)))
    return WV_EFAULT;
  if (!wv_in_bounds(memory, buf, strings->size)) return WV_EFAULT;
  if (strings->count == 0) return WV_SUCCESS;
  pointer = memory->base + list;
  memcpy(memory->base + buf, strings->bytes, strings->size);
  for (i = 0; i < strings->count; i++, pointer += sizeof(uint32_t)) {
    wv_store_u32(pointer, buf + (uint32_t)(at - strings->bytes));
    at += strlen(at) + 1;
  }
  return WV_SUCCESS;
}

static wv_errno get_sizes(const wv_memory *memory, const wv_strings *strings,
                          uint32_t count, uint32_t size) {
  if (!wv_in_bounds(memory, count, sizeof(uint32_t)) ||
      !wv_in_bounds(memory, size, sizeof(uint32_t)))
    return WV_EFAULT;
  wv_store_u32(memory->base + count, strings->count);
  wv_store_u32(memory->base + size, strings->size);
  return WV_SUCCESS;
}

wv_errno wv_args_get(wv_guest *guest, uint32_t argv, uint32_t buf) {
  return get(&guest->memory, &guest->args, argv, buf);
}

wv_errno wv_args_sizes_get(wv_guest *guest, uint32_t argc, uint32_t size) {
  return get_sizes(&guest->memory, &guest->args, argc, size);
}

wv_errno wv_environ_get(wv_guest *guest, uint32_t list, uint32_t buf) {
  return get(&guest->memory, &guest->environ, list, buf);
}

wv_errno wv_environ_sizes_get(wv_guest *guest, uint32_t count, uint32_t size) {
  return get_sizes(&guest->memory, &guest->environ, count, size);
}

wv_errno wv_clock_time_get(wv_guest *guest, uint32_t id, uint64_t precision,
                           uint32_t at) {
  uint64_t now;

  (void)precision;
  if (!wv_in_bounds(&guest->memory, at, sizeof(now))) return WV_EFAULT;
  if (wv_sys_clock(id, &now) < 0) return wv_errno_from_host(errno);
  wv_store_u64(guest->memory.base + at, now);
  return WV_SUCCESS;
}

wv_errno wv_clock_res_get(wv_guest *guest, uint32_t id, uint32_t at) {
  uint64_t resolution;

  if (!wv_in_bounds(&guest->memory, at, sizeof(resolution))) return WV_EFAULT;
  if (wv_sys_clock_resolution(id, &resolution) < 0)
    return wv_errno_from_host(errno);
  wv_store_u64(guest->memory.base + at, resolution);
  return WV_SUCCESS;
}

wv_errno wv_random_get(wv_guest *guest, uint32_t buf, uint32_t len) {
  if (!wv_in_bounds(&guest->memory, buf, len)) return WV_EFAULT;
  if (wv_sys_random(guest->memory.base + buf, len) < 0)
    return wv_errno_from_host(errno);
  return WV_SUCCESS;
}

/* A guest has no process but the host's, which it must not signal. */
wv_errno wv_proc_raise(wv_guest *guest, uint32_t signal) {
  (void)guest;
  (void)signal;
  return WV_ENOTSUP;
}

wv_errno wv_sched_yield(wv_guest *guest) {
  (void)guest;
  wv_sys_yield();
  return WV_SUCCESS;
}
