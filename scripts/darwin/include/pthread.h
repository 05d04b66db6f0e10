#ifndef WV_DARWIN_PTHREAD_H
#define WV_DARWIN_PTHREAD_H

typedef struct {
  long sig;
  char opaque[56];
} pthread_mutex_t;

typedef struct wv_darwin_mutexattr pthread_mutexattr_t;

#define PTHREAD_MUTEX_INITIALIZER \
  {                               \
    0x32AAABA7, {                 \
      0                           \
    }                             \
  }

int pthread_mutex_init(pthread_mutex_t *, const pthread_mutexattr_t *);
int pthread_mutex_destroy(pthread_mutex_t *);
int pthread_mutex_lock(pthread_mutex_t *);
int pthread_mutex_unlock(pthread_mutex_t *);

#endif
