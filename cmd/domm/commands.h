/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The functions of the commands, for the command table. Each has a file of its own. */
#ifndef DOMM_CMD_COMMANDS_H
#define DOMM_CMD_COMMANDS_H

#include "cmd/domm/table.h"

cmd_function cmd_abort;
cmd_function cmd_acknowledge;
cmd_function cmd_attach;
cmd_function cmd_check;
cmd_function cmd_complete_words;
cmd_function cmd_completion;
cmd_function cmd_config;
cmd_function cmd_create;
cmd_function cmd_destroy;
cmd_function cmd_detach;
cmd_function cmd_dump;
cmd_function cmd_evacuate;
cmd_function cmd_help;
cmd_function cmd_jobs;
cmd_function cmd_list;
cmd_function cmd_migrate;
cmd_function cmd_monitor_status;
cmd_function cmd_receive;
cmd_function cmd_recover;
cmd_function cmd_release;
cmd_function cmd_report;
cmd_function cmd_set;
cmd_function cmd_shell;
cmd_function cmd_version;

cmd_check_function cmd_attach_check;
cmd_check_function cmd_check_check;
cmd_check_function cmd_evacuate_check;
cmd_check_function cmd_monitor_status_check;
cmd_check_function cmd_release_check;
cmd_check_function cmd_report_check;
cmd_check_function cmd_set_check;

#endif
