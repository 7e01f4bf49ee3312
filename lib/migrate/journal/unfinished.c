/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/migrate/journal/unfinished.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "lib/migrate/journal/facts.h"

static bool is_match(const struct domm_unfinished_query *query,
                     const struct domm_journal_facts *facts)
{
    return !facts->over && facts->of_this_boot && facts->source == query->source &&
           domm_journal_facts_name(facts, query->guest, query->domid) &&
           !(query->own && strcmp(facts->path, domm_journal_path(query->own)) == 0);
}

struct search {
    const struct domm_unfinished_query *query;
    struct domm_unfinished *gravest;
};

static bool find_gravest(void *context, const struct domm_journal_facts *facts)
{
    struct search *search = context;
    struct domm_unfinished *gravest = search->gravest;
    if (!is_match(search->query, facts))
        return true;
    if (!gravest->count++ || facts->owner > gravest->owner) {
        gravest->owner = facts->owner;
        strcpy(gravest->destination, facts->other);
        strcpy(gravest->path, facts->path);
    }
    return true;
}

int domm_unfinished_find(const struct domm_unfinished_query *query,
                         struct domm_unfinished *unfinished_r, struct domm_error *err)
{
    struct search search = {query, unfinished_r};
    *unfinished_r = (struct domm_unfinished){.source = query->source};
    domm_journal_facts_each(find_gravest, &search);
    return unfinished_r->count
               ? 0
               : domm_fail(err, DOMM_NOT_FOUND, "no unfinished migration of it is recorded");
}

int domm_unfinished_finish(const struct domm_unfinished_query *query, struct domm_error *err)
{
    struct domm_unfinished unfinished;
    struct domm_journal *journal;
    char last[PATH_MAX] = "";
    int rc;
    while ((rc = domm_unfinished_find(query, &unfinished, err)) == 0) {
        if (strcmp(unfinished.path, last) == 0)
            return domm_fail(err, DOMM_FAILED, "marking %s as over", last);
        strcpy(last, unfinished.path);
        rc = domm_journal_resume(unfinished.path, &journal, err);
        if (rc)
            return rc;
        domm_journal_finish(journal);
        domm_journal_close(journal);
    }
    return rc == -DOMM_NOT_FOUND ? 0 : rc;
}

struct state_search {
    const struct domm_unfinished_query *query;
    char path[PATH_MAX + 16]; /* empty: none was found */
};

static bool find_state(void *context, const struct domm_journal_facts *facts)
{
    struct state_search *search = context;
    struct stat file;
    if (!is_match(search->query, facts))
        return true;
    snprintf(search->path, sizeof(search->path), "%s/" DOMM_JOURNAL_STATE, facts->path);
    if (stat(search->path, &file) == 0 && file.st_size)
        return false;
    search->path[0] = '\0';
    return true;
}

int domm_unfinished_mapping_state(const struct domm_unfinished_query *query,
                                  unsigned char **bytes_r, size_t *size_r, struct domm_error *err)
{
    struct state_search search = {.query = query};
    struct stat file;
    *bytes_r = NULL;
    *size_r = 0;
    domm_journal_facts_each(find_state, &search);
    if (!search.path[0])
        return 0;
    FILE *stream = fopen(search.path, "re");
    if (!stream)
        return domm_fail_errno(err, DOMM_FAILED, errno, "%s", search.path);
    if (fstat(fileno(stream), &file) == 0 && file.st_size > 0 &&
        file.st_size <= DOMM_WIRE_MAX_STATE)
        *bytes_r = malloc((size_t)file.st_size);
    if (*bytes_r)
        *size_r = fread(*bytes_r, 1, (size_t)file.st_size, stream);
    fclose(stream);
    return *bytes_r ? 0 : domm_fail(err, DOMM_REFUSED, "%s: invalid size", search.path);
}
