/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * hostile: a process in domM that sends dommd what it should not.
 *
 * Usage: hostile noise COUNT | flood COUNT
 *   noise  messages of random bytes, a new channel each time dommd ends one
 *   flood  well-formed requests for regions and targets that do not exist, without reading replies
 *
 * Prints how many messages it sent and how many channels dommd ended.
 */
#include <err.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <libxenvchan.h>

enum { MESSAGE = 64, WAIT_MS = 60000 };

static struct libxenvchan *offer(void)
{
	static unsigned int number;
	struct libxenvchan *channel;
	char path[64];

	snprintf(path, sizeof(path), "domm/channel/%d-%u", (int)getpid(), ++number);
	channel = libxenvchan_server_init(NULL, 0, path, 1024, 2048);
	if (!channel)
		err(1, "offering %s", path);
	channel->blocking = 0;
	return channel;
}

/* Until dommd has come, has gone, or has made room; false when it took too long. */
static int wait_change(struct libxenvchan *channel, int ms)
{
	struct pollfd fd = { .fd = libxenvchan_fd_for_select(channel), .events = POLLIN };

	if (poll(&fd, 1, ms) <= 0)
		return 0;
	libxenvchan_wait(channel);
	return 1;
}

static void fill(unsigned char *message, int noise, uint64_t id)
{
	static const unsigned char head[] = { 'D', 'O', 'M', 'M', 1, 0 };

	for (int i = 0; i < MESSAGE; i++)
		message[i] = (unsigned char)(noise ? rand() : 0);
	if (noise && rand() % 2)
		return;
	memcpy(message, head, sizeof(head));
	memset(message + 28, 0, 4);
	message[6] = (unsigned char)(id == 1 && !noise ? 1 : 2 + rand() % 4);
	message[7] = 0;
	memcpy(message + 8, &id, sizeof(id));
	if (noise)
		return;
	message[16] = (unsigned char)rand();
	message[20] = 1;
	message[24] = 1;
	message[34] = 0x20; /* va 0x200000 */
}

int main(int argc, char **argv)
{
	unsigned char message[MESSAGE];
	struct libxenvchan *channel;
	int noise, count, sent = 0, ended = 0;

	if (argc != 3)
		errx(2, "usage: hostile noise|flood COUNT");
	noise = strcmp(argv[1], "noise") == 0;
	count = atoi(argv[2]);
	channel = offer();
	while (sent < count) {
		int state = libxenvchan_is_open(channel);

		if (state == 2) {
			if (!wait_change(channel, WAIT_MS))
				errx(1, "dommd does not come");
			continue;
		}
		fill(message, noise, (uint64_t)sent + 1);
		if (state == 1 && libxenvchan_send(channel, message, MESSAGE) == MESSAGE) {
			sent++;
			continue;
		}
		if (libxenvchan_is_open(channel) == 1) {
			if (!wait_change(channel, WAIT_MS))
				errx(1, "dommd reads no more");
			continue;
		}
		ended++;
		libxenvchan_close(channel);
		channel = offer();
	}
	printf("sent %d, %d channels were ended\n", sent, ended);
	libxenvchan_close(channel);
	return 0;
}
