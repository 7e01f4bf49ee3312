/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Passing descriptors between processes of one host, each with a message. */
#ifndef DOMM_MIGRATE_TRANSPORT_FD_PASSING_H
#define DOMM_MIGRATE_TRANSPORT_FD_PASSING_H

#include <stddef.h>
#include <sys/types.h>

/* Sends the message in one piece, with fd unless that is negative. As send(2). */
ssize_t domm_fd_send(int connection, const void *bytes, size_t size, int fd);

/* Receives one message of at most this size. *fd_r is the caller's to close; -1 if none was passed.
 * flags and the result are those of recv(2). */
ssize_t domm_fd_receive(int connection, void *bytes, size_t size, int flags, int *fd_r);

#endif
