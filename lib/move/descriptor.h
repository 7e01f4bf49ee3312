/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Descriptors that travel between processes of one host, each with a message. */
#ifndef DOMM_MOVE_DESCRIPTOR_H
#define DOMM_MOVE_DESCRIPTOR_H

#include <stddef.h>
#include <sys/types.h>

/* Sends the message in one piece, and fd with it unless that is negative. As send(2). */
ssize_t domm_descriptor_send(int connection, const void *bytes, size_t size, int fd);

/* Receives one message of at most this size. *fd_r is the caller's to close; -1 if none came.
 * flags and the result are those of recv(2). */
ssize_t domm_descriptor_receive(int connection, void *bytes, size_t size, int flags, int *fd_r);

#endif
