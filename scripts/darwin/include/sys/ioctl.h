#ifndef WV_DARWIN_IOCTL_H
#define WV_DARWIN_IOCTL_H

/* Gives an int, and is number 127 of the group 'f'. */
#define FIONREAD (0x40000000UL | sizeof(int) << 16 | 'f' << 8 | 127)

int ioctl(int, unsigned long, ...);

#endif
