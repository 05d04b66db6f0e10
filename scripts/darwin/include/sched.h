#ifndef WV_DARWIN_SCHED_H
#define WV_DARWIN_SCHED_H

int sched_yield(void);

#endif
