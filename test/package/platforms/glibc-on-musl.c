/* The functions that a program for musl lacks on Debian 12, as far as it needs
 * them. Debian has no libstdc++ for musl, and that of glibc needs functions of
 * glibc. */
#define _GNU_SOURCE
#include <link.h>
#include <locale.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/random.h>
#include <time.h>

char __libc_single_threaded = 0;

uint32_t arc4random(void) {
  uint32_t value = 0;

  getrandom(&value, sizeof(value), 0);
  return value;
}

size_t __strftime_l(char *text, size_t size, const char *format,
                    const struct tm *time, locale_t locale) {
  return strftime_l(text, size, format, time, locale);
}

unsigned long __getauxval(unsigned long type) {
  return getauxval(type);
}

/* Does not run destructors of threads. */
int __cxa_thread_atexit_impl(void (*destructor)(void *), void *object,
                             void *library) {
  (void)destructor, (void)object, (void)library;
  return 0;
}

#ifdef __x86_64__
struct {
  unsigned vendor, type, subtype, features[1];
} __cpu_model;

int __cpu_indicator_init(void) {
  return 0;
}
#endif

/* From glibc's dlfcn.h: libgcc's unwinder finds .eh_frame_hdr with it. */
struct dl_find_object {
  unsigned long long flags;
  void *map_start, *map_end;
  struct link_map *link_map;
  void *eh_frame;
  unsigned long long reserved[7];
};

struct query {
  uintptr_t address;
  struct dl_find_object *result;
};

static int visit(struct dl_phdr_info *info, size_t size, void *data) {
  const struct query *query = data;
  uintptr_t start = UINTPTR_MAX, end = 0, frame = 0;

  (void)size;
  for (int i = 0; i < info->dlpi_phnum; i++) {
    const ElfW(Phdr) *header = &info->dlpi_phdr[i];
    uintptr_t at = info->dlpi_addr + header->p_vaddr;
    if (header->p_type == PT_GNU_EH_FRAME) frame = at;
    if (header->p_type != PT_LOAD) continue;
    if (at < start) start = at;
    if (at + header->p_memsz > end) end = at + header->p_memsz;
  }
  if (query->address < start || query->address >= end || frame == 0) return 0;
  query->result->map_start = (void *)start;
  query->result->map_end = (void *)end;
  query->result->eh_frame = (void *)frame;
  return 1;
}

int _dl_find_object(void *address, struct dl_find_object *result) {
  struct query query = {(uintptr_t)address, result};

  memset(result, 0, sizeof(*result));
  return dl_iterate_phdr(visit, &query) == 1 ? 0 : -1;
}

/* std::string::_M_replace_cold, new in GCC 13: replaces `old_len` bytes at `at`
 * by `len` bytes of the same string. `rest` bytes follow the old ones. */
void _ZNSt7__cxx1112basic_stringIcSt11char_traitsIcESaIcEE15_M_replace_coldEPcmPKcmm(
    void *string, char *at, size_t old_len, const char *bytes, size_t len,
    size_t rest) {
  char *copy = malloc(len + 1);

  (void)string;
  if (copy == NULL) abort();
  memcpy(copy, bytes, len);
  memmove(at + len, at + old_len, rest);
  memcpy(at, copy, len);
  free(copy);
}
