/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Streams by TCP in clear text, from who can answer a challenge. */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "lib/move/door.h"
#include "lib/move/tcp.h"

int domm_door_listen_tcp(struct domm_door *door, const struct domm_uuid *migration,
                         struct domm_wire_streams *streams_r, struct domm_error *err)
{
    (void)migration;
    int rc = domm_random(streams_r->key, sizeof(streams_r->key), err);
    memcpy(door->key, streams_r->key, sizeof(door->key));
    return rc ? rc : domm_tcp_listen(&door->listener, &streams_r->port, err);
}

/* The challenge always has room in what a new connection can hold. */
static int begin_tcp(struct domm_door *door, int connection, struct domm_arrival *arrival,
                     struct domm_error *err)
{
    (void)door;
    domm_tcp_guard(connection);
    int rc = domm_challenge_make(&arrival->challenge, err);
    if (rc)
        return rc;
    if (send(connection, &arrival->challenge, sizeof(arrival->challenge),
             MSG_DONTWAIT | MSG_NOSIGNAL) != sizeof(arrival->challenge))
        return domm_fail_errno(err, DOMM_REFUSED, errno, "challenging %s", arrival->from);
    arrival->fd = connection;
    return 0;
}

static int hear_tcp(struct domm_door *door, struct domm_arrival *arrival, bool *known_r,
                    struct domm_error *err)
{
    int rc = domm_door_collect(arrival, &arrival->answer, sizeof(arrival->answer), known_r, err);
    if (!rc && *known_r)
        rc = domm_answer_check(&arrival->answer, &arrival->challenge, door->key, &arrival->guest,
                               err);
    return rc;
}

static int admit_tcp(struct domm_arrival *arrival, int *stream_r, struct domm_error *err)
{
    const char welcome = DOMM_WELCOME;
    if (send(arrival->fd, &welcome, 1, MSG_DONTWAIT | MSG_NOSIGNAL) != 1)
        return domm_fail_errno(err, DOMM_REFUSED, errno, "welcoming it");
    *stream_r = arrival->fd;
    arrival->fd = -1;
    return 0;
}

const struct domm_door_kind domm_door_tcp = {domm_door_listen_tcp, begin_tcp, hear_tcp, admit_tcp};
