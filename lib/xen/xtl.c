/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* libxl's messages and progress, through xentoollog (tools/include/xentoollog.h), into our log. */
#include "lib/xen/xen_internal.h"

/* Messages of level info from libxl and libxenguest, such as that a domain is being saved, are
 * detail to domm. */
static const enum domm_log_level levels[XTL_NUM_LEVELS] = {
    [XTL_NONE] = DOMM_LOG_DEBUG,        [XTL_DEBUG] = DOMM_LOG_DEBUG,
    [XTL_VERBOSE] = DOMM_LOG_VERBOSE,   [XTL_DETAIL] = DOMM_LOG_DETAIL,
    [XTL_PROGRESS] = DOMM_LOG_PROGRESS, [XTL_INFO] = DOMM_LOG_DETAIL,
    [XTL_NOTICE] = DOMM_LOG_NOTICE,     [XTL_WARN] = DOMM_LOG_WARN,
    [XTL_ERROR] = DOMM_LOG_ERROR,       [XTL_CRITICAL] = DOMM_LOG_CRITICAL,
};

static DOMM_PRINTF(5, 0) void vmessage(xentoollog_logger *logger, xentoollog_level level,
                                       int errnum, const char *context, const char *format,
                                       va_list args)
{
    struct domm_log *log = ((struct domm_xtl *)logger)->log;
    enum domm_log_level ours = levels[level];
    if (ours > DOMM_LOG_DETAIL && log->expects && log->expects())
        ours = DOMM_LOG_DETAIL;
    if (ours < log->minimum || (log->libraries && !domm_log_allows(log, log->libraries)))
        return;
    domm_vlog(log, ours, errnum, context, format, args);
}

static void progress(xentoollog_logger *logger, const char *context, const char *doing_what,
                     int percent, unsigned long done, unsigned long total)
{
    (void)context;
    (void)done;
    (void)total;
    struct domm_xtl *xtl = (struct domm_xtl *)logger;
    domm_log_progress(xtl->log, doing_what, percent);
}

void domm_xtl_init(struct domm_xtl *xtl, struct domm_log *log)
{
    *xtl = (struct domm_xtl){
        .vtable = {.vmessage = vmessage, .progress = progress},
        .log = log,
    };
}
