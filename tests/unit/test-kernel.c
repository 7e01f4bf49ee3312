/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/unit.h"

#include <errno.h>

#include "lib/vmi/kernel.h"
#include "lib/vmi/pagetable.h"
#include "tests/unit/fake-kernel.h"

static struct fake_kernel *fake;
static struct domm_kernel *kernel;

static int look(void)
{
    struct domm_physical memory = fake_kernel_memory(fake);
    domm_kernel_close(kernel);
    kernel = NULL;
    return domm_kernel_open(&memory, &kernel);
}

static int start(void **state)
{
    (void)state;
    fake = fake_kernel_new(4);
    return 0;
}

static int finish(void **state)
{
    (void)state;
    domm_kernel_close(kernel);
    kernel = NULL;
    free(fake);
    return 0;
}

static void the_kernel_is_found(void **state)
{
    (void)state;
    assert_int_equal(look(), 0);
    const struct domm_kernel_facts *facts = domm_kernel_facts(kernel);
    assert_string_equal(facts->release, "6.1.0-fake");
    assert_int_equal(facts->phys_base, (int64_t)FAKE_LOADED - 0x1000000);
    assert_int_equal(facts->page_table_root, FAKE_LOADED + FAKE_ROOT);
    assert_int_equal(facts->levels, 4);
    assert_int_equal(facts->stext, FAKE_BASE);
    assert_int_equal(facts->vmcoreinfo, FAKE_VMCOREINFO);
    assert_true(facts->page_tables);
    assert_true(domm_kernel_is_there(kernel));
    fake_kernel_info(fake)[4] ^= 1;
    assert_false(domm_kernel_is_there(kernel));
}

static void five_levels_are_walked(void **state)
{
    (void)state;
    free(fake);
    fake = fake_kernel_new(5);
    assert_int_equal(look(), 0);
    assert_int_equal(domm_kernel_facts(kernel)->levels, 5);
}

static void addresses_are_translated(void **state)
{
    (void)state;
    uint64_t address, left;
    assert_int_equal(look(), 0);
    assert_int_equal(domm_kernel_translate(kernel, FAKE_BASE + 0x1234, &address, &left), 0);
    assert_int_equal(address, FAKE_LOADED + 0x1234);
    assert_int_equal(left, 0x1000 - 0x234);
    /* A page of 2 MiB; half of it is memory. */
    assert_int_equal(domm_kernel_translate(kernel, FAKE_DIRECT + 0x12345, &address, &left), 0);
    assert_int_equal(address, 0x12345);
    assert_int_equal(left, FAKE_BYTES - 0x12345);
    /* A page of 1 GiB. */
    assert_int_equal(domm_kernel_translate(kernel, FAKE_DIRECT + (1u << 30) + 7, &address, &left),
                     0);
    assert_int_equal(address, 7);
    assert_int_equal(left, FAKE_BYTES - 7);
}

static void addresses_that_lead_nowhere_are_refused(void **state)
{
    (void)state;
    static const uint64_t bad[] = {
        0,
        UINT64_C(0x0000800000000000), /* not canonical */
        UINT64_C(0xfffe888000000000),
        FAKE_BASE + FAKE_END,     /* no entry */
        FAKE_DIRECT + FAKE_BYTES, /* behind the memory's end */
        FAKE_DIRECT + (1u << 21),
        FAKE_DIRECT + (1u << 30) + FAKE_BYTES,
        UINT64_MAX,
    };
    unsigned char bytes[16];
    uint64_t address, left;
    assert_int_equal(look(), 0);
    for (size_t i = 0; i < COUNT(bad); i++) {
        assert_int_equal(domm_kernel_translate(kernel, bad[i], &address, &left), -EFAULT);
        assert_int_equal(domm_kernel_read(kernel, bad[i], bytes, sizeof(bytes)), -EFAULT);
    }
    assert_int_equal(domm_kernel_read(kernel, FAKE_BASE + FAKE_END - 8, bytes, 16), -EFAULT);
    assert_int_equal(domm_kernel_read(kernel, UINT64_MAX - 7, bytes, 16), -EFAULT);
}

/* Entries that point at their own table, out of memory, or are large where none may be. */
static void hostile_page_tables_end(void **state)
{
    (void)state;
    uint64_t address, left;
    struct domm_physical memory = fake_kernel_memory(fake);
    uint64_t root = FAKE_LOADED + FAKE_ROOT;
    static const uint64_t entries[] = {
        UINT64_C(0xffffffffffffffff),
        UINT64_C(0x000ffffffffff001),
        FAKE_BYTES | 1,
        FAKE_LOADED | FAKE_ROOT | 0x81,
    };
    for (unsigned int i = 0; i < 512; i++)
        fake_kernel_put64(fake, FAKE_ROOT + 8 * i, root | 1);
    struct pagetable_walker loop = {.physical = &memory, .root = root, .levels = 4};
    assert_int_equal(pagetable_walk(&loop, FAKE_BASE, &address, &left), 0);
    assert_int_equal(address, root);
    for (size_t i = 0; i < COUNT(entries); i++) {
        struct pagetable_walker walker = {.physical = &memory, .root = root, .levels = 4};
        fake_kernel_put64(fake, FAKE_ROOT + 8 * 511, entries[i]);
        assert_int_equal(pagetable_walk(&walker, FAKE_BASE, &address, &left), -EFAULT);
    }
    /* Were it a page, its beginning would be within the memory. */
    struct pagetable_walker huge = {.physical = &memory, .root = root, .levels = 4};
    fake_kernel_put64(fake, FAKE_ROOT + 8 * 511, 0x81);
    assert_int_equal(pagetable_walk(&huge, UINT64_C(0xffffff8000000010), &address, &left), -EFAULT);
    for (unsigned int levels = 0; levels < 8; levels++) {
        struct pagetable_walker walker = {.physical = &memory, .root = ~root, .levels = levels};
        assert_int_equal(pagetable_walk(&walker, FAKE_BASE, &address, &left), -EFAULT);
    }
}

static void symbols_are_found(void **state)
{
    (void)state;
    struct domm_symbol symbol;
    assert_int_equal(look(), 0);
    assert_int_equal(domm_kernel_symbol(kernel, "do_open", &symbol), 0);
    assert_int_equal(symbol.address, FAKE_BASE + FAKE_OPEN);
    assert_int_equal(symbol.size, FAKE_CALLER - FAKE_OPEN);
    assert_int_equal(symbol.type, 'T');
    assert_int_equal(domm_kernel_symbol(kernel, "percpu", &symbol), 0);
    assert_int_equal(symbol.address, 0x1000);
    static const char *const none[] = {"", "do_ope", "do_open1", "T", "nothing"};
    for (size_t i = 0; i < COUNT(none); i++)
        assert_int_equal(domm_kernel_symbol(kernel, none[i], &symbol), -ENOENT);

    assert_int_equal(domm_kernel_symbol_at(kernel, FAKE_BASE + FAKE_OPEN + 9, &symbol), 0);
    assert_string_equal(symbol.name, "do_open");
    assert_int_equal(domm_kernel_symbol_at(kernel, FAKE_BASE + 1, &symbol), 0);
    assert_string_equal(symbol.name, "_stext"); /* the first of two */
    assert_int_equal(symbol.size, FAKE_OPEN);
    assert_int_equal(domm_kernel_symbol_at(kernel, UINT64_MAX, &symbol), 0);
    assert_string_equal(symbol.name, "_end");
    assert_int_equal(symbol.size, 0);
    assert_int_equal(domm_kernel_symbol_at(kernel, 0, &symbol), -ENOENT);
}

static int look_given(const char *symbols, const char *vmcoreinfo)
{
    struct domm_physical memory = fake_kernel_memory(fake);
    struct kernel_given given = {.vmcoreinfo = vmcoreinfo,
                                 .symbols = symbols,
                                 .symbols_size = symbols ? strlen(symbols) : 0};
    domm_kernel_close(kernel);
    kernel = NULL;
    return kernel_open_given(&memory, &given, &kernel);
}

static void expect_symbols(void)
{
    struct domm_symbol symbol;
    assert_int_equal(domm_kernel_symbol(kernel, "do_open", &symbol), 0);
    assert_int_equal(symbol.address, FAKE_BASE + FAKE_OPEN);
    assert_int_equal(symbol.type, 'T');
    assert_int_equal(domm_kernel_symbol(kernel, "_end", &symbol), 0);
    assert_int_equal(symbol.address, FAKE_BASE + FAKE_END);
    assert_int_equal(domm_kernel_symbol_at(kernel, FAKE_BASE + FAKE_OPEN + 9, &symbol), 0);
    assert_string_equal(symbol.name, "do_open");
}

static void each_layout_of_symbols_is_read(void **state)
{
    (void)state;
    for (int layout = 0; layout < FAKE_LAYOUTS; layout++) {
        fake_kernel_lay_out(fake, (enum fake_layout)layout);
        assert_int_equal(look(), 0);
        expect_symbols();
    }
}

static void replace(const char *from, const char *to)
{
    char page[DOMM_VMI_PAGE + 1] = {0}, *info = fake_kernel_info(fake);
    char *at = strstr(info, from);
    assert_non_null(at);
    snprintf(page, sizeof(page), "%.*s%s%s", (int)(at - info), info, to, at + strlen(from));
    memcpy(info, page, DOMM_VMI_PAGE);
}

struct edit {
    const char *from, *to;
};

static void a_vmcoreinfo_that_makes_no_sense_is_none(void **state)
{
    static const struct edit edits[] = {
        {"OSRELEASE=", "OSRELEASE"},
        {"6.1.0-fake", ""},
        {"6.1.0-fake", "6.1.0\033[2J"},
        {"6.1.0-fake", "6.1.0 fake"},
        {"6.1.0-fake", "6.1.0-0123456789012345678901234567890123456789012345678901234567890"},
        {"SYMBOL(_stext)", "SYMBOL(_stex)"},
        {"SYMBOL(_stext)=ffffffff81000000", "SYMBOL(_stext)=7fffffff81000000"},
        {"SYMBOL(_stext)=ffffffff81000000", "SYMBOL(_stext)=1ffffffff81000000"},
        {"SYMBOL(_stext)=ffffffff81000000", "SYMBOL(_stext)=0xffffff81000000"},
        {"SYMBOL(_stext)=ffffffff81000000", "SYMBOL(_stext)="},
        {"SYMBOL(_stext)=ffffffff81000000", "SYMBOL(_stext)=ffffffff81001000"},
        {"PAGESIZE=4096", "SYMBOL(_stext)=ffffffff81000000"},
        {"SYMBOL(init_top_pgt)=ffffffff81008000", "SYMBOL(init_top_pgt)=ffffffffffffffff"},
        {"SYMBOL(init_top_pgt)=ffffffff81008000", "SYMBOL(init_top_pgt)=ffffffff81008008"},
        {"SYMBOL(init_top_pgt)=ffffffff81008000", "SYMBOL(init_top_pgt)=ffffffff91008000"},
        {"NUMBER(phys_base)=-", "NUMBER(phys_base)="},
        {"NUMBER(phys_base)=-", "NUMBER(phys_base)=--"},
        {"NUMBER(phys_base)=-", "NUMBER(phys_base)=-99999999999999999999"},
        {"pgtable_l5_enabled)=0", "pgtable_l5_enabled)=2"},
        {"pgtable_l5_enabled)=0", "pgtable_l5_enabled)=-1"},
        {"pgtable_l5_enabled)=0\n", "pgtable_l5_enabled)=0"},
        {"KERNELOFFSET=0", "KERNELOFFSET=40000000"},
        {"KERNELOFFSET=0\n", "KERNELOFFSET=0"}, /* the text ends within it */
        {"SYMBOL(kallsyms_names)=ffffffff8100", "SYMBOL(kallsyms_names)=ffffffff9100"},
        {"SYMBOL(kallsyms_num_syms)=ffffffff81004000",
         "SYMBOL(kallsyms_num_syms)=ffffffff81006ff0"},
    };
    for (size_t i = 0; i < COUNT(edits); i++) {
        free(fake);
        start(state);
        replace(edits[i].from, edits[i].to);
        if (look() != -ENOENT)
            fail_msg("case %zu was accepted", i);
    }
}

/* A process in the target has copied it; or has made up one that leads to the true page tables. */
static void forgeries_are_passed_over(void **state)
{
    (void)state;
    memcpy(fake->memory + 0x3000, fake_kernel_info(fake), DOMM_VMI_PAGE);
    memcpy(fake->memory + 0x4000, fake_kernel_info(fake), DOMM_VMI_PAGE);
    char *number = strstr((char *)fake->memory + 0x4000, "num_syms)=ffffffff81004000");
    assert_non_null(number);
    memcpy(number + 18, "81006ff0", 8);
    assert_int_equal(look(), 0);
    assert_int_equal(domm_kernel_facts(kernel)->vmcoreinfo, FAKE_VMCOREINFO);
    /* Any number of them ends the search, and no crash. */
    for (uint64_t page = 0; page < FAKE_VMCOREINFO; page += DOMM_VMI_PAGE)
        memcpy(fake->memory + page, fake->memory + 0x4000, DOMM_VMI_PAGE);
    assert_int_equal(look(), 0);
    assert_int_equal(domm_kernel_facts(kernel)->vmcoreinfo, FAKE_VMCOREINFO);
}

static void a_kernel_without_symbols_is_found(void **state)
{
    (void)state;
    struct domm_symbol symbol;
    replace("kallsyms_names", "kallsyms_n4mes");
    assert_int_equal(look(), 0);
    assert_int_equal(domm_kernel_symbol(kernel, "do_open", &symbol), -ENOTSUP);
    assert_int_equal(domm_kernel_symbol_at(kernel, FAKE_BASE, &symbol), -ENOTSUP);
}

/* A PV guest's tables hold the host's frames. */
static void without_page_tables_the_image_is_read(void **state)
{
    (void)state;
    unsigned char byte;
    for (uint64_t i = 0; i < 512; i++)
        fake_kernel_put64(fake, FAKE_ROOT + 8 * i, UINT64_C(0x12345678001));
    assert_int_equal(look(), 0);
    assert_false(domm_kernel_facts(kernel)->page_tables);
    assert_int_equal(domm_kernel_read(kernel, FAKE_BASE + FAKE_CALLER, &byte, 1), 0);
    assert_int_equal(byte, 0xe8);
    assert_int_equal(domm_kernel_read(kernel, FAKE_DIRECT, &byte, 1), -EFAULT);
    assert_int_equal(domm_kernel_read(kernel, FAKE_BASE + (1u << 29), &byte, 1), -EFAULT);
    assert_int_equal(domm_kernel_read(kernel, UINT64_C(0xffffffff80000000), &byte, 1), -EFAULT);
}

static void a_memory_that_cannot_be_read_is_an_error(void **state)
{
    (void)state;
    unsigned char byte;
    assert_int_equal(look(), 0);
    fake->broken = true;
    assert_int_equal(domm_kernel_read(kernel, FAKE_BASE, &byte, 1), -EIO);
    assert_false(domm_kernel_is_there(kernel));
    assert_int_equal(look(), -EIO);
}

static void change(char *text, const char *from, const char *to)
{
    char *at = strstr(text, from);
    assert_non_null(at);
    assert_int_equal(strlen(from), strlen(to));
    memcpy(at, to, strlen(to));
}

/* Linux has published its symbols since 6.0. */
static void symbols_may_be_given_by_hand(void **state)
{
    (void)state;
    char *map = fake_kernel_map(0);
    replace("kallsyms_names", "kallsyms_n4mes");
    assert_int_equal(look_given(map, NULL), 0);
    assert_true(domm_kernel_facts(kernel)->page_tables);
    expect_symbols();
    free(map);
}

static void given_symbols_are_moved_with_the_image(void **state)
{
    (void)state;
    struct domm_symbol symbol;
    char *map = fake_kernel_map(0x200000);
    assert_int_equal(look_given(map, NULL), -ENOENT);
    replace("KERNELOFFSET=0", "KERNELOFFSET=200000");
    assert_int_equal(look_given(map, NULL), 0);
    expect_symbols();
    assert_int_equal(domm_kernel_symbol(kernel, "percpu", &symbol), 0);
    assert_int_equal(symbol.address, 0x1000);
    free(map);
    /* As /proc/kallsyms has them, with modules'. */
    char *moved = fake_kernel_map(0), *text = NULL;
    assert_true(asprintf(&text, "%sffffffffc0000000 t init_module\t[fake]\n", moved) > 0);
    assert_int_equal(look_given(text, NULL), 0);
    expect_symbols();
    assert_int_equal(domm_kernel_symbol(kernel, "init_module", &symbol), -ENOENT);
    free(moved);
    free(text);
}

/* Each byte of the table counts that the search relies on: what is found agrees with itself. */
static void hidden_symbols_are_found_whole_or_not_at_all(void **state)
{
    (void)state;
    struct domm_symbol symbol;
    size_t found = 0, looks = 0;
    fake_kernel_lay_out(fake, FAKE_HIDDEN);
    for (uint64_t at = FAKE_HIDDEN_OFFSETS; at < FAKE_HIDDEN_OFFSETS + 0x600; at += 13, looks++) {
        *fake_kernel_at(fake, at) ^= 0x41;
        if (look() == 0 && domm_kernel_symbol(kernel, "_stext", &symbol) == 0) {
            assert_int_equal(symbol.address, FAKE_BASE);
            found++;
        }
        *fake_kernel_at(fake, at) ^= 0x41;
    }
    /* Names and addresses of others may be anything; tokens and their index may not. */
    assert_in_range(found, looks / 8, looks / 2);
    assert_int_equal(look(), 0);
    expect_symbols();
}

/* A PV guest's tables hold the host's frames. */
static void given_symbols_serve_without_page_tables(void **state)
{
    (void)state;
    char *map = fake_kernel_map(0);
    for (uint64_t i = 0; i < 512; i++)
        fake_kernel_put64(fake, FAKE_ROOT + 8 * i, UINT64_C(0x12345678001));
    replace("kallsyms_names", "kallsyms_n4mes");
    assert_int_equal(look(), -ENOENT);
    assert_int_equal(look_given(map, NULL), 0);
    assert_false(domm_kernel_facts(kernel)->page_tables);
    expect_symbols();
    free(map);
}

static void symbols_of_another_kernel_are_refused(void **state)
{
    (void)state;
    char *map = fake_kernel_map(0);
    change(fake_kernel_info(fake), "6.1.0", "6.1.1");
    assert_int_equal(look_given(map, NULL), -ENOENT);
    change(fake_kernel_info(fake), "6.1.1", "6.1.0");
    assert_int_equal(look_given(map, NULL), 0);
    change(map, "ffffffff81000000 T _stext", "ffffffff81000008 T _stext");
    assert_int_equal(look_given(map, NULL), -ENOENT);
    free(map);
}

static void a_text_that_holds_no_symbols_is_refused(void **state)
{
    (void)state;
    static const struct edit edits[] = {
        {" T _stext\n", " T _stexT\n"},   {" T _stext\n", " T _stext "},
        {" T _stext", " T \tstext"},      {" T _stext", " T _ste\033t"},
        {" T _stext", "TT _stext"},       {"00001000 A", "0000100g A"},
        {"linux_banner", "linux_b4nner"}, {"000000000000", "        0000"},
    };
    for (size_t i = 0; i < COUNT(edits); i++) {
        char *map = fake_kernel_map(0);
        change(map, edits[i].from, edits[i].to);
        if (look_given(map, NULL) != -EINVAL)
            fail_msg("case %zu was accepted", i);
        free(map);
    }
    assert_int_equal(look_given("", NULL), -EINVAL);
    assert_int_equal(look_given("\n", NULL), -EINVAL);
    /* What Debian installs instead of it. */
    assert_int_equal(look_given("ffffffffffffffff B The real System.map is elsewhere\n", NULL),
                     -EINVAL);
}

static void long_names_are_taken(void **state)
{
    (void)state;
    struct domm_symbol symbol;
    char name[DOMM_SYMBOL_LENGTH] = "", *map = fake_kernel_map(0), *text = NULL;
    memset(name, 'x', DOMM_SYMBOL_LENGTH - 2); /* with its type one less than the limit */
    assert_true(asprintf(&text, "%sffffffff8100f000 t %s\n", map, name) > 0);
    assert_int_equal(look_given(text, NULL), 0);
    assert_int_equal(domm_kernel_symbol(kernel, name, &symbol), 0);
    assert_int_equal(symbol.address, FAKE_BASE + FAKE_END);
    assert_string_equal(symbol.name, name);
    free(map);
    free(text);
}

static void vmcoreinfo_may_be_given_by_hand(void **state)
{
    (void)state;
    char page[DOMM_VMI_PAGE];
    memcpy(page, fake_kernel_info(fake), sizeof(page));
    assert_int_equal(look_given(NULL, page), 0);
    assert_int_equal(domm_kernel_facts(kernel)->vmcoreinfo, FAKE_VMCOREINFO);
    memset(fake_kernel_info(fake), 0, DOMM_VMI_PAGE);
    assert_int_equal(look(), -ENOENT);
    assert_int_equal(look_given(NULL, page), 0);
    assert_int_equal(domm_kernel_facts(kernel)->vmcoreinfo, 0);
    expect_symbols();
    change(page, "SYMBOL(_stext)=ffffffff81000000", "SYMBOL(_stext)=ffffffff81000008");
    assert_int_equal(look_given(NULL, page), -ENOENT);
    change(page, "OSRELEASE", "0SRELEASE");
    assert_int_equal(look_given(NULL, page), -EINVAL);
}

static int read_kernel(const void *context, uint64_t virtual_address, void *buffer, size_t size)
{
    return domm_kernel_read(context, virtual_address, buffer, size);
}

/* Work is paid for before it is done, in each part of reading symbols. */
static void a_search_that_is_cut_short_is_told(void **state)
{
    enum { PLENTY = 1000000 };
    (void)state;
    assert_int_equal(look(), 0);
    uint64_t work = PLENTY;
    struct kallsyms_source source = {.read = read_kernel, .context = kernel, .work = &work};
    struct kallsyms *symbols;
    assert_int_equal(kallsyms_load(&source, kernel_info(kernel), &symbols), 0);
    kallsyms_free(symbols);
    uint64_t needed = PLENTY - work;
    assert_in_range(needed, 1, PLENTY / 2);
    for (uint64_t given = 0; given < needed; given += 7) {
        work = given;
        assert_int_equal(kallsyms_load(&source, kernel_info(kernel), &symbols), -ETIMEDOUT);
        assert_int_equal(work, 0);
    }
    work = needed;
    assert_int_equal(kallsyms_load(&source, kernel_info(kernel), &symbols), 0);
    kallsyms_free(symbols);
}

/* Each page is a copy of VMCOREINFO, as a process in the target may make them. */
static int read_forgeries(const void *context, uint64_t address, void *buffer, size_t size)
{
    (void)context;
    (void)address;
    for (size_t done = 0; done < size; done += DOMM_VMI_PAGE)
        memcpy((char *)buffer + done, fake_kernel_info(fake),
               size - done < DOMM_VMI_PAGE ? size - done : DOMM_VMI_PAGE);
    return 0;
}

static void too_many_candidates_are_told(void **state)
{
    (void)state;
    struct domm_physical memory = fake_kernel_memory(fake);
    memory.read = read_forgeries;
    memory.frames = 1u << 20;
    assert_int_equal(domm_kernel_open(&memory, &kernel), -ETIMEDOUT);
}

/* All symbols at one address, as a hostile table may have them: looking each up takes no longer. */
static void lookups_do_not_slow_down_at_one_address(void **state)
{
    (void)state;
    struct vmcoreinfo info = {.stext = FAKE_BASE};
    struct kallsyms *symbols;
    struct domm_symbol symbol;
    enum { LINES = 200000 };
    static char text[LINES * 27 + 1];
    for (size_t i = 0; i < LINES; i++)
        memcpy(text + i * 26, "ffffffff81000000 t _stext\n", 26);
    assert_int_equal(kallsyms_parse(text, LINES * 26, &info, &symbols), 0);
    for (size_t i = 0; i < kallsyms_count(symbols); i++) {
        kallsyms_get(symbols, i, &symbol);
        assert_int_equal(kallsyms_find_at(symbols, FAKE_BASE + i), 0);
    }
    assert_int_equal(symbol.size, 0);
    kallsyms_free(symbols);
}

struct damage {
    uint64_t offset;
    uint32_t value;
};

static void kallsyms_that_make_no_sense_are_refused(void **state)
{
    static const struct damage damages[] = {
        {FAKE_NUM_SYMS, 0},
        {FAKE_NUM_SYMS, 1},
        {FAKE_NUM_SYMS, 100000},
        {FAKE_NUM_SYMS, 0x7fffffff},
        {FAKE_NUM_SYMS, 0xffffffff},
        {FAKE_NAMES, 0},                /* a name of no length */
        {FAKE_NAMES, 0xffffffff},       /* a name of 32767 tokens */
        {FAKE_OFFSETS + 4, 0x80000000}, /* _stext is elsewhere */
        {FAKE_RELATIVE_BASE, 0x12345678},
    };
    for (size_t i = 0; i < COUNT(damages); i++) {
        free(fake);
        start(state);
        memcpy(fake_kernel_at(fake, damages[i].offset), &damages[i].value, 4);
        if (look() != -ENOENT)
            fail_msg("case %zu was accepted", i);
    }
}

/* Tokens that run into each other make names that are too long; they are cut. */
static void names_are_bounded(void **state)
{
    (void)state;
    struct domm_symbol symbol;
    uint16_t position = 0x1700;
    memset(fake_kernel_at(fake, FAKE_TOKEN_TABLE + 0x1700), 'x', 0x100);
    memcpy(fake_kernel_at(fake, FAKE_TOKEN_INDEX + 2 * 'd'), &position, sizeof(position));
    if (look() == 0 && domm_kernel_symbol_at(kernel, FAKE_BASE + FAKE_OPEN, &symbol) == 0)
        assert_true(strlen(symbol.name) < DOMM_SYMBOL_LENGTH);
}

/* Nothing may crash or read beyond the memory, and a sanitizer may watch. */
static void noise_does_no_harm(void **state)
{
    size_t found = 0;
    srand(1);
    for (int i = 0; i < 3000; i++) {
        struct domm_symbol symbol;
        free(fake);
        start(state);
        for (int flips = rand() % 8; flips >= 0; flips--) {
            bool tables = rand() % 2;
            uint64_t from = tables ? FAKE_ROOT : FAKE_NUM_SYMS;
            uint64_t size = tables ? FAKE_END - FAKE_ROOT : 0x1200;
            *fake_kernel_at(fake, from + (uint64_t)rand() % size) = (unsigned char)rand();
        }
        if (rand() % 8 == 0)
            fake_kernel_info(fake)[rand() % 900] = (char)rand();
        if (look())
            continue;
        found++;
        domm_kernel_symbol(kernel, "do_open", &symbol);
        for (uint64_t at = 0; at < FAKE_END; at += 0x333)
            domm_kernel_symbol_at(kernel, FAKE_BASE + at, &symbol);
    }
    assert_in_range(found, 100, 2990);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, start, finish)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_kernel_is_found),
        TEST(five_levels_are_walked),
        TEST(addresses_are_translated),
        TEST(addresses_that_lead_nowhere_are_refused),
        TEST(hostile_page_tables_end),
        TEST(symbols_are_found),
        TEST(each_layout_of_symbols_is_read),
        TEST(a_vmcoreinfo_that_makes_no_sense_is_none),
        TEST(forgeries_are_passed_over),
        TEST(a_kernel_without_symbols_is_found),
        TEST(without_page_tables_the_image_is_read),
        TEST(a_memory_that_cannot_be_read_is_an_error),
        TEST(kallsyms_that_make_no_sense_are_refused),
        TEST(names_are_bounded),
        TEST(noise_does_no_harm),
        TEST(hidden_symbols_are_found_whole_or_not_at_all),
        TEST(symbols_may_be_given_by_hand),
        TEST(given_symbols_are_moved_with_the_image),
        TEST(given_symbols_serve_without_page_tables),
        TEST(symbols_of_another_kernel_are_refused),
        TEST(a_text_that_holds_no_symbols_is_refused),
        TEST(long_names_are_taken),
        TEST(vmcoreinfo_may_be_given_by_hand),
        TEST(a_search_that_is_cut_short_is_told),
        TEST(too_many_candidates_are_told),
        TEST(lookups_do_not_slow_down_at_one_address),
    };
    return cmocka_run_group_tests_name("kernel", tests, NULL, NULL);
}
