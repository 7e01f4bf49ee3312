/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cmd/domm/output.h"

#include <sys/ioctl.h>
#include <unistd.h>

#define USUAL_COLUMNS 80
#define MOST_COLUMNS 160

void cmd_write_json(FILE *file, struct json_object *root)
{
    cleanup_free char *text = domm_json_format(
        root, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED | JSON_C_TO_STRING_NOSLASHESCAPE);
    fprintf(file, "%s\n", text ? text : "null");
}

void cmd_print_json(struct json_object *root)
{
    cmd_write_json(stdout, root);
}

unsigned int cmd_columns(void)
{
    struct winsize size;
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col)
        return size.ws_col < MOST_COLUMNS ? size.ws_col : MOST_COLUMNS;
    return USUAL_COLUMNS;
}

void cmd_clear_screen(void)
{
    if (isatty(STDOUT_FILENO))
        fputs("\033[H\033[2J", stdout);
}
