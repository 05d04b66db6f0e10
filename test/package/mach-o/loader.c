/* An addon for Linux that loads one for macOS, which MACH_O names, into Node.
 *
 * It maps the segments, makes the pointers of the file those of the process,
 * gives the file a libSystem, protects the segments as they want it, and runs
 * what Node would run. scripts/check-darwin.js has checked the file.
 *
 * It shows that the file is sound and that its code works, not that macOS takes
 * it. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <node_api.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libsystem.h"

/* <mach-o/loader.h> */
enum {
  MAGIC = 0xfeedfacf,
  SYMTAB = 0x2,
  SEGMENT = 0x19,
  DYLD_INFO = 0x80000022,
  MOST_SEGMENTS = 8,
};

struct header {
  uint32_t magic, cpu, subtype, type, commands, size, flags, reserved;
};

struct command {
  uint32_t number, size;
};

struct segment {
  struct command command;
  char name[16];
  uint64_t address, memory, offset, size;
  int32_t most, protection;
  uint32_t sections, flags;
};

struct part {
  uint32_t offset, size;
};

struct dyld_info {
  struct command command;
  struct part rebase, bind, weak_bind, lazy_bind, exports;
};

struct symtab {
  struct command command;
  uint32_t symbols, count, strings, size;
};

struct symbol {
  uint32_t name;
  uint8_t type, section;
  uint16_t description;
  uint64_t address;
};

/* A file of macOS in this process. */
struct image {
  const uint8_t *file;
  uint8_t *base;
  const struct segment *segments[MOST_SEGMENTS];
  uint32_t count;
  const struct dyld_info *info;
  const struct symtab *symbols;
};

static const uint8_t *read_file(const char *path) {
  struct stat st;
  int fd;
  uint8_t *bytes;

  if (path == NULL) mach_o_fail("the variable MACH_O names no file");
  fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0 || fstat(fd, &st) < 0) mach_o_fail("cannot open %s", path);
  bytes = malloc((size_t)st.st_size);
  if (bytes == NULL || read(fd, bytes, (size_t)st.st_size) != st.st_size)
    mach_o_fail("cannot read %s", path);
  close(fd);
  return bytes;
}

static void find_commands(struct image *image) {
  const struct header *header = (const void *)image->file;
  const uint8_t *at = image->file + sizeof(*header);
  uint32_t i;

  if (header->magic != MAGIC) mach_o_fail("it is no file of macOS");
  for (i = 0; i < header->commands; i++) {
    const struct command *command = (const void *)at;
    if (command->number == DYLD_INFO) image->info = (const void *)at;
    if (command->number == SYMTAB) image->symbols = (const void *)at;
    if (command->number == SEGMENT) {
      if (image->count == MOST_SEGMENTS) mach_o_fail("too many segments");
      image->segments[image->count++] = (const void *)at;
    }
    at += command->size;
  }
  if (image->count == 0 || image->info == NULL || image->symbols == NULL)
    mach_o_fail("a load command is missing");
}

/* All segments, still to be written. */
static void map(struct image *image) {
  const struct segment *last = image->segments[image->count - 1];
  uint32_t i;

  image->base = mmap(NULL, last->address + last->memory, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (image->base == MAP_FAILED) mach_o_fail("there is no memory");
  for (i = 0; i < image->count; i++) {
    const struct segment *segment = image->segments[i];
    memcpy(image->base + segment->address, image->file + segment->offset,
           segment->size);
  }
}

/* The bits are those of mprotect(2). */
static void protect(const struct image *image) {
  uint32_t i;

  for (i = 0; i < image->count; i++) {
    const struct segment *segment = image->segments[i];
    char *from = (char *)image->base + segment->address;
    __builtin___clear_cache(from, from + segment->memory);
    if (mprotect(from, segment->memory, segment->protection) < 0)
      mach_o_fail("cannot protect %.16s", segment->name);
  }
}

static void *find(const char *name) {
  const mach_o_symbol *lists[] = {mach_o_files, mach_o_streams, mach_o_process};
  const mach_o_symbol *symbol;
  void *address = NULL;
  size_t i;

  for (i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
    for (symbol = lists[i]; symbol->name != NULL; symbol++)
      if (strcmp(symbol->name, name) == 0) return symbol->address;
  if (strncmp(name, "_napi_", 6) == 0) address = dlsym(RTLD_DEFAULT, name + 1);
  if (address == NULL) mach_o_fail("there is no %s", name);
  return address;
}

/* --- The programs that correct pointers --- */

static uint64_t read_uleb(const uint8_t **at) {
  uint64_t value = 0;
  int shift = 0;
  uint8_t byte;

  do {
    byte = *(*at)++;
    value |= (uint64_t)(byte & 0x7f) << shift;
    shift += 7;
  } while (byte & 0x80);
  return value;
}

static uint64_t place_of(const struct image *image, uint8_t number,
                         uint64_t offset) {
  if (number >= image->count) mach_o_fail("there is no segment %d", number);
  return image->segments[number]->address + offset;
}

/* Adds the base to `count` pointers. Returns the offset behind them. */
static uint64_t rebase_pointers(const struct image *image, uint64_t at,
                                uint64_t count, uint64_t skip) {
  for (; count > 0; count--, at += sizeof(uint64_t) + skip)
    *(uint64_t *)(image->base + at) += (uint64_t)image->base;
  return at;
}

static void rebase(const struct image *image) {
  const uint8_t *next = image->file + image->info->rebase.offset;
  const uint8_t *end = next + image->info->rebase.size;
  uint64_t at = 0;
  uint64_t count;

  while (next < end) {
    const uint8_t opcode = *next & 0xf0;
    const uint8_t immediate = *next++ & 0x0f;
    switch (opcode) {
      case 0x00: /* done */
        return;
      case 0x10: /* the type: a pointer */
        break;
      case 0x20:
        at = place_of(image, immediate, read_uleb(&next));
        break;
      case 0x30:
        at += read_uleb(&next);
        break;
      case 0x40:
        at += immediate * sizeof(uint64_t);
        break;
      case 0x50:
        at = rebase_pointers(image, at, immediate, 0);
        break;
      case 0x60:
        at = rebase_pointers(image, at, read_uleb(&next), 0);
        break;
      case 0x70:
        at = rebase_pointers(image, at, 1, read_uleb(&next));
        break;
      case 0x80:
        count = read_uleb(&next);
        at = rebase_pointers(image, at, count, read_uleb(&next));
        break;
      default:
        mach_o_fail("a rebase has the opcode 0x%x", opcode);
    }
  }
}

static uint64_t bind_pointers(const struct image *image, uint64_t at,
                              const char *name, uint64_t count, uint64_t skip) {
  for (; count > 0; count--, at += sizeof(uint64_t) + skip)
    *(void **)(image->base + at) = find(name);
  return at;
}

/* Binds lazy pointers too. There a 0 ends an import, otherwise all. */
static void bind(const struct image *image, struct part part, bool lazy) {
  const uint8_t *next = image->file + part.offset;
  const uint8_t *end = next + part.size;
  const char *name = NULL;
  uint64_t at = 0;
  uint64_t count;

  while (next < end) {
    const uint8_t opcode = *next & 0xf0;
    const uint8_t immediate = *next++ & 0x0f;
    switch (opcode) {
      case 0x00:
        if (!lazy) return;
        break;
      case 0x10: /* the library */
      case 0x30:
      case 0x50: /* the type: a pointer */
        break;
      case 0x40:
        name = (const char *)next;
        next += strlen(name) + 1;
        break;
      case 0x70:
        at = place_of(image, immediate, read_uleb(&next));
        break;
      case 0x80:
        at += read_uleb(&next);
        break;
      case 0x90:
        at = bind_pointers(image, at, name, 1, 0);
        break;
      case 0xa0:
        at = bind_pointers(image, at, name, 1, read_uleb(&next));
        break;
      case 0xb0:
        at = bind_pointers(image, at, name, 1, immediate * sizeof(uint64_t));
        break;
      case 0xc0:
        count = read_uleb(&next);
        at = bind_pointers(image, at, name, count, read_uleb(&next));
        break;
      default:
        mach_o_fail("a bind has the opcode 0x%x", opcode);
    }
  }
}

static void *export_of(const struct image *image, const char *name) {
  const struct symtab *table = image->symbols;
  const struct symbol *symbols = (const void *)(image->file + table->symbols);
  const char *strings = (const char *)image->file + table->strings;
  uint32_t i;

  for (i = 0; i < table->count; i++) {
    const bool is_export = (symbols[i].type & 0xf1) == 0x01;
    const bool is_defined = (symbols[i].type & 0x0e) != 0;
    if (is_export && is_defined && strcmp(strings + symbols[i].name, name) == 0)
      return image->base + symbols[i].address;
  }
  mach_o_fail("it does not export %s", name);
}

static napi_addon_register_func registration;

static void load(void) {
  struct image image = {.file = read_file(getenv("MACH_O"))};

  find_commands(&image);
  map(&image);
  rebase(&image);
  bind(&image, image.info->bind, false);
  bind(&image, image.info->lazy_bind, true);
  protect(&image);
  registration =
      (napi_addon_register_func)export_of(&image, "_napi_register_module_v1");
  free((void *)image.file);
}

NAPI_MODULE_INIT() {
  static pthread_once_t once = PTHREAD_ONCE_INIT;

  pthread_once(&once, load);
  return registration(env, exports);
}
