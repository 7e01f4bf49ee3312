/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/migrate/journal/facts.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/boot.h"
#include "lib/base/json.h"
#include "lib/base/paths.h"
#include "lib/base/text.h"

#define LINE_BYTES 65536

static const char *text_of(struct json_object *object, const char *key)
{
    struct json_object *value;
    if (!json_object_object_get_ex(object, key, &value) ||
        !json_object_is_type(value, json_type_string))
        return "";
    return json_object_get_string(value);
}

static int64_t number_of(struct json_object *object, const char *key)
{
    struct json_object *value;
    return json_object_object_get_ex(object, key, &value) &&
                   json_object_is_type(value, json_type_int)
               ? json_object_get_int64(value)
               : 0;
}

static struct domm_journal_guest *known_guest(struct domm_journal_facts *facts,
                                              const struct domm_uuid *uuid)
{
    for (size_t i = 0; i < facts->n_guests; i++) {
        if (domm_uuid_equal(&facts->guests[i].uuid, uuid))
            return &facts->guests[i];
    }
    return NULL;
}

/* The first line names all guests; later ones their domids as they come to be known. */
static void take_guest_line(struct domm_journal_facts *facts, struct json_object *object)
{
    struct domm_uuid uuid;
    int64_t domid;
    if (!json_object_is_type(object, json_type_object) ||
        !domm_uuid_parse(text_of(object, "uuid"), &uuid))
        return;
    struct domm_journal_guest *guest = known_guest(facts, &uuid);
    if (!guest && facts->n_guests < DOMM_JOURNAL_GUESTS) {
        struct json_object *paused;
        guest = &facts->guests[facts->n_guests++];
        *guest = (struct domm_journal_guest){.uuid = uuid};
        guest->paused =
            json_object_object_get_ex(object, "paused", &paused) && json_object_get_boolean(paused);
        snprintf(guest->name, sizeof(guest->name), "%s", text_of(object, "name"));
        domm_make_printable(guest->name);
    }
    domid = number_of(object, "domid");
    if (guest && domid > 0 && domid <= UINT16_MAX)
        guest->domid = (uint32_t)domid;
}

static void take_guests(struct domm_journal_facts *facts, struct json_object *line)
{
    struct json_object *guests;
    if (!json_object_object_get_ex(line, "guests", &guests) ||
        !json_object_is_type(guests, json_type_array))
        return;
    for (size_t i = 0; i < json_object_array_length(guests); i++)
        take_guest_line(facts, json_object_array_get_idx(guests, i));
}

static void take_begin(struct domm_journal_facts *facts, struct json_object *line)
{
    struct json_object *ssh;
    char boot[DOMM_UUID_TEXT];
    domm_boot_id(boot);
    facts->of_this_boot |= strcmp(text_of(line, "boot"), boot) == 0;
    if (facts->other[0])
        return;
    snprintf(facts->other, sizeof(facts->other), "%s", text_of(line, "destination"));
    domm_make_printable(facts->other);
    if (json_object_object_get_ex(line, "ssh", &ssh) && json_object_is_type(ssh, json_type_array))
        snprintf(facts->ssh, sizeof(facts->ssh), "%s",
                 json_object_to_json_string_ext(ssh, JSON_C_TO_STRING_PLAIN));
}

static bool is_one_of(const char *word, const enum domm_migration_state *states, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(word, domm_migration_state_word(states[i])) == 0)
            return true;
    }
    return false;
}

/* At the source, the states after the destination has confirmed that it owns the guests. At the
 * destination, the first one in which it does. */
static void take_state(struct domm_journal_facts *facts, const char *word)
{
    static const enum domm_migration_state moved[] = {DOMM_SRC_AWAITING_RESULT, DOMM_SRC_CLEARING,
                                                      DOMM_SRC_MOVED},
                                           starting[] = {DOMM_DST_STARTING};
    snprintf(facts->state, sizeof(facts->state), "%s", word);
    domm_make_printable(facts->state);
    if (facts->source && is_one_of(word, moved, sizeof(moved) / sizeof(*moved)))
        facts->owner = DOMM_OWNER_DESTINATION;
    facts->owning |= !facts->source && is_one_of(word, starting, 1);
}

static void take_line(struct domm_journal_facts *facts, struct json_object *line)
{
    const char *what = text_of(line, "what");
    take_guests(facts, line);
    if (strcmp(what, "begin") == 0)
        take_begin(facts, line);
    else if (strcmp(what, "state") == 0)
        take_state(facts, text_of(line, "state"));
    else if (strcmp(what, "decided") == 0)
        facts->owner = DOMM_OWNER_UNKNOWN;
    else if (strcmp(what, "adopted") == 0)
        facts->owner = DOMM_OWNER_DESTINATION;
    else if (strcmp(what, "undecided") == 0 || strcmp(what, "not adopted") == 0)
        facts->owner = DOMM_OWNER_SOURCE;
    else if (strcmp(what, "lost") == 0)
        facts->lost = true;
}

/* The last line is ignored if it is incomplete. */
static void take_lines(struct domm_journal_facts *facts, int directory)
{
    char *text = malloc(LINE_BYTES);
    int fd = openat(directory, "journal", O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    FILE *stream = fd < 0 ? NULL : fdopen(fd, "r");
    while (text && stream && fgets(text, LINE_BYTES, stream)) {
        cleanup_json struct json_object *line = json_tokener_parse(text);
        if (json_object_is_type(line, json_type_object))
            take_line(facts, line);
    }
    if (stream)
        fclose(stream);
    else if (fd >= 0)
        close(fd);
    free(text);
}

/* Takes the name apart. */
static bool journal_take_name(struct domm_journal_facts *facts, const char *name)
{
    char uuid[DOMM_UUID_TEXT];
    snprintf(uuid, sizeof(uuid), "%s", name);
    const char *end = strlen(name) < sizeof(uuid) ? "" : name + sizeof(uuid) - 1;
    facts->source = strcmp(end, ".source") == 0;
    return domm_uuid_parse(uuid, &facts->migration) &&
           (facts->source || strcmp(end, ".destination") == 0);
}

bool domm_journal_facts_read(int all, const char *name, struct domm_journal_facts *facts_r)
{
    memset(facts_r, 0, sizeof(*facts_r));
    if (!journal_take_name(facts_r, name))
        return false;
    cleanup_fd int fd = openat(all, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return false;
    snprintf(facts_r->path, sizeof(facts_r->path), "%s/%s", domm_journals_directory, name);
    take_lines(facts_r, fd);
    facts_r->over = faccessat(fd, "over", F_OK, 0) == 0;
    return true;
}

bool domm_journal_facts_find(const struct domm_uuid *migration, bool source,
                             struct domm_journal_facts *facts_r)
{
    char uuid[DOMM_UUID_TEXT], name[DOMM_UUID_TEXT + 16];
    cleanup_fd int all = open(domm_journals_directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    domm_uuid_format(migration, uuid);
    snprintf(name, sizeof(name), "%s.%s", uuid, source ? "source" : "destination");
    return all >= 0 && domm_journal_facts_read(all, name, facts_r);
}

enum domm_migration_state domm_journal_facts_state(const struct domm_journal_facts *facts)
{
    enum domm_migration_state state = DOMM_SRC_CHECKING;
    for (; state < DOMM_MIGRATION_STATES; state++) {
        if (domm_migration_state_is_source(state) == facts->source &&
            strcmp(facts->state, domm_migration_state_word(state)) == 0)
            break;
    }
    return state;
}

bool domm_journal_facts_name(const struct domm_journal_facts *facts, const struct domm_uuid *guest,
                             uint32_t domid)
{
    for (size_t i = 0; i < facts->n_guests; i++) {
        if (domm_uuid_equal(&facts->guests[i].uuid, guest) &&
            (!domid || facts->guests[i].domid == domid))
            return true;
    }
    return false;
}

void domm_journal_facts_each(bool (*take)(void *context, const struct domm_journal_facts *facts),
                             void *context)
{
    struct domm_journal_facts *facts = malloc(sizeof(*facts));
    DIR *all = facts ? opendir(domm_journals_directory) : NULL;
    struct dirent *entry;
    bool more = true;
    while (more && all && (entry = readdir(all))) {
        if (domm_journal_facts_read(dirfd(all), entry->d_name, facts))
            more = take(context, facts);
    }
    if (all)
        closedir(all);
    free(facts);
}
