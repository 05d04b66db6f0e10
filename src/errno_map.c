/* Host errno to WASI errno.
 *
 * Only FreeBSD has ENOTCAPABLE. EAGAIN and EWOULDBLOCK, like ENOTSUP and
 * EOPNOTSUPP, are one number on some hosts and two on others. */
#include "errno_map.h"

#include <errno.h>

/* clang-format off */
wv_errno wv_errno_from_host(int host_errno) {
  switch (host_errno) {
    case E2BIG:            return WV_E2BIG;
    case EACCES:           return WV_EACCES;
    case EADDRINUSE:       return WV_EADDRINUSE;
    case EADDRNOTAVAIL:    return WV_EADDRNOTAVAIL;
    case EAFNOSUPPORT:     return WV_EAFNOSUPPORT;
    case EAGAIN:           return WV_EAGAIN;
#if EWOULDBLOCK != EAGAIN
    case EWOULDBLOCK:      return WV_EAGAIN;
#endif
    case EALREADY:         return WV_EALREADY;
    case EBADF:            return WV_EBADF;
#ifdef EBADMSG
    case EBADMSG:          return WV_EBADMSG;
#endif
    case EBUSY:            return WV_EBUSY;
#ifdef ECANCELED
    case ECANCELED:        return WV_ECANCELED;
#endif
    case ECHILD:           return WV_ECHILD;
    case ECONNABORTED:     return WV_ECONNABORTED;
    case ECONNREFUSED:     return WV_ECONNREFUSED;
    case ECONNRESET:       return WV_ECONNRESET;
    case EDEADLK:          return WV_EDEADLK;
    case EDESTADDRREQ:     return WV_EDESTADDRREQ;
    case EDOM:             return WV_EDOM;
#ifdef EDQUOT
    case EDQUOT:           return WV_EDQUOT;
#endif
    case EEXIST:           return WV_EEXIST;
    case EFAULT:           return WV_EFAULT;
    case EFBIG:            return WV_EFBIG;
    case EHOSTUNREACH:     return WV_EHOSTUNREACH;
#ifdef EIDRM
    case EIDRM:            return WV_EIDRM;
#endif
    case EILSEQ:           return WV_EILSEQ;
    case EINPROGRESS:      return WV_EINPROGRESS;
    case EINTR:            return WV_EINTR;
    case EINVAL:           return WV_EINVAL;
    case EIO:              return WV_EIO;
    case EISCONN:          return WV_EISCONN;
    case EISDIR:           return WV_EISDIR;
    case ELOOP:            return WV_ELOOP;
    case EMFILE:           return WV_EMFILE;
    case EMLINK:           return WV_EMLINK;
    case EMSGSIZE:         return WV_EMSGSIZE;
#ifdef EMULTIHOP
    case EMULTIHOP:        return WV_EMULTIHOP;
#endif
    case ENAMETOOLONG:     return WV_ENAMETOOLONG;
    case ENETDOWN:         return WV_ENETDOWN;
    case ENETRESET:        return WV_ENETRESET;
    case ENETUNREACH:      return WV_ENETUNREACH;
    case ENFILE:           return WV_ENFILE;
    case ENOBUFS:          return WV_ENOBUFS;
    case ENODEV:           return WV_ENODEV;
    case ENOENT:           return WV_ENOENT;
    case ENOEXEC:          return WV_ENOEXEC;
    case ENOLCK:           return WV_ENOLCK;
#ifdef ENOLINK
    case ENOLINK:          return WV_ENOLINK;
#endif
    case ENOMEM:           return WV_ENOMEM;
#ifdef ENOMSG
    case ENOMSG:           return WV_ENOMSG;
#endif
    case ENOPROTOOPT:      return WV_ENOPROTOOPT;
    case ENOSPC:           return WV_ENOSPC;
    case ENOSYS:           return WV_ENOSYS;
#ifdef ENOTCAPABLE
    case ENOTCAPABLE:      return WV_ENOTCAPABLE;
#endif
    case ENOTCONN:         return WV_ENOTCONN;
    case ENOTDIR:          return WV_ENOTDIR;
    case ENOTEMPTY:        return WV_ENOTEMPTY;
#ifdef ENOTRECOVERABLE
    case ENOTRECOVERABLE:  return WV_ENOTRECOVERABLE;
#endif
    case ENOTSOCK:         return WV_ENOTSOCK;
    case ENOTSUP:          return WV_ENOTSUP;
#if EOPNOTSUPP != ENOTSUP
    case EOPNOTSUPP:       return WV_ENOTSUP;
#endif
    case ENOTTY:           return WV_ENOTTY;
    case ENXIO:            return WV_ENXIO;
    case EOVERFLOW:        return WV_EOVERFLOW;
#ifdef EOWNERDEAD
    case EOWNERDEAD:       return WV_EOWNERDEAD;
#endif
    case EPERM:            return WV_EPERM;
    case EPIPE:            return WV_EPIPE;
#ifdef EPROTO
    case EPROTO:           return WV_EPROTO;
#endif
    case EPROTONOSUPPORT:  return WV_EPROTONOSUPPORT;
    case EPROTOTYPE:       return WV_EPROTOTYPE;
    case ERANGE:           return WV_ERANGE;
    case EROFS:            return WV_EROFS;
    case ESPIPE:           return WV_ESPIPE;
    case ESRCH:            return WV_ESRCH;
#ifdef ESTALE
    case ESTALE:           return WV_ESTALE;
#endif
    case ETIMEDOUT:        return WV_ETIMEDOUT;
    case ETXTBSY:          return WV_ETXTBSY;
    case EXDEV:            return WV_EXDEV;
    default:               return WV_EIO;
  }
}
/* clang-format on */
