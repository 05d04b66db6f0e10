/* Locks, for Linux, macOS and the BSDs. */
#include <pthread.h>
#include <stdlib.h>

#include "sys_posix.h"

struct wv_sys_mutex {
  pthread_mutex_t mutex;
};

wv_sys_mutex *wv_sys_mutex_new(void) {
  wv_sys_mutex *mutex = malloc(sizeof(*mutex));

  if (mutex != NULL) pthread_mutex_init(&mutex->mutex, NULL);
  return mutex;
}

void wv_sys_mutex_free(wv_sys_mutex *mutex) {
  if (mutex != NULL) pthread_mutex_destroy(&mutex->mutex);
  free(mutex);
}

wv_sys_mutex *wv_sys_process_mutex(void) {
  static wv_sys_mutex mutex = {PTHREAD_MUTEX_INITIALIZER};

  return &mutex;
}

void wv_sys_mutex_lock(wv_sys_mutex *mutex) {
  pthread_mutex_lock(&mutex->mutex);
}

void wv_sys_mutex_unlock(wv_sys_mutex *mutex) {
  pthread_mutex_unlock(&mutex->mutex);
}
